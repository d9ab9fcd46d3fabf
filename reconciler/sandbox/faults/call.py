"""A call on its way to a service, as a fault sees it."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.messages import Request, Response, Service


class ResponseCache:
    """Responses to GETs, kept only while a fault needs stale ones."""

    def __init__(self) -> None:
        self._responses: dict[tuple[str, str, str], tuple[datetime, Response]] = {}

    def get(self, service: str, request: Request, since: datetime) -> Response | None:
        """The cached response, unless it is older than `since`."""
        known = self._responses.get((service, request.path, request.query))
        return known[1] if known is not None and known[0] >= since else None

    def put(self, service: str, request: Request, at: datetime, response: Response) -> None:
        self._responses[service, request.path, request.query] = (at, response)

    def clear(self) -> None:
        self._responses.clear()


class DelayedRequest(Struct, frozen=True):
    """A request that takes effect later."""

    due: datetime
    service: str
    request: Request


class Backlog:
    """The requests that take effect later, by the sandbox clock."""

    def __init__(self) -> None:
        self._waiting: list[DelayedRequest] = []

    def add(self, delayed: DelayedRequest) -> None:
        self._waiting.append(delayed)

    def take_due(self, now: datetime) -> list[DelayedRequest]:
        """Remove and return the requests that are due, in the order of their times."""
        due = sorted((one for one in self._waiting if one.due <= now), key=lambda one: one.due)
        self._waiting = [one for one in self._waiting if one.due > now]
        return due


class FaultContext(Struct, frozen=True):
    """What faults on all calls share."""

    clock: SandboxClock
    cache: ResponseCache
    backlog: Backlog


class Call:
    """One request to one service, and the ways in which a fault can pass it on."""

    def __init__(
        self, service: str, target: Service, request: Request, context: FaultContext
    ) -> None:
        self.service, self.request, self.clock = service, request, context.clock
        self._target, self._context = target, context

    def apply(self, request: Request | None = None) -> Response:
        """Let the service handle the request, or a changed one in its place."""
        return self._target.handle(request or self.request)

    def remembered(self, seconds: float) -> Response | None:
        """An earlier response to the same GET, at most `seconds` old."""
        since = self.clock.now() - timedelta(seconds=seconds)
        return self._context.cache.get(self.service, self.request, since)

    def remember(self, response: Response) -> None:
        """Keep the response to a GET for later."""
        if self.request.method == "GET":
            self._context.cache.put(self.service, self.request, self.clock.now(), response)

    def postpone(self, seconds: float) -> None:
        """Let the service handle the request `seconds` later."""
        due = self.clock.now() + timedelta(seconds=seconds)
        self._context.backlog.add(DelayedRequest(due, self.service, self.request))
