"""What was found as differences, each with the change that would settle it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from reconciler.core.decisions import Decision, Situation, refusal, why_not_forgotten
from reconciler.core.instants import to_the_second
from reconciler.core.live_order import in_place_of, is_withheld
from reconciler.core.matching.result import listed, titled
from reconciler.core.matching.snapshot import LiveSaleReturn
from reconciler.core.model import GONE, Entry, Return, SaleReturn, Value
from reconciler.core.records import MALFORMED, SetAside
from reconciler.core.report import SaleReturnName
from reconciler.core.shown_fields import named
from reconciler.core.verification.foreseen import Foreseen
from reconciler.core.verification.jetti_side import JettiComparison, Unlike
from reconciler.core.verification.report import (
    Difference,
    DifferenceKind,
    FieldDifference,
    NotCompared,
)

UNREAD = "unread"
"""In place of a state, of a return that the next pass reads."""


def not_in_ledger(
    seen: Return, foreseen: Foreseen, marked: Sequence[LiveSaleReturn], command: str
) -> Difference:
    """A return that the ledger should know; `marked` are the sale returns in Jetti that carry its
    marker, and `command` records it."""
    what = f"Loop has it since {to_the_second(seen.created_at)} ({seen.state}), the ledger does not"
    if marked:
        what += f"; Jetti has with its marker {_described(marked)}"
    return _difference(
        DifferenceKind.NOT_IN_LEDGER,
        seen,
        what=what,
        sale_returns=_each_once((*_names(marked), *foreseen.taken_over)),
        proposed=f"record it as Loop shows it: {foreseen.said}",
        command=command,
    )


def newer_in_loop(seen: Return, foreseen: Foreseen, recorded: Entry, command: str) -> Difference:
    """A return that changed in Loop since the ledger `recorded` it; `command` records it."""
    return _difference(
        DifferenceKind.NEWER_IN_LOOP,
        seen,
        what=f"Loop shows it as of {to_the_second(seen.updated_at)} ({seen.state}), the ledger"
        f" recorded something else as of {to_the_second(recorded.seen.updated_at)}"
        f" ({recorded.seen.state})",
        sale_returns=_each_once((*_names(recorded.sale_returns), *foreseen.taken_over)),
        proposed=f"record it as Loop shows it: {foreseen.said}",
        command=command,
    )


def not_in_loop(entry: Entry) -> Difference:
    """A return that Loop no longer has, or has in a state that its list does not show."""
    living = [known for known in entry.sale_returns if not known.is_cancelled]
    refused = why_not_forgotten(entry)
    proposed = "have the ledger forget it"
    if living:
        proposed = "cancel it in Jetti by hand, then have the ledger forget it"
    if refused:
        proposed += f", which is refused as long as {refused}"
    return _difference(
        DifferenceKind.NOT_IN_LOOP,
        entry.seen,
        what=f"the ledger knows it ({entry.state.value}), Loop does not",
        sale_returns=_names(living),
        proposed=f"if it was deleted in Loop, {proposed}",
        command=None if refused else f"reconciler ledger forget {entry.id}",
    )


def is_known_to_be_gone(entry: Entry) -> bool:
    """Whether a sweep has recorded that Loop does not have it any more."""
    return entry.seen.state == GONE


def lost_write(
    entry: Entry, lost: Sequence[Unlike], foreseen: Foreseen | None, command: str | None
) -> Difference:
    """Fields in which a write of ours is lost; `command` repairs them, which comes to what was
    `foreseen`, unless someone has to decide about the return first."""
    taken_over = foreseen.taken_over if foreseen else ()
    return _difference(
        DifferenceKind.LOST_WRITE,
        entry.seen,
        what="what was pushed is not in Jetti, which shows what was there before it, or nothing",
        sale_returns=_each_once((*_names_of(entry, lost), *taken_over)),
        fields=_fields(lost),
        proposed="push it again, under the guards; a value that someone sets meanwhile stays"
        + (f": {foreseen.said}" if foreseen else "")
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


def deleted(
    entry: Entry, found: JettiComparison, refused: str | None, row: SetAside | None
) -> Difference:
    """Sale returns, or lines of them, that someone deleted in Jetti; `refused`: why they cannot be
    made again. `row`: what is not understood of it."""
    gone = [f"sale return {titled(known)}" for known in found.deleted]
    gone += [
        f"order line {item.order_line_id} of sale return {titled(known)}"
        for known, item in found.deleted_items
    ]
    whose = {known.id: known for known in found.deleted}
    whose |= {known.id: known for known, _ in found.deleted_items}
    ignore = (
        f"`reconciler ignore {entry.id} --reason TEXT` has the return left alone, and not listed"
        " here again"
    )
    if row is not None and refusal(entry, Decision.IGNORE, Situation(row)) is not None:
        ignore = f"correct in Loop what is not understood of it first; then {ignore}"
    stays = f"none automatically: what was deleted in Jetti stays so. If that is meant, {ignore}"
    return _difference(
        DifferenceKind.DELETED,
        entry.seen,
        what=f"{listed(gone)} is gone from Jetti",
        sale_returns=_names(whose.values()),
        proposed=f"{stays}. It cannot be made again: {refused}"
        if refused
        else f"{stays}; if not, have it made again",
        command=None if refused else f"reconciler resolve {entry.id} --create",
    )


def overwritten(
    marker: str,
    rows: Sequence[LiveSaleReturn],
    owners: Mapping[int, str],
    *,
    kind: DifferenceKind,
    seen: Return | None = None,
) -> Difference:
    """Sale returns that carry the marker of a return, although by the ledger they are others', so
    that none of them is to be cancelled. `seen`: that return, where the ledger knows it."""
    whose = listed(f"{titled(row)} ({row.status}) is return {owners[row.id]}'s" for row in rows)
    back = listed(f"of {titled(row)} to {owners[row.id]}" for row in rows)
    return Difference(
        kind=kind,
        return_id=marker,
        order_name=seen.order_name if seen else "",
        order_id=seen.order_id if seen else None,
        what=f"by the ledger sale return {whose}, and it carries this one's marker",
        sale_returns=_names(rows),
        proposed=f"set the marker (`externalId`) {back} in Jetti by hand, and do not cancel what is"
        " another return's",
    )


def double(entry: Entry, found: JettiComparison) -> Difference:
    """More sale returns carry its marker than the ledger knows."""
    known = [one for one in entry.sale_returns if one.id not in {row.id for row in found.surplus}]
    return _difference(
        DifferenceKind.DOUBLE,
        entry.seen,
        what=f"Jetti has more with its marker than the ledger knows: {_described(found.surplus)};"
        f" the ledger knows {listed(map(titled, known))}",
        sale_returns=(*_names(known), *_names(found.surplus)),
        proposed="someone has to decide which are right, and to cancel the others in Jetti by"
        " hand; none is cancelled automatically",
    )


def not_recorded(entry: Entry, found: JettiComparison, way: TakeOver | str) -> Difference:
    """Sale returns carry its marker, and the ledger knows of none that is alive; `way`: how they
    are taken over, or why they cannot be."""
    return _difference(
        DifferenceKind.NOT_RECORDED,
        entry.seen,
        what=f"Jetti has with its marker {_described(found.surplus)}; the ledger"
        f" ({entry.state.value}) knows of none that is not cancelled",
        sale_returns=_names(found.surplus),
        proposed="someone has to decide whether it is right, and to cancel it in Jetti by hand if"
        f" not: {way}"
        if isinstance(way, str)
        else way.said,
        command=None if isinstance(way, str) else way.command,
    )


class TakeOver(Struct, frozen=True):
    """How sale returns become a return's own."""

    said: str
    command: str


def unknown_marker(
    marker: str, rows: Sequence[LiveSaleReturn], *, in_loop: bool | None
) -> Difference:
    """Sale returns with the marker of a return that the ledger does not know; `in_loop`: whether
    Loop has that return; None where it could not be asked."""
    loop = {True: "Loop has it", False: "Loop does not know it", None: "Loop was not asked"}
    return Difference(
        kind=DifferenceKind.UNKNOWN_MARKER,
        return_id=marker,
        what=f"sale return {_described(rows)} has its marker, the ledger does not know it;"
        f" {loop[in_loop]}",
        sale_returns=_names(rows),
        proposed="remove the marker in Jetti by hand, or cancel it there"
        if in_loop is False
        else "read it from Loop, take over what Jetti has of it, and create what it lacks; or"
        " remove the marker in Jetti by hand, or cancel it there",
        command=None if in_loop is False else f"reconciler run --return {marker}",
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


def malformed(key: str, problem: str) -> NotCompared:
    """A row from Loop that is not understood, wholly or in part; `key` is its return's id if that
    could be read."""
    return NotCompared(key, "", None, MALFORMED, None, problem)


def unread(seen: Return, *, meanwhile: bool = False) -> NotCompared:
    """A return that the next pass reads, or that a run has recorded meanwhile."""
    reason = "changed in Loop since the last pass read it; the next one does"
    if meanwhile:
        reason = "a run has recorded it while it was compared"
    return NotCompared(seen.id, seen.order_name, seen.order_id, UNREAD, seen.updated_at, reason)


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


def _each_once(names: Iterable[SaleReturnName]) -> tuple[SaleReturnName, ...]:
    return tuple({one.id: one for one in names}.values())


def _names_of(entry: Entry, unlike: Sequence[Unlike]) -> tuple[SaleReturnName, ...]:
    ids = {one.sale_return_id for one in unlike}
    return _names(known for known in entry.sale_returns if known.id in ids)
