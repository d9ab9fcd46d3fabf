"""Too few units of an order line are left in Jetti for what is to be returned."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.model import Entry, Purpose
from reconciler.core.sighting import SaleItem
from reconciler.core.states import OPEN
from reconciler.core.verdict import Review, Wait, listed


def short(
    item: SaleItem,
    line_id: str,
    units: int,
    rivals: Sequence[Entry],
    *,
    grows: bool = False,
    beside: Sequence[SaleItem] = (),
) -> Wait | Review | None:
    """None where enough are left; Wait while other returns have yet to give enough of them back.

    A customer who cancels a return and submits it anew is read as both at once. `beside` are
    further sale items of the line whose units count as well.
    """
    available = sum(one.available for one in (item, *beside))
    lacking = units - available
    if lacking <= 0:
        return None
    giving = {rival.id: _gives_back(rival, line_id) for rival in rivals if rival.state in OPEN}
    if sum(giving.values()) >= lacking:
        whose = listed(rival_id for rival_id, given in giving.items() if given)
        reason = f"order line {line_id} is still held by return {whose}, which gives it back"
        return Wait(reason, order_found=True, behind=True)
    return Review(
        f"order line {line_id}: {units}{' more' if grows else ''} to return, but only "
        f"{available} of {sum(one.quantity for one in (item, *beside))} are left in Jetti"
    )


def _gives_back(rival: Entry, line_id: str) -> int:
    """Units that Jetti was told of and that are not wanted any more."""
    held = sum(
        int(item.fields.get("quantity") or 0)
        for known in rival.sale_returns
        if known.fields.get("status") != "cancelled"
        for item in known.items
        if item.order_line_id == line_id
    )
    wanted = sum(line.quantity for line in rival.wanted.lines if line.order_line_id == line_id)
    return max(0, held - (0 if rival.wanted.purpose is Purpose.CANCEL else wanted))
