"""When the daemon's passes are due, in elapsed time rather than by the wall clock.

The wall clock may be set while the daemon runs. A pass every five minutes still runs every five
minutes; crontab's fields mean a time of day, so their next time is computed again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

CLOCK_CHANGE_THRESHOLD = 60.0
"""Seconds by which the wall clock must move against elapsed time to count as set."""

_NEXT = timedelta(microseconds=1)


class Timetable:
    """Lines of a name and a trigger. All times are arguments: `now` is the time of day, `elapsed`
    the seconds of a clock that nobody sets (`Clock.monotonic`)."""

    def __init__(
        self, schedules: Iterable[tuple[str, BaseTrigger, bool]], now: datetime, elapsed: float
    ) -> None:
        """`schedules`: name, trigger, and whether it is also due at once."""
        self._offset = now.timestamp() - elapsed
        self._seen_at = now
        self._schedules = [_schedule(*schedule, now, elapsed) for schedule in schedules]

    def take_due(self, now: datetime, elapsed: float) -> list[str]:
        """The names of what is due, once each however often missed; each is then rescheduled."""
        due = [schedule for schedule in self._schedules if schedule.due <= elapsed]
        for schedule in due:
            schedule.reschedule(now, elapsed)
        self._seen_at = now
        return [schedule.name for schedule in due]

    def clock_change(self, now: datetime, elapsed: float) -> float:
        """Seconds by which the wall clock was set since this was last called, or 0 for a minute or
        less. Call it before each `take_due`; it reschedules times of day if the clock was set."""
        moved = now.timestamp() - elapsed - self._offset
        # safeguard: timetable-after-a-clock-change
        if abs(moved) <= CLOCK_CHANGE_THRESHOLD:
            return 0.0
        self._offset += moved
        for schedule in self._schedules:
            schedule.clock_was_set(self._seen_at, now, elapsed)
        return moved

    def seconds_until_due(self, elapsed: float) -> float:
        """Seconds until something is due; infinite if nothing ever is."""
        return max(
            0.0, min((schedule.due for schedule in self._schedules), default=math.inf) - elapsed
        )


class _Schedule:
    """One name and when it is due, in elapsed seconds."""

    def __init__(self, name: str, due: float) -> None:
        self.name = name
        self.due = due

    def reschedule(self, now: datetime, elapsed: float) -> None:
        """It was run: compute when it is due again."""
        raise NotImplementedError

    def clock_was_set(self, seen_at: datetime, now: datetime, elapsed: float) -> None:
        """The wall clock, which showed `seen_at` at the last check, was set to `now`."""


class _Interval(_Schedule):
    """Due at a fixed interval."""

    def __init__(self, name: str, trigger: IntervalTrigger, elapsed: float) -> None:
        self._seconds: float = trigger.interval.total_seconds()
        super().__init__(name, elapsed + self._seconds)

    def reschedule(self, now: datetime, elapsed: float) -> None:
        missed = max(0.0, elapsed - self.due) // self._seconds
        self.due += (missed + 1) * self._seconds


class _TimeOfDay(_Schedule):
    """Due at times of day."""

    def __init__(self, name: str, trigger: BaseTrigger, now: datetime, elapsed: float) -> None:
        self._trigger = trigger
        self._planned = now
        super().__init__(name, 0.0)
        self._plan(now, now, elapsed)

    def reschedule(self, now: datetime, elapsed: float) -> None:
        # After the time it was due for, because the wall clock may still be a little before that.
        self._plan(max(now, self._planned), now, elapsed)

    def clock_was_set(self, seen_at: datetime, now: datetime, elapsed: float) -> None:
        skipped = self._following(seen_at)
        if skipped is not None and skipped <= now:
            # Its time of day was skipped; one tick makes up for all of them.
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


def _schedule(
    name: str, trigger: BaseTrigger, at_once: bool, now: datetime, elapsed: float
) -> _Schedule:
    schedule: _Schedule
    if isinstance(trigger, IntervalTrigger):
        schedule = _Interval(name, trigger, elapsed)
    else:
        schedule = _TimeOfDay(name, trigger, now, elapsed)
    if at_once:
        schedule.due = elapsed
    return schedule
