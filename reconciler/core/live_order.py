"""What Jetti holds of a return's order right now: whose each sale return is, and each owned field
beside what is wanted and what was last pushed.

For people, who decide by it; the program itself decides by the match.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType

from reconciler.core.diff import Live, ReasonIds, wanted_of
from reconciler.core.field_changes import FieldChange
from reconciler.core.instants import to_the_minute
from reconciler.core.matching.baseline import line_of, of_manual
from reconciler.core.matching.result import Matched, MatchResult
from reconciler.core.matching.snapshot import (
    Chosen,
    Disputed,
    LiveSaleReturn,
    OrderSnapshot,
    Sale,
    SaleItem,
)
from reconciler.core.model import Entry, Fields, Operation, OwnedField, SaleReturn, Value
from reconciler.core.owned_fields import OWNED, OWNED_OF_ITEM

MaybeValue = Value | UnsetType
"""A value, None where the field is empty, UNSET where there is nothing to say."""


class ValueOf(StrEnum):
    """Whose a live value is, as far as the ledger tells."""

    OURS = "ours"
    """As last pushed."""
    OURS_UNANSWERED = "ours, unanswered"
    """As a write of ours was to set it that has no answer."""
    SOMEONE = "someone's"
    """Otherwise than this program last pushed it, or in what it never pushed."""
    UNKNOWN = "origin unknown"
    """Of a sale return that is ours by its marker, but not in this ledger."""
    NOT_SHOWN = "not shown"
    """Jetti's row lacks the field."""


class LiveValue(Struct, frozen=True, kw_only=True):
    """One owned field. What there is nothing to say of is left out."""

    field: str
    whose: ValueOf
    differs: bool
    """Whether something else is wanted."""
    live: MaybeValue = UNSET
    last_pushed: MaybeValue = UNSET
    wanted: MaybeValue = UNSET
    is_withheld: bool = False
    """Whether `live` only says how long the text is, because it may be about a customer."""


class Owner(StrEnum):
    """Whose a sale return is."""

    OURS = "this return's"
    ANOTHER = "another return's"
    NOT_OURS = "not this return's"
    """Somebody has decided so."""
    UNMARKED = "unmarked"
    """Raised by hand, or by a create of which nothing else was written yet."""


_OTHERS = frozenset({Owner.ANOTHER, Owner.NOT_OURS})


class LiveUnits(Struct, frozen=True):
    """An item of a sale return, and what it holds of which order line."""

    id: int
    sale_item_id: int
    order_line_id: str
    """Empty where Jetti does not say."""
    quantity: int
    values: tuple[LiveValue, ...] = ()


class SaleReturnNow(Struct, frozen=True, kw_only=True):
    """One sale return on the order, or marked as this return's."""

    id: int
    reference: str
    sale_id: int
    owner: Owner
    why: str
    """What shows whose it is."""
    return_id: str | None = None
    """The return that it belongs to, where that is known."""
    status: Value = None
    created_at: datetime | None = None
    is_deleted: bool = False
    """Whether the ledger knows it and Jetti does not have it any more."""
    items: tuple[LiveUnits, ...] = ()
    values: tuple[LiveValue, ...] = ()
    """None of what is not this return's."""
    differences: tuple[str, ...] = ()
    """How it does not fit what is wanted of this return."""


class SaleNow(Struct, frozen=True):
    """A sale that is the order, or may be."""

    id: int
    reference: str
    external_id: str | None
    is_cancelled: bool
    is_order: bool
    """Whether it was chosen."""


class LineNow(Struct, frozen=True):
    """A line of a sale in Jetti."""

    sale_id: int
    sale_item_id: int
    order_line_id: str | None
    ordered: int
    returned: int
    cancelled: int
    left: int
    """Units that can still be returned."""
    wanted: int
    """Units that this return wants of the order line."""


NOTHING = "nothing"
"""In place of an outcome, where the ledger plans no change."""


class Foreseen(Struct, frozen=True):
    """What would become of the return if it were pushed now."""

    outcome: str
    """One of `core.report.OutcomeKind`, or `NOTHING`."""
    reason: str | None = None
    fields: tuple[FieldChange, ...] = ()
    """What would be written."""
    change: str | None = None
    """One of `core.report.ChangeKind`."""


class LiveOrder(Struct, frozen=True, kw_only=True):
    """What Jetti shows of one return's order."""

    failure: str | None = None
    """Why it could not be looked up; then the rest is empty."""
    problem: str | None = None
    """Why no sale is the order."""
    sales: tuple[SaleNow, ...] = ()
    lines: tuple[LineNow, ...] = ()
    sale_returns: tuple[SaleReturnNow, ...] = ()
    """In order of id."""
    foreseen: Foreseen | None = None
    remarks: tuple[str, ...] = ()


class Neighbours(Struct, frozen=True):
    """What the ledger knows of the other returns whose sale returns are there."""

    on_order: Sequence[Entry]
    """The other entries on the order."""
    known: Collection[str]
    """Those of the other returns whose markers were found that have an entry."""


def live_order(
    entry: Entry,
    snapshot: OrderSnapshot,
    result: MatchResult,
    neighbours: Neighbours,
    reasons: ReasonIds,
    *,
    foreseen: Foreseen | None = None,
    remarks: tuple[str, ...] = (),
) -> LiveOrder:
    """What was looked up for an entry, for people. `snapshot` was looked up in full; `result` is
    what it matches. Raises what `reasons` raises for a code that it lacks."""
    return LiveOrder(
        problem=_problem(entry, snapshot),
        sales=tuple(_sales(snapshot)),
        lines=tuple(_lines(entry, snapshot)),
        sale_returns=_Comparison(entry, snapshot, result, neighbours, reasons).sale_returns(),
        foreseen=foreseen,
        remarks=remarks,
    )


def _problem(entry: Entry, snapshot: OrderSnapshot) -> str | None:
    match snapshot.order:
        case Disputed(reason):
            return reason
        case Chosen():
            return None
    return f"{entry.seen.order} is not in Jetti"


def _sales(snapshot: OrderSnapshot) -> Iterator[SaleNow]:
    chosen = snapshot.order.sale.id if isinstance(snapshot.order, Chosen) else None
    sales: dict[int, Sale] = {sale.id: sale for sale in snapshot.sales}
    for _, sale in sorted(sales.items()):
        yield SaleNow(
            sale.id, sale.reference, sale.external_id, sale.is_cancelled, sale.id == chosen
        )


def _lines(entry: Entry, snapshot: OrderSnapshot) -> Iterator[LineNow]:
    wanted = {line.order_line_id: line.quantity for line in entry.wanted.lines}
    items: dict[int, SaleItem] = {item.id: item for item in snapshot.sale_items}
    for _, item in sorted(items.items()):
        yield LineNow(
            sale_id=item.sale_id,
            sale_item_id=item.id,
            order_line_id=item.order_line_id,
            ordered=item.quantity,
            returned=item.returned,
            cancelled=item.cancelled,
            left=item.available,
            wanted=wanted.get(item.order_line_id or "", 0),
        )


class _Comparison:
    """One entry, and the sale returns that may be about its order."""

    def __init__(
        self,
        entry: Entry,
        snapshot: OrderSnapshot,
        result: MatchResult,
        neighbours: Neighbours,
        reasons: ReasonIds,
    ) -> None:
        self._entry = entry
        self._snapshot = snapshot
        self._reasons = reasons
        self._known_returns = neighbours.known
        self._items = {item.id: item for item in snapshot.sale_items}
        self._known = {known.id: known for known in entry.sale_returns}
        self._owners = {
            known.id: other.id for other in neighbours.on_order for known in other.sale_returns
        }
        self._claimed = frozenset(result.adopted) if isinstance(result, Matched) else frozenset()
        self._sale_id = snapshot.order.sale.id if isinstance(snapshot.order, Chosen) else None

    def sale_returns(self) -> tuple[SaleReturnNow, ...]:
        rows = {row.id: row for row in (*self._snapshot.on_sale, *self._snapshot.ours)}
        found = {row.id: self._shown(row) for row in rows.values()}
        gone = {
            one.id: _deleted(one, self._entry.id)
            for one in self._entry.sale_returns
            if one.id not in rows
        }
        return tuple(one for _, one in sorted((found | gone).items()))

    def _shown(self, row: LiveSaleReturn) -> SaleReturnNow:
        owner, return_id, why = self._whose(row)
        known = self._known.get(row.id)
        pushed = known if owner is Owner.OURS else None
        as_ours = known or of_manual(row, self._items)
        live = Live(row.fields, {item.id: item.fields for item in row.items})
        wanted = wanted_of(self._entry, as_ours, live, self._reasons)
        if owner in _OTHERS:
            wanted = Live({}, {})
        pushed_of = {item.id: item.fields for item in pushed.items} if pushed else {}
        values = _Values(self._entry, owner)
        return SaleReturnNow(
            id=row.id,
            reference=row.reference,
            sale_id=row.sale_id,
            owner=owner,
            why=why,
            return_id=return_id,
            status=row.status,
            created_at=row.created_at,
            items=tuple(
                LiveUnits(
                    item.id,
                    item.sale_item_id,
                    line_of(item, self._items),
                    item.quantity,
                    values.of(
                        (Operation.UPDATE_ITEM, item.id),
                        OWNED_OF_ITEM,
                        (item.fields, pushed_of.get(item.id), wanted.items.get(item.id, {})),
                    ),
                )
                for item in row.items
            ),
            values=values.of(
                (Operation.UPDATE_SALE_RETURN, row.id),
                OWNED,
                (row.fields, pushed.fields if pushed else None, wanted.fields),
            ),
            differences=tuple(self._differences(row, owner)),
        )

    def _whose(self, row: LiveSaleReturn) -> tuple[Owner, str | None, str]:
        """The owner, the return, and what shows it."""
        marker, id_ = row.marker, self._entry.id
        if row.id in self._known:
            if marker == id_:
                return Owner.OURS, id_, "by its marker, and by the ledger"
            was = f"is that of return {marker}" if _is_id(marker) else "is gone"
            return Owner.OURS, id_, f"by the ledger, but its marker {was}"
        if row.id in self._entry.not_ours and marker in (None, id_):
            return Owner.NOT_OURS, None, "somebody has decided so"
        if marker == id_:
            elsewhere = "" if row.sale_id == self._sale_id else f", on sale {row.sale_id}"
            return Owner.OURS, id_, f"by its marker{elsewhere}; the ledger does not know it"
        owner = self._owners.get(row.id)
        if marker is None and owner is None:
            return Owner.UNMARKED, None, self._why_unmarked(row)
        if marker is None:
            return Owner.ANOTHER, owner, "by the ledger; it is not marked"
        if not _is_id(marker):
            return Owner.ANOTHER, owner, "by an external id that is no return's"
        if owner == marker:
            return Owner.ANOTHER, owner, "by its marker, and by the ledger"
        if owner is not None:
            return Owner.ANOTHER, owner, f"by the ledger, but its marker is that of return {marker}"
        known = marker in self._known_returns
        return (
            Owner.ANOTHER,
            marker,
            "by its marker" if known else "by its marker; the ledger does not know that return",
        )

    def _why_unmarked(self, row: LiveSaleReturn) -> str:
        if row.id in self._claimed:
            return "a push would take it over as this return's"
        return "it carries no return's id"

    def _differences(self, row: LiveSaleReturn, owner: Owner) -> Iterator[str]:
        wanted = {line.order_line_id: line.quantity for line in self._entry.wanted.lines}
        held = _units(row, self._items)
        if owner is not Owner.OURS and not held.keys() & wanted.keys():
            return
        for line, units in sorted(held.items()):
            which = f"order line {line}" if line else "a line that is not the shop's"
            if owner in _OTHERS:
                if line in wanted:
                    yield f"it holds {units} of {which}, of which this return wants {wanted[line]}"
            elif line not in wanted:
                yield f"it holds {units} of {which}, of which this return wants none"
            elif units != wanted[line]:
                yield f"it holds {units} of {which}, of which this return wants {wanted[line]}"
        if owner is not Owner.UNMARKED:
            return
        for line in sorted(wanted.keys() - held.keys()):
            yield f"it does not hold order line {line}, of which this return wants {wanted[line]}"
        if row.created_at < self._entry.seen.created_at:
            yield (
                f"it was made {to_the_minute(row.created_at)}, before the return"
                f" ({to_the_minute(self._entry.seen.created_at)})"
            )
        if row.is_cancelled:
            yield "it is cancelled, so it takes up no units"


def _deleted(known: SaleReturn, return_id: str) -> SaleReturnNow:
    return SaleReturnNow(
        id=known.id,
        reference=known.reference,
        sale_id=known.sale_id,
        owner=Owner.OURS,
        return_id=return_id,
        why="by the ledger; Jetti does not have it any more",
        is_deleted=True,
        differences=("it was deleted in Jetti",),
    )


def _units(row: LiveSaleReturn, items: Mapping[int, SaleItem]) -> dict[str, int]:
    """Units by order line."""
    held: dict[str, int] = {}
    for item in row.items:
        line = line_of(item, items)
        held[line] = held.get(line, 0) + item.quantity
    return held


_Place = tuple[Operation, int]
"""Of which sale return, or of which item, fields are."""
_ThreeWays = tuple[Fields, Fields | None, Fields]
"""Live, last pushed (None: this ledger never pushed any) and wanted."""


class _Values:
    """Fields of what is one owner's, three ways."""

    def __init__(self, entry: Entry, owner: Owner) -> None:
        self._owner = owner
        self._sent: dict[_Place, Fields] = {}
        """What unanswered writes were to set."""
        for intent in entry.intents:
            place = intent.write.operation, intent.write.target_id
            self._sent[place] = self._sent.get(place, {}) | intent.write.fields

    def of(
        self, place: _Place, fields: Iterable[OwnedField], three: _ThreeWays
    ) -> tuple[LiveValue, ...]:
        """Those of these fields of which there is anything to say."""
        if self._owner in _OTHERS:
            return ()
        live, pushed, wanted = three
        sent = self._sent.get(place, {})
        return tuple(
            self._value(name, live, pushed, wanted, sent)
            for name in fields
            if name in live or name in (pushed or {}) or name in wanted
        )

    def _value(
        self, name: OwnedField, live: Fields, pushed: Fields | None, wanted: Fields, sent: Fields
    ) -> LiveValue:
        now: MaybeValue = live.get(name, UNSET)
        before: MaybeValue = UNSET if pushed is None else pushed.get(name, UNSET)
        after: MaybeValue = wanted.get(name, UNSET)
        withheld = is_withheld(name, now, (before, after))
        return LiveValue(
            field=name.value,
            whose=self._whose(name, now, before, sent),
            differs=after is not UNSET and now is not UNSET and now != after,
            live=in_place_of(now) if withheld else now,
            last_pushed=before,
            wanted=after,
            is_withheld=withheld,
        )

    def _whose(
        self, name: OwnedField, now: MaybeValue, before: MaybeValue, sent: Fields
    ) -> ValueOf:
        if now is UNSET:
            return ValueOf.NOT_SHOWN
        if now == before:
            return ValueOf.OURS
        # safeguard: unanswered-writes-are-no-edits
        if name in sent and sent[name] == now:
            return ValueOf.OURS_UNANSWERED
        if before is UNSET and self._owner is Owner.OURS:
            return ValueOf.UNKNOWN
        return ValueOf.SOMEONE


_FREE_TEXT = frozenset({OwnedField.NOTES, OwnedField.TRACKING_URL})
"""In which people may write anything, also about a customer."""
_ID = re.compile(r"[0-9]{1,20}", re.ASCII)


def _is_id(text: str | None) -> bool:
    return text is not None and _ID.fullmatch(text) is not None


def is_withheld(name: OwnedField, now: MaybeValue, ours: Collection[MaybeValue]) -> bool:
    """Whether a live value stays in Jetti, because it is neither ours nor of a form that rules out
    personal data."""
    if now is UNSET or now is None or now in ours:
        return False
    # safeguard: texts-of-people-stay-in-jetti
    return name in _FREE_TEXT or (name == OwnedField.EXTERNAL_ID and not _is_id(str(now)))


def in_place_of(withheld: MaybeValue) -> str:
    """What reports show of a value that stays in Jetti."""
    return f"a text of {len(str(withheld))} characters"


def failed(reason: str) -> LiveOrder:
    """Of a return that could not be looked up."""
    return LiveOrder(failure=reason)
