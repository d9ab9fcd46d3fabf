"""The list's parameters, parsed and refused as Loop does (loop.md#list-parameters,
#time-window)."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from msgspec import Struct

from reconciler.sandbox.loop.encoding import parse_time
from reconciler.sandbox.loop.model import DEFAULT_STATES, LISTED_STATES
from reconciler.sandbox.loop.switches import LoopSwitches

DAY = timedelta(hours=24)
DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE = 100, 750


class Unprocessable(Exception):
    """A parameter is refused: Laravel's validation answer, 422."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field, self.problem = field, problem


class ListQuery(Struct, frozen=True):
    """What a list call asks for."""

    start: datetime | None
    """None: no lower bound (a cursor came without `from`)."""
    end: datetime | None
    column: str
    """`created_at` or `updated_at`: the one that the window applies to."""
    states: tuple[str, ...]
    paginated: bool
    page_size: int
    cursor: str | None
    sent: dict[str, str]
    """All parameters as they came, last one of a name wins, for the links."""


def read(query: str, switches: LoopSwitches, now: datetime) -> ListQuery:
    """Parse the raw query. Raises `Unprocessable`."""
    sent = dict(parse_qsl(query, keep_blank_values=True))
    # Laravel turns empty parameters into absent ones.
    given = {name: value for name, value in sent.items() if value}
    cursor = given.get("cursor")
    paginated = given.get("paginate", "").lower() in ("true", "1")
    paginated = paginated or bool(cursor and switches.cursor_implies_paginate)
    start, end = _window(given, switches, now, paged_on=paginated and cursor is not None)
    return ListQuery(
        start=start,
        end=end,
        column=_one_of(given, "filter", ("created_at", "updated_at"), "created_at"),
        states=_states(given),
        paginated=paginated,
        page_size=_page_size(given, switches),
        cursor=cursor,
        sent=sent,
    )


def _window(
    given: dict[str, str], switches: LoopSwitches, now: datetime, *, paged_on: bool
) -> tuple[datetime | None, datetime | None]:
    start, end = _time(given, "from"), _time(given, "to")
    if start is None:
        if paged_on and switches.cursor_without_from == "open_ended":
            return None, end
        # `to` alone is ignored; neither means the last 24 hours.
        return now - DAY, now
    if end is None:
        return start, start + DAY
    if end < start:
        raise Unprocessable("to", "The to must be a date after or equal to from.")
    if end - start > timedelta(days=switches.longest_window_days):
        days = switches.longest_window_days
        raise Unprocessable("to", f"The date range may not be greater than {days} days.")
    return start, end


def _time(given: dict[str, str], name: str) -> datetime | None:
    found = time_or_none(given.get(name))
    if found is None and name in given:
        raise Unprocessable(name, f"The {name} is not a valid date.")
    return found


def time_or_none(text: str | None) -> datetime | None:
    """A bound of the window; None if the text is not a time."""
    try:
        return parse_time(text or "")
    except (ValueError, OverflowError):
        return None


def _states(given: dict[str, str]) -> tuple[str, ...]:
    if "state" not in given:
        return DEFAULT_STATES
    # One value only: a comma is part of a word that does not exist.
    return (_one_of(given, "state", LISTED_STATES, ""),)


def _one_of(given: dict[str, str], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = given.get(name, default)
    if value not in allowed:
        raise Unprocessable(name, f"The selected {name} is invalid.")
    return value


def _page_size(given: dict[str, str], switches: LoopSwitches) -> int:
    text = given.get("pageSize", str(DEFAULT_PAGE_SIZE))
    if not text.isdecimal() or not text.isascii():
        raise Unprocessable("pageSize", "The page size must be an integer.")
    size = int(text)
    if 1 <= size <= LARGEST_PAGE_SIZE:
        return size
    if switches.page_size_beyond == "refuse":
        raise Unprocessable("pageSize", f"The page size must be between 1 and {LARGEST_PAGE_SIZE}.")
    return min(max(size, 1), LARGEST_PAGE_SIZE)
