"""When the daemon's passes are due, told by the time that passes and not by the time of day.

The wall clock may be set while the daemon runs. A pass every five minutes comes every five minutes
all the same; what is written in crontab's fields is a time of day, so it is counted anew then.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

NOTICED = 60.0
"""Seconds by which the wall clock must move against the time that passes to be worth a word."""

_NEXT = timedelta(microseconds=1)


class Timetable:
    """Lines of a name and a trigger. All times are arguments: `now` is the time of day, `elapsed`
    the seconds of a clock that nobody sets (`Clock.monotonic`)."""

    def __init__(
        self, lines: Iterable[tuple[str, BaseTrigger, bool]], now: datetime, elapsed: float
    ) -> None:
        """(name, trigger, whether also due at once)."""
        self._offset = now.timestamp() - elapsed
        self._seen_at = now
        self._lines = [_line(*line, now, elapsed) for line in lines]

    def look(self, now: datetime, elapsed: float) -> list[str]:
        """What is due, each once however often it was missed; counted as done from then on."""
        due = [line for line in self._lines if line.due <= elapsed]
        for line in due:
            line.go_on(now, elapsed)
        self._seen_at = now
        return [line.name for line in due]

    def moved(self, now: datetime, elapsed: float) -> float:
        """By how many seconds the wall clock was set since the last time it was: 0 for a minute
        or less. To be asked before each look; times of day are counted anew when it was."""
        moved = now.timestamp() - elapsed - self._offset
        # safeguard: timetable-after-a-clock-change
        if abs(moved) <= NOTICED:
            return 0.0
        self._offset += moved
        for line in self._lines:
            line.count_anew(self._seen_at, now, elapsed)
        return moved

    def rest(self, elapsed: float) -> float:
        """Seconds until something is due; infinite where nothing ever is."""
        return max(0.0, min((line.due for line in self._lines), default=math.inf) - elapsed)


class _Line:
    """One name and when it is due, in elapsed seconds."""

    def __init__(self, name: str, due: float) -> None:
        self.name = name
        self.due = due

    def go_on(self, now: datetime, elapsed: float) -> None:
        """It was done; find out when it is due again."""
        raise NotImplementedError

    def count_anew(self, seen_at: datetime, now: datetime, elapsed: float) -> None:
        """The wall clock, which showed `seen_at` at the last look, was set to `now`."""


class _Every(_Line):
    """Again and again after the same time."""

    def __init__(self, name: str, trigger: IntervalTrigger, elapsed: float) -> None:
        self._seconds: float = trigger.interval.total_seconds()
        super().__init__(name, elapsed + self._seconds)

    def go_on(self, now: datetime, elapsed: float) -> None:
        missed = max(0.0, elapsed - self.due) // self._seconds
        self.due += (missed + 1) * self._seconds


class _TimeOfDay(_Line):
    """At times of day."""

    def __init__(self, name: str, trigger: BaseTrigger, now: datetime, elapsed: float) -> None:
        self._trigger = trigger
        self._planned = now
        super().__init__(name, 0.0)
        self._plan(now, now, elapsed)

    def go_on(self, now: datetime, elapsed: float) -> None:
        # After the one it was done for: the wall clock may still be a little before that.
        self._plan(max(now, self._planned), now, elapsed)

    def count_anew(self, seen_at: datetime, now: datetime, elapsed: float) -> None:
        leapt_over = self._following(seen_at)
        if leapt_over is not None and leapt_over <= now:
            # Its time of day never came; one tick makes up for all of them.
            self.due = min(self.due, elapsed)
        else:
            self._plan(now, now, elapsed)

    def _plan(self, after: datetime, now: datetime, elapsed: float) -> None:
        following = self._following(after)
        if following is None:
            self.due = math.inf
            return
        self._planned = following
        self.due = elapsed + (following - now).total_seconds()

    def _following(self, after: datetime) -> datetime | None:
        following: datetime | None = self._trigger.get_next_fire_time(None, after + _NEXT)
        return following


def _line(name: str, trigger: BaseTrigger, at_once: bool, now: datetime, elapsed: float) -> _Line:
    line: _Line
    if isinstance(trigger, IntervalTrigger):
        line = _Every(name, trigger, elapsed)
    else:
        line = _TimeOfDay(name, trigger, now, elapsed)
    if at_once:
        line.due = elapsed
    return line
