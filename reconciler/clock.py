"""The clock: time and waiting, injected so that tests need not sleep."""

from __future__ import annotations

import signal
import threading
import time
from datetime import UTC, datetime
from types import FrameType
from typing import Protocol

from reconciler.errors import Interrupted


class Clock(Protocol):
    """The program's only source of time."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds from some fixed moment; never runs backwards."""

    def wait(self, seconds: float) -> None:
        """Wait. Raises `Interrupted` as soon as a signal has asked us to stop."""

    def check(self) -> None:
        """Raise `Interrupted` if a signal has asked us to stop; called before each new write."""


class SystemClock:
    """The machine's clock. `stop`, called by a signal handler, ends a wait at once."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._signal_number = signal.SIGTERM

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        # Python's own does not advance while the machine sleeps, so stale data would look fresh.
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
