"""Proof that an unmarked sale return is ours: by an unanswered create, or by its meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.core.known import line_of
from reconciler.core.model import Entry, Intent, Purpose, State, WantedLine
from reconciler.core.sighting import SaleItem, SeenItem, SeenSaleReturn
from reconciler.core.verdict import Review, Wait, listed


def by_intent(
    intent: Intent,
    *,
    unmarked: Sequence[SeenSaleReturn],
    marked: Sequence[SeenSaleReturn],
    items: Mapping[int, SaleItem],
    wanted: Sequence[WantedLine],
) -> list[SeenSaleReturn] | Review | Wait | None:
    """The unmarked rows that an unanswered create made; a person may have cancelled them since.

    They were not there before it, are not older than it, hold only what it asked for, in
    quantities a create gives birth to or that we meanwhile wanted; and, with what is already
    marked, they hold all of it. None when nothing of it is there; Review when some of it might be;
    Wait while Jetti shows one of them without any item.
    """
    asked = set(intent.write.sale_item_ids)
    since = [
        row for row in unmarked if row.id not in intent.before and row.created_at >= intent.sent_at
    ]
    hollow = [row for row in since if not row.items and row.status != "cancelled"]
    if hollow:
        which = listed(f"{row.reference} ({row.id})" for row in hollow)
        return Wait(f"Jetti does not show yet what sale return {which} holds", order_found=True)
    candidates = [row for row in since if asked & _sale_items(row)]
    fresh = [*candidates, *(row for row in marked if row.id not in intent.before)]
    for row in fresh:
        if not _sale_items(row) <= asked:
            return Review(
                f"sale return {row.reference} ({row.id}) appeared after our unanswered create "
                "and holds items that it did not ask for",
                overreached=True,
            )
    quantities = {line.order_line_id: line.quantity for line in wanted}
    for row in candidates:
        if not all(_as_born(item, items, quantities) for item in row.items):
            return Review(
                f"sale return {row.reference} ({row.id}) appeared after our unanswered create "
                "with quantities of its own"
            )
    covered = sorted(item for row in fresh for item in _sale_items(row) & asked)
    if not covered:
        return None
    beside = [row for row in since if not asked & _sale_items(row) and _is_newborn(row)]
    if beside:
        which = listed(f"{row.reference} ({row.id})" for row in beside)
        return Review(
            f"sale return {which} appeared along with what our unanswered create made, "
            "for items that it did not ask for",
            overreached=True,
        )
    if covered != sorted(asked):
        return Review(
            f"our unanswered create asked for sale items {listed(sorted(asked))}, "
            f"but sale returns for {listed(covered)} appeared"
        )
    return candidates


def by_meaning(
    entry: Entry,
    meant: Sequence[WantedLine],
    loose: Sequence[SeenSaleReturn],
    items: Mapping[int, SaleItem],
    rivals: Sequence[Entry],
) -> list[SeenSaleReturn] | Review:
    """A person's own sale returns for exactly these lines; Review when they merely overlap."""
    quantities = {line.order_line_id: line.quantity for line in meant}
    touching = [
        row for row in loose if any(line_of(item, items) in quantities for item in row.items)
    ]
    if not touching:
        return []
    which = f"unmarked sale return {listed(f'{row.reference} ({row.id})' for row in touching)}"
    held = _held(touching, items)
    if held != quantities or not _is_plain(touching):
        return Review(
            f"{which} overlaps this return's lines without matching them: it holds "
            f"{_units(held)}, the return {_units(quantities)}. {_SETTLED_BY}"
        )
    if any(row.created_at < entry.seen.created_at for row in touching):
        return Review(
            f"{which} holds this return's lines but is older than the return. {_SETTLED_BY}"
        )
    claimants = [rival.id for rival in rivals if _claims(rival, quantities)]
    if claimants:
        return Review(
            f"{which} could stand for this return or for {listed(claimants)}. {_SETTLED_BY}"
        )
    return touching


_SETTLED_BY = "Give it the id of its return as externalId in Jetti, or cancel it"


def _held(rows: Sequence[SeenSaleReturn], items: Mapping[int, SaleItem]) -> dict[str, int]:
    """Units by order line. A line may be several sale items: who raised them has said which."""
    held: dict[str, int] = {}
    for row in rows:
        for item in row.items:
            line_id = line_of(item, items)
            held[line_id] = held.get(line_id, 0) + item.quantity
    return held


def _is_plain(rows: Sequence[SeenSaleReturn]) -> bool:
    """Whether no sale item stands twice, and none for nothing."""
    items = [item for row in rows for item in row.items]
    twice = len({item.sale_item_id for item in items}) < len(items)
    return not twice and all(item.quantity > 0 for item in items)


def _units(by_line: Mapping[str, int]) -> str:
    return listed(f"{units} of order line {line_id}" for line_id, units in sorted(by_line.items()))


def _claims(rival: Entry, order_line_ids: Mapping[str, int]) -> bool:
    """Whether another return could be what a loose sale return stands for."""
    return (
        not rival.sale_returns
        and rival.wanted.purpose is not Purpose.CANCEL
        and rival.state is not State.IGNORED
        and any(line.order_line_id in order_line_ids for line in rival.wanted.lines)
    )


def _as_born(item: SeenItem, items: Mapping[int, SaleItem], quantities: Mapping[str, int]) -> bool:
    """Zero under `skipQuantities`, else the full open quantity (apis/jetti.md 6.3); or wanted."""
    sale_item = items.get(item.sale_item_id)
    if sale_item is None:
        return False
    # Jetti's roll-up already counts this item, so what was open at birth is more by that.
    full = sale_item.available + item.quantity
    wanted = quantities.get(sale_item.order_line_id or "")
    return item.quantity in {0, wanted, full, sale_item.quantity}


def _is_newborn(row: SeenSaleReturn) -> bool:
    """As a create with `skipQuantities` leaves it, and as nobody leaves what is meant."""
    return row.status != "cancelled" and all(item.quantity == 0 for item in row.items)


def _sale_items(row: SeenSaleReturn) -> set[int]:
    return {item.sale_item_id for item in row.items}
