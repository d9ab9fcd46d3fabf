"""Stops asking a service that fails every time."""

from __future__ import annotations

import math

from reconciler.clock import Clock

FAILURES = 5
"""Logical requests in a row; a request with all its retries counts once."""
OPEN_FOR = 60.0
"""Seconds after which one read may try whether the service is back (a daemon's next pass)."""


class Breaker:
    """Open after five failures in a row; a success closes it."""

    why: str
    """What made it open, without the service's name: `answered 503 five times`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._causes: set[str] = set()
        self._open_until = -math.inf

    def admits(self, *, write: bool) -> bool:
        """Whether a request may be tried: none while open, and the first afterwards is a read."""
        if self._clock.monotonic() < self._open_until:
            return False
        return not write or self._failures < FAILURES

    def passed(self) -> None:
        """The service is alive."""
        self._failures = 0
        self._causes.clear()

    def failed(self, cause: str) -> None:
        """One more failure: `answered 503`."""
        self._failures += 1
        self._causes.add(cause)
        # safeguard: circuit-breaker
        if self._failures >= FAILURES:
            same = f"{cause} five times"
            mixed = f"failed five times in a row: {', '.join(sorted(self._causes))}"
            self.open_for(OPEN_FOR, same if len(self._causes) == 1 else mixed)

    def open_for(self, seconds: float, why: str) -> None:
        """Refuse everything for that long."""
        self.why = why
        self._open_until = self._clock.monotonic() + seconds
