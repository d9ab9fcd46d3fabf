"""Sockets with one deadline per request, that know whether a request has begun to leave."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from functools import cache
from typing import Any

import certifi
import httpcore

from reconciler.clock import Clock
from reconciler.errors import Interrupted
from reconciler.failpoints import Failpoint, hit

# How often a silent wait looks up for a signal, and how long a write that is already in the air
# may still take after one: the process must be gone within 30 s of it.
LOOK_UP_EVERY = 0.25
LAST_WORDS = 20.0


@cache
def tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """Verifying, TLS 1.2 or newer, shared by all services because building it takes 40 ms.

    Trusts certifi's authorities, or those in `ca_file`. Built by hand because the shortcuts of ssl
    and httpx listen to the environment (SSL_CERT_FILE, SSLKEYLOGFILE).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=ca_file or certifi.where())
    return context


class RequestWatch:
    """The request in the air: its deadline, and whether any byte of it may have left.

    Counted in the machine's own time, as sockets are, whatever the injected clock says.
    Nothing but `start` may be asked of a new one.
    """

    sent: bool
    _deadline: float
    _may_interrupt: bool
    _heard: bool

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def start(self, total: float, *, may_interrupt: bool) -> None:
        """A new request; a signal may cut it short only where nothing is written."""
        # safeguard: request-deadline
        self._deadline = time.monotonic() + total
        self._may_interrupt = may_interrupt
        self._heard = False
        self.sent = False

    def allowed(self, wanted: float | None) -> float:
        """Seconds that one operation may take. Raises httpcore.ReadTimeout past the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left if wanted is None else min(wanted, left)

    def look_up(self) -> None:
        """Notice a signal: a read ends at once, a write gets a last while for its answer."""
        if self._heard:
            return
        try:
            self._clock.check()
        except Interrupted:
            if self._may_interrupt:
                raise
            self._heard = True
            self._deadline = min(self._deadline, time.monotonic() + LAST_WORDS)


class WatchedStream(httpcore.NetworkStream):
    """A connection whose every operation ends by the deadline of the request in the air."""

    def __init__(self, stream: httpcore.NetworkStream, watch: RequestWatch) -> None:
        self._stream = stream
        self._watch = watch

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        silent_until = time.monotonic() + self._watch.allowed(timeout)
        while True:
            left = self._watch.allowed(silent_until - time.monotonic())
            if left <= 0:
                raise httpcore.ReadTimeout
            try:
                return self._stream.read(max_bytes, min(left, LOOK_UP_EVERY))
            except httpcore.ReadTimeout:
                self._watch.look_up()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        allowed = self._watch.allowed(timeout)
        # Before, not after: a send that fails may have handed over a part.
        # safeguard: sent-from-the-first-byte
        self._watch.sent = True
        self._stream.write(buffer, allowed)
        # The head comes first, then the body, then nothing at all: the end of the request.
        hit(Failpoint.PART_SENT if buffer else Failpoint.REQUEST_SENT)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        allowed = self._watch.allowed(timeout)
        secured = self._stream.start_tls(ssl_context, server_hostname, allowed)
        return WatchedStream(secured, self._watch)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class WatchedNetwork(httpcore.NetworkBackend):
    """Opens such connections."""

    def __init__(self, watch: RequestWatch, network: httpcore.NetworkBackend | None = None) -> None:
        self._watch = watch
        self._sockets = network or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        allowed = self._watch.allowed(timeout)
        stream = self._sockets.connect_tcp(host, port, allowed, local_address, socket_options)
        return WatchedStream(stream, self._watch)
