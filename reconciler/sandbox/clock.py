"""The sandbox's own clock, which can be set, advanced and frozen."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class SandboxClock:
    """Runs at the machine's speed from a given instant, or is frozen.

    Several threads may read it; only the control interface moves it.
    """

    def __init__(self, start: datetime | None = None, *, frozen: bool = False) -> None:
        self._set_to = start or datetime.now(UTC)
        self._set_at = time.monotonic()
        self._frozen = frozen

    def now(self) -> datetime:
        """Aware, UTC."""
        if self._frozen:
            return self._set_to
        return self._set_to + timedelta(seconds=time.monotonic() - self._set_at)

    def set(self, instant: datetime) -> None:
        """Jump to an instant, forwards or backwards."""
        self._set_to, self._set_at = instant, time.monotonic()

    def advance(self, seconds: float) -> None:
        """Jump by a number of seconds."""
        self.set(self.now() + timedelta(seconds=seconds))
