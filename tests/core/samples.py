"""Returns, entries and what Jetti shows of them, each with everything usual filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.core.matching.snapshot import (
    LiveItem,
    LiveSaleReturn,
    OrderSnapshot,
    Sale,
    SaleItem,
)
from reconciler.core.model import (
    Entry,
    Fields,
    Intent,
    Item,
    Line,
    Operation,
    Parcel,
    Purpose,
    Return,
    SaleReturn,
    Wanted,
    WantedLine,
    WantedParcel,
    Write,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SALE_ID = 10
ITEM_IDS = {"A": 1, "B": 2, "C": 3, "D": 4}
"""Sale item of each order line."""


# ------------------------------------------------------------------------------------------ Loop


def a_return(**changes: Any) -> Return:
    usual: dict[str, Any] = {
        "id": "7001",
        "state": "open",
        "created_at": NOON - DAY,
        "updated_at": NOON,
        "order_id": "4800",
        "order_name": "#1001",
        "lines": (Line("501", "A"),),
    }
    return Return(**(usual | changes))


def parcel(label_status: str | None = "in_transit", **changes: Any) -> Parcel:
    usual: dict[str, Any] = {"carrier": "USPS", "tracking_number": "9400"}
    return Parcel(label_status=label_status, **(usual | changes))


# ------------------------------------------------------------------------------------ the ledger


def wanted_line(order_line_id: str = "A", quantity: int = 1, reason: str | None = None):
    return WantedLine(order_line_id, quantity, f"5{ITEM_IDS[order_line_id]:02d}", reason)


def wanted_parcel(status: str | None = "shipped", *inside: str, **changes: Any) -> WantedParcel:
    usual: dict[str, Any] = {
        "carrier": "USPS",
        "tracking_number": "9400",
        "tracking_url": None,
        "tracking_status": "transit",
    }
    return WantedParcel(status=status, order_line_ids=inside, **(usual | changes))


def wants(*lines: WantedLine, **changes: Any) -> Wanted:
    usual: dict[str, Any] = {
        "purpose": Purpose.EXIST,
        "status": "requested",
        "lines": lines or (wanted_line(),),
        "parcels": (),
    }
    return Wanted(**(usual | changes))


def an_entry(wanted: Wanted | None = None, **changes: Any) -> Entry:
    usual: dict[str, Any] = {
        "seen": a_return(),
        "wanted": wanted or wants(),
        "fingerprint": b"f" * 32,
        "changed_at": NOON,
        "due_since": NOON,
    }
    return Entry(**(usual | changes))


def pushed_item(order_line_id: str = "A", quantity: int = 1, **fields: Any) -> Item:
    """As one PUT of ours left it; `fields` replace all others when given as `only`."""
    number = ITEM_IDS[order_line_id]
    told: Fields = {
        "quantity": quantity,
        "externalId": f"5{number:02d}",
        "adjustmentReasonId": None,
    }
    return Item(100 + number, number, order_line_id, told | fields)


def pushed(*items: Item, id: int = 21, **fields: Any) -> SaleReturn:
    """A sale return as a finished push of a return without parcels left it."""
    told: Fields = {
        "externalId": "7001",
        "saleReturnSource": "external",
        "saleReturnType": "customer",
        "status": "requested",
        "trackingCompany": None,
        "trackingNumber": None,
        "trackingUrl": None,
        "trackingStatus": None,
        "notes": "Loop return 7001",
    }
    return SaleReturn(id, f"1001-{id}", SALE_ID, None, told | fields, items or (pushed_item(),))


def an_intent(*sale_item_ids: int, **changes: Any) -> Intent:
    """A create that nobody answered."""
    usual: dict[str, Any] = {
        "id": 1,
        "return_id": "7001",
        "fingerprint": b"f" * 32,
        "write": Write(Operation.CREATE, SALE_ID, sale_item_ids or (1,)),
        "before": (),
        "sent_at": NOON,
        "settle_at": NOON + 3 * MINUTE,
    }
    return Intent(**(usual | changes))


# ----------------------------------------------------------------------------------------- Jetti


def a_sale(**changes: Any) -> Sale:
    usual: dict[str, Any] = {
        "id": SALE_ID,
        "external_id": "4800",
        "reference": "1001",
        "is_clone": False,
        "account": "41",
    }
    return Sale(**(usual | changes))


def sale_item(order_line_id: str, quantity: int = 1, **changes: Any) -> SaleItem:
    usual: dict[str, Any] = {
        "id": ITEM_IDS[order_line_id],
        "sale_id": SALE_ID,
        "order_line_id": order_line_id,
        "quantity": quantity,
        "returned": 0,
        "cancelled": 0,
        "is_bundle": False,
    }
    return SaleItem(**(usual | changes))


def shown(id: int, quantities: dict[str, int], **changes: Any) -> LiveSaleReturn:
    """A sale return in Jetti: units by order line; unmarked and fresh unless told."""
    fields: Fields = {
        "externalId": changes.pop("marker", None),
        "status": changes.pop("status", "requested"),
    }
    items = tuple(
        LiveItem(100 + ITEM_IDS[line], id, ITEM_IDS[line], {"quantity": units})
        for line, units in quantities.items()
    )
    usual: dict[str, Any] = {
        "id": id,
        "sale_id": SALE_ID,
        "purchase_id": None,
        "reference": f"1001-{id}",
        "created_at": NOON,
        "fields": fields,
        "items": items,
    }
    return LiveSaleReturn(**(usual | changes))


def as_shown(known: SaleReturn, **fields: Any) -> LiveSaleReturn:
    """Jetti shows what was last pushed, but for these fields."""
    items = tuple(LiveItem(i.id, known.id, i.sale_item_id, i.fields) for i in known.items)
    return LiveSaleReturn(
        id=known.id,
        sale_id=known.sale_id,
        purchase_id=known.purchase_id,
        reference=known.reference,
        created_at=NOON,
        fields=known.fields | fields,
        items=items,
    )


def a_snapshot(*on_sale: LiveSaleReturn, **changes: Any) -> OrderSnapshot:
    """Order 1001 of four lines; `on_sale` that carry our marker are ours."""
    usual: dict[str, Any] = {
        "asked_at": NOON,
        "looked_at": 0.0,
        "ours": tuple(row for row in on_sale if row.marker == "7001"),
        "sales": (a_sale(),),
        "sale_items": tuple(sale_item(line, 3) for line in "ABCD"),
        "on_sale": on_sale,
    }
    return OrderSnapshot(**(usual | changes))
