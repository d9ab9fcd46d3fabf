"""A host that must never hear from the program, and a door behind which nobody listens."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class Canary:
    """Listens on loopback and counts who comes."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.visitors = 0
        self.host = f"127.0.0.1:{self._listening.getsockname()[1]}"

    def _count(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = self._listening.accept()
                self.visitors += 1
                visitor.close()

    @contextlib.contextmanager
    def listening(self) -> Iterator[Canary]:
        """While the block runs."""
        counting = threading.Thread(target=self._count, daemon=True)
        counting.start()
        try:
            yield self
        finally:
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            counting.join()


def closed_port() -> int:
    """A port of this machine at which connections are refused."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])
