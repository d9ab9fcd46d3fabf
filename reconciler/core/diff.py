"""Which PUTs bring the sale returns of one return to what is wanted.

The same function serves the plan, which compares with what was last pushed, and the push, which
compares with what Jetti holds now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core import owned_fields
from reconciler.core.matching.lines import is_divided, sharing
from reconciler.core.matching.result import BY_HAND, NeedsReview, listed
from reconciler.core.model import (
    Entry,
    Fields,
    Item,
    Operation,
    OwnedField,
    Purpose,
    SaleReturn,
    Value,
    Wanted,
    WantedLine,
    Write,
)

_QUANTITY = OwnedField.QUANTITY

ReasonIds = Mapping[str, Value]
"""Adjustment reason code -> id in Jetti; a plan, which reads nothing, maps codes to themselves."""


class Live(Struct, frozen=True):
    """What is in Jetti under one sale return."""

    fields: Fields
    items: dict[int, Fields]

    @property
    def status(self) -> Value:
        """None where Jetti does not show it."""
        return self.fields.get(OwnedField.STATUS)

    @property
    def is_cancelled(self) -> bool:
        return self.status == "cancelled"


class ManualEdit(Struct, frozen=True):
    """A value a person set in Jetti, which stays."""

    reference: str
    field: OwnedField
    value: Value
    place: str
    """The sale return's reference or the order line, as a plan names the field of either."""

    @property
    def shown(self) -> str:
        """The field as a plan shows it."""
        return f"{self.field}[{self.place}]"


class Diff(Struct, frozen=True):
    """Writes in the order to send them."""

    writes: tuple[Write, ...] = ()
    kept: tuple[ManualEdit, ...] = ()


def as_pushed(known: SaleReturn) -> Live:
    """The sale return as if nobody had touched it since the last push."""
    return Live(known.fields, {item.id: item.fields for item in known.items})


def diff_of(
    entry: Entry,
    sale_returns: tuple[SaleReturn, ...],
    live: Mapping[int, Live],
    reasons: ReasonIds,
) -> Diff | NeedsReview:
    """Everything to be written to these sale returns of the entry.

    Quantities go before statuses: a status may trigger refund bookkeeping
    (jetti.md#refund-trigger), which must not find the zeros that a create leaves.
    """
    alive = [known for known in sale_returns if not live[known.id].is_cancelled]
    doubt = _undivided(entry, alive)
    if doubt is not None:
        return doubt
    writes: list[Write] = []
    kept: list[ManualEdit] = []
    doubts: list[str] = []
    for known in sale_returns:
        found = _of_one(_One(entry, known, live[known.id], reasons, alive))
        if isinstance(found, NeedsReview):
            doubts.append(found.reason)
            continue
        writes += found.writes
        kept += found.kept
    if doubts:
        return NeedsReview(f"{'; '.join(doubts)}. {BY_HAND}")
    return Diff(tuple(writes), tuple(kept))


def _undivided(entry: Entry, sale_returns: Sequence[SaleReturn]) -> NeedsReview | None:
    """A line that several items share must be divided among them to the last unit."""
    if entry.wanted.purpose is Purpose.CANCEL:
        return None
    for line in entry.wanted.lines:
        parts = sharing(line.order_line_id, sale_returns)
        # safeguard: division-no-longer-fits
        if len(parts) > 1 and not is_divided(line, parts):
            shared = listed(f"{part.sale_item_id} ({part.units or 0} until now)" for part in parts)
            return NeedsReview(
                f"order line {line.order_line_id}: {line.quantity} to return, but its units stand "
                f"in sale items {shared}, and nobody can tell which of them it is. "
                "Set the quantities in Jetti by hand"
            )
    return None


def accept_matching_values(
    entry: Entry, sale_returns: tuple[SaleReturn, ...], live: Mapping[int, Live]
) -> tuple[SaleReturn, ...]:
    """What Jetti holds just as it is wanted counts as pushed, whoever wrote it.

    So what was pushed after an older ledger was copied is not taken for a person's for ever.
    """
    return tuple(
        _with_matching_values(_One(entry, known, live[known.id])) for known in sale_returns
    )


class _One(Struct, frozen=True):
    entry: Entry
    known: SaleReturn
    live: Live
    reasons: ReasonIds = {}
    alive: Sequence[SaleReturn] = ()
    """Those of the entry that nobody has cancelled in Jetti."""

    @property
    def wanted(self) -> Wanted:
        return self.entry.wanted

    @property
    def is_cancelled(self) -> bool:
        """Whether it is cancelled in Jetti, by anyone, or was last pushed as cancelled."""
        return self.live.is_cancelled or self.known.is_cancelled

    @property
    def name(self) -> str:
        return f"sale return {self.known.reference} ({self.known.id})"

    def line(self, item: Item) -> WantedLine | None:
        """The wanted line an item stands for; None once the line was removed."""
        lines = self.wanted.lines
        return next((x for x in lines if x.order_line_id == item.order_line_id), None)

    def units(self, item: Item) -> int:
        """The quantity that an item should have."""
        line = self.line(item)
        if line is None:
            return 0
        return line.quantity if item.units is None else item.units


def _of_one(one: _One) -> Diff | NeedsReview:
    emptied = not any(one.line(item) for item in one.known.items)
    # safeguard: sale-return-of-malformed-lines-stays
    if emptied and one.wanted.lacks_lines and one.wanted.purpose is not Purpose.CANCEL:
        return Diff()  # its lines may just not have been understood
    # safeguard: held-is-emptied-not-cancelled
    if one.wanted.purpose is Purpose.HOLD and emptied and not one.is_cancelled:
        return _items(one)  # what is held is told no status, and a cancel would be final
    if one.wanted.purpose is Purpose.CANCEL or emptied:
        return _ended(one)
    if one.known.is_cancelled:
        others = [other for other in one.alive if other.id != one.known.id]
        elsewhere = {item.sale_item_id for other in others for item in other.items}
        bereft = [
            item
            for item in one.known.items
            if one.line(item) and item.sale_item_id not in elsewhere
        ]
        if not bereft:
            return Diff()  # it was one too many
        lines = listed(f"{one.units(item)} of order line {item.order_line_id}" for item in bereft)
        return NeedsReview(f"{one.name} is cancelled, but its lines are wanted: {lines}")
    items = _items(one)
    if isinstance(items, NeedsReview) or one.live.is_cancelled:
        return items
    order_line_ids = [item.order_line_id for item in one.known.items if one.line(item)]
    wanted = owned_fields.of_sale_return(one.wanted, one.entry.id, order_line_ids)
    # safeguard: malformed-parcels-stay
    if one.wanted.lacks_parcels and owned_fields.tells_of_a_parcel(one.known.fields):
        wanted = owned_fields.without_parcels(wanted)
    if owned_fields.has_another_origin(one.known.fields):
        wanted = owned_fields.without_origin(wanted)
    found = owned_fields.difference(wanted, one.known.fields, one.live.fields)
    put = _put(Operation.UPDATE_SALE_RETURN, one.known.id, found.write)
    return Diff((*items.writes, *put), (*items.kept, *_kept(one, found.kept, one.known.reference)))


def _with_matching_values(one: _One) -> SaleReturn:
    order_line_ids = [item.order_line_id for item in one.known.items if one.line(item)]
    is_over = one.wanted.purpose is Purpose.CANCEL or one.live.is_cancelled
    if is_over or not order_line_ids:
        return one.known
    wanted = owned_fields.of_sale_return(one.wanted, one.entry.id, order_line_ids)
    return replace(
        one.known,
        fields={**one.known.fields, **_shared(wanted, one.live.fields)},
        items=tuple(
            replace(item, fields={**item.fields, **_shared(_owned_item_fields(one, item), live)})
            for item in one.known.items
            for live in [one.live.items[item.id]]
        ),
    )


def _shared(wanted: Fields, live: Fields) -> Fields:
    return {name: value for name, value in wanted.items() if name in live and live[name] == value}


def _ended(one: _One) -> Diff | NeedsReview:
    # Already cancelled by anyone, or by us and revived by a person since: theirs to say.
    if one.is_cancelled:
        return Diff()
    if one.live.status == "received":
        return NeedsReview(f"{one.name} should be cancelled, but Jetti says received")
    return Diff(_put(Operation.UPDATE_SALE_RETURN, one.known.id, {OwnedField.STATUS: "cancelled"}))


def _items(one: _One) -> Diff | NeedsReview:
    """Item PUTs. A sale return that a person cancelled is left alone."""
    writes: list[Write] = []
    kept: list[ManualEdit] = []
    for item in one.known.items:
        found = owned_fields.difference(_wanted(one, item), item.fields, one.live.items[item.id])
        # safeguard: edited-quantity-needs-review
        if _QUANTITY in found.kept:
            return NeedsReview(
                f"{one.name}: order line {item.order_line_id} should become "
                f"{one.units(item)}, but a person set {found.kept[_QUANTITY]} in Jetti"
            )
        if _QUANTITY in found.write and _was_written(item) and one.live.status in owned_fields.ENDS:
            return NeedsReview(
                f"{one.name}: order line {item.order_line_id} should become "
                f"{one.units(item)}, but Jetti says {one.live.status}"
            )
        if not one.live.is_cancelled:
            writes += _put(Operation.UPDATE_ITEM, item.id, found.write)
            kept += _kept(one, found.kept, item.order_line_id)
    return Diff(tuple(writes), tuple(kept))


def _owned_item_fields(one: _One, item: Item) -> Fields:
    line = one.line(item)
    quantity: Fields = {_QUANTITY: one.units(item)}
    return quantity | ({OwnedField.EXTERNAL_ID: line.line_id} if line is not None else {})


def _wanted(one: _One, item: Item) -> Fields:
    line = one.line(item)
    wanted = _owned_item_fields(one, item)
    # safeguard: malformed-lines-stay
    if one.wanted.lacks_lines and one.units(item) <= item.quantity:
        return {}  # the rest of it may just not have been understood
    if line is None:
        return wanted
    if line.reason_code is not None and line.reason_code != item.reason_code:
        wanted[OwnedField.ADJUSTMENT_REASON_ID] = one.reasons[line.reason_code]
    return wanted


def _was_written(item: Item) -> bool:
    """Whether its quantity was ever set; until then it holds what the create gave it."""
    return item.fields.get(OwnedField.EXTERNAL_ID) is not None


def _put(operation: Operation, target_id: int, changed: Fields) -> tuple[Write, ...]:
    return (Write(operation, target_id, fields=changed),) if changed else ()


def _kept(one: _One, values: Fields, place: str) -> tuple[ManualEdit, ...]:
    return tuple(
        ManualEdit(one.known.reference, name, value, place) for name, value in values.items()
    )
