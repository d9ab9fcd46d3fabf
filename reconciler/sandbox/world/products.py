"""The products of the pretend shop and the vendors that ship them."""

from __future__ import annotations

from msgspec import Struct

PLACES = (
    "Alder",
    "Birch",
    "Cedar",
    "Dune",
    "Elder",
    "Fern",
    "Grove",
    "Hazel",
    "Isle",
    "Juniper",
)
TRADES = (
    ("Weavers", ("Throw", "Scarf", "Tea towel", "Cushion cover")),
    ("Pottery", ("Mug", "Serving bowl", "Planter", "Butter dish")),
    ("Knitwear", ("Cardigan", "Beanie", "Wool socks", "Jumper")),
    ("Goods", ("Soap bar", "Beeswax wraps", "Dish brush", "Linen bag")),
)
SIZES = ("S", "M", "L", "One size")
COLOURS = ("Moss", "Chalk", "Clay", "Ink")
IN_HOUSE = ("Gift box", "Tote bag", "Refill jar", "Care kit", "Organic tee", "Lunch tin")

REASONS = (
    ("Too small", "Size"),
    ("Too large", "Size"),
    ("Changed my mind", "Other"),
    ("Arrived damaged", "Quality"),
    ("Not as described", "Quality"),
    ("Wrong item sent", "Shipping"),
)
"""The merchant's own words: reason and parent reason."""


class Product(Struct, frozen=True):
    """A product variant."""

    number: int
    sku: str
    title: str
    """Product and variant in one text, as Loop shows it."""
    price: str
    vendor: str | None


def _vendor_products() -> list[Product]:
    products: list[Product] = []
    for place in PLACES:
        for trade, things in TRADES:
            for thing in things:
                number = len(products) + 1
                size, colour = SIZES[number % 4], COLOURS[number // 4 % 4]
                products.append(
                    Product(
                        number,
                        sku=f"{place[:3]}{trade[:2]}-{number:04d}".upper(),
                        title=f"{thing} - {size} / {colour}",
                        price=f"{12 + number * 7 % 90}.{number * 5 % 100:02d}",
                        vendor=f"{place} {trade}",
                    )
                )
    return products


def _own_products(first: int) -> list[Product]:
    return [
        Product(
            first + place,
            f"HOUSE-{place + 1:03d}",
            f"{thing} - One size",
            f"{9 + place * 6}.00",
            None,
        )
        for place, thing in enumerate(IN_HOUSE)
    ]


VENDOR_PRODUCTS = tuple(_vendor_products())
"""Forty vendors with four articles each."""

OWN_PRODUCTS = tuple(_own_products(len(VENDOR_PRODUCTS) + 1))
"""In-house stock."""

VENDORS = tuple(f"{place} {trade}" for place in PLACES for trade, _ in TRADES)
