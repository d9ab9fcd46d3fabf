"""The Shopify orders that both pretend services refer to."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class SandboxOrderLine(Struct, frozen=True):
    """One line of an order, as the shop knows it."""

    order_line_id: str
    """Shopify's line item id: Loop's `provider_line_item_id`, Jetti's `sale-item.externalId`."""
    variant_id: str
    product_id: str
    sku: str
    title: str
    quantity: int
    price: str
    """Of one unit, two decimals."""
    vendor: str | None = None
    """Name of the dropship vendor; None means in-house stock."""
    shipped: bool = True
    bundle: bool = False
    """Sold as a set: Jetti has its parts as separate lines."""
    bundle_of: str | None = None
    """The `order_line_id` of the bundle that this line is a part of."""
    parts: tuple[tuple[str | None, int], ...] = ()
    """Vendor and units of each sale item that Jetti makes of the line, all with the line's id;
    empty: one sale item for all units. (Seen with split quantities; nothing rules out two
    vendors.)"""


class SandboxOrder(Struct, frozen=True):
    """A Shopify order."""

    order_id: str
    """Shopify's numeric id: Loop's `provider_order_id`, Jetti's `sale.externalId`."""
    name: str
    """`#1042`"""
    created_at: datetime
    """Aware, UTC."""
    lines: tuple[SandboxOrderLine, ...]


def example_order(
    number: int,
    created_at: datetime,
    vendors: tuple[str | None, ...] = (None,),
    quantity: int = 1,
) -> SandboxOrder:
    """A plain order for tests: one line per vendor, ids that follow from the number."""
    lines = tuple(
        SandboxOrderLine(
            order_line_id=f"{14_700_000_000_000 + 10 * number + place}",
            variant_id=f"{41_700_000_000_000 + place}",
            product_id=f"{7_000_000_000_000 + place}",
            sku=f"SKU-{place}",
            title=f"Thing {place} - M / Moss",
            quantity=quantity,
            price="25.00",
            vendor=vendor,
        )
        for place, vendor in enumerate(vendors)
    )
    return SandboxOrder(f"{5_700_000_000_000 + number}", f"#{number}", created_at, lines)
