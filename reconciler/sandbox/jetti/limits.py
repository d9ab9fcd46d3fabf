"""Jetti's leaky bucket (jetti.md#rate-limit, #safe-pace). Loop counts differently."""

from __future__ import annotations

from datetime import datetime

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.jetti.problems import Problem
from reconciler.sandbox.jetti.switches import JettiSwitches

WRITE_COST = 2


class Bucket:
    """Fills with requests and drains evenly; a request that would overflow it is refused."""

    def __init__(self, clock: SandboxClock, capacity: float, drain_per_second: float) -> None:
        self._clock = clock
        self._capacity = capacity
        self._drain = drain_per_second
        self._level = 0.0
        self._at: datetime = clock.now()

    def remaining(self) -> float:
        """Units that still fit in now."""
        now = self._clock.now()
        # If the clock is set back, the bucket must not fill up.
        passed = max(0.0, (now - self._at).total_seconds())
        self._level = max(0.0, self._level - passed * self._drain)
        self._at = now
        return self._capacity - self._level

    def take(self, units: float) -> bool:
        """Add units; False, and nothing is added, if there is no room."""
        # A small tolerance: clock arithmetic is in microseconds.
        if units > self.remaining() + 1e-6:
            return False
        self._level += units
        return True


class RateLimiter:
    """The bucket of one account under either reading of the documentation."""

    def __init__(self, clock: SandboxClock, switches: JettiSwitches) -> None:
        self._switches = switches
        self._shared = Bucket(clock, 2, 2)
        self._reads = Bucket(clock, 2, 2)
        self._writes = Bucket(clock, 1, 1)

    def admit(self, method: str) -> None:
        """Count one request. Raises the 429 `Problem` (its body is unknown) if it is too many."""
        if not self._has_room(method):
            raise Problem("api.errors.too_many_requests", 429)

    def _has_room(self, method: str) -> bool:
        if self._switches.rate_limit == "off":
            return True
        if self._switches.rate_limit == "and":
            return self._reads.take(1) if method == "GET" else self._writes.take(1)
        return self._shared.take(1 if method == "GET" else WRITE_COST)

    def headers(self, method: str) -> dict[str, str]:
        """The remaining capacity. The names are made up: no client may depend on them."""
        if not self._switches.rate_headers or self._switches.rate_limit == "off":
            return {}
        bucket = self._shared
        if self._switches.rate_limit == "and":
            bucket = self._reads if method == "GET" else self._writes
        return {"x-ratelimit-limit": "2", "x-ratelimit-remaining": str(int(bucket.remaining()))}
