"""Checking what a create made before anything more is written (design section 8 step 3).

Jetti reads a missing or misunderstood id list as "the whole sale" (apis/jetti.md 6.3), so an
answer is believed only when it covers exactly the sale items asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct

from reconciler.core.model import Write
from reconciler.core.sighting import SeenSaleReturn


class Exact(Struct, frozen=True):
    """The create made what was asked for."""

    made: tuple[SeenSaleReturn, ...]


class Short(Struct, frozen=True):
    """Something asked for is missing, or was made twice."""

    made: tuple[SeenSaleReturn, ...]
    reason: str


class Overreached(Struct, frozen=True):
    """Jetti returned items that nobody asked for."""

    strange: tuple[SeenSaleReturn, ...]
    """Those that hold such items; they must be cancelled."""
    reason: str


def check_created(
    create: Write, rows: Sequence[SeenSaleReturn], before: Collection[int]
) -> Exact | Short | Overreached:
    """Hold the made sale returns, items included, against the create.

    Rows that were there before are no work of this create, whatever the answer lists.
    """
    asked = sorted(create.sale_item_ids)
    made = tuple(row for row in rows if row.id not in before)
    strange = tuple(row for row in made if not _within(row, create))
    if strange:
        which = ", ".join(f"{row.reference} ({row.id})" for row in strange)
        return Overreached(
            strange, f"Jetti returned items that were not asked for: sale return {which}"
        )
    covered = sorted(item.sale_item_id for row in made for item in row.items)
    if covered != asked:
        return Short(
            made,
            f"Jetti was asked to return sale items {asked} and returned {covered or 'none'}",
        )
    return Exact(made)


def _within(row: SeenSaleReturn, create: Write) -> bool:
    items = {item.sale_item_id for item in row.items}
    return row.sale_id == create.target_id and items <= set(create.sale_item_ids)
