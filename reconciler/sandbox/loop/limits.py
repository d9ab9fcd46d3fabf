"""Loop's 300 requests per minute and key, counted as Laravel counts (loop.md#request-quota,
#responses-over-the-limit)."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from msgspec import Struct

MINUTE = timedelta(seconds=60)


class Count(Struct):
    """The requests of one key in its current minute."""

    ends_at: datetime
    requests: int = 0


class Verdict(Struct, frozen=True):
    """Whether a request may pass, and the values for the headers."""

    allowed: bool
    limit: int
    remaining: int
    resets_at: datetime
    wait: int
    """Whole seconds until the minute ends."""

    def headers(self) -> dict[str, str]:
        """The headers of every answer; the reset only on a refusal."""
        shown = {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
        }
        if not self.allowed:
            shown["x-ratelimit-reset"] = str(int(self.resets_at.timestamp()))
        return shown


class Limiter:
    """A fixed minute from a key's first request, as Laravel's `throttle` does it.

    Refused requests do not count.
    """

    def __init__(self) -> None:
        self._counts: dict[str, Count] = {}

    def check(self, key: str, limit: int, now: datetime) -> Verdict:
        """Count one request of a key."""
        count = self._counts.get(key)
        # A clock that was set back must not lock the key out for the difference.
        if count is None or not now < count.ends_at <= now + MINUTE:
            count = self._counts[key] = Count(now + MINUTE)
        allowed = count.requests < limit
        if allowed:
            count.requests += 1
        wait = max(1, math.ceil((count.ends_at - now).total_seconds()))
        return Verdict(allowed, limit, max(0, limit - count.requests), count.ends_at, wait)
