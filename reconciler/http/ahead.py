"""Requests whose answers are read later.

The HTTP client has no seam between sending and reading. So its first reading is cut off, with
`SentAhead`, and the connection kept. When the client is given the same request again, with that
connection, what it writes is only compared with what was sent, and then it reads.
"""

from __future__ import annotations

import ssl

import httpcore

from reconciler.http.forwarding import ForwardingStream


class SentAhead(BaseException):
    """Ends a request where its answer would be read. No error, so that nobody handles it as one."""

    def __init__(self, connection: KeptConnection) -> None:
        super().__init__()
        self.connection = connection


class KeptConnection(ForwardingStream):
    """A connection that outlives the client's first use of it.

    It stays open from `SentAhead` on, until it was used a second time or `discard` is called.
    """

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        super().__init__(stream)
        self._sent = b""
        self._to_repeat: bytes | None = None
        self._is_kept = False

    def resume(self) -> None:
        """From now on what is written is what was sent already."""
        self._to_repeat, self._is_kept = self._sent, False

    def discard(self) -> None:
        """Close it without having read an answer."""
        self._stream.close()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._to_repeat is None:
            # Before: a server may answer what it has not read, and so the client goes on to read.
            self._sent += buffer
            self._stream.write(buffer, timeout)
        elif self._to_repeat.startswith(buffer):
            self._to_repeat = self._to_repeat[len(buffer) :]
        else:
            raise RuntimeError("another request than the one that was sent ahead")

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._to_repeat is None:
            self._is_kept = True
            raise SentAhead(self)
        return self._stream.read(max_bytes, timeout)

    def close(self) -> None:
        if not self._is_kept:
            self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        if self._to_repeat is None:
            self._stream = self._stream.start_tls(ssl_context, server_hostname, timeout)
        return self
