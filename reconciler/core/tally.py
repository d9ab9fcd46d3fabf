"""Counting a pass, and what its exit code must say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from reconciler.core.model import State
from reconciler.core.report import ChangeKind, Counts, OutcomeKind, ReportedChange
from reconciler.core.states import TROUBLED
from reconciler.errors import worst

_COUNTED_AS = {
    OutcomeKind.SKIPPED: "skipped",
    OutcomeKind.WAITING: "waiting",
    OutcomeKind.FAILED: "failed",
    OutcomeKind.REVIEW: "review",
}
_PUSHED_AS = {
    ChangeKind.CREATE: "created",
    ChangeKind.UPDATE: "updated",
    ChangeKind.CANCEL: "cancelled",
    ChangeKind.ADOPT: "adopted",
}


class Read(Struct, frozen=True):
    """Returns that were read."""

    seen: int
    new: int
    changed: int


class Standing(Struct, frozen=True):
    """How the whole ledger stands when a pass ends."""

    states: Mapping[State, int] = {}
    overdue: int = 0
    malformed: int = 0
    creation_stopped: str | None = None


def count(read: Read, outcomes: Sequence[ReportedChange], standing: Standing) -> Counts:
    """What was read and done in this pass; malformed and pending as they stand now."""
    done: dict[str, int] = {}
    for told in outcomes:
        name = _COUNTED_AS.get(told.outcome)
        if told.outcome is OutcomeKind.PUSHED:
            name = _PUSHED_AS[told.change]
        if name is not None:
            done[name] = done.get(name, 0) + 1
    return Counts(
        seen=read.seen,
        new=read.new,
        changed=read.changed,
        unchanged=read.seen - read.new - read.changed,
        malformed=standing.malformed,
        pending=standing.states.get(State.PENDING, 0),
        **done,
    )


def exit_code(failures: Collection[int], standing: Standing, *, pending_shows: bool) -> int:
    """The verdict: the worst of what stopped the pass and how the ledger stands.

    `pending_shows` is a dry run with `--detailed-exitcode` that has changes to show.
    """
    codes = set(failures)
    if standing.creation_stopped is not None:
        codes.add(7)
    if standing.overdue or standing.malformed or _troubled(standing):
        codes.add(3)
    if pending_shows:
        codes.add(10)
    return worst(codes)


def _troubled(standing: Standing) -> bool:
    return any(standing.states.get(state) for state in TROUBLED)
