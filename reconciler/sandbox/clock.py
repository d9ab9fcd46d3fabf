"""The sandbox's own clock, which can be set, advanced, frozen, and faster than the machine's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta


class SandboxClock:
    """Runs from a given instant at `speed` times the machine's pace, or is frozen.

    While anyone who follows it is at work it runs at the machine's pace, so that work takes as
    long by this clock as it really does; only what they wait for passes fast.

    Several threads may read it and follow it; only the control interface moves it.
    """

    def __init__(
        self, start: datetime | None = None, *, frozen: bool = False, speed: float = 1.0
    ) -> None:
        self.start = self._set_to = start or datetime.now(UTC)
        """The instant at which it began, aware, UTC; a world is made as of it, however long that
        takes."""
        self._set_at = time.monotonic()
        self._elapsed = 0.0
        """Seconds that had passed by this clock when it was set last. A jump ahead counts, as time
        does that a machine sleeps through; one back does not."""
        self._frozen = frozen
        self._speed = speed
        self._shown: datetime | None = None
        self._changed = threading.Condition()
        self._at_work = 0
        self._awaited: list[float] = []
        """When followers go on to work, in elapsed seconds."""

    @property
    def speed(self) -> float:
        """The factor by which it is faster than the machine's while nobody is at work."""
        return self._speed

    def now(self) -> datetime:
        """Aware, UTC."""
        if self._shown is not None:
            return self._shown
        if self._frozen:
            return self._set_to
        with self._changed:
            return self._set_to + timedelta(seconds=self._since_set(time.monotonic()))

    def set(self, instant: datetime) -> None:
        """Jump to an instant, forwards or backwards."""
        with self._changed:
            self._rebase()
            self._elapsed += max(0.0, (instant - self._set_to).total_seconds())
            self._set_to = instant
            self._changed.notify_all()

    def advance(self, seconds: float) -> None:
        """Jump by a number of seconds."""
        self.set(self.now() + timedelta(seconds=seconds))

    def run_at(self, speed: float) -> None:
        """Go on at another speed."""
        with self._changed:
            self._rebase()
            self._speed = speed
            self._changed.notify_all()

    @contextmanager
    def shown(self) -> Iterator[Callable[[datetime], None]]:
        """Show other instants for a while: each call of what the block is given shows one.

        The clock goes on as if nothing had been shown.
        """
        if self._frozen:
            before = self.now()
            try:
                yield self.set
            finally:
                self.set(before)
        else:
            try:
                yield self._show
            finally:
                self._shown = None

    def _show(self, instant: datetime) -> None:
        self._shown = instant

    # --------------------------------------------------------------------------- who follows it

    @contextmanager
    def followed(self) -> Iterator[Callable[[float], float]]:
        """Someone is at work in the block, except in the function that it is given.

        That one waits for a number of seconds by this clock, and returns how many have passed.
        """
        self._work(+1)
        try:
            yield self._wait
        finally:
            self._work(-1)

    def _wait(self, seconds: float) -> float:
        with self._changed:
            self._work(-1)
            begun = self._elapsed
            until = begun + seconds
            self._awaited.append(until)
            while (left := until - self._elapsed - self._since_set(time.monotonic())) > 0:
                self._changed.wait(None if self._frozen else left / self._pace())
            self._work(+1)
            self._awaited.remove(until)
            return self._elapsed - begun

    def _work(self, more: int) -> None:
        with self._changed:
            self._rebase()
            self._at_work += more
            self._changed.notify_all()

    def _pace(self) -> float:
        return 1.0 if self._at_work else self._speed

    def _rebase(self) -> None:
        now = time.monotonic()
        passed = self._since_set(now)
        self._set_to += timedelta(seconds=passed)
        self._elapsed += passed
        self._set_at = now

    def _since_set(self, now: float) -> float:
        """Seconds that have passed by this clock since it was set."""
        if self._frozen:
            return 0.0
        passed, pace = now - self._set_at, self._pace()
        # Whoever waits for an instant is at work from then on, although it may notice a bit later.
        fast = min([passed, *(max(0.0, one - self._elapsed) / pace for one in self._awaited)])
        return fast * pace + passed - fast
