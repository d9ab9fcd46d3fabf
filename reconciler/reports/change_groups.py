"""The changes of a report in groups, those that need someone first, and which of each to show.

A plan may have 100,000 changes; whoever reads it wants to know what kinds there are, how many of
each, and a few of each that tell most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from heapq import nlargest, nsmallest
from itertools import chain

from msgspec import Struct

from reconciler.core.report import ChangeKind, OutcomeKind, ReportedChange

SHOWN = 10
"""The most changes of a group that are shown."""
_MOST_REASONS = 5
"""The most groups that differ by their reason alone."""

_URGENCY = (
    OutcomeKind.REVIEW,
    OutcomeKind.FAILED,
    OutcomeKind.WAITING,
    OutcomeKind.DEFERRED,
    OutcomeKind.PLANNED,
    OutcomeKind.PUSHED,
    OutcomeKind.SKIPPED,
)
"""What needs someone comes before what went well."""


class Group(Struct, frozen=True):
    """Changes of one kind, with one outcome, for one reason."""

    kind: ChangeKind
    outcome: OutcomeKind
    stopped: bool
    is_only_looked_for: bool
    reason: str | None
    """What all of them share; None where there is no reason, or where each has its own."""
    count: int
    shown: tuple[ReportedChange, ...]
    """The most telling of them, at most `SHOWN`."""


_Key = tuple[bool, OutcomeKind, ChangeKind, bool]


def is_only_looked_for(change: ReportedChange) -> bool:
    """Whether nobody has looked yet whether Jetti has what would be taken over."""
    return change.change is ChangeKind.ADOPT and not change.sale_returns


def grouped(changes: Iterable[ReportedChange]) -> list[Group]:
    """The groups, in the order in which to read them. A reason makes one if several changes have
    it, and few others are as frequent; the rest are together, each with its own."""
    by_reason: dict[_Key, dict[str | None, list[ReportedChange]]] = defaultdict(dict)
    for change in changes:
        unsure = is_only_looked_for(change)
        key = (change.stopped, change.outcome, change.change, unsure)
        # What stopped them is the same for all, and the report says it elsewhere.
        reason = None if change.stopped else change.reason
        by_reason[key].setdefault(reason, []).append(change)
    groups: list[Group] = []
    for key, reasons in by_reason.items():
        without = reasons.pop(None, [])
        most = nlargest(_MOST_REASONS, reasons.values(), key=len)
        shared = [of for of in most if len(of) > 1]
        names = {of[0].reason for of in shared}
        rest = chain(without, *(of for reason, of in reasons.items() if reason not in names))
        if others := list(rest):
            groups.append(_group(key, None, others))
        groups += (_group(key, of[0].reason, of) for of in shared)
    return sorted(groups, key=_place)


def _group(key: _Key, reason: str | None, changes: list[ReportedChange]) -> Group:
    stopped, outcome, kind, unsure = key
    shown = tuple(nsmallest(SHOWN, changes, key=_telling))
    return Group(kind, outcome, stopped, unsure, reason, len(changes), shown)


def _place(group: Group) -> tuple[int, int, int, int, str]:
    # What is stopped waits for someone to accept it; else the largest group first.
    is_late = _URGENCY.index(group.outcome) > _URGENCY.index(OutcomeKind.FAILED)
    return (
        is_late + (is_late and not group.stopped),
        _URGENCY.index(group.outcome),
        list(ChangeKind).index(group.kind),
        -group.count,
        group.reason or "",
    )


def _telling(change: ReportedChange) -> tuple[bool, bool, int, str]:
    """First what has a remark, then what is from before go-live, then the oldest: Loop counts its
    returns upwards, so the lowest id."""
    return (not change.remarks, not change.before_go_live, len(change.return_id), change.return_id)
