"""What a pass would make of a return, by what Jetti shows now."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core.matching.result import Matched, MatchResult, NeedsReview, NotReady, titled
from reconciler.core.matching.snapshot import LiveSaleReturn
from reconciler.core.model import Entry
from reconciler.core.plan import Change, CreationRules, NothingToPush, decide, why_not_created
from reconciler.core.report import ChangeKind, SaleReturnName
from reconciler.core.states import NEEDS_A_PERSON, OPEN

_BY_LEDGER = {
    ChangeKind.CREATE: "it would be created in Jetti",
    ChangeKind.UPDATE: "Jetti would be updated",
    ChangeKind.CANCEL: "it would be cancelled in Jetti",
    ChangeKind.ADOPT: "it would be taken over if Jetti has it",
}


class Foreseen(Struct, frozen=True):
    """What a pass would come to."""

    said: str
    """For people."""
    taken_over: tuple[SaleReturnName, ...] = ()
    """Sale returns that would count as the return's own from then on."""


def is_to_push(entry: Entry, rules: CreationRules) -> bool:
    """Whether a pass that has recorded it like this has to look into Jetti."""
    return entry.state in OPEN and isinstance(decide(entry, rules), Change)


def by_ledger(entry: Entry, rules: CreationRules) -> Foreseen:
    """What the ledger alone tells."""
    if entry.state in NEEDS_A_PERSON:
        return Foreseen(f"nothing is pushed before someone decides: it is {entry.state.value}")
    decision = decide(entry, rules)
    if isinstance(decision, Change):
        return Foreseen(_BY_LEDGER[decision.kind])
    return Foreseen(_nothing(decision.reason))


def by_match(
    entry: Entry, rules: CreationRules, result: MatchResult, *, creation_stopped: bool = False
) -> Foreseen:
    """The same with what Jetti shows; for an entry that is `is_to_push`."""
    decision = decide(entry, rules)
    if isinstance(decision, NothingToPush):
        return by_ledger(entry, rules)
    match result:
        case NeedsReview():
            return Foreseen(f"it would go to review: {result.reason}")
        case NotReady() if decision.kind is not ChangeKind.ADOPT:
            return Foreseen(f"it would wait: {result.reason}")
        case Matched():
            if not (result.sale_returns or result.missing):
                return Foreseen(_nothing(why_not_created(entry, rules)))
            return _of_matched(decision, result, creation_stopped=creation_stopped)
        case _:
            return Foreseen(_nothing(why_not_created(entry, rules)))


def asking_changes_it(entry: Entry, rules: CreationRules) -> bool:
    """Whether `run --return` would do something else about it than a pass that was not asked for
    it: create what is from before go-live."""
    decision, asked = decide(entry, rules), decide(entry, as_asked_for(rules))
    if isinstance(decision, Change) and isinstance(asked, Change):
        return (decision.kind, decision.creates) != (asked.kind, asked.creates)
    return type(decision) is not type(asked)


def as_asked_for(rules: CreationRules) -> CreationRules:
    """The rules of a run for this return alone."""
    return replace(rules, asked_for=True)


def _of_matched(decision: Change, found: Matched, *, creation_stopped: bool) -> Foreseen:
    taken = [found.live[row_id] for row_id in found.adopted]
    parts = [_taken_over(row) for row in taken]
    if found.missing:
        rest = "what Jetti lacks of it would be created"
        made = rest if found.sale_returns else _BY_LEDGER[ChangeKind.CREATE]
        parts.append(made + (" if creation were not stopped" if creation_stopped else ""))
    elif not taken:
        parts.append(_BY_LEDGER[decision.kind])
    names = tuple(SaleReturnName(row.id, row.reference) for row in taken)
    return Foreseen("; ".join(parts), names)


def _taken_over(row: LiveSaleReturn) -> str:
    whose = "which nobody has marked" if row.marker is None else "which carries its marker"
    return f"sale return {titled(row)} ({row.status}), {whose}, would be taken over"


def _nothing(reason: str | None) -> str:
    return f"nothing is pushed{f': {reason}' if reason else ''}"
