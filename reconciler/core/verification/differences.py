"""What was found as differences, each with the change that would settle it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.core.instants import to_the_second
from reconciler.core.live_order import in_place_of, is_withheld
from reconciler.core.matching.result import listed, titled
from reconciler.core.matching.snapshot import LiveSaleReturn
from reconciler.core.model import GONE, Entry, Return, SaleReturn, State, Value
from reconciler.core.plan import Change, CreationRules, decide
from reconciler.core.report import ChangeKind, SaleReturnName
from reconciler.core.shown_fields import named
from reconciler.core.verification.jetti_side import JettiComparison, Unlike
from reconciler.core.verification.report import (
    Difference,
    DifferenceKind,
    FieldDifference,
    NotCompared,
)

_BY_LEDGER = {
    ChangeKind.CREATE: "it would be created in Jetti",
    ChangeKind.UPDATE: "Jetti would be updated",
    ChangeKind.CANCEL: "it would be cancelled in Jetti",
    ChangeKind.ADOPT: "it would be taken over if Jetti has it",
}
UNREAD = "unread"
"""In place of a state, of a return that the next pass reads."""


def not_in_ledger(
    entry: Entry, rules: CreationRules, marked: Sequence[LiveSaleReturn]
) -> Difference:
    """A return that the ledger should know; `entry` is what it would record, and `marked` are the
    sale returns in Jetti that carry its marker."""
    seen = entry.seen
    what = f"Loop has it since {to_the_second(seen.created_at)} ({seen.state}), the ledger does not"
    if marked:
        what += f"; Jetti has with its marker {_described(marked)}"
    return _difference(
        DifferenceKind.NOT_IN_LEDGER,
        seen,
        what=what,
        sale_returns=_names(marked),
        proposed=f"record it as Loop shows it: {_planned(entry, rules)}",
        command=f"reconciler run --return {seen.id}",
    )


def newer_in_loop(entry: Entry, rules: CreationRules, recorded: Entry) -> Difference:
    """A return that changed in Loop since the ledger `recorded` it; `entry` is what it would
    record."""
    seen = entry.seen
    return _difference(
        DifferenceKind.NEWER_IN_LOOP,
        seen,
        what=f"Loop shows it as of {to_the_second(seen.updated_at)} ({seen.state}), the ledger"
        f" recorded something else as of {to_the_second(recorded.seen.updated_at)}"
        f" ({recorded.seen.state})",
        sale_returns=_names(entry.sale_returns),
        proposed=f"record it as Loop shows it: {_planned(entry, rules)}",
        command=f"reconciler run --return {seen.id}",
    )


def not_in_loop(entry: Entry) -> Difference:
    """A return that Loop no longer has, or has in a state that its list does not show."""
    living = [known for known in entry.sale_returns if not known.is_cancelled]
    if living:
        proposed = (
            "if it was deleted in Loop, cancel it in Jetti by hand, then have the ledger forget it"
        )
    else:
        proposed = "if it was deleted in Loop, have the ledger forget it"
    return _difference(
        DifferenceKind.NOT_IN_LOOP,
        entry.seen,
        what=f"the ledger knows it ({entry.state.value}), Loop does not",
        sale_returns=_names(living),
        proposed=proposed,
        command=f"reconciler ledger forget {entry.id}",
    )


def is_known_to_be_gone(entry: Entry) -> bool:
    """Whether a sweep has recorded that Loop does not have it any more."""
    return entry.seen.state == GONE


def lost_write(entry: Entry, lost: Sequence[Unlike], command: str | None) -> Difference:
    """Fields in which a write of ours is lost; `command` repairs them, unless someone has to decide
    about the return first."""
    return _difference(
        DifferenceKind.LOST_WRITE,
        entry.seen,
        what="what was pushed is not in Jetti, which shows what was there before it, or nothing",
        sale_returns=_names_of(entry, lost),
        fields=_fields(lost),
        proposed="push it again, under the guards; a value that someone sets meanwhile stays"
        if command
        else f"none before someone decides: it is {entry.state.value}",
        command=command,
    )


def edited(entry: Entry, fields: Sequence[Unlike]) -> Difference:
    """Fields that someone has set since they were pushed."""
    return _difference(
        DifferenceKind.EDITED,
        entry.seen,
        what="someone set another value in Jetti than was last pushed",
        sale_returns=_names_of(entry, fields),
        fields=_fields(fields),
        proposed="none: what someone set in Jetti stays; set it back there if it is a mistake",
    )


def deleted(entry: Entry, found: JettiComparison) -> Difference:
    """Sale returns, or lines of them, that someone deleted in Jetti."""
    gone = [f"sale return {titled(known)}" for known in found.deleted]
    gone += [
        f"order line {item.order_line_id} of sale return {titled(known)}"
        for known, item in found.deleted_items
    ]
    whose = {known.id: known for known in found.deleted}
    whose |= {known.id: known for known, _ in found.deleted_items}
    return _difference(
        DifferenceKind.DELETED,
        entry.seen,
        what=f"{listed(gone)} is gone from Jetti",
        sale_returns=_names(whose.values()),
        proposed="none automatically: what was deleted in Jetti stays so, unless someone decides"
        " that it is to be made again",
        command=f"reconciler resolve {entry.id} --create",
    )


def surplus(entry: Entry, found: JettiComparison, rules: CreationRules) -> Difference:
    """Sale returns that carry its marker and that the ledger does not know."""
    there = _described(found.surplus)
    known = [one for one in entry.sale_returns if one.id not in {row.id for row in found.surplus}]
    if found.has_living:
        return _difference(
            DifferenceKind.DOUBLE,
            entry.seen,
            what=f"Jetti has more with its marker than the ledger knows: {there}; the ledger"
            f" knows {listed(map(titled, known))}",
            sale_returns=(*_names(known), *_names(found.surplus)),
            proposed="someone has to decide which are right, and to cancel the others in Jetti by"
            " hand; none is cancelled automatically",
        )
    takes_over = isinstance(decide(entry, _asked_for(rules)), Change)
    return _difference(
        DifferenceKind.NOT_RECORDED,
        entry.seen,
        what=f"Jetti has with its marker {there}; the ledger ({entry.state.value}) knows of none"
        " that is not cancelled",
        sale_returns=_names(found.surplus),
        proposed="take it over and bring it up to date"
        if takes_over
        else "someone has to decide whether it is right, and to cancel it in Jetti by hand if not",
        command=f"reconciler run --return {entry.id}" if takes_over else None,
    )


def unknown_marker(marker: str, rows: Sequence[LiveSaleReturn], *, in_loop: bool) -> Difference:
    """Sale returns with the marker of a return that the ledger does not know; `in_loop`: Loop has
    listed that return."""
    there = _described(rows)
    loop = "Loop has it" if in_loop else "Loop did not list it in this range"
    return Difference(
        kind=DifferenceKind.UNKNOWN_MARKER,
        return_id=marker,
        what=f"sale return {there} has its marker, the ledger does not know it; {loop}",
        sale_returns=_names(rows),
        proposed="read it from Loop, and take over what Jetti has; if Loop does not know it, remove"
        " the marker in Jetti by hand",
        command=f"reconciler run --return {marker}",
    )


def not_compared(entry: Entry, reason: str | None = None) -> NotCompared:
    """An entry that is still in work, or that waits for someone to decide."""
    return NotCompared(
        entry.id,
        entry.seen.order_name,
        entry.seen.order_id,
        entry.state.value,
        entry.due_since or entry.changed_at,
        reason or entry.reason,
    )


def unread(seen: Return) -> NotCompared:
    """A return that the next pass reads, or that a pass has read meanwhile."""
    reason = "changed in Loop since the last pass read it; the next one does"
    return NotCompared(seen.id, seen.order_name, seen.order_id, UNREAD, seen.updated_at, reason)


def _asked_for(rules: CreationRules) -> CreationRules:
    return CreationRules(rules.policy, rules.go_live, asked_for=True)


def _planned(entry: Entry, rules: CreationRules) -> str:
    if entry.state is State.REVIEW:
        return "nothing is pushed before someone decides about its review"
    decision = decide(entry, rules)
    if isinstance(decision, Change):
        return _BY_LEDGER[decision.kind]
    return f"nothing is pushed{f': {decision.reason}' if decision.reason else ''}"


def _described(rows: Iterable[LiveSaleReturn]) -> str:
    return listed(f"{titled(row)} ({row.status})" for row in rows)


def _difference(
    kind: DifferenceKind,
    seen: Return,
    *,
    what: str,
    proposed: str,
    sale_returns: tuple[SaleReturnName, ...] = (),
    fields: tuple[FieldDifference, ...] = (),
    command: str | None = None,
) -> Difference:
    return Difference(
        kind=kind,
        return_id=seen.id,
        order_name=seen.order_name,
        order_id=seen.order_id,
        what=what,
        sale_returns=sale_returns,
        fields=fields,
        proposed=proposed,
        command=command,
    )


def _fields(unlike: Sequence[Unlike]) -> tuple[FieldDifference, ...]:
    return tuple(FieldDifference(named(x.place[2], x.of), x.pushed, _shown(x)) for x in unlike)


def _shown(unlike: Unlike) -> Value:
    """What Jetti shows; of what someone wrote in words only how long it is."""
    # safeguard: verify-leaves-texts-in-jetti
    if not unlike.was_ours and is_withheld(unlike.place[2], unlike.live, (unlike.pushed,)):
        return in_place_of(unlike.live)
    return unlike.live


def _names(rows: Iterable[SaleReturn | LiveSaleReturn]) -> tuple[SaleReturnName, ...]:
    return tuple(SaleReturnName(row.id, row.reference) for row in rows)


def _names_of(entry: Entry, unlike: Sequence[Unlike]) -> tuple[SaleReturnName, ...]:
    ids = {one.sale_return_id for one in unlike}
    return _names(known for known in entry.sale_returns if known.id in ids)
