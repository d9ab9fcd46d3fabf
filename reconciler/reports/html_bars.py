"""Counts of returns as bars in the cells of tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime

from msgspec import Struct, structs

from reconciler.core.text import safe

_MOST = 10
"""Rows of a table before the rest is added up."""
_MOST_PERIODS = 31
"""Days before they are taken together as weeks, weeks before months."""
_LONGEST = 60


class Bar(Struct, frozen=True):
    """One row: a name, how many, and the width of its bar."""

    name: str
    count: int
    percent: float
    """Of the longest bar in the table."""


class Bars(Struct, frozen=True):
    """One table."""

    title: str
    what: str
    """The heading of its first column."""
    rows: tuple[Bar, ...]


def bars(title: str, what: str, counts: Mapping[str, int]) -> Bars | None:
    """The most frequent first, the rest added up; None where there is nothing to compare."""
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    shown, rest = ranked[:_MOST], ranked[_MOST:]
    if len(rest) == 1:
        shown, rest = ranked, []
    named = [(safe(name, _LONGEST), count) for name, count in shown]
    drawn = _drawn(title, what, named)
    if drawn is None or not rest:
        return drawn
    # Without a bar: it would be the longest of all, and is no rival of theirs.
    others = Bar(f"{len(rest)} others", sum(count for _, count in rest), 0)
    return structs.replace(drawn, rows=(*drawn.rows, others))


def by_time(instants: Iterable[datetime]) -> Bars | None:
    """By day, in their order, also days with nothing; by week or month where that would be long."""
    days = Counter(instant.date() for instant in instants)
    if not days:
        return None
    first, last = min(days), max(days)
    title, number_of, name = next(
        (one for one in _PERIODS if one[1](last) - one[1](first) < _MOST_PERIODS), _PERIODS[-1]
    )
    numbers: Counter[int] = Counter()
    for day, count in days.items():
        numbers[number_of(day)] += count
    span = range(number_of(first), number_of(last) + 1)
    named = [(name(number), numbers[number]) for number in span[-_MOST_PERIODS:]]
    if len(span) > _MOST_PERIODS:
        named.insert(0, ("earlier", numbers.total() - sum(count for _, count in named)))
    return _drawn(title, "Changed", named)


def _drawn(title: str, what: str, named: list[tuple[str, int]]) -> Bars | None:
    # One bar alone compares nothing.
    if len(named) < 2:
        return None
    longest = max(count for _, count in named)
    rows = (Bar(name, count, round(100 * count / longest, 1)) for name, count in named)
    return Bars(title, what, tuple(rows))


def _day(number: int) -> str:
    return date.fromordinal(number).isoformat()


def _week(number: int) -> str:
    return date.fromordinal(7 * number + 1).isoformat()


def _month(number: int) -> str:
    return f"{number // 12}-{number % 12 + 1:02}"


_PERIODS: tuple[tuple[str, Callable[[date], int], Callable[[int], str]], ...] = (
    ("By day", date.toordinal, _day),
    # The first day of the calendar was a Monday.
    ("By week from Monday", lambda day: (day.toordinal() - 1) // 7, _week),
    ("By month", lambda day: 12 * day.year + day.month - 1, _month),
)
