"""The counts of a pass and its exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from reconciler.core.model import Entry, Purpose, State
from reconciler.core.report import ChangeKind, Counts, OutcomeKind, ReportedChange, Sums
from reconciler.core.states import OPEN, TROUBLED
from reconciler.errors import worst

CREATION_STOPPED = (
    "creation is stopped until someone decides about the return that caused it, with"
    " `reconciler retry`, `resolve` or `ignore`"
)
NEED_A_LOOK = "returns need a look: "
"""So begins the sentence of a pass that ended with 3 for returns or rows alone."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)

_PUSHED_AS = {
    ChangeKind.CREATE: "created",
    ChangeKind.UPDATE: "updated",
    ChangeKind.CANCEL: "cancelled",
    ChangeKind.ADOPT: "adopted",
}
_PROBLEM_WORDS = {
    State.DEAD: "dead",
    State.FAILED: "failed",
    State.IN_FLIGHT: "in flight",
    State.REVIEW: "in review",
    State.UNKNOWN: "with an unanswered write",
}


class ReadTotals(Struct, frozen=True):
    """Returns that were read."""

    seen: int
    new: int
    changed: int
    forgotten: int = 0


class LedgerTotals(Struct, frozen=True):
    """The state of the ledger when a pass ends: of all returns, or of those that were named."""

    states: Mapping[State, int] = {}
    overdue: int = 0
    malformed: int = 0
    creation_stopped: str | None = None


def count(read: ReadTotals, outcomes: Iterable[ReportedChange], totals: LedgerTotals) -> Counts:
    """What was read and done in this pass, and the state of the ledger now."""
    done: Counter[str] = Counter()
    for change in outcomes:
        if change.outcome is OutcomeKind.PUSHED:
            done[_PUSHED_AS[change.change]] += 1
        # Of what is planned or stopped nothing was written. What failed may have made some.
        # safeguard: sale-returns-of-any-outcome-are-counted
        if change.outcome is not OutcomeKind.PLANNED and not change.stopped:
            done["sale_returns_made"] += change.sale_returns_made
            done["sale_returns_cancelled"] += change.sale_returns_cancelled
    states = totals.states
    return Counts(
        seen=read.seen,
        new=read.new,
        changed=read.changed,
        unchanged=read.seen - read.new - read.changed,
        forgotten=read.forgotten,
        skipped=sum(change.outcome is OutcomeKind.SKIPPED for change in outcomes),
        waiting=states.get(State.WAITING, 0),
        failed=states.get(State.FAILED, 0),
        review=states.get(State.REVIEW, 0),
        malformed=totals.malformed,
        pending=states.get(State.PENDING, 0),
        dead=states.get(State.DEAD, 0),
        unanswered=states.get(State.UNKNOWN, 0) + states.get(State.IN_FLIGHT, 0),
        **done,
    )


def sums(outcomes: Iterable[ReportedChange], seconds_at_pace: float) -> Sums:
    """Over what a pass planned, besides what turned out to need no push."""
    kept = [change for change in outcomes if change.outcome is not OutcomeKind.SKIPPED]
    return Sums(
        vendors=len({vendor for change in kept for vendor in change.vendors}),
        before_go_live=sum(change.before_go_live for change in kept),
        seconds_at_pace=round(seconds_at_pace),
    )


def totals_of(
    entries: Sequence[Entry], overdue_before: datetime, malformed: int, creation_stopped: str | None
) -> LedgerTotals:
    """The totals of these entries alone.

    That creation is stopped counts only if one of them still has to be created.
    """
    waits = any(map(needs_creating, entries))
    return LedgerTotals(
        states=Counter(entry.state for entry in entries),
        overdue=sum(is_overdue(entry, overdue_before) for entry in entries),
        malformed=malformed,
        creation_stopped=creation_stopped if waits else None,
    )


def problems_of(entries: Sequence[Entry], overdue_before: datetime) -> list[Entry]:
    """Entries that failed, need someone or are overdue, the longest waiting first."""
    found = [e for e in entries if e.state in TROUBLED or is_overdue(e, overdue_before)]
    return sorted(found, key=lambda entry: (entry.due_since or _LONG_AGO, entry.id))


def is_overdue(entry: Entry, before: datetime) -> bool:
    """Whether the program has had something to do about it since `before` or longer."""
    return entry.state in OPEN and entry.due_since is not None and entry.due_since <= before


def needs_creating(entry: Entry) -> bool:
    """Whether some of its lines still have to be created in Jetti."""
    if entry.state not in OPEN or entry.wanted.purpose is not Purpose.EXIST:
        return False
    there = {item.order_line_id for known in entry.sale_returns for item in known.items}
    return any(line.order_line_id not in there for line in entry.wanted.lines)


def exit_code(failures: Collection[int], totals: LedgerTotals, *, pending_shows: bool) -> int:
    """The exit code: the worst of what stopped the pass and of the state of the ledger.

    `pending_shows`: a dry run with `--detailed-exitcode` that has changes to show.
    """
    codes = set(failures)
    if totals.creation_stopped is not None:
        codes.add(7)
    if totals.overdue or totals.malformed or _troubled(totals):
        codes.add(3)
    if pending_shows:
        codes.add(10)
    return worst(codes)


def sentence(code: int, totals: LedgerTotals) -> str | None:
    """Why a pass that was not stopped ended with this code; None if all is well."""
    if code == 7 and totals.creation_stopped is not None:
        return f"{CREATION_STOPPED}: {totals.creation_stopped}"
    if code != 3:
        return None
    parts = [(totals.states.get(state), what) for state, what in _PROBLEM_WORDS.items()]
    parts += [(totals.overdue, "overdue"), (totals.malformed, "not understood")]
    return NEED_A_LOOK + ", ".join(f"{n} {what}" for n, what in parts if n)


def _troubled(totals: LedgerTotals) -> bool:
    return any(totals.states.get(state) for state in TROUBLED)
