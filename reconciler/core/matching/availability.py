"""Whether Jetti has enough units of an order line left for what is to be returned."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.matching.result import DECIDE, NeedsReview, NotReady, listed
from reconciler.core.matching.snapshot import SaleItem
from reconciler.core.model import Entry, Purpose
from reconciler.core.states import OPEN


def check_available(
    items: Sequence[SaleItem],
    line_id: str,
    units: int,
    other_entries: Sequence[Entry],
    *,
    grows: bool = False,
) -> NotReady | NeedsReview | None:
    """None where enough are left; NotReady while other returns have yet to give enough back.

    A customer may cancel a return and submit it again, and both are read in one pass. `items` are
    the sale items of the line; those with nothing left do not count. `grows` says that the units
    are added to a sale return that exists.
    """
    left = [item for item in items if item.available > 0] or items
    available = sum(item.available for item in left)
    lacking = units - available
    # safeguard: units-left-for-a-create
    if lacking <= 0:
        return None
    giving = {
        other.id: _gives_back(other, line_id) for other in other_entries if other.state in OPEN
    }
    # safeguard: units-given-back
    if sum(giving.values()) >= lacking:
        whose = listed(other_id for other_id, given in giving.items() if given)
        reason = f"order line {line_id} is still taken up by return {whose}, which gives it back"
        return NotReady(reason, order_found=True, waits_for_another=True)
    return NeedsReview(
        f"order line {line_id}: {units}{' more' if grows else ''} to return, but only "
        f"{available} of {sum(item.quantity for item in left)} left in Jetti: sale item"
        f" {listed(map(described, items))}. {DECIDE}"
    )


def described(item: SaleItem) -> str:
    """A sale item with its vendor and what is left of it, for a reason."""
    whose = f"of vendor {item.vendor_id}" if item.vendor_id else "in-house"
    left = f"{item.available} of {item.quantity} left" if item.available > 0 else "nothing left"
    return f"{item.id} ({whose}, {left}{', a bundle or part of one' if item.is_bundle else ''})"


def _gives_back(other: Entry, line_id: str) -> int:
    """Units that were pushed and are not wanted any more."""
    pushed = sum(
        item.quantity
        for known in other.sale_returns
        if not known.is_cancelled
        for item in known.items
        if item.order_line_id == line_id
    )
    wanted = sum(line.quantity for line in other.wanted.lines if line.order_line_id == line_id)
    return max(0, pushed - (0 if other.wanted.purpose is Purpose.CANCEL else wanted))
