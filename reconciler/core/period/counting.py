"""Counts the returns of a period, one by one, in little memory."""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from reconciler.core.model import State
from reconciler.core.period.facts import Landed, ReturnFacts
from reconciler.core.period.report import IN_HOUSE, Latency
from reconciler.core.period.span import day_of, week_of
from reconciler.core.report import Problem
from reconciler.core.states import NEEDS_A_PERSON, OPEN

MOST_PROBLEMS = 100
"""That are listed."""

_NOTHING_TO_DO = frozenset({State.SKIPPED, State.IGNORED})
_MEDIAN, _P95 = 50, 95

Value = str | None


def _outcome(one: ReturnFacts) -> tuple[Value, ...]:
    return ("+".join(one.outcomes) or None,)


def _reasons(one: ReturnFacts) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(reason or None for reason in one.reasons)) or (None,)


def _vendors(one: ReturnFacts) -> tuple[Value, ...]:
    if one.vendors is None or not one.is_in_jetti:
        return (None,)
    return tuple(IN_HOUSE if id_ is None else str(id_) for id_ in one.vendors)


VALUES: Mapping[str, Callable[[ReturnFacts], tuple[Value, ...]]] = {
    "day": lambda one: (day_of(one.created_at),),
    "week": lambda one: (week_of(one.created_at),),
    "vendor": _vendors,
    "reason": _reasons,
    "outcome": _outcome,
}
"""By what returns can be grouped: what a return counts for."""


class Durations:
    """Whole seconds, each of some return; eight bytes each."""

    def __init__(self) -> None:
        self._seconds = array("q")
        self._slowest: tuple[int, str] | None = None

    def add(self, span: timedelta, return_id: str) -> None:
        """Less than nothing, which two clocks can make of little, is nothing."""
        seconds = max(0, int(span.total_seconds()))
        self._seconds.append(seconds)
        if self._slowest is None or seconds > self._slowest[0]:
            self._slowest = seconds, return_id

    def latency(self) -> Latency:
        """The percentiles by nearest rank."""
        if self._slowest is None:
            return Latency()
        ordered = sorted(self._seconds)
        slowest, return_id = self._slowest
        return Latency(
            len(ordered), _ranked(ordered, _MEDIAN), _ranked(ordered, _P95), slowest, return_id
        )


class Tally:
    """Some returns, added up."""

    def __init__(self) -> None:
        self.returns = self.in_jetti = self.taken_over = self.not_recorded = 0
        self.to_do = self.needs_a_person = self.nothing_to_do = 0
        self.since_created = Durations()
        self.since_changed = Durations()

    def add(self, one: ReturnFacts, history_since: datetime | None) -> None:
        """Count a return. `history_since`: as in `LedgerFacts`."""
        self.returns += 1
        self.to_do += one.state in OPEN
        self.needs_a_person += one.state in NEEDS_A_PERSON
        self.nothing_to_do += one.state in _NOTHING_TO_DO
        is_whole = history_since is None or one.created_at >= history_since
        created = first(one.landed, lambda write: write.is_create) if is_whole else None
        if created is not None:
            self.since_created.add(created - one.created_at, one.return_id)
        if one.is_in_jetti:
            self.in_jetti += 1
            self.not_recorded += not is_whole
            self.taken_over += is_whole and created is None
        changed = sent_after(one, one.content_since)
        # A write that was deleted may have been earlier than those that are kept.
        if changed is not None and (history_since is None or one.content_since >= history_since):
            self.since_changed.add(changed - one.content_since, one.return_id)


class Problems:
    """The oldest of the open problems, and how many there are."""

    def __init__(self, overdue_before: datetime) -> None:
        self._overdue_before = overdue_before
        self._kept: list[_Newest] = []
        self.count = 0

    def add(self, one: ReturnFacts) -> None:
        """Take it in if it is one, as `status` counts them."""
        is_stuck = one.state in NEEDS_A_PERSON or one.state is State.FAILED
        is_overdue = (
            one.state in OPEN and one.since is not None and one.since <= self._overdue_before
        )
        if not (is_stuck or is_overdue):
            return
        self.count += 1
        place = heapq.heappush if len(self._kept) < MOST_PROBLEMS else heapq.heappushpop
        place(self._kept, _Newest(one))

    def oldest(self) -> tuple[Problem, ...]:
        """Of those that wait equally long, by id."""
        return tuple(
            Problem(one.return_id, one.order_name, one.state.value, one.since, one.reason,
                    one.order_id)
            for one in sorted((kept.one for kept in self._kept), key=_age)
        )  # fmt: skip


class _Newest:
    """Sorts the newest first, so that a heap gives that one up."""

    __slots__ = ("one",)

    def __init__(self, one: ReturnFacts) -> None:
        self.one = one

    def __lt__(self, other: _Newest) -> bool:
        return _age(self.one) > _age(other.one)


def _age(one: ReturnFacts) -> tuple[float, str]:
    return (one.since.timestamp() if one.since is not None else 0.0, one.return_id)


def first(
    landed: Iterable[Landed], so: Callable[[Landed], bool] = lambda _: True
) -> datetime | None:
    """When the first of these writes that is so was sent; None if none is."""
    return next((write.sent_at for write in landed if so(write)), None)


def sent_after(one: ReturnFacts, since: datetime) -> datetime | None:
    """When the return, as it is since then, was first sent to Jetti: a write for what is wanted
    now; else, where settings have changed what is wanted, any."""
    later = [write for write in one.landed if write.sent_at >= since]
    return first(later, lambda write: write.is_current) or first(later)


def shares(counts: Counter[Value], before: Counter[Value]) -> list[tuple[Value, int, int]]:
    """What there is of each, the most first."""
    found = ((what, counts[what], before[what]) for what in counts.keys() | before.keys())
    return sorted(found, key=lambda share: (-share[1], -share[2], share[0] is None, share[0] or ""))


def _ranked(ordered: list[int], percent: int) -> int:
    """The smallest value that at least this share of all does not exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1]
