"""The period that a report is about, and the one that it is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

_SECOND = timedelta(seconds=1)
USUAL = timedelta(days=30)
"""How long a period is when only its end is given."""


class Span(Struct, frozen=True):
    """A period in whole seconds, both ends included; `until` is the second after it."""

    start: datetime
    until: datetime

    @classmethod
    def of(cls, start: datetime | None, end: datetime | None, now: datetime) -> Span:
        """From the second `start` to the second `end`, which is cut to now. Without a start, the
        `USUAL` time up to the end."""
        last = now if end is None else min(end, now)
        until = last.replace(microsecond=0) + _SECOND
        return cls(until - USUAL if start is None else start.replace(microsecond=0), until)

    @property
    def end(self) -> datetime:
        """Its last second."""
        return self.until - _SECOND

    @property
    def before(self) -> Span:
        """As long, and ending where this one begins."""
        return Span(self.start - (self.until - self.start), self.start)

    def holds(self, instant: datetime) -> bool:
        """Whether it lies in the period."""
        return self.start <= instant < self.until


def day_of(instant: datetime) -> str:
    """The day, in UTC: `2026-01-31`."""
    return f"{instant:%Y-%m-%d}"


def week_of(instant: datetime) -> str:
    """The week by ISO 8601, in UTC: `2026-W05` begins with the Monday 2026-01-26."""
    return f"{instant:%G-W%V}"


def days(span: Span) -> Iterator[datetime]:
    """An instant in each day that the period touches."""
    day = span.start.replace(hour=0, minute=0, second=0)
    while day < span.until:
        yield day
        day += timedelta(days=1)
