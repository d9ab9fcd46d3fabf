"""The log of what reached the sandbox, without secrets."""

from __future__ import annotations

import re
from collections import deque
from datetime import datetime

from msgspec import Struct

from reconciler.sandbox.messages import Request

# Jetti takes its token in the query too (jetti.md#token-in-the-query); no log may show it.
_SECRET = re.compile(r"(?<=access_token=)[^&]*")

KEPT = 200_000
"""More than a listing of 100,000 returns with all its lookups needs."""


class Arrival(Struct, frozen=True):
    """One request."""

    at: datetime
    """By the sandbox clock."""
    service: str
    method: str
    path: str
    query: str
    operation: str
    fault: str | None
    """The kind of fault that struck it."""


class Arrivals:
    """Oldest first."""

    def __init__(self) -> None:
        self._kept: deque[Arrival] = deque(maxlen=KEPT)

    def note(
        self, at: datetime, service: str, request: Request, operation: str, fault: str | None
    ) -> None:
        """Write one down; neither headers nor body are kept."""
        query = _SECRET.sub("…", request.query)
        self._kept.append(
            Arrival(at, service, request.method, request.path, query, operation, fault)
        )

    def all(self) -> list[Arrival]:
        """A copy."""
        return list(self._kept)

    def clear(self) -> None:
        """Start anew."""
        self._kept.clear()
