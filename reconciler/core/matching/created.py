"""Checking what a create made, before more is written for its return (architecture.md#creating).

Jetti reads a missing or misunderstood id list as "the whole sale" (jetti.md#whole-sale-risk), so an
answer counts only when it covers exactly the sale items asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct

from reconciler.core.matching.result import DECIDE, Matched, listed, titled
from reconciler.core.matching.snapshot import LiveSaleReturn, OrderSnapshot, SaleItem
from reconciler.core.model import Operation, Write

PROVEN_BY = "an order with two or more lines of which only some come back"
"""The order whose create proves that the id list is obeyed."""

CAN_PROVE = "can prove jetti.cancel_ids_key: only some of its order's lines come back"
"""The remark on a planned create that would prove it."""


class AsAsked(Struct, frozen=True):
    """The create made what was asked for."""

    made: tuple[LiveSaleReturn, ...]


class FellShort(Struct, frozen=True):
    """Something that was asked for is missing, or was made twice."""

    made: tuple[LiveSaleReturn, ...]
    reason: str


class Overreached(Struct, frozen=True):
    """Jetti returned items that nobody asked for."""

    unasked: tuple[LiveSaleReturn, ...]
    """Those that hold such items; they must be cancelled."""
    reason: str
    as_asked: tuple[LiveSaleReturn, ...] = ()
    """Those that hold only what was asked for; they stay."""


def check_created(
    create: Write, rows: Sequence[LiveSaleReturn], before: Collection[int]
) -> AsAsked | FellShort | Overreached:
    """Compare the sale returns in the answer, items included, with what the create asked for.

    `before` are the ids of sale returns that were there before: they are no work of this create,
    whatever the answer lists.
    """
    asked = sorted(create.sale_item_ids)
    made = tuple(row for row in rows if row.id not in before)
    unasked = tuple(row for row in made if not _is_as_asked(row, create))
    if unasked:
        which = listed(map(titled, unasked))
        return Overreached(
            unasked,
            f"Jetti returned items that were not asked for: sale return {which}",
            tuple(row for row in made if row not in unasked),
        )
    covered = sorted(item.sale_item_id for row in made for item in row.items)
    if covered != asked:
        return FellShort(
            made,
            f"Jetti was asked to return sale items {listed(asked)} and returned "
            f"{listed(covered) or 'none'}{f', in {listed(map(titled, made))}' if made else ''}. "
            f"{DECIDE}",
        )
    return AsAsked(made)


def can_prove(found: Matched, seen: OrderSnapshot) -> bool:
    """Whether the create to come would show that Jetti obeys our id list.

    Where all that is left of a sale is asked for, a list that was obeyed and one that was
    overlooked look alike.
    """
    if found.sale_id is None or not found.missing:
        return False
    asked = tuple(one.item.id for one in found.missing)
    create = Write(Operation.CREATE, found.sale_id, asked)
    return bool(left_out(create, seen.sale_items, seen.on_sale))


def left_out(
    create: Write, items: Sequence[SaleItem], on_sale: Sequence[LiveSaleReturn]
) -> frozenset[int]:
    """Ids of sale items that a create leaves alone and that a return of the whole sale would hold.

    They have units left and are in no living sale return, because nobody knows whether Jetti
    would return them once more (jetti.md#repeated-cancel-calls). None where a living sale return
    does not show its items, since it may hold any of them.
    """
    there = [row for row in on_sale if row.sale_id == create.target_id]
    living = [row for row in there if not row.is_cancelled]
    # safeguard: lines-on-live-sale-returns-prove-nothing
    if not all(row.items for row in living):
        return frozenset()
    taken = {item.sale_item_id for row in living for item in row.items}
    # safeguard: whole-sale-proves-nothing
    return frozenset(
        item.id
        for item in items
        if item.sale_id == create.target_id and item.available > 0 and not item.is_bundle
    ) - taken.union(create.sale_item_ids)


def _is_as_asked(row: LiveSaleReturn, create: Write) -> bool:
    items = {item.sale_item_id for item in row.items}
    return row.sale_id == create.target_id and items <= set(create.sale_item_ids)
