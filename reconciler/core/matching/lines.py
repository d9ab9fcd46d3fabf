"""Which sale items stand for an order line, and how many units each gives.

Jetti may hold one line of the shop as several sale items: of two vendors, or with the quantity
split. Which of them come back is certain when all units do, or when only one of them has any left.
Otherwise it goes to review: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from reconciler.core.matching.availability import check_available, described
from reconciler.core.matching.result import Missing, NeedsReview, NotReady, listed
from reconciler.core.matching.snapshot import LiveSaleReturn, SaleItem
from reconciler.core.model import Entry, Item, Purpose, SaleReturn, Wanted, WantedLine

_NAMED = 10
"""Sale items in a reason at most; Jetti itself shows all."""


def find_missing(
    line: WantedLine, items: Mapping[int, SaleItem], other_entries: Sequence[Entry]
) -> list[Missing] | NotReady | NeedsReview:
    """The sale items to ask for. Checked here, because Jetti itself checks nothing."""
    matching = sale_items_of_line(line.order_line_id, items)
    if not matching:
        return NotReady(
            f"order line {line.order_line_id} is not in Jetti yet",
            order_found=True,
            found_instead=_lines_of_the_sale(items),
        )
    # safeguard: bundles
    if any(item.is_bundle for item in matching):
        return NeedsReview(
            f"order line {line.order_line_id} is a bundle or part of one: "
            f"sale item {listed(map(described, matching))}. {RAISE_BY_HAND}"
        )
    refused = check_available(matching, line.order_line_id, line.quantity, other_entries)
    if refused is not None:
        return refused
    left = [item for item in matching if item.available > 0]
    first, *others = left
    if not others:
        return [Missing(line, first, line.quantity)]
    # safeguard: one-of-several-sale-items
    if line.quantity < sum(item.available for item in left):
        return ambiguous(line, matching)
    return [Missing(line, item, item.available) for item in left]


def _lines_of_the_sale(items: Mapping[int, SaleItem]) -> str:
    """What the sale holds in place of the line that is looked for."""
    if not items:
        return "its sale has no items"
    there = [f"{described(items[key])}, which is {_line_of(items[key])}" for key in sorted(items)]
    more = f"; and {len(there) - _NAMED} more" if len(there) > _NAMED else ""
    sale_id = items[min(items)].sale_id
    return f"its sale {sale_id} has sale item {'; '.join(there[:_NAMED])}{more}"


def _line_of(item: SaleItem) -> str:
    return f"order line {item.order_line_id}" if item.order_line_id else "not a line of the shop"


def sale_items_of_line(order_line_id: str, items: Mapping[int, SaleItem]) -> list[SaleItem]:
    """All sale items of an order line, in order of id."""
    found = [item for item in items.values() if item.order_line_id == order_line_id]
    return sorted(found, key=lambda item: item.id)


def ambiguous(line: WantedLine, matching: Sequence[SaleItem]) -> NeedsReview:
    """A review, because several sale items could be what comes back."""
    return NeedsReview(
        f"order line {line.order_line_id} is {len(matching)} sale items in Jetti, and "
        f"{line.quantity} of its {sum(item.quantity for item in matching)} units "
        f"{'comes' if line.quantity == 1 else 'come'} back: "
        f"{listed(map(described, matching))}. {RAISE_BY_HAND}"
    )


RAISE_BY_HAND = (
    "Raise the sale return for the right ones by hand in Jetti, "
    "with this return's id as its externalId, and `reconciler retry` this one"
)
"""What settles a review where the program cannot tell the items apart."""


# ------------------------------------------------------- lines and the sale returns that are ours


def uncovered(wanted: Wanted, ours: Sequence[SaleReturn]) -> list[WantedLine]:
    """Wanted lines that are in no sale return of ours; none of a return that is not to exist."""
    if wanted.purpose is not Purpose.EXIST:
        return []
    covered = {item.order_line_id for known in ours for item in known.items}
    return [line for line in wanted.lines if line.order_line_id not in covered]


def divide(
    entry: Entry,
    ours: Sequence[SaleReturn],
    live: Mapping[int, LiveSaleReturn],
    items: Mapping[int, SaleItem],
) -> list[SaleReturn] | NeedsReview:
    """Ours, with the units of each item where several of them stand for one line."""
    shown = {item.id: item.quantity for row in live.values() for item in row.items}
    units_by_item: dict[int, int] = {}
    # By what Jetti shows: someone may have cancelled a duplicate.
    # safeguard: cancelled-in-jetti-counts
    living = [known for known in ours if not live[known.id].is_cancelled]
    for line in entry.wanted.lines:
        parts = items_of_line(line.order_line_id, living)
        if len(parts) < 2 or is_divided(line, parts):
            continue
        units = _units_of_parts(line, parts, shown, items)
        if units is None:
            return ambiguous(line, sale_items_of_line(line.order_line_id, items))
        units_by_item |= units
    return [_with_units(known, units_by_item) for known in ours]


def _units_of_parts(
    line: WantedLine,
    parts: Sequence[Item],
    shown: Mapping[int, int],
    items: Mapping[int, SaleItem],
) -> dict[int, int] | None:
    """Units by item: what Jetti shows, if that adds up to the line; else all that each has left, if
    that does. None where neither does.

    A zero counts only where units were pushed before, so that someone has set it since.
    """
    now = {part.id: shown[part.id] for part in parts}
    is_complete = all(now[part.id] or part.quantity for part in parts)
    if is_complete and sum(now.values()) == line.quantity:
        return now
    if any(part.sale_item_id not in items for part in parts):
        return None
    most = {part.id: now[part.id] + max(0, items[part.sale_item_id].available) for part in parts}
    return most if sum(most.values()) == line.quantity else None


def is_divided(line: WantedLine, parts: Sequence[Item]) -> bool:
    """Whether each part has its units, and they add up to the line."""
    units = [part.units for part in parts if part.units is not None]
    return len(units) == len(parts) and sum(units) == line.quantity


def items_of_line(order_line_id: str, ours: Sequence[SaleReturn]) -> list[Item]:
    """Items that stand for one order line, in sale returns of ours that are not cancelled."""
    return [
        item
        for known in ours
        if not known.is_cancelled
        for item in known.items
        if item.order_line_id == order_line_id
    ]


def with_asked_units(made: SaleReturn, missing: Sequence[Missing]) -> SaleReturn:
    """What a create made, with the units asked for of each item where a line is in parts."""
    lines = [one.line.order_line_id for one in missing]
    units = {one.item.id: one.units for one in missing if lines.count(one.line.order_line_id) > 1}
    return _with_units(
        made, {i.id: units[i.sale_item_id] for i in made.items if i.sale_item_id in units}
    )


def _with_units(known: SaleReturn, units: Mapping[int, int]) -> SaleReturn:
    if not any(item.id in units for item in known.items):
        return known
    parts = (replace(item, units=units.get(item.id, item.units)) for item in known.items)
    return replace(known, items=tuple(parts))
