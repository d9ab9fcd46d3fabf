"""Schedules in crontab's five fields, with crontab's meaning, as APScheduler triggers.

APScheduler counts weekdays from Monday = 0, crontab from Sunday = 0; and if both a day of the month
and a weekday are given, APScheduler needs both to match, crontab either. A schedule that runs on
another day than the one written is worse than none, so weekdays are passed on by name and the
ambiguous form is refused.
"""

from __future__ import annotations

import re
from datetime import UTC

from apscheduler.triggers.cron import CronTrigger

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAY = r"[0-7]|[a-z]{3}"
_WEEKDAY_PART = re.compile(
    rf"(?:\*|(?P<first>{_DAY})-(?P<last>{_DAY}))(?:/(?P<step>[1-7]))?|(?P<only>{_DAY})"
)


def trigger(written: str) -> CronTrigger:
    """The trigger for `minute hour day month weekday`, in UTC. Raises ValueError, saying why."""
    fields = written.split()
    if len(fields) != 5:
        raise ValueError("it needs five fields: minute hour day month weekday")
    minute, hour, day, month, weekday = fields
    if day != "*" and weekday != "*":
        raise ValueError("a day of the month and a weekday together are ambiguous; use one")
    return CronTrigger(
        minute=minute,
        hour=hour,
        day=day,
        month=month,
        day_of_week=weekdays(weekday),
        timezone=UTC,
    )


def weekdays(written: str) -> str:
    """The weekday field with every day by name: `1-5` becomes `mon,tue,wed,thu,fri`, 0 and 7 `sun`.

    Raises ValueError.
    """
    if written == "*":
        return written
    numbers: set[int] = set()
    for part in written.lower().split(","):
        numbers |= _numbers(part)
    return ",".join(_WEEKDAYS[number] for number in sorted(numbers))


def _numbers(part: str) -> set[int]:
    match = _WEEKDAY_PART.fullmatch(part)
    if not match:
        raise ValueError(f"{part!r} is not a weekday; write 0 to 7 (0 and 7 are Sunday) or names")
    lowest = _number(match["only"] or match["first"] or "0")
    highest = _number(match["only"] or match["last"] or "6")
    if lowest > highest:
        raise ValueError(f"{part!r} runs backwards; name the days one by one")
    return {number % 7 for number in range(lowest, highest + 1, int(match["step"] or 1))}


def _number(written: str) -> int:
    """0 to 7; both are Sunday."""
    if written.isdigit():
        return int(written)
    if written not in _WEEKDAYS:
        raise ValueError(f"{written!r} is not a weekday")
    return _WEEKDAYS.index(written)
