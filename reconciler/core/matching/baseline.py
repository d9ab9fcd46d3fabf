"""What counts as last pushed for a sale return that is ours now, by how it came to be so.

The three-way merge of later updates rests on it: what differs from the baseline in Jetti was edited
there and stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from reconciler.core.matching.snapshot import LiveItem, LiveSaleReturn, SaleItem
from reconciler.core.model import Entry, Fields, Item, Operation, OwnedField, SaleReturn, Write
from reconciler.core.owned_fields import OF_PARCELS, OWNED, OWNED_OF_ITEM, SOURCE, may_be_ours


def with_landed_writes(entry: Entry, live: Mapping[int, LiveSaleReturn]) -> list[SaleReturn]:
    """The sale returns the ledger knows, with the effect of unanswered PUTs that Jetti shows.

    A PUT whose answer was lost either took effect or did not: a field that Jetti shows as that PUT
    was to set it counts as pushed. `live` are the rows of all of them, by id.
    """
    puts = [i.write for i in entry.intents if i.write.operation is not Operation.CREATE]
    return [_with_landed_writes(known, live[known.id], puts) for known in entry.sale_returns]


def _with_landed_writes(
    known: SaleReturn, row: LiveSaleReturn, puts: Sequence[Write]
) -> SaleReturn:
    shown = {item.id: item.fields for item in row.items}
    return replace(
        known,
        fields=_in_effect(known.fields, row.fields, puts, Operation.UPDATE_SALE_RETURN, known.id),
        items=tuple(
            replace(
                item,
                fields=_in_effect(
                    item.fields, shown[item.id], puts, Operation.UPDATE_ITEM, item.id
                ),
            )
            for item in known.items
        ),
    )


def _in_effect(
    pushed: Fields, live: Fields, puts: Sequence[Write], operation: Operation, target_id: int
) -> Fields:
    effective = dict(pushed)
    for write in puts:
        if write.operation is operation and write.target_id == target_id:
            effective |= {k: v for k, v in write.fields.items() if live.get(k) == v}
    return effective


def landed_puts(entry: Entry, live: Mapping[int, LiveSaleReturn]) -> list[Write]:
    """The unanswered PUTs to sale returns that the ledger knows, with the fields that Jetti shows
    as they were to set them; none of which it shows nothing."""
    shown = _shown(live)
    known = {(Operation.UPDATE_SALE_RETURN, one.id) for one in entry.sale_returns}
    known |= {(Operation.UPDATE_ITEM, x.id) for one in entry.sale_returns for x in one.items}
    landed = []
    for put in (intent.write for intent in entry.intents):
        place = put.operation, put.target_id
        fields = _in_effect({}, shown.get(place, {}), [put], *place) if place in known else {}
        if fields:
            landed.append(replace(put, fields=fields))
    return landed


def took_effect(entry: Entry, live: Mapping[int, LiveSaleReturn]) -> bool:
    """Whether Jetti shows everything that the unanswered PUTs were to set."""
    rows = _shown(live)
    puts = [i.write for i in entry.intents if i.write.operation is not Operation.CREATE]
    return all(
        rows.get((put.operation, put.target_id), {}).items() >= put.fields.items() for put in puts
    )


def _shown(live: Mapping[int, LiveSaleReturn]) -> dict[tuple[Operation, int], Fields]:
    rows = {(Operation.UPDATE_SALE_RETURN, row.id): row.fields for row in live.values()}
    return rows | {
        (Operation.UPDATE_ITEM, item.id): item.fields for row in live.values() for item in row.items
    }


def of_marked(row: LiveSaleReturn, items: Mapping[int, SaleItem]) -> SaleReturn:
    """Of one that is marked, or that a create of ours made: all that Jetti shows counts as pushed,
    but for notes that are not as we write them.

    What Jetti does not show is missing, not empty: it may be set.
    """
    fields, notes = row.fields, row.fields.get(OwnedField.NOTES)
    # safeguard: notes-of-people-stay
    if notes and not may_be_ours(notes):
        fields = {**fields, OwnedField.NOTES: None}
    return _as_sale_return(row, items, fields, [item.fields for item in row.items])


def of_unanswered_create(row: LiveSaleReturn, items: Mapping[int, SaleItem]) -> SaleReturn:
    """Of one made by a create of ours that was never answered, so that nothing was written to it.

    Its tracking and notes, if there are any, were entered by someone else: our first PUT, which
    sets them, sets the source along with them.
    """
    if row.fields.get(OwnedField.SALE_RETURN_SOURCE) == SOURCE:
        return of_marked(row, items)
    made = of_marked(row, items)
    return replace(made, fields={**made.fields, **dict.fromkeys(OF_PARCELS)})


def of_manual(row: LiveSaleReturn, items: Mapping[int, SaleItem]) -> SaleReturn:
    """Of one raised by someone and adopted for its contents: only status and quantities count as
    pushed. Whatever else it holds stays, because it differs from what was last pushed: nothing.
    """
    nothing: Fields = dict.fromkeys(OWNED)
    nothing_of_item: Fields = dict.fromkeys(OWNED_OF_ITEM)
    fields = nothing | {OwnedField.STATUS: row.status}
    item_fields = [nothing_of_item | {OwnedField.QUANTITY: item.quantity} for item in row.items]
    return _as_sale_return(row, items, fields, item_fields)


def _as_sale_return(
    row: LiveSaleReturn,
    items: Mapping[int, SaleItem],
    fields: Fields,
    item_fields: Sequence[Fields],
) -> SaleReturn:
    return SaleReturn(
        id=row.id,
        reference=row.reference,
        sale_id=row.sale_id,
        purchase_id=row.purchase_id,
        fields=dict(fields),
        items=tuple(
            Item(
                id=item.id,
                sale_item_id=item.sale_item_id,
                order_line_id=line_of(item, items),
                fields=dict(pushed),
            )
            for item, pushed in zip(row.items, item_fields, strict=True)
        ),
        vendors=_vendors(row, items),
    )


def _vendors(row: LiveSaleReturn, items: Mapping[int, SaleItem]) -> tuple[int, ...]:
    whose = {found.vendor_id for x in row.items if (found := items.get(x.sale_item_id))}
    return tuple(sorted(id_ for id_ in whose if id_ is not None))


def line_of(item: LiveItem, items: Mapping[int, SaleItem]) -> str:
    """The Shopify line of a sale return item; empty when Jetti's sale item carries none."""
    sale_item = items.get(item.sale_item_id)
    return (sale_item.order_line_id if sale_item else None) or ""
