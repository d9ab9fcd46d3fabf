"""Time and waiting, handed to whoever needs them so that tests need not sleep."""

from __future__ import annotations

import signal
import threading
import time
from datetime import UTC, datetime
from types import FrameType
from typing import Protocol

from reconciler.errors import Interrupted


class Clock(Protocol):
    """What the program may know about time."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds from some fixed moment; never runs backwards."""

    def wait(self, seconds: float) -> None:
        """Let that much time pass. Raises `Interrupted` as soon as a signal asked us to stop."""

    def check(self) -> None:
        """Raise `Interrupted` when a signal asked us to stop; called before each new write."""


class SystemClock:
    """The machine's clock. Waiting ends at once when `stop` is called (by a signal handler)."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._signal_number = signal.SIGTERM

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        # Python's own stands still while the machine sleeps; what was seen before is old then.
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        self._stopped.wait(max(0.0, seconds))
        self.check()

    def check(self) -> None:
        if self._stopped.is_set():
            raise Interrupted(self._signal_number)

    def stop(self, signal_number: int, _frame: FrameType | None = None) -> None:
        """A signal handler: remember the signal; the next wait or check raises."""
        self._signal_number = signal.Signals(signal_number)
        self._stopped.set()
