"""A service: reads are retried within limits, writes are sent exactly once."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from ssl import SSLContext
from types import TracebackType
from typing import TypeVar

import httpcore
import httpx
from httpx_retries import RetryTransport

from reconciler import __version__
from reconciler.clock import Clock
from reconciler.errors import KeyRefused, ReconcilerError, fact, others_ask
from reconciler.http.breaker import Breaker
from reconciler.http.endpoint import Endpoint
from reconciler.http.response import (
    NotSent,
    Refused,
    Response,
    ResponseLost,
    parse_http_date,
)
from reconciler.http.retry import (
    TRANSIENT,
    ReadRetry,
    RetryAfterTooLong,
    RetryContext,
    UnusableResponse,
    asked_to_wait,
    is_transient,
    reason,
)
from reconciler.http.transport import Outcome, Sent, Transport
from reconciler.http.url import EncodedUrl
from reconciler.http.validation import RateLimited, ResponseValidator, refuse_key, to_response

T = TypeVar("T")

OK = frozenset({200})
_TARGET = re.compile(r"(/[A-Za-z0-9._~%-]+)+", re.ASCII)
_QUERY = re.compile(r"[!$-~]*", re.ASCII)  # printable, no space, no quote, no #


def connect(
    endpoint: Endpoint,
    clock: Clock,
    *,
    rng: random.Random | None = None,
    tls: SSLContext | None = None,
    network: httpcore.NetworkBackend | None = None,
) -> Service:
    """A service ready for use; opens no socket yet. Raises ConfigError on a bad base URL.

    `rng` adds jitter to the waits between attempts; `tls` replaces the shared context
    (`tls_context`); `network` opens connections in place of the machine's sockets.
    """
    for chatty in ("httpx", "httpcore", "httpx_retries"):
        # They log whole URLs, and at debug level headers: silenced at every log level of ours.
        logging.getLogger(chatty).setLevel(logging.WARNING)
    transport = Transport(endpoint, clock, tls, network)
    jitter = rng or random.Random()  # noqa: S311 - spreads waits, keeps no secret
    context = RetryContext(endpoint.name, clock, jitter, transport.budget)
    return Service(endpoint, transport, context)


class Service:
    """Use as a context manager, or close it."""

    def __init__(self, endpoint: Endpoint, transport: Transport, context: RetryContext) -> None:
        self.name = endpoint.name
        self.base_url = str(transport.base)
        self.requests = transport.requests
        self._endpoint = endpoint
        self._base = transport.base
        self._transport = transport
        self._context = context
        self._reads = RetryTransport(transport=transport)
        self._breaker = Breaker(context.clock)
        self._outcomes: dict[tuple[str, str], Outcome] = {}
        """Of what was asked ahead, by path and query."""
        self._sent: dict[tuple[str, str], Sent | Outcome] = {}
        """What was sent ahead and is still to be taken in."""

    @property
    def retries(self) -> int:
        """How many of the requests so far were retries."""
        return self._transport.budget.retries

    def __repr__(self) -> str:
        return f"<Service {self.name}>"

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._discard_sent()
        self._reads.close()

    def ask_ahead(self, path: str, queries: Collection[str]) -> list[datetime]:
        """Send these reads together, and keep what comes back: the next `get` of each takes it for
        its first attempt, also if it was a failure. What was asked ahead before is forgotten.

        Returns the times at which the service answered, by its own clock, where it did with 200.
        Sends fewer, or none, where the pace forbids it or the service has failed. Does not send
        again what `send_ahead` has sent. Raises Interrupted.
        """
        self._outcomes.clear()
        if not (self._sent and self._sent.keys() <= {(path, query) for query in queries}):
            self.send_ahead(path, queries)
        sent, self._sent = self._sent, {}
        outcomes = self._transport.take_in(list(sent.values()))
        self._outcomes = dict(zip(sent, outcomes, strict=True))
        answers = (one for one in outcomes if isinstance(one, httpx.Response))
        times = (parse_http_date(one.headers.get("date")) for one in answers if one.is_success)
        return [time for time in times if time is not None]

    def send_ahead(self, path: str, queries: Collection[str]) -> None:
        """Send these reads together and leave their answers on the way, until `ask_ahead` is called
        for the same: so what is done in between takes none of the time that the service needs.

        What was sent ahead before is given up. Sends fewer, or none, as `ask_ahead`. Raises
        Interrupted.
        """
        self._discard_sent()
        if not (self._transport.pacer.allows_overlap and self._breaker.is_closed):
            return
        asked: list[tuple[str, str]] = []

        def requests() -> Iterator[httpx.Request]:
            for query in queries:
                asked.append((path, query))
                yield self._request("GET", path, query)

        sent = self._transport.send_ahead(requests(), len(queries))
        self._sent = dict(zip(asked, sent, strict=True))

    def _discard_sent(self) -> None:
        for one in self._sent.values():
            if isinstance(one, Sent):
                one.discard()
        self._sent = {}

    def get(
        self,
        path: str,
        query: str,
        decode: Callable[[Response], T],
        allow: frozenset[int] = OK,
    ) -> T:
        """Send a GET and return what `decode` makes of the answer; up to four attempts.

        `path` is below the base URL, `query` is percent-encoded. `decode` gets answers whose
        status is in `allow` and raises ValueError, quoting nothing received, if the body is
        invalid: that is retried too. Raises Refused (another 4xx), KeyRefused (401, 403),
        Interrupted, and the endpoint's `unavailable` error for everything else.
        """
        self._admit(write=False)
        reading = ResponseValidator(self._endpoint, decode, allow)
        request = self._request("GET", path, query)
        request.extensions["retry"] = ReadRetry(self._context, allow, reading.accept)
        if (outcome := self._outcomes.pop((path, query), None)) is not None:
            request.extensions |= {"outcome": outcome, "tries": 1}
        try:
            value = reading.value_of(self._reads.handle_request(request))
        except (KeyRefused, Refused):
            self._breaker.passed()
            raise
        except (*TRANSIENT, UnusableResponse, RetryAfterTooLong, httpx.HTTPError) as error:
            raise self._failure(request, error) from None
        self._breaker.passed()
        return value

    def take_turn(self) -> None:
        """Wait until shortly before the next write may be sent: what is recorded before it, and
        opening a connection, take their time too. Raises Interrupted.
        """
        self._transport.pacer.approach(write=True)

    def write(self, method: str, path: str, body: bytes) -> Response:
        """Send a JSON body exactly once and return the answer, whatever its status.

        Raises NotSent (certainly not applied), ResponseLost (perhaps applied; includes redirects),
        KeyRefused (401, 403), Interrupted (before anything was sent), and the endpoint's
        `unavailable` error if the breaker is open (nothing was sent).
        """
        self._admit(write=True)
        request = self._request(method, path, "", body)
        try:
            # safeguard: writes-are-sent-once
            response = self._transport.handle_request(request)
        except (httpx.HTTPError, UnusableResponse) as error:
            self._breaker.failed(reason(error))
            lost = ResponseLost if self._transport.was_sent else NotSent
            raise lost(reason(error)) from None
        self._adapt_to(response)
        refuse_key(self._endpoint, response.status_code)
        if 300 <= response.status_code < 400:
            raise ResponseLost(f"redirected ({response.status_code})")
        return to_response(response)

    def _admit(self, *, write: bool) -> None:
        if not self._breaker.admits(write=write):
            # Nothing was sent; report what opened the breaker.
            raise self._endpoint.unavailable(fact(self.name, self._breaker.why))

    def _request(
        self, method: str, path: str, query: str, body: bytes | None = None
    ) -> httpx.Request:
        if not _TARGET.fullmatch(path) or "/." in path or not _QUERY.fullmatch(query):
            raise ValueError(f"{self.name}: not a path and query that can be sent")
        header, key = self._endpoint.key_header
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            # A new connection each time. On a reused one, surplus bytes of an earlier answer
            # would be taken for the next one, and a write could race the server's idle timer.
            "Connection": "close",
            "User-Agent": f"returns-reconciler/{__version__}",
            header: key,
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        limits = self._endpoint.timeouts
        timeout = httpx.Timeout(limits.read, connect=limits.connect)
        request = httpx.Request(
            method,
            f"{self._base}{path}",
            headers=headers,
            content=body,
            extensions={"timeout": timeout.as_dict()},
        )
        if query:
            request.url = EncodedUrl(request.url, query)
        return request

    def _failure(self, request: httpx.Request, error: Exception) -> ReconcilerError:
        """Count the failure and return it as the endpoint's error."""
        if isinstance(error, RetryAfterTooLong):
            self._breaker.open_for(error.seconds, str(error))
        elif not isinstance(error, RateLimited):
            self._breaker.failed(reason(error))
        tries = request.extensions["tries"]
        path = request.url.path.removeprefix(self._base.path)
        after = f", given up after {tries} tries" if tries > 1 else ""
        message = f"{fact(self.name, reason(error))} (GET {path}{after})"
        hint = others_ask(self.name) if isinstance(error, RateLimited) else None
        return self._endpoint.unavailable(message, hint, cause=reason(error))

    def _adapt_to(self, response: httpx.Response) -> None:
        """Update breaker and pace for later requests by the answer to a write."""
        status = response.status_code
        if status >= 500 or 300 <= status < 400:
            self._breaker.failed(f"answered {status}")
        elif status != 429:
            self._breaker.passed()
        if not is_transient(status):
            return
        try:
            asked = asked_to_wait(status, response.headers, self._context.clock.now())
        except RetryAfterTooLong as error:
            self._breaker.open_for(error.seconds, str(error))
        else:
            self._transport.pacer.pause(asked or 0.0)
