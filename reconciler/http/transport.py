"""The transport: every attempt of every request goes through here."""

from __future__ import annotations

from collections.abc import Iterator
from ssl import SSLContext

import httpcore
import httpx
from msgspec import Struct

from reconciler.clock import Clock
from reconciler.http.endpoint import Endpoint, pinned_url
from reconciler.http.network import RequestWatch, WatchedNetwork, tls_context
from reconciler.http.rate_limit import Pacer
from reconciler.http.retry import Budget, UnusableResponse


class RequestCounts(Struct):
    """Requests that left so far, tries included, answered or not."""

    get: int = 0
    write: int = 0

    def count(self, *, write: bool) -> None:
        if write:
            self.write += 1
        else:
            self.get += 1


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
        self._pool = httpcore.ConnectionPool(
            ssl_context=(tls or tls_context()) if self.base.scheme == "https" else None,
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
        self._require_own_origin(request)
        write = request.method != "GET"
        self.pacer.approach(write=write)
        watch = self._network.watch = RequestWatch(
            self._clock, self.pacer, self._endpoint.timeouts.total, write=write
        )
        request.extensions["tries"] = request.extensions.get("tries", 0) + 1
        try:
            # safeguard: redirects-are-not-followed
            response = super().handle_request(request)
        except BaseException:
            watch.failed()
            raise
        else:
            watch.answered(response.extensions.get("network_stream"))
        finally:
            if watch.sent:
                self.requests.count(write=write)
                self.budget.requests += 1
        self.pacer.adapt(response.status_code)
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
        return httpx.Response(response.status_code, headers=response.headers, content=body)

    def _capped(self, response: httpx.Response) -> Iterator[bytes]:
        size = 0
        for chunk in response.iter_raw():
            size += len(chunk)
            # safeguard: body-cap
            if size > self._endpoint.body_cap:
                raise UnusableResponse(f"the answer is larger than {self._endpoint.body_cap} bytes")
            yield chunk
