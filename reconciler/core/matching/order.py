"""Which of Jetti's sales is the order of a return (architecture.md#choosing-the-sale)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from reconciler.core import order_name
from reconciler.core.matching.result import DECIDE, listed
from reconciler.core.matching.snapshot import (
    Chosen,
    Disputed,
    LiveSaleReturn,
    NoSale,
    OrderChoice,
    OrderSnapshot,
    Sale,
    SaleItem,
)
from reconciler.core.model import Entry, Operation, Return


def with_order(entry: Entry, snapshot: OrderSnapshot) -> OrderSnapshot:
    """The snapshot with the sale that is the entry's order, of those that were seen."""
    for sale in snapshot.sales:
        # safeguard: read-back-where-it-was-sent
        if sale.id in sent_to(entry):
            return replace(snapshot, order=Chosen(sale))
    occupied = occupied_sales(entry, snapshot.ours)
    choice = choose_sale(entry.seen, snapshot.sales, snapshot.sale_items, occupied)
    return replace(snapshot, order=choice)


def sent_to(entry: Entry) -> frozenset[int]:
    """Ids of the sale to which a create was sent that has no answer; none, or one.

    What became of the create shows there, whichever sale is the order by now.
    """
    create = entry.unanswered_create
    return frozenset({create.write.target_id} if create is not None else ())


def choose_sale(
    seen: Return,
    candidates: Sequence[Sale],
    items: Sequence[SaleItem] = (),
    occupied: Collection[int] = (),
) -> OrderChoice:
    """Pick the sale by Shopify order id, else by name where Jetti holds no order id.

    The exact id decides, however the sale spells the name, unless another sale without an id bears
    exactly the name. Clones (exchanges) share the customer but not the goods and never count; a
    sale that is cancelled or has nothing left only where no other is left. `items` are those of all
    candidates. `occupied` are the ids of sales on which something of this return is, or may be:
    they count whatever is left of them.
    """
    by_id = [sale for sale in possible(seen, candidates) if sale.external_id]
    by_name = [sale for sale in possible(seen, candidates) if not sale.external_id]

    def living(sales: Sequence[Sale]) -> list[Sale]:
        # safeguard: sale-with-an-unanswered-create-counts
        return [sale for sale in sales if sale.id in occupied or not _is_over(sale, items)]

    left = living(by_id) or living(by_name) or by_id or by_name
    if not left:
        return NoSale()
    if len(left) == 1 and left[0].external_id and not is_spelt_alike(left[0], seen):
        # safeguard: order-id-and-name-disagree
        left = [*left, *living(by_name)]
    if len(left) > 1:
        return Disputed(_dispute(seen, left, candidates, items))
    return Chosen(left[0])


def possible(seen: Return, candidates: Sequence[Sale]) -> list[Sale]:
    """The candidates that may be the order, each once, in order of id."""
    # safeguard: clones-never-count
    originals = {sale.id: sale for sale in candidates if not sale.is_clone}
    return [
        sale
        for _, sale in sorted(originals.items())
        if (sale.external_id == seen.order_id if sale.external_id else _is_named(sale, seen))
    ]


def settles(sale: Sale, seen: Return) -> bool:
    """Whether a sale that has the order's id leaves no reason to look for the order by name."""
    is_plain = not sale.is_clone and not sale.is_cancelled
    return is_plain and (not seen.order_name or is_spelt_alike(sale, seen))


def occupied_sales(entry: Entry, ours: Sequence[LiveSaleReturn]) -> frozenset[int]:
    """Ids of sales on which something of an entry is, or may be, since a create had no answer."""
    sales = {known.sale_id for known in entry.sale_returns} | {row.sale_id for row in ours}
    creates = [i.write for i in entry.intents if i.write.operation is Operation.CREATE]
    return frozenset(sales | {create.target_id for create in creates})


def _is_over(sale: Sale, items: Sequence[SaleItem]) -> bool:
    """Whether it is cancelled, or has lines and nothing left of any."""
    left = [item.available > 0 for item in items if item.sale_id == sale.id]
    # safeguard: sales-with-nothing-left
    return sale.is_cancelled or (bool(left) and not any(left))


def _dispute(
    seen: Return, left: Sequence[Sale], candidates: Sequence[Sale], items: Sequence[SaleItem]
) -> str:
    """All candidates with what speaks for or against each, and what would settle the question."""
    left_ids = [sale.id for sale in left]
    not_it = ruled_out(seen, [sale for sale in candidates if sale.id not in left_ids], items)
    described = listed(f"{_described(sale)}, {_in_favour(sale)}" for sale in left)
    besides = f"; not {listed(not_it)}" if not_it else ""
    return (
        f"{seen.order} matches {len(left)} sales in Jetti: {described}{besides}. "
        f"Cancel the wrong one in Jetti or give it its own order id and name. {DECIDE}"
    )


def ruled_out(seen: Return, sales: Sequence[Sale], items: Sequence[SaleItem]) -> list[str]:
    """Sales that are not the order, each with the reason."""
    others = {sale.id: sale for sale in sales}
    return [
        f"{_described(sale)}, {_against(sale, seen, items)}" for _, sale in sorted(others.items())
    ]


def _in_favour(sale: Sale) -> str:
    return "with the order's id" if sale.external_id else "with its name and without an order id"


def _against(sale: Sale, seen: Return, items: Sequence[SaleItem]) -> str:
    if sale.is_clone:
        return "a clone"
    if sale.is_cancelled:
        return "cancelled or wholly returned"
    if sale.external_id and sale.external_id != seen.order_id:
        return f"with order id {sale.external_id}"
    if not sale.external_id and not _is_named(sale, seen):
        return "with another name"
    if _is_over(sale, items):
        return "with nothing left"
    return "with the order's id" if sale.external_id else "without an order id"


def _described(sale: Sale) -> str:
    return f"{sale.id} ({sale.reference})"


# --------------------------------------------------------------------------------------- names


def is_spelt_alike(sale: Sale, seen: Return) -> bool:
    """Whether Jetti's reference is the order's name, or the number Loop gives beside it."""
    spellings = (seen.order_name, seen.order_number)
    return any(order_name.same(sale.reference, name) for name in spellings if name)


def _is_named(sale: Sale, seen: Return) -> bool:
    return order_name.same(sale.reference, seen.order_name)


def spelling(reference: str, name: str) -> tuple[str, str] | None:
    """What the shop puts before and after Jetti's reference to make the name of the order; None
    where the name can be read in no such way, or in several.

    A number is never cut in two: `1001` is no part of `21001`.
    """
    outer, inner = order_name.bare(name), order_name.bare(reference)
    if not inner or outer.count(inner) != 1 or outer == inner:
        return None
    prefix, suffix = outer.split(inner)
    cut = (prefix[-1:] + inner[:1], inner[-1:] + suffix[:1])
    if any(len(pair) == 2 and pair.isdigit() for pair in cut):
        return None
    return prefix, suffix
