"""What a pass may spend, and how fresh changes and the backlog share it
(performance.md#under-scarcity)."""

from __future__ import annotations

from msgspec import Struct

PASS_INTERVAL = 300.0
"""Seconds between the starts of two scheduled passes, by cron.example, the systemd units and
`serve`."""
BACKLOG_SHARE = 0.9
"""The part of that interval after which the backlog is left alone: what was begun by then ends
before the next pass is due, so that no fresh return has to wait for the lock."""
SCHEDULED_SECONDS = 600.0
"""Seconds after which a scheduled pass or a sweep ends."""
RESERVED = 0.25
"""The part of a budget that fresh changes leave to the backlog; else they could hold it up
forever."""


def backlog_seconds(interval: float = PASS_INTERVAL) -> float:
    """Seconds after which a pass leaves the backlog alone, where one starts every `interval`."""
    return BACKLOG_SHARE * min(interval, SCHEDULED_SECONDS)


class Spent(Struct, frozen=True):
    """What a pass has spent so far, or what a change is expected to take."""

    writes: int = 0
    seconds: float = 0.0

    def since(self, earlier: Spent) -> Spent:
        """What was spent between the two."""
        return Spent(self.writes - earlier.writes, self.seconds - earlier.seconds)

    def at_least(self, other: Spent) -> Spent:
        """The larger of each."""
        return Spent(max(self.writes, other.writes), max(self.seconds, other.seconds))


class Budget(Struct, frozen=True):
    """The limits of a pass. They are looked at between two changes, never inside one."""

    max_writes: int | None = None
    max_seconds: float | None = None
    backlog_seconds: float | None = None
    """Seconds after which the backlog is left alone; None: no limit of its own."""

    def why_spent(self, spent: Spent) -> str | None:
        """Why nothing more is begun; None while something may be."""
        if self.max_writes is not None and spent.writes >= self.max_writes:
            noun = "write" if self.max_writes == 1 else "writes"
            return f"the budget of {self.max_writes} {noun} is spent"
        if self.max_seconds is not None and spent.seconds >= self.max_seconds:
            return f"the time limit of {self.max_seconds:.0f} s is reached"
        return None

    def leaves_the_backlog(self, spent: Spent, fresh: Spent) -> bool:
        """Whether no more of the backlog is begun, of which one change was already. `fresh` is what
        had been spent before that one."""
        if self.backlog_seconds is None:
            return False
        # However long the fresh changes took, a part of the pass belongs to the backlog.
        reserved = RESERVED * (self.max_seconds or 0.0)
        return spent.seconds >= max(self.backlog_seconds, fresh.seconds + reserved)

    def leaves_fresh_changes(self, spent: Spent, one: Spent) -> bool:
        """Whether the backlog comes next, although more is fresh and a change of that was begun.
        `one` is what a change of the backlog may take."""
        # safeguard: backlog-keeps-its-share
        return _is_left(self.max_writes, spent.writes, one.writes) or _is_left(
            self.max_seconds, spent.seconds, one.seconds
        )


def _is_left(most: float | None, spent: float, one: float) -> bool:
    """Whether only the backlog's part is left of a budget: a quarter, or room for one change."""
    return most is not None and spent >= most - max(RESERVED * most, one)
