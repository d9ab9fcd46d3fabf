"""Sockets with one deadline per request that record whether any byte of it was sent."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import certifi
import httpcore

from reconciler.clock import Clock
from reconciler.errors import Interrupted
from reconciler.failpoints import Failpoint, hit
from reconciler.http.ahead import KeptConnection
from reconciler.http.forwarding import ForwardingStream
from reconciler.http.rate_limit import Pacer
from reconciler.http.tcp_state import TcpState, tcp_state
from reconciler.http.together import Opened, SecuredStream, open_together

# Seconds between checks for a signal while waiting, and how long a write in flight may still take
# after one: the process must end within 30 s of the signal.
SIGNAL_CHECK_EVERY = 0.25
GRACE_AFTER_SIGNAL = 20.0
LAST_LOOK = 0.05
"""Seconds for which an answer is waited for even if there was silence for too long: it may have
come while nobody read."""


@cache
def tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """A verifying context, TLS 1.2 or newer, shared by all services: building one takes 40 ms.

    Trusts certifi's authorities, or those in `ca_file`. Built by hand because the helpers of ssl
    and httpx obey the environment (SSL_CERT_FILE, SSLKEYLOGFILE).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=ca_file or certifi.where())
    return context


class RequestWatch:
    """One request on its way: its deadline, its turn, and whether any byte of it may have been
    sent.

    The deadline is one of the machine's monotonic clock, as socket timeouts are, not of the
    injected one. Only a read may be interrupted by a signal once it was sent.
    """

    def __init__(self, clock: Clock, pacer: Pacer, total: float, *, write: bool) -> None:
        self.sent = False
        self.sent_at: float | None = None
        """When the first of it left, by the machine's monotonic clock."""
        self._clock = clock
        self._pacer = pacer
        self._write = write
        self._signalled = False
        self._before: TcpState | None = None
        self._total = total
        # safeguard: request-deadline
        self._deadline = time.monotonic() + total

    def resume(self) -> None:
        """Begin to read an answer after other things: the time between does not count."""
        self._deadline = time.monotonic() + self._total

    def allowed(self, wanted: float | None) -> float:
        """Seconds left for one operation. Raises httpcore.ReadTimeout after the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left if wanted is None else min(wanted, left)

    def take_turn(self, connection: httpcore.NetworkStream) -> None:
        """Wait for the turn on an open connection; the wait does not count for the deadline.

        Raises Interrupted, and httpcore.ConnectError if the server hung up meanwhile: then nothing
        was sent.
        """
        begun = time.monotonic()
        self._pacer.take_turn(write=self._write)
        self._deadline += time.monotonic() - begun
        self._before = tcp_state(connection)
        # safeguard: hung-up-before-the-request
        if self._before is not None and not self._before.is_open:
            raise httpcore.ConnectError("the server hung up before anything was sent")

    def departed(self) -> None:
        """Record that what there is of the request has been sent by now."""
        self._pacer.departed()

    def answered(self, connection: httpcore.NetworkStream | None) -> None:
        """Record that an answer has begun, and whether a part of the request was sent twice.

        It may have been where the system does not tell.
        """
        before, now = self._before, connection and tcp_state(connection)
        # safeguard: lost-segments
        on_time = bool(before and now and before.sent_again == now.sent_again)
        self._pacer.answered(on_time=on_time)

    def failed(self) -> None:
        """Record that no answer comes: what was sent has arrived by now, or never will."""
        if self.sent:
            self._pacer.answered()

    def check_for_signal(self) -> None:
        """React to a signal: a read ends at once, a write gets GRACE_AFTER_SIGNAL to finish."""
        if self._signalled:
            return
        try:
            self._clock.check()
        except Interrupted:
            if not self._write:
                raise
            self._signalled = True
            self._deadline = min(self._deadline, time.monotonic() + GRACE_AFTER_SIGNAL)


class WatchedStream(ForwardingStream):
    """A connection for one request, whose every operation ends by the deadline of that request."""

    def __init__(self, stream: httpcore.NetworkStream, watch: RequestWatch) -> None:
        super().__init__(stream)
        self._watch = watch
        self._silent_since = time.monotonic()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        allowed = self._watch.allowed(timeout)
        silent_until = max(self._silent_since + allowed, time.monotonic() + LAST_LOOK)
        while True:
            left = self._watch.allowed(silent_until - time.monotonic())
            if left <= 0:
                raise httpcore.ReadTimeout
            try:
                got = self._stream.read(max_bytes, min(left, SIGNAL_CHECK_EVERY))
            except httpcore.ReadTimeout:
                self._watch.check_for_signal()
            else:
                self._silent_since = time.monotonic()
                return got

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not self._watch.sent:
            # Only now, since connecting takes a while, and not each time the same.
            self._watch.take_turn(self._stream)
        allowed = self._watch.allowed(timeout)
        # Before, not after: a send that fails may have sent a part.
        # safeguard: sent-from-the-first-byte
        self._watch.sent = True
        self._watch.sent_at = self._watch.sent_at or time.monotonic()
        self._stream.write(buffer, allowed)
        self._watch.departed()
        self._silent_since = time.monotonic()
        # httpcore writes the head, then the body, then an empty buffer: the end of the request.
        hit(Failpoint.PART_SENT if buffer else Failpoint.REQUEST_SENT)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        allowed = self._watch.allowed(timeout)
        secured = self._stream.start_tls(ssl_context, server_hostname, allowed)
        return WatchedStream(secured, self._watch)


class WatchedNetwork(httpcore.NetworkBackend):
    """Opens watched connections."""

    watch: RequestWatch
    """Of the request that the next connection is for."""

    def __init__(self, network: httpcore.NetworkBackend | None = None) -> None:
        self._sockets = network or httpcore.SyncBackend()
        self._opens_together = network is None
        self._expected = 1
        self._tls: ssl.SSLContext | None = None
        self._opened: list[Opened] = []
        self.keeps = False
        """Whether a connection is to outlive its first use."""
        self.resumed: KeptConnection | None = None
        """Used instead of a new connection, once."""

    def expect(self, connections: int, tls: ssl.SSLContext | None) -> None:
        """Have them opened together when the first is needed: each takes some round trips.

        Only by the machine's own sockets.
        """
        self._expected, self._tls = connections if self._opens_together else 1, tls

    def expect_no_more(self) -> None:
        """Close what was opened and not used."""
        self._expected = 1
        while self._opened:
            if isinstance(unused := self._opened.pop(), httpcore.NetworkStream):
                unused.close()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        if self.resumed is not None:
            resumed, self.resumed = self.resumed, None
            return resumed
        allowed = self.watch.allowed(timeout)

        def connect() -> httpcore.NetworkStream:
            return self._sockets.connect_tcp(host, port, allowed, local_address, socket_options)

        watched = WatchedStream(self._next(connect, host, allowed), self.watch)
        return KeptConnection(watched) if self.keeps else watched

    def _next(
        self, connect: Callable[[], httpcore.NetworkStream], host: str, allowed: float
    ) -> httpcore.NetworkStream:
        if self._expected > 1 and not self._opened:
            count, self._expected, tls = self._expected, 1, self._tls

            def secured() -> httpcore.NetworkStream:
                stream = connect()
                return SecuredStream(stream.start_tls(tls, host, allowed)) if tls else stream

            self._opened = open_together(
                count, secured, self.watch.check_for_signal, SIGNAL_CHECK_EVERY
            )
        if not self._opened:
            return connect()
        opened = self._opened.pop(0)
        if isinstance(opened, Exception):
            raise opened
        return opened
