"""A call on its way to a service, as a fault gets to see it."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.messages import Request, Response, Service


class Memory:
    """Answers to GETs, kept only while somebody wants stale ones."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, str], tuple[datetime, Response]] = {}

    def recall(self, service: str, request: Request, since: datetime) -> Response | None:
        """The remembered answer, unless it is older than that."""
        known = self._answers.get((service, request.path, request.query))
        return known[1] if known is not None and known[0] >= since else None

    def keep(self, service: str, request: Request, at: datetime, response: Response) -> None:
        """Remember an answer."""
        self._answers[service, request.path, request.query] = (at, response)

    def forget(self) -> None:
        """Nobody wants stale answers any more."""
        self._answers.clear()


class Postponed(Struct, frozen=True):
    """A request that takes effect later."""

    due: datetime
    service: str
    request: Request


class Backlog:
    """The requests that take effect later, by the sandbox clock."""

    def __init__(self) -> None:
        self._waiting: list[Postponed] = []

    def add(self, postponed: Postponed) -> None:
        """One more."""
        self._waiting.append(postponed)

    def take_due(self, now: datetime) -> list[Postponed]:
        """Those whose time has come, in the order of their times; they are gone from here."""
        due = sorted((one for one in self._waiting if one.due <= now), key=lambda one: one.due)
        self._waiting = [one for one in self._waiting if one.due > now]
        return due


class Surroundings(Struct, frozen=True):
    """What all calls share."""

    clock: SandboxClock
    memory: Memory
    backlog: Backlog


class Call:
    """One request to one service, and the ways to let it through."""

    def __init__(
        self, service: str, target: Service, request: Request, surroundings: Surroundings
    ) -> None:
        self.service, self.request, self.clock = service, request, surroundings.clock
        self._target, self._surroundings = target, surroundings

    def apply(self, request: Request | None = None) -> Response:
        """Let the service act, on this request or on what became of it."""
        return self._target.handle(request or self.request)

    def remembered(self, seconds: float) -> Response | None:
        """An earlier answer to the same GET, at most so many seconds old."""
        since = self.clock.now() - timedelta(seconds=seconds)
        return self._surroundings.memory.recall(self.service, self.request, since)

    def remember(self, response: Response) -> None:
        """Keep the answer to a GET for later."""
        if self.request.method == "GET":
            self._surroundings.memory.keep(self.service, self.request, self.clock.now(), response)

    def postpone(self, seconds: float) -> None:
        """Let the service act by and by."""
        due = self.clock.now() + timedelta(seconds=seconds)
        self._surroundings.backlog.add(Postponed(due, self.service, self.request))
