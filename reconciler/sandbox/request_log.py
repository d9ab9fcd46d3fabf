"""The log of requests that reached the sandbox, without secrets."""

from __future__ import annotations

import re
from collections import deque
from datetime import datetime

from msgspec import Struct

from reconciler.sandbox.messages import Request

# Jetti also accepts its token in the query (jetti.md#token-in-the-query); no log may show it.
_SECRET = re.compile(r"(?<=access_token=)[^&]*")

KEPT = 200_000
"""More requests than a listing of 100,000 returns with all its lookups needs."""


class LoggedRequest(Struct, frozen=True):
    """One request, without headers and body."""

    at: datetime
    """By the sandbox clock."""
    service: str
    method: str
    path: str
    query: str
    operation: str
    fault: str | None
    """The kind of fault that hit it, if any."""


class RequestLog:
    """The newest `KEPT` requests, oldest first."""

    def __init__(self) -> None:
        self._requests: deque[LoggedRequest] = deque(maxlen=KEPT)

    def add(
        self, at: datetime, service: str, request: Request, operation: str, fault: str | None
    ) -> None:
        """Log a request; neither headers nor body are kept."""
        query = _SECRET.sub("…", request.query)
        self._requests.append(
            LoggedRequest(at, service, request.method, request.path, query, operation, fault)
        )

    def all(self) -> list[LoggedRequest]:
        return list(self._requests)

    def clear(self) -> None:
        self._requests.clear()
