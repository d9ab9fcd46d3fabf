"""Seeded orders: one to six lines, in-house or from up to four vendors, sometimes a bundle."""

from __future__ import annotations

from datetime import datetime
from random import Random

from reconciler.sandbox.orders import SandboxOrder, SandboxOrderLine
from reconciler.sandbox.world.products import OWN_PRODUCTS, VENDOR_PRODUCTS, VENDORS, Product

FIRST_NUMBER = 1042
ARTICLES = 4
"""Per vendor."""


class OrderBook:
    """Generates orders with consecutive numbers."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._number = FIRST_NUMBER - 1
        self._line_id = 14_800_000_000_000

    def write(self, created_at: datetime) -> SandboxOrder:
        """The next order."""
        self._number += 1
        lines = [self._line(product) for product in self._products()]
        if self._chance.random() < 0.04:
            lines += self._bundle()
        return SandboxOrder(
            order_id=str(5_800_000_000_000 + 37 * self._number),
            name=f"#{self._number}",
            created_at=created_at.replace(microsecond=0),
            lines=tuple(lines),
        )

    def _products(self) -> list[Product]:
        chance = self._chance
        sources = chance.choices((1, 2, 3, 4), (60, 25, 10, 5))[0]
        vendors = [chance.randrange(-4, len(VENDORS)) for _ in range(sources)]
        wanted = max(sources, chance.choices((1, 2, 3, 4, 5, 6), (40, 28, 14, 9, 6, 3))[0])
        found = {
            product.number: product
            for place in range(wanted)
            for product in [self._product(vendors[place % sources])]
        }
        return list(found.values())

    def _product(self, vendor: int) -> Product:
        # One draw in eleven is in-house stock.
        if vendor < 0:
            return self._chance.choice(OWN_PRODUCTS)
        return VENDOR_PRODUCTS[vendor * ARTICLES + self._chance.randrange(ARTICLES)]

    def _line(self, product: Product, bundle_of: str | None = None) -> SandboxOrderLine:
        chance = self._chance
        self._line_id += chance.randrange(1, 40)
        return SandboxOrderLine(
            order_line_id=str(self._line_id),
            variant_id=str(41_800_000_000_000 + product.number),
            product_id=str(7_100_000_000_000 + product.number // ARTICLES),
            sku=product.sku,
            title=product.title,
            quantity=1 if bundle_of else chance.choices((1, 2, 3), (80, 15, 5))[0],
            price="0.00" if bundle_of else product.price,
            vendor=product.vendor,
            shipped=bundle_of is not None or chance.random() > 0.02,
            bundle_of=bundle_of,
        )

    def _bundle(self) -> list[SandboxOrderLine]:
        """A set and its parts; the shop sells the set, Jetti ships the parts."""
        self._line_id += 1
        bundle = SandboxOrderLine(
            order_line_id=str(self._line_id),
            variant_id="41800000009001",
            product_id="7100000009001",
            sku="SET-HOME",
            title="Home starter set",
            quantity=1,
            price="79.00",
            bundle=True,
        )
        parts = [self._line(product, bundle.order_line_id) for product in OWN_PRODUCTS[:2]]
        return [bundle, *parts]
