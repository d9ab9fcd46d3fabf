"""A clock for parts that are tested without a world."""

from __future__ import annotations

from datetime import datetime, timedelta


class PatientClock:
    """Waiting takes no time."""

    def __init__(self, now: datetime) -> None:
        self._start = now
        self.elapsed = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    def wait(self, seconds: float) -> None:
        self.elapsed += seconds

    def check(self) -> None:
        """No signal comes."""
