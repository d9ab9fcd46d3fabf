"""A return as a row of Loop's list (loop.md#return-object)."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.loop.encoding import (
    NOTHING,
    bare,
    milliseconds,
    money,
    offset,
    order_number,
    php_date,
)
from reconciler.sandbox.loop.model import (
    LEFT_OUT,
    SandboxExchange,
    SandboxLabel,
    SandboxLine,
    SandboxReturn,
)
from reconciler.sandbox.loop.switches import LoopSwitches
from reconciler.sandbox.loop.totals import exchange_tax_of, totals

# Undocumented fields, which a client must ignore (loop.md#additive-changes).
EXTRA_FIELDS: dict[str, Any] = {
    "sustainability_score": 7,
    "x_internal": {"nested": [1, {"deep": None}]},
    "state_history": [],
}


def list_row(row: SandboxReturn, switches: LoopSwitches, shop: str) -> dict[str, Any]:
    """A row of the list. Every key is always present; absence is a value (loop.md#key-presence,
    #absent-values)."""
    extra = EXTRA_FIELDS if switches.extra_fields else {}
    shown = {
        **_identity(row, switches),
        **totals(row),
        "line_items": [_line(line, row) for line in row.lines],
        "exchanges": [_exchange(exchange) for exchange in row.exchanges],
        "presentment": None,
        **_label_fields(row, switches),
        "labels": [_label(label, row, switches) for label in row.labels],
        "status_page_url": status_page(row, shop),
        "destination_id": row.destination_id,
        "return_method": row.return_method,
        "package_reference": None,
        "type": row.type,
        **_processing(row),
        **extra,
    }
    return overlaid(shown, row.extra)


def overlaid(shown: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    """The fields with a test's raw ones laid over them."""
    return {name: value for name, value in {**shown, **raw}.items() if value != LEFT_OUT}


def status_page(row: SandboxReturn, shop: str) -> str:
    """The link of the status page. Anyone who has it can open it, so it is a canary too."""
    return f"https://{shop}.loopreturns.com/#/return/canary-{int(row.id):032x}"


def _identity(row: SandboxReturn, switches: LoopSwitches) -> dict[str, Any]:
    stamp = offset if switches.created_at_form == "offset" else milliseconds
    return {
        "id": row.id,
        "state": row.state,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "edited_at": stamp(row.edited_at) if row.edited_at else None,
        "outcome": row.outcome,
        "order_id": row.order_id,
        "order_name": row.order_name,
        "order_number": order_number(row.order_name),
        "provider_order_id": row.provider_order_id,
        "provider_order_number": row.order_name.lstrip("#"),
        "customer": row.customer,
        "origin_country": row.country,
        "origin_country_code": row.country_code,
        "multi_currency": False,
        "currency": row.currency,
    }


def _line(line: SandboxLine, row: SandboxReturn) -> dict[str, Any]:
    # The age of the row decides which form of an absent value a field has (loop.md#absent-values).
    old = int(row.id) % 2 == 0
    refunded = line.remedy == "refund"
    refund = line.value if refunded else 0
    refund_tax = line.tax if refunded else 0
    shown = {
        "line_item_id": line.id,
        "provider_line_item_id": line.order_line_id,
        "product_id": line.product_id,
        "variant_id": line.variant_id,
        "sku": line.sku or ("" if old else None),
        "title": line.title,
        "price": money(-line.price if line.negative_price else line.price),
        "discount": money(line.discount),
        "tax": money(line.tax),
        "refund": money(refund),
        "refund_item": money(refund - refund_tax),
        "refund_tax": money(refund_tax),
        "returned_at": bare(row.created_at),
        "exchange_variant": line.exchange_variant or "",
        "return_reason": line.reason or ("" if old else None),
        "parent_return_reason": line.parent_reason or ("" if old else None),
        "return_comment": line.comment or (NOTHING if old else None),
        "barcode": line.barcode or ("" if old else NOTHING),
        "outcome": "default",
        "provider_restock_location_id": None,
        "consolidation_tracking": None,
        "consolidation_destination_id": None,
        "condition": None,
        "disposition": None,
    }
    return overlaid(shown, line.extra)


def _exchange(exchange: SandboxExchange) -> dict[str, Any]:
    tax = exchange_tax_of(exchange)
    return {
        "exchange_id": exchange.id,
        "exchange_order_id": exchange.order_id,
        "exchange_order_name": exchange.order_name,
        "product_id": exchange.product_id,
        "variant_id": exchange.variant_id,
        "sku": exchange.sku,
        "type": "exchange",
        "title": exchange.title,
        "price": money(exchange.price),
        "discount": "0.00",
        "tax": money(tax),
        "total": money(exchange.price + tax),
        "out_of_stock": exchange.out_of_stock,
        "out_of_stock_resolution": None,
        "consolidation_tracking": None,
    }


def _label_fields(row: SandboxReturn, switches: LoopSwitches) -> dict[str, Any]:
    old = int(row.id) % 2 == 0
    if not row.labels:
        return {
            "carrier": "" if old else NOTHING,
            "tracking_number": NOTHING,
            "label_status": NOTHING,
            "label_url": "" if old else None,
            "label_rate": None,
            "label_updated_at": NOTHING,
        }
    label = row.labels[0 if switches.top_level_label == "first" else -1]
    return {
        "carrier": label.carrier,
        "tracking_number": label.tracking_number or NOTHING,
        "label_status": label.status,
        "label_url": _label_url(label),
        "label_rate": label.rate,
        "label_updated_at": milliseconds(label.updated_at),
    }


def _label(label: SandboxLabel, row: SandboxReturn, switches: LoopSwitches) -> dict[str, Any]:
    no_number = (None, "", NOTHING)[int(row.id) % 3]
    lines = [int(line_id) for line_id in label.line_ids]
    shown = {
        "status": label.status,
        "updated_at": bare(label.updated_at),
        "url": _label_url(label),
        "rate": label.rate,
        "carrier": label.carrier,
        "tracking_number": label.tracking_number or no_number,
        "line_items": lines if lines or switches.untied_label == "empty" else None,
    }
    return overlaid(shown, label.extra)


def _label_url(label: SandboxLabel) -> str:
    return f"https://labels.example.test/canary/{label.tracking_number or 'without-number'}.pdf"


def _processing(row: SandboxReturn) -> dict[str, Any]:
    remedies = {line.remedy for line in row.lines}
    done = php_date(row.processed_at)
    return {
        "was_processed": done is not None,
        "refund_before_inspection": row.refund_before_inspection,
        "outcomes_processed_at": {
            "return_processed": done,
            "refund_processed": done if "refund" in remedies else None,
            "gift_card_processed": done if "credit" in remedies else None,
            "exchange_processed": done if "exchange" in remedies else None,
            "shop_cash_processed": None,
        },
        "shopify_refund_object": _refunds(row) if "refund" in remedies else [],
    }


def _refunds(row: SandboxReturn) -> list[dict[str, Any]]:
    if row.processed_at is None:
        return []
    stamp = bare(row.processed_at)
    number = int(row.id)
    return [
        {
            "id": 500_000 + number % 100_000,
            "return_id": number,
            "provider_refund_id": 890_000_000_000 + number,
            "created_at": stamp,
            "updated_at": stamp,
            "provider_created_at": stamp,
        }
    ]
