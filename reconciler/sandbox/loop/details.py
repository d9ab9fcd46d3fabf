"""A return in the shape of Get Return Details (loop.md#get-return-details,
#differences-from-the-list-row)."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.loop.encoding import bare, money
from reconciler.sandbox.loop.model import SandboxReturn
from reconciler.sandbox.loop.rows import list_row, overlaid
from reconciler.sandbox.loop.switches import LoopSwitches

NUMBERS = ("id", "order_id", "provider_order_id", "provider_order_number")
LINE_NUMBERS = ("line_item_id", "provider_line_item_id", "product_id", "variant_id")


def details_row(row: SandboxReturn, switches: LoopSwitches, shop: str) -> dict[str, Any]:
    """Numeric ids, bare times, and a few fields that the list lacks."""
    shape = list_row(row, switches, shop)
    for name in NUMBERS:
        shape[name] = _number(shape.get(name))
    for name in ("created_at", "updated_at", "edited_at"):
        moment = getattr(row, name)
        shape[name] = bare(moment) if moment else None
    if row.labels:
        label = row.labels[0 if switches.top_level_label == "first" else -1]
        shape["label_updated_at"] = bare(label.updated_at)
    lines = shape.get("line_items")
    for line in lines if isinstance(lines, list) else ():
        _widen(line)
    return overlaid({**shape, **_extras(row)}, row.extra)


def _widen(line: dict[str, Any]) -> None:
    for name in LINE_NUMBERS:
        line[name] = _number(line.get(name))
    title, _, variant = str(line.get("title") or "").partition(" - ")
    line |= {"line_item_title": title, "variant_title": variant or None, "image": None}


def _extras(row: SandboxReturn) -> dict[str, Any]:
    first = row.exchanges[0] if row.exchanges else None
    refund = sum(line.value for line in row.lines if line.remedy == "refund")
    refunds = []
    if row.processed_at is not None and refund:
        refunds = [
            {
                "gateway": "shopify_payments",
                "amount": money(refund),
                "currency": row.currency,
                "provider_refund_id": 890_000_000_000 + int(row.id),
            }
        ]
    return {
        "exchange": first is not None,
        "exchange_order_name": first.order_name if first else None,
        "exchange_order_id": first.order_id if first else None,
        "refunds": refunds,
    }


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value
