"""HTTP requests and responses without sockets: each pretend service maps one to the other."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class Request(Struct, frozen=True):
    """One HTTP request as it arrived."""

    method: str
    path: str
    """Without the query, as sent (still percent-encoded)."""
    query: str = ""
    """Raw, without the question mark."""
    headers: dict[str, str] = {}
    """Names in lower case."""
    body: bytes = b""


class Response(Struct, frozen=True):
    """One HTTP response. The server adds Content-Length and Date (by the sandbox's clock)."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = {}


class Service(Protocol):
    """A pretend service: no sockets, no sleeping, all state in memory, safe to call under a
    lock."""

    def handle(self, request: Request) -> Response:
        """Answer one request."""
