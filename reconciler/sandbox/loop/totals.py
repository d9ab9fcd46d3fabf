"""The totals of a return, which are consistent (loop.md#money-identities, #money-fields)."""

from __future__ import annotations

from reconciler.sandbox.loop.encoding import money
from reconciler.sandbox.loop.model import SandboxExchange, SandboxReturn


def totals(row: SandboxReturn) -> dict[str, str | None]:
    """The identities of loop.md#money-identities: total = product - discount + tax, and refund plus
    credit = total."""
    product = sum(line.price for line in row.lines)
    discount = sum(line.discount for line in row.lines)
    tax = sum(line.tax for line in row.lines)
    total = product - discount + tax
    refund = sum(line.value for line in row.lines if line.remedy == "refund")
    credit = total - refund
    exchanged = sum(exchange.price for exchange in row.exchanges)
    exchange_tax = sum(exchange_tax_of(exchange) for exchange in row.exchanges)
    exchange_total = exchanged + exchange_tax
    used = min(credit, exchange_total)
    gift_card = credit - used
    card_order = f"GC-{row.order_name.lstrip('#')}" if gift_card and row.processed_at else None
    return {
        "total": money(refund),
        "return_product_total": money(product),
        "return_discount_total": money(discount),
        "return_tax_total": money(tax),
        "return_total": money(total),
        "return_credit_total": money(credit),
        "refund_shipping_total": "0.00",
        "refund_shipping_tax_total": "0.00",
        "exchange_product_total": money(exchanged),
        "exchange_discount_total": "0.00",
        "exchange_tax_total": money(exchange_tax),
        "exchange_total": money(exchange_total),
        "exchange_credit_total": money(used),
        "gift_card": money(gift_card),
        "gift_card_order_name": card_order,
        "gift_card_order_id": str(23_141_000_000_000 + int(row.id)) if card_order else None,
        "gift_card_presentment": None,
        "handling_fee": "0.00",
        "refund": money(refund),
        "upsell": money(exchange_total - used),
    }


def exchange_tax_of(exchange: SandboxExchange) -> int:
    """In cents."""
    return exchange.price * 55 // 1000
