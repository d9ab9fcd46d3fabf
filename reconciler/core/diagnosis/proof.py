"""Which open returns could prove `jetti.cancel_ids_key`, as far as reading tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from reconciler.core.matching.snapshot import Sale, SaleItem
from reconciler.core.model import Entry, Purpose


class OpenCreate(Struct, frozen=True):
    """A return that has to be created in Jetti."""

    return_id: str
    order_id: str
    order_name: str
    order_lines: frozenset[str]
    """Those that come back."""


def open_creates(entries: Iterable[Entry]) -> Iterator[OpenCreate]:
    """Of these entries, the ones that wait to be created and name their order by its id."""
    for entry in entries:
        is_known = bool(entry.sale_returns or entry.intents)
        if entry.wanted.purpose is not Purpose.EXIST or entry.wanted.lacks_lines or is_known:
            continue
        if entry.seen.order_id is not None:
            lines = frozenset(line.order_line_id for line in entry.wanted.lines)
            name = entry.seen.order_name or f"order id {entry.seen.order_id}"
            yield OpenCreate(entry.id, entry.seen.order_id, name, lines)


def able(
    creates: Sequence[OpenCreate], sales: Sequence[Sale], items: Sequence[SaleItem]
) -> tuple[OpenCreate, ...]:
    """Those of which all lines are in Jetti and some other line of the order has units left: a
    create that returned the whole sale would show."""
    return tuple(one for one in creates if _is_able(one, sales, items))


def _is_able(create: OpenCreate, sales: Sequence[Sale], items: Sequence[SaleItem]) -> bool:
    ours = {
        sale.id
        for sale in sales
        if sale.external_id == create.order_id and not sale.is_clone and not sale.is_cancelled
    }
    left = {
        item.order_line_id
        for item in items
        if item.sale_id in ours and item.available > 0 and not item.is_bundle
    }
    # safeguard: only-a-part-of-an-order-proves
    return len(ours) == 1 and create.order_lines < left
