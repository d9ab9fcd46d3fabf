"""Which PUTs bring the sale returns of one return to what is wanted.

The same function serves the plan, which compares what is wanted with what was last pushed, and the
push, which compares it with what is live in Jetti.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core import owned_fields
from reconciler.core.matching.lines import is_divided, items_of_line
from reconciler.core.matching.result import DECIDE, NeedsReview, listed
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
from reconciler.core.owned_fields import ORIGIN

_QUANTITY = OwnedField.QUANTITY

ReasonIds = Mapping[str, Value]
"""Adjustment reason code -> id in Jetti."""


class ReasonCodes(dict[str, Value]):
    """Where nothing is read from Jetti, a reason is shown by its code."""

    def __missing__(self, code: str) -> Value:
        return code


class Live(Struct, frozen=True):
    """What Jetti shows of one sale return."""

    fields: Fields
    """Of `owned_fields.OWNED`."""
    items: dict[int, Fields]
    """Of `owned_fields.OWNED_OF_ITEM`, by item id."""

    @property
    def status(self) -> Value:
        """None where Jetti does not show it."""
        return self.fields.get(OwnedField.STATUS)

    @property
    def is_cancelled(self) -> bool:
        return self.status == "cancelled"


class ManualEdit(Struct, frozen=True):
    """A value that someone set in Jetti, which stays."""

    reference: str
    """Of the sale return."""
    field: OwnedField
    value: Value


class FurtherStatus(Struct, frozen=True):
    """A status in Jetti from which the wanted one would be no step forward, so it stays."""

    reference: str
    """Of the sale return."""
    value: Value
    wanted: Value


class Diff(Struct, frozen=True):
    """What is to be written, and what stays although it is wanted otherwise."""

    writes: tuple[Write, ...] = ()
    """In the order to send them."""
    kept: tuple[ManualEdit, ...] = ()
    further: tuple[FurtherStatus, ...] = ()
    cancelled: tuple[str, ...] = ()
    """References of sale returns that would be written to, were they not cancelled in Jetti."""

    def __add__(self, more: Diff) -> Diff:
        return Diff(
            (*self.writes, *more.writes),
            (*self.kept, *more.kept),
            (*self.further, *more.further),
            (*self.cancelled, *more.cancelled),
        )

    def why_left(self) -> str | None:
        """What stays and why, for people. Who raised a sale return stays, too, but is no news."""
        edited = sorted(
            {f"{edit.field} of {edit.reference}" for edit in self.kept if edit.field not in ORIGIN}
        )
        left = [_why_no_step(stays) for stays in self.further]
        left += [f"{reference} is cancelled" for reference in self.cancelled]
        parts = (("left as someone set it", listed(edited)), ("left in Jetti", "; ".join(left)))
        return "; ".join(f"{how}: {which}" for how, which in parts if which) or None


def as_pushed(known: SaleReturn) -> Live:
    """What Jetti shows if nobody has edited the sale return since the last push."""
    return Live(known.fields, {item.id: item.fields for item in known.items})


def diff_of(
    entry: Entry,
    sale_returns: tuple[SaleReturn, ...],
    live: Mapping[int, Live],
    reasons: ReasonIds,
) -> Diff | NeedsReview:
    """Everything to be written to these sale returns of the entry; `live` is by their ids.

    Quantities go before statuses: a status may trigger refund bookkeeping
    (jetti.md#refund-trigger), which must not find the zeros that a create leaves. Raises what
    `reasons` raises for a code that it lacks.
    """
    living = [known for known in sale_returns if not live[known.id].is_cancelled]
    review = _check_division(entry, living)
    if review is not None:
        return review
    found = Diff()
    reviews: list[str] = []
    for known in sale_returns:
        one = _diff_of_one(_SaleReturn(entry, known, live[known.id], reasons, living))
        if isinstance(one, NeedsReview):
            reviews.append(one.reason)
        else:
            found += one
    if reviews:
        return NeedsReview(f"{'; '.join(reviews)}. {DECIDE}")
    return found


def wanted_of(entry: Entry, known: SaleReturn, live: Live, reasons: ReasonIds) -> Live:
    """What a sale return of the entry and its items should hold. A field is missing where nothing
    is wanted of it: it is left as it is.

    Raises what `reasons` raises for a code that it lacks.
    """
    one = _SaleReturn(entry, known, live, reasons)
    cancels = one.wanted.purpose is Purpose.CANCEL
    if not cancels and one.is_emptied and one.wanted.lacks_lines:
        return Live({}, {})
    items = {
        item.id: _pushed_reason(one, item) | _wanted_of_item(one, item) for item in known.items
    }
    if not cancels and one.is_emptied and one.wanted.purpose is Purpose.HOLD:
        return Live({}, items)
    if cancels or one.is_emptied:
        return Live({OwnedField.STATUS: "cancelled"}, {})
    if known.is_cancelled:
        return Live({}, {})
    return Live(_wanted_of_sale_return(one), items)


def _pushed_reason(one: _SaleReturn, item: Item) -> Fields:
    """The reason as last pushed, where that is the one that is wanted."""
    line = one.line(item)
    if line is None or line.reason_code is None or line.reason_code != item.reason_code:
        return {}
    reason = OwnedField.ADJUSTMENT_REASON_ID
    return {reason: item.fields[reason]} if reason in item.fields else {}


def _why_no_step(stays: FurtherStatus) -> str:
    status = f"status of {stays.reference} is {stays.value}"
    if stays.wanted == "cancelled":
        return f"{status}, which ends it"
    return f"{status}, further than {stays.wanted}"


def _check_division(entry: Entry, sale_returns: Sequence[SaleReturn]) -> NeedsReview | None:
    """A review where the items that share a line do not add up to it."""
    if entry.wanted.purpose is Purpose.CANCEL:
        return None
    for line in entry.wanted.lines:
        parts = items_of_line(line.order_line_id, sale_returns)
        # safeguard: division-no-longer-fits
        if len(parts) > 1 and not is_divided(line, parts):
            shared = listed(f"{part.sale_item_id} ({part.units or 0} until now)" for part in parts)
            return NeedsReview(
                f"order line {line.order_line_id}: {line.quantity} to return, but its units are"
                f" in sale items {shared}, and nothing tells which of them come back. "
                "Set the quantities in Jetti by hand"
            )
    return None


def accept_matching_values(
    entry: Entry, sale_returns: tuple[SaleReturn, ...], live: Mapping[int, Live]
) -> tuple[SaleReturn, ...]:
    """The sale returns with each live value that is as wanted counted as pushed, whoever wrote it.

    Otherwise, once an older copy of the ledger is back in use, what was pushed after the copy would
    pass for manual edits forever.
    """
    return tuple(
        _with_matching_values(_SaleReturn(entry, known, live[known.id])) for known in sale_returns
    )


class _SaleReturn(Struct, frozen=True):
    """One sale return of an entry: wanted, last pushed and live."""

    entry: Entry
    known: SaleReturn
    live: Live
    reasons: ReasonIds = {}
    living: Sequence[SaleReturn] = ()
    """All of the entry that are not cancelled in Jetti."""

    @property
    def wanted(self) -> Wanted:
        return self.entry.wanted

    @property
    def is_cancelled(self) -> bool:
        """Whether it is cancelled in Jetti, by anyone, or was last pushed as cancelled."""
        return self.live.is_cancelled or self.known.is_cancelled

    @property
    def is_emptied(self) -> bool:
        """Whether every line of it was removed."""
        return not any(self.line(item) for item in self.known.items)

    @property
    def name(self) -> str:
        return f"sale return {self.known.reference} ({self.known.id})"

    def line(self, item: Item) -> WantedLine | None:
        """The wanted line that an item stands for; None once the line was removed."""
        lines = self.wanted.lines
        return next((x for x in lines if x.order_line_id == item.order_line_id), None)

    def units(self, item: Item) -> int:
        """Units that an item should have; 0 once its line was removed."""
        line = self.line(item)
        if line is None:
            return 0
        return line.quantity if item.units is None else item.units


def _diff_of_one(one: _SaleReturn) -> Diff | NeedsReview:
    emptied = one.is_emptied
    # safeguard: sale-return-of-malformed-lines-stays
    if emptied and one.wanted.lacks_lines and one.wanted.purpose is not Purpose.CANCEL:
        return Diff()  # its lines may just not have been understood
    # safeguard: held-is-emptied-not-cancelled
    if one.wanted.purpose is Purpose.HOLD and emptied and not one.is_cancelled:
        return _item_puts(one)  # what is held gets no status, and a cancel would be final
    if one.wanted.purpose is Purpose.CANCEL or emptied:
        return _cancel(one)
    if one.known.is_cancelled:
        return _revive(one)
    items = _item_puts(one)
    if isinstance(items, NeedsReview):
        return items
    if one.live.is_cancelled:
        return Diff(cancelled=(one.known.reference,)) if _has_news(one) else Diff()
    wanted = _wanted_of_sale_return(one)
    found = owned_fields.difference(wanted, one.known.fields, one.live.fields)
    further: tuple[FurtherStatus, ...] = ()
    if found.further is not None:
        status = FurtherStatus(one.known.reference, found.further, wanted[OwnedField.STATUS])
        further = (status,)
    put = _put(Operation.UPDATE_SALE_RETURN, one.known.id, found.write)
    return items + Diff(put, _kept(one, found.kept), further)


def _wanted_of_sale_return(one: _SaleReturn) -> Fields:
    order_line_ids = [item.order_line_id for item in one.known.items if one.line(item)]
    wanted = owned_fields.of_sale_return(one.wanted, one.entry.id, order_line_ids)
    # safeguard: malformed-parcels-stay
    if one.wanted.lacks_parcels and owned_fields.mentions_a_parcel(one.known.fields):
        wanted = owned_fields.without_parcels(wanted)
    if owned_fields.has_another_origin(one.known.fields):
        wanted = owned_fields.without_origin(wanted)
    return wanted


def _has_news(one: _SaleReturn) -> bool:
    """Whether anything would be written if Jetti held what was last pushed."""
    pairs = [(_wanted_of_sale_return(one), one.known.fields)]
    pairs += [(_wanted_of_item(one, item), item.fields) for item in one.known.items]
    return any(owned_fields.difference(wanted, last, last).write for wanted, last in pairs)


def _revive(one: _SaleReturn) -> Diff | NeedsReview:
    """A cancel is final, so someone must decide, unless another sale return has the lines."""
    others = [other for other in one.living if other.id != one.known.id]
    elsewhere = {item.sale_item_id for other in others for item in other.items}
    uncovered = [
        item for item in one.known.items if one.line(item) and item.sale_item_id not in elsewhere
    ]
    if not uncovered:
        return Diff()  # it was one too many
    lines = listed(f"{one.units(item)} of order line {item.order_line_id}" for item in uncovered)
    if one.live.is_cancelled:
        return NeedsReview(f"{one.name} is cancelled, but its lines are wanted: {lines}")
    status = one.live.status
    return NeedsReview(
        f"{one.name} was cancelled and is {status} in Jetti again,"
        f" and its lines are wanted: {lines}"
    )


def _with_matching_values(one: _SaleReturn) -> SaleReturn:
    # safeguard: a-cancel-that-is-there-counts
    if one.live.is_cancelled and _asks_to_cancel(one):
        status = {OwnedField.STATUS: one.live.status}
        return replace(one.known, fields={**one.known.fields, **status})
    order_line_ids = [item.order_line_id for item in one.known.items if one.line(item)]
    is_over = one.wanted.purpose is Purpose.CANCEL or one.live.is_cancelled
    if is_over or not order_line_ids:
        return one.known
    wanted = owned_fields.of_sale_return(one.wanted, one.entry.id, order_line_ids)
    return replace(
        one.known,
        fields={**one.known.fields, **_shared(wanted, one.live.fields)},
        items=tuple(
            replace(item, fields={**item.fields, **_shared(_item_fields(one, item), live)})
            for item in one.known.items
            for live in [one.live.items[item.id]]
        ),
    )


def _asks_to_cancel(one: _SaleReturn) -> bool:
    """Whether it is to end, as the whole return or because none of its lines is left."""
    if one.wanted.purpose is Purpose.CANCEL:
        return True
    return one.is_emptied and one.wanted.purpose is Purpose.EXIST and not one.wanted.lacks_lines


def _shared(wanted: Fields, live: Fields) -> Fields:
    return {name: value for name, value in wanted.items() if name in live and live[name] == value}


def _cancel(one: _SaleReturn) -> Diff | NeedsReview:
    # Cancelled already, by anyone; or by us and revived by someone since, who has decided so.
    if one.is_cancelled:
        return Diff()
    if one.live.status == "received":
        return NeedsReview(f"{one.name} should be cancelled, but Jetti says received")
    return Diff(_put(Operation.UPDATE_SALE_RETURN, one.known.id, {OwnedField.STATUS: "cancelled"}))


def _item_puts(one: _SaleReturn) -> Diff | NeedsReview:
    """Quantities and other fields of the items. A sale return cancelled in Jetti is left alone."""
    puts = Diff()
    for item in one.known.items:
        wanted = _wanted_of_item(one, item)
        found = owned_fields.difference(wanted, item.fields, one.live.items[item.id])
        # safeguard: edited-quantity-needs-review
        if _QUANTITY in found.kept:
            return NeedsReview(
                f"{one.name}: order line {item.order_line_id} should become "
                f"{one.units(item)}, but someone set {found.kept[_QUANTITY]} in Jetti"
            )
        if _QUANTITY in found.write and _was_written(item) and one.live.status in owned_fields.ENDS:
            return NeedsReview(
                f"{one.name}: order line {item.order_line_id} should become "
                f"{one.units(item)}, but Jetti says {one.live.status}"
            )
        if not one.live.is_cancelled:
            put = _put(Operation.UPDATE_ITEM, item.id, found.write)
            puts += Diff(put, _kept(one, found.kept))
    return puts


def _item_fields(one: _SaleReturn, item: Item) -> Fields:
    line = one.line(item)
    quantity: Fields = {_QUANTITY: one.units(item)}
    return quantity | ({OwnedField.EXTERNAL_ID: line.line_id} if line is not None else {})


def _wanted_of_item(one: _SaleReturn, item: Item) -> Fields:
    line = one.line(item)
    wanted = _item_fields(one, item)
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


def _kept(one: _SaleReturn, values: Fields) -> tuple[ManualEdit, ...]:
    return tuple(ManualEdit(one.known.reference, name, value) for name, value in values.items())
