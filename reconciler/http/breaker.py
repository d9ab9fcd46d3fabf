"""A circuit breaker: stops asking a service that keeps failing."""

from __future__ import annotations

import math

from reconciler.clock import Clock

FAILURES = 5
"""Consecutive failed requests; a request with all its retries counts once."""
OPEN_FOR = 60.0
"""Seconds until one read may test whether the service is back (in a daemon's next pass)."""


class Breaker:
    """Opens after five failures in a row; a success closes it."""

    why: str
    """Why it opened, without the service's name: `answered 503 five times`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._causes: set[str] = set()
        self._open_until = -math.inf

    def admits(self, *, write: bool) -> bool:
        """Whether a request may be sent: none while open, and the first one after is a read."""
        if self._clock.monotonic() < self._open_until:
            return False
        return not write or self._failures < FAILURES

    @property
    def is_closed(self) -> bool:
        """Whether it neither refuses requests nor waits for one read to show that all is well."""
        return self.admits(write=True)

    def passed(self) -> None:
        """Record that the service is alive."""
        self._failures = 0
        self._causes.clear()

    def failed(self, cause: str) -> None:
        """Record a failure: `answered 503`."""
        self._failures += 1
        self._causes.add(cause)
        # safeguard: circuit-breaker
        if self._failures >= FAILURES:
            same = f"{cause} five times"
            mixed = f"failed five times in a row: {', '.join(sorted(self._causes))}"
            self.open_for(OPEN_FOR, same if len(self._causes) == 1 else mixed)

    def open_for(self, seconds: float, why: str) -> None:
        """Refuse all requests for `seconds`."""
        self.why = why
        self._open_until = self._clock.monotonic() + seconds
