"""Opens several connections in the time of one.

Each is opened in a thread of its own, which does nothing else and has ended before any of them is
used. So what the program does, and in which order, does not depend on them.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable

import httpcore

from reconciler.http.forwarding import ForwardingStream


class SecuredStream(ForwardingStream):
    """A connection on which TLS was started already."""

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return self


Opened = httpcore.NetworkStream | Exception
"""A connection, or why there is none."""


class _Opening:
    """One connection that is being opened."""

    def __init__(self, connect: Callable[[], httpcore.NetworkStream]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._is_wanted = True
        self.opened: Opened | None = None
        # A daemon: it may outlive a signal by as long as connecting takes at most.
        self.thread = threading.Thread(target=self._open, daemon=True)
        self.thread.start()

    def abandon(self) -> None:
        """Have it closed, now or when it is open."""
        with self._lock:
            self._is_wanted = False
            if isinstance(self.opened, httpcore.NetworkStream):
                self.opened.close()

    def _open(self) -> None:
        opened: Opened
        try:
            opened = self._connect()
        except Exception as error:  # noqa: BLE001 - raised where the connection is wanted
            opened = error
        with self._lock:
            self.opened = opened
            if not self._is_wanted and isinstance(opened, httpcore.NetworkStream):
                opened.close()


def open_together(
    count: int,
    connect: Callable[[], httpcore.NetworkStream],
    check: Callable[[], object],
    every: float,
) -> list[Opened]:
    """What `connect` returned or raised, each time in a thread of its own.

    Calls `check` every `every` seconds; whatever that raises ends it, and nothing stays open.
    """
    openings = [_Opening(connect) for _ in range(count)]
    try:
        for opening in openings:
            while opening.thread.is_alive():
                opening.thread.join(every)
                check()
    except BaseException:
        for opening in openings:
            opening.abandon()
        raise
    return [opening.opened for opening in openings if opening.opened is not None]
