"""Returns by state, each with the reason and with what happens next, as `list` shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from reconciler.core.model import Entry, State
from reconciler.core.records import MALFORMED, SetAside
from reconciler.core.return_detail import Circumstances, what_follows, what_next

_WHEN_ITS_TURN_COMES = (
    "taken up by the next passes, when its turn comes; `reconciler show` says when"
)
_UNTIL_UNDERSTOOD = "nothing until everything Loop says about it is understood"


class Filter(Struct, frozen=True):
    """Which returns are listed: those that meet all of it."""

    states: frozenset[str] = frozenset()
    """Values of `State`, and `MALFORMED`; all if there are none."""
    since: datetime | None = None
    """Those that have been as they are since then or for less long."""
    reason: str = ""
    """A part of the reason, in upper or lower case."""


class Listed(Struct, frozen=True):
    """One return, or a row that was not understood."""

    return_id: str | None
    order_name: str
    order_id: str | None
    state: str
    since: datetime | None
    """Since when something is due, or since it was recorded as it is."""
    reason: str | None
    next: str


class Counted(Struct, frozen=True):
    """How many of those that are listed have something in common."""

    count: int
    what: str


class Listing(Struct, frozen=True):
    """What was asked for, the longest waiting first, and its sums."""

    now: datetime
    returns: tuple[Listed, ...]
    by_state: tuple[Counted, ...]
    by_reason: tuple[Counted, ...]
    """The most frequent first."""


def listed(entry: Entry, circumstances: Circumstances) -> Listed:
    """An entry as it is listed."""
    by_state = _WHEN_ITS_TURN_COMES if entry.state is State.PENDING else what_next(entry)
    return Listed(
        entry.id,
        entry.seen.order_name,
        entry.seen.order_id,
        entry.state.value,
        entry.due_since or entry.changed_at,
        entry.reason,
        what_follows(entry, by_state, circumstances),
    )


def listed_row(row: SetAside) -> Listed:
    """A row that was not understood at all, of which there is no entry."""
    return Listed(
        row.return_id,
        row.order_name or "",
        None,
        MALFORMED,
        row.first_seen,
        row.problem,
        _UNTIL_UNDERSTOOD,
    )


def listing(found: Iterable[Listed], now: datetime) -> Listing:
    """All of these with their sums."""
    ordered = sorted(found, key=lambda one: (one.since or now, one.return_id or ""))
    states = Counter(one.state for one in ordered)
    reasons = Counter(one.reason for one in ordered if one.reason)
    return Listing(
        now,
        tuple(ordered),
        tuple(Counted(count, state) for state, count in sorted(states.items())),
        tuple(
            Counted(count, reason)
            for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        ),
    )
