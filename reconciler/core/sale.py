"""Which of Jetti's sales is the order of a return (design section 8 step 1)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from reconciler.core.model import Return
from reconciler.core.sighting import Sale


class Chosen(Struct, frozen=True):
    """The one sale."""

    sale: Sale


class NoSale(Struct, frozen=True):
    """The order is not in Jetti, or not yet."""


class Disputed(Struct, frozen=True):
    """A person must say which, or whether."""

    reason: str


def choose_sale(seen: Return, candidates: Sequence[Sale]) -> Chosen | NoSale | Disputed:
    """Pick the sale by Shopify order id, else by name where Jetti holds no order id.

    Clones (exchanges) share the customer but not the goods and never count. A sale under the right
    id with another name means that ids were crossed: disputed.
    """
    originals = {sale.id: sale for sale in candidates if not sale.is_clone}
    by_id = [s for s in originals.values() if s.external_id and s.external_id == seen.order_id]
    by_name = [
        s
        for s in originals.values()
        if not s.external_id and seen.order_name and same_name(s.reference, seen.order_name)
    ]
    matching = by_id or by_name
    if not matching:
        return NoSale()
    if len(matching) > 1:
        return Disputed(
            f"{seen.order} matches {len(matching)} sales in Jetti: "
            f"{', '.join(str(sale.id) for sale in matching)}"
        )
    sale = matching[0]
    if seen.order_name and not same_name(sale.reference, seen.order_name):
        return Disputed(
            f"Jetti's sale {sale.id} has the id of order {seen.order_name} "
            f"but the reference {sale.reference}"
        )
    return Chosen(sale)


def same_name(reference: str, order_name: str) -> bool:
    """Jetti stores the name with or without Shopify's `#` (apis/jetti.md 6.1)."""
    return reference.strip().lstrip("#") == order_name.strip().lstrip("#")


def names(order_name: str) -> tuple[str, str]:
    """The spellings under which Jetti may hold an order name, in the order to try them."""
    bare = order_name.strip().lstrip("#")
    return bare, f"#{bare}"
