"""Which period a report is about, and the one before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.core.period.span import Span, day_of, days, week_of

NOW = datetime(2026, 3, 10, 15, 4, 5, 678, tzinfo=UTC)


def at(day: int, *clock: int) -> datetime:
    return datetime(2026, 3, day, *clock, tzinfo=UTC)


def test_both_ends_are_in_it_to_the_second() -> None:
    span = Span.of(at(1), at(7, 23, 59, 59), NOW)

    assert (span.start, span.end, span.until) == (at(1), at(7, 23, 59, 59), at(8))
    assert span.holds(at(1))
    assert span.holds(at(7, 23, 59, 59, 999999))
    assert not span.holds(at(8))


def test_the_one_before_is_as_long_and_they_meet() -> None:
    before = Span.of(at(8), at(14, 23, 59, 59), at(20)).before

    assert (before.start, before.end) == (at(1), at(7, 23, 59, 59))


def test_an_end_in_the_future_or_none_is_now() -> None:
    cut = Span.of(at(1), NOW + timedelta(days=3), NOW)

    assert cut == Span.of(at(1), None, NOW)
    assert cut.end == at(10, 15, 4, 5)


@pytest.mark.parametrize("end", [None, at(9, 23, 59, 59)])
def test_without_a_start_it_is_thirty_days_long(end: datetime | None) -> None:
    span = Span.of(None, end, NOW)

    assert span.until - span.start == timedelta(days=30)
    assert span.end == (at(10, 15, 4, 5) if end is None else end)


def test_every_day_that_it_touches_is_there() -> None:
    span = Span(at(1, 18), at(3, 0, 0, 1))

    assert [day_of(day) for day in days(span)] == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert [day_of(day) for day in days(Span(at(1, 18), at(3)))] == ["2026-03-01", "2026-03-02"]


def test_weeks_are_those_of_iso_8601() -> None:
    sunday = datetime(2027, 1, 3, tzinfo=UTC)

    assert [week_of(sunday), week_of(sunday + timedelta(days=1))] == ["2026-W53", "2027-W01"]
