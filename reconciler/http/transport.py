"""The transport: every attempt of every request goes through here."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from ssl import SSLContext

import httpcore
import httpx
from msgspec import Struct

from reconciler.clock import Clock
from reconciler.http.ahead import KeptConnection, SentAhead
from reconciler.http.endpoint import Endpoint, pinned_url
from reconciler.http.network import RequestWatch, WatchedNetwork, tls_context
from reconciler.http.rate_limit import LONGEST_LEAD, Pacer
from reconciler.http.retry import Budget, UnusableResponse, reason
from reconciler.log_events import Event

_log = logging.getLogger("reconciler.http")

Outcome = httpx.Response | httpx.HTTPError | UnusableResponse
"""What one attempt came to."""


class RequestCounts(Struct):
    """Requests that left so far, tries included, answered or not."""

    get: int = 0
    write: int = 0

    def count(self, *, write: bool) -> None:
        if write:
            self.write += 1
        else:
            self.get += 1


class Sent(Struct, frozen=True):
    """A request whose answer is still to be read."""

    request: httpx.Request
    watch: RequestWatch
    connection: KeptConnection

    def discard(self) -> None:
        """Do without the answer."""
        self.connection.discard()


class Transport(httpx.HTTPTransport):
    """Sends one request once and returns its complete answer.

    Raises httpx errors (transport), UnusableResponse, Interrupted (before anything was sent).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        clock: Clock,
        tls: SSLContext | None,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        # httpx has no parameter for the network backend. `_pool` is all that its own constructor
        # sets, after reading certificates from places named in the environment.
        self.base = pinned_url(endpoint)
        self._endpoint = endpoint
        self._clock = clock
        self._network = WatchedNetwork(network)
        self._tls = (tls or tls_context()) if self.base.scheme == "https" else None
        if self._tls is not None:
            self._tls.set_alpn_protocols(["http/1.1"])  # as httpcore does, but later
        self._pool = httpcore.ConnectionPool(
            ssl_context=self._tls,
            network_backend=self._network,
        )
        self.pacer = Pacer(endpoint.name, endpoint.pace, clock)
        self.budget = Budget()
        self.requests = RequestCounts()

    @property
    def was_sent(self) -> bool:
        """Whether any byte of the last request may have left."""
        return self._network.watch.sent

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        outcome: Outcome | None = request.extensions.pop("outcome", None)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome or self._exchange(request, self._begin(request))

    def send_ahead(self, requests: Iterable[httpx.Request], count: int) -> list[Sent | Outcome]:
        """Send `count` reads one after the other; each is tried once. What is returned as sent is
        to be taken in, or to be discarded.

        Ends early where the pace would have one wait while others are in flight, and after one that
        could not be sent. Raises Interrupted.
        """
        outcomes: list[Sent | Outcome] = []
        with ExitStack() as unfinished:
            self._network.expect(count, self._tls)
            unfinished.callback(self._network.expect_no_more)
            for request in requests:
                sent = self._send(request)
                outcomes.append(sent)
                if isinstance(sent, Sent):
                    unfinished.callback(sent.discard)
                # safeguard: no-long-wait-while-answers-wait
                if isinstance(sent, Exception) or self.pacer.delay() > LONGEST_LEAD:
                    break
            unfinished.pop_all()
            self._network.expect_no_more()
        return outcomes

    def take_in(self, sent: Sequence[Sent | Outcome]) -> list[Outcome]:
        """What came of these; all connections are closed then. Raises Interrupted."""
        with ExitStack() as kept:
            for one in sent:
                if isinstance(one, Sent):
                    kept.callback(one.discard)
            # All of them before anything else is done: a server does not wait for long.
            return [self._take_in(one) if isinstance(one, Sent) else one for one in sent]

    def _send(self, request: httpx.Request) -> Sent | Outcome:
        watch = self._begin(request)
        self._network.keeps = True
        try:
            return self._exchange(request, watch)  # as a recording does: it has no connections
        except SentAhead as sent:
            return Sent(request, watch, sent.connection)
        except (httpx.HTTPError, UnusableResponse) as error:
            return error
        finally:
            self._network.keeps = False

    def _take_in(self, sent: Sent) -> Outcome:
        sent.watch.resume()
        sent.connection.resume()
        self._network.resumed = sent.connection
        try:
            return self._exchange(sent.request, sent.watch)
        except (httpx.HTTPError, UnusableResponse) as error:
            return error

    def _begin(self, request: httpx.Request) -> RequestWatch:
        """Wait until shortly before the turn, and start the time that the request may take."""
        self._require_own_origin(request)
        write = request.method != "GET"
        self.pacer.approach(write=write)
        request.extensions["tries"] = request.extensions.get("tries", 0) + 1
        return RequestWatch(self._clock, self.pacer, self._endpoint.timeouts.total, write=write)

    def _exchange(self, request: httpx.Request, watch: RequestWatch) -> httpx.Response:
        try:
            response = self._answer(request, watch)
        except SentAhead:
            raise
        except Exception as error:
            self._log_failure(request, watch, error)
            raise
        self._log_answer(request, watch, response)
        return response

    def _log_answer(
        self, request: httpx.Request, watch: RequestWatch, response: httpx.Response
    ) -> None:
        if _log.isEnabledFor(logging.DEBUG):
            facts = self._facts(request, watch)
            facts |= {"status": response.status_code, "bytes": len(response.content)}
            _log.debug(
                "%(service)s: %(method)s %(path)s answered %(status)d,"
                " %(bytes)d bytes, %(milliseconds)d ms",
                facts,
                extra=Event.REQUEST_ANSWERED.fields,
            )

    def _log_failure(self, request: httpx.Request, watch: RequestWatch, error: Exception) -> None:
        if _log.isEnabledFor(logging.DEBUG):
            facts = self._facts(request, watch)
            facts["reason"] = reason(error) if watch.sent else f"not sent, {reason(error)}"
            _log.debug(
                "%(service)s: %(method)s %(path)s has no usable answer:"
                " %(reason)s, %(milliseconds)d ms",
                facts,
                extra=Event.REQUEST_FAILED.fields,
            )

    def _facts(self, request: httpx.Request, watch: RequestWatch) -> dict[str, str | int]:
        """For the log. Neither headers, which hold a key, nor query or body, which may hold what
        somebody typed."""
        since = watch.sent_at
        passed = 0.0 if since is None else time.monotonic() - since
        # safeguard: requests-are-logged-without-their-query
        path = request.url.path
        return {
            "service": self._endpoint.name,
            "method": request.method,
            # Without the base's, which is a setting, and not always one that may be shown.
            "path": path.removeprefix(self.base.path.rstrip("/")),
            "milliseconds": round(passed * 1000),
        }

    def _answer(self, request: httpx.Request, watch: RequestWatch) -> httpx.Response:
        was_sent, self._network.watch = watch.sent, watch
        try:
            # safeguard: redirects-are-not-followed
            response = super().handle_request(request)
        except SentAhead:
            raise
        except BaseException:
            watch.failed()
            raise
        else:
            watch.answered(response.extensions.get("network_stream"))
        finally:
            if watch.sent and not was_sent:
                self.requests.count(write=request.method != "GET")
                self.budget.requests += 1
        self.pacer.adapt(response.status_code)
        if response.status_code != 429:  # it tells how long to wait, or is waited for anyway
            self.pacer.heed(response.headers)
        return self._whole(response)

    def _require_own_origin(self, request: httpx.Request) -> None:
        """Check origin, path and method against the endpoint. A mismatch is a bug: RuntimeError."""
        url, base = request.url, self.base
        at_home = (url.scheme, url.host, url.port) == (base.scheme, base.host, base.port)
        # safeguard: origin-pin
        if not at_home or not url.path.startswith(base.path):
            raise RuntimeError(f"{self._endpoint.name}: a request to another address was stopped")
        # safeguard: allowed-methods
        if request.method not in self._endpoint.methods:
            raise RuntimeError(f"{self._endpoint.name}: {request.method} is not allowed here")

    def _whole(self, response: httpx.Response) -> httpx.Response:
        try:
            encoding = response.headers.get("content-encoding", "").strip().lower()
            # safeguard: compressed-answers-are-refused
            if encoding not in ("", "identity"):
                raise UnusableResponse("the answer is encoded although that was not asked for")
            body = b"".join(self._capped(response))
        finally:
            response.close()
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            content=body,
            extensions={"answered_at": self._clock.monotonic()},
        )

    def _capped(self, response: httpx.Response) -> Iterator[bytes]:
        size = 0
        for chunk in response.iter_raw():
            size += len(chunk)
            # safeguard: body-cap
            if size > self._endpoint.body_cap:
                raise UnusableResponse(f"the answer is larger than {self._endpoint.body_cap} bytes")
            yield chunk
