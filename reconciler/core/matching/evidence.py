"""What shows that an unmarked sale return is ours: an unanswered create, or equal contents."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from reconciler.core.instants import to_the_minute
from reconciler.core.matching.baseline import line_of
from reconciler.core.matching.result import DECIDE, NeedsReview, NotReady, listed, titled
from reconciler.core.matching.snapshot import LiveItem, LiveSaleReturn, SaleItem
from reconciler.core.model import Entry, Intent, Operation, Purpose, State, WantedLine


def since_sent(
    intent: Intent, unmarked: Sequence[LiveSaleReturn], others: Sequence[Intent]
) -> list[LiveSaleReturn]:
    """The unmarked rows that may be the work of an unanswered create: they were not there before
    it and are not older. `others` are other returns' unanswered creates, which made what they asked
    for.
    """
    since = [
        row
        for row in unmarked
        # safeguard: not-there-before-the-create
        # safeguard: not-older-than-the-create
        if row.id not in intent.before and row.created_at >= intent.sent_at
    ]
    asked = set(intent.write.sale_item_ids)
    return [
        row
        for row in since
        # safeguard: two-unanswered-creates-on-one-order
        if asked & _sale_items(row) or not any(_may_have_made(other, row) for other in others)
    ]


def _may_have_made(create: Intent, row: LiveSaleReturn) -> bool:
    is_newer = row.id not in create.before and row.created_at >= create.sent_at
    items = _sale_items(row)
    return is_newer and bool(items) and items <= set(create.write.sale_item_ids)


def overreach(
    intent: Intent, since: Sequence[LiveSaleReturn], marked: Sequence[LiveSaleReturn]
) -> NeedsReview | None:
    """A review where what appeared since an unanswered create holds more than it asked for.

    A row counts even if someone has cancelled it since.
    """
    asked = set(intent.write.sale_item_ids)
    candidates = [row for row in since if asked & _sale_items(row)]
    fresh = [*candidates, *(row for row in marked if row.id not in intent.before)]
    unasked = [row for row in fresh if not _sale_items(row) <= asked]
    if unasked:
        return NeedsReview(
            f"sale return {listed(map(_with_items, unasked))} appeared after our unanswered create "
            f"of {_asked(intent)} and holds items that it did not ask for. {_UNDO}. {DECIDE}",
            overreached=True,
        )
    unasked_beside = [row for row in since if not asked & _sale_items(row) and _is_untouched(row)]
    if fresh and unasked_beside:
        return NeedsReview(
            f"sale return {listed(map(_with_items, unasked_beside))} appeared along with "
            f"{listed(map(titled, fresh))}, which our unanswered create of {_asked(intent)} made, "
            f"for items that it did not ask for. {_UNDO}. {DECIDE}",
            overreached=True,
        )
    return None


def from_intent(
    intent: Intent,
    *,
    since: Sequence[LiveSaleReturn],
    marked: Sequence[LiveSaleReturn],
    items: Mapping[int, SaleItem],
    wanted: Sequence[WantedLine],
) -> list[LiveSaleReturn] | NeedsReview | NotReady | None:
    """The unmarked rows that an unanswered create made; someone may have cancelled them since.

    They appeared since it was sent; they hold only what it asked for, in quantities that a create
    leaves or that are wanted by now; and, with what is already marked, they hold all of it. None
    when nothing of it is there; NeedsReview when some of it might be; NotReady while Jetti shows
    one of them without any item.
    """
    asked = set(intent.write.sale_item_ids)
    without_items = [row for row in since if not row.items and not row.is_cancelled]
    if without_items:
        which = listed(map(titled, without_items))
        return NotReady(f"Jetti does not show yet what sale return {which} holds", order_found=True)
    unasked = overreach(intent, since, marked)
    if unasked is not None:
        return unasked
    candidates = [row for row in since if asked & _sale_items(row)]
    quantities = {line.order_line_id: line.quantity for line in wanted}
    odd = [
        f"{titled(row)} with {item.quantity} of sale item {item.sale_item_id}"
        for row in candidates
        for item in row.items
        if not _has_created_quantity(item, items, quantities)
    ]
    # safeguard: quantities-of-an-unanswered-create
    if odd:
        return NeedsReview(
            f"sale return {listed(odd)} appeared after our unanswered create of {_asked(intent)} "
            f"with quantities of its own: not 0, not all that was left, not what is wanted. "
            f"{_REMEDY}. {DECIDE}"
        )
    fresh = [*candidates, *(row for row in marked if row.id not in intent.before)]
    covered = sorted(item for row in fresh for item in _sale_items(row) & asked)
    if not covered:
        return None
    if covered != sorted(asked):
        return NeedsReview(
            f"our unanswered create asked for {_asked(intent)}, but sale returns for "
            f"{listed(covered)} appeared: {listed(map(_with_items, fresh))}. {DECIDE}"
        )
    return candidates


def from_contents(
    entry: Entry,
    lines: Sequence[WantedLine],
    unclaimed: Sequence[LiveSaleReturn],
    items: Mapping[int, SaleItem],
    other_entries: Sequence[Entry],
) -> list[LiveSaleReturn] | NeedsReview:
    """Sale returns raised by hand for exactly these lines; NeedsReview if they only overlap."""
    quantities = {line.order_line_id: line.quantity for line in lines}
    touching = [
        row for row in unclaimed if any(line_of(item, items) in quantities for item in row.items)
    ]
    if not touching:
        return []
    which = f"unmarked sale return {listed(with_units(row, items) for row in touching)}"
    quantities_found = _quantities_by_line(touching, items)
    # safeguard: adoption-needs-equal-quantities
    if quantities_found != quantities or not _is_plain(touching):
        return NeedsReview(
            f"{which} overlaps this return's lines without matching them: the return has "
            f"{_units(quantities)}. {_REMEDY}. {DECIDE}"
        )
    # safeguard: adoption-of-nothing-older
    if any(row.created_at < entry.seen.created_at for row in touching):
        made = listed(to_the_minute(row.created_at) for row in touching)
        return NeedsReview(
            f"{which} holds this return's lines but is older than the return: it was made "
            f"{made}, the return {to_the_minute(entry.seen.created_at)}. {_REMEDY}. {DECIDE}"
        )
    claimants = [other.id for other in other_entries if _could_own(other, quantities)]
    # safeguard: adoption-needs-one-claimant
    if claimants:
        return NeedsReview(
            f"{which} could belong to this return or to {listed(claimants)}: they want the same "
            f"lines. {_REMEDY}. {DECIDE}"
        )
    return touching


def abandoned_create(
    entry: Entry,
    unclaimed: Sequence[LiveSaleReturn],
    items: Mapping[int, SaleItem],
    other_entries: Sequence[Entry],
    *,
    marked: Sequence[LiveSaleReturn],
) -> NeedsReview | None:
    """A review where a create that this ledger does not know of seems to have been cut short, for a
    return that has ended since: an older ledger was put back, or a new one took over.

    Such a create leaves no units, or items with the ids of Loop's lines, which are written before
    the marker. What someone raised by hand has units and no such ids, and is left alone. What may
    be another return's is left to the match of that one.
    """
    lines = {line.order_line_id for line in entry.wanted.lines}
    abandoned = [
        row
        for row in unclaimed
        if row.created_at >= entry.seen.created_at
        and (_is_untouched(row) or _line_ids(row))
        and (not lines or any(line_of(item, items) in lines for item in row.items))
        and not any(_belongs_to(other, row, items) for other in other_entries)
    ]
    if not abandoned:
        return None
    which = f"unmarked sale return {listed(with_units(row, items) for row in abandoned)}"
    along = f", and sale return {listed(map(titled, marked))}, which is marked" if marked else ""
    return NeedsReview(
        f"{which} looks like what an interrupted create has left, and may belong to this return,"
        f" which is {entry.seen.state} in Loop. Cancel in Jetti what does{along}. {DECIDE}"
    )


def _line_ids(row: LiveSaleReturn) -> set[str]:
    """Ids of Loop's lines, which are written to the items of a sale return before the marker."""
    return {item.line_id for item in row.items if item.line_id is not None}


def _belongs_to(other: Entry, row: LiveSaleReturn, items: Mapping[int, SaleItem]) -> bool:
    """Whether an unmarked sale return may be another return's."""
    creates = [i for i in other.intents if i.write.operation is Operation.CREATE]
    return (
        any(_may_have_made(create, row) for create in creates)
        or bool(_line_ids(row) & {line.id for line in other.seen.lines})
        or _could_own(other, {line_of(item, items) for item in row.items})
    )


_REMEDY = "Give it the id of its return as externalId in Jetti, or cancel it"
_UNDO = "Cancel in Jetti what nobody asked for"


def _asked(intent: Intent) -> str:
    return _sale_items_text(intent.write.sale_item_ids)


def _with_items(row: LiveSaleReturn) -> str:
    return f"{titled(row)} of {_sale_items_text(_sale_items(row))}"


def _sale_items_text(ids: Collection[int]) -> str:
    return f"sale item{'s' if len(ids) > 1 else ''} {' and '.join(map(str, sorted(ids)))}"


def with_units(row: LiveSaleReturn, items: Mapping[int, SaleItem]) -> str:
    """A sale return with what it holds, for a reason."""
    units = (
        f"{item.quantity} of order line {line}"
        if (line := line_of(item, items))
        else f"{item.quantity} of sale item {item.sale_item_id}"
        for item in row.items
    )
    return f"{titled(row)} with {' and '.join(units)}"


def _quantities_by_line(
    rows: Sequence[LiveSaleReturn], items: Mapping[int, SaleItem]
) -> dict[str, int]:
    """Units by order line, added up where several sale items stand for one line."""
    quantities_found: dict[str, int] = {}
    for row in rows:
        for item in row.items:
            line_id = line_of(item, items)
            quantities_found[line_id] = quantities_found.get(line_id, 0) + item.quantity
    return quantities_found


def _is_plain(rows: Sequence[LiveSaleReturn]) -> bool:
    """Whether each sale item is there once, and with units."""
    items = [item for row in rows for item in row.items]
    twice = len({item.sale_item_id for item in items}) < len(items)
    return not twice and all(item.quantity > 0 for item in items)


def _units(by_line: Mapping[str, int]) -> str:
    return listed(f"{units} of order line {line_id}" for line_id, units in sorted(by_line.items()))


def _could_own(other: Entry, order_line_ids: Collection[str]) -> bool:
    """Whether an unmarked sale return of these lines could stand for another return."""
    return (
        not other.sale_returns
        and other.wanted.purpose is not Purpose.CANCEL
        and other.state is not State.IGNORED
        and any(line.order_line_id in order_line_ids for line in other.wanted.lines)
    )


def _has_created_quantity(
    item: LiveItem, items: Mapping[int, SaleItem], quantities: Mapping[str, int]
) -> bool:
    """Whether it has a quantity that a create leaves, zero under `skipQuantities` and else the full
    open quantity (jetti.md#quantities-after-creation), or the one that is wanted."""
    sale_item = items.get(item.sale_item_id)
    if sale_item is None:
        return False
    # Jetti's totals already count this item, so what was open when it was made is more by that.
    full = sale_item.available + item.quantity
    wanted = quantities.get(sale_item.order_line_id or "")
    return item.quantity in {0, wanted, full, sale_item.quantity}


def _is_untouched(row: LiveSaleReturn) -> bool:
    """Whether it is as a create with `skipQuantities` leaves it: nobody raises one for nothing."""
    return bool(row.items) and all(item.quantity == 0 for item in row.items)


def _sale_items(row: LiveSaleReturn) -> set[int]:
    return {item.sale_item_id for item in row.items}
