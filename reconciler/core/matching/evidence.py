"""What shows that an unmarked sale return is ours: an unanswered create, or equal contents."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from reconciler.core.instants import to_the_minute
from reconciler.core.matching.baseline import line_of
from reconciler.core.matching.result import BY_HAND, NeedsReview, NotReady, listed, titled
from reconciler.core.matching.snapshot import LiveItem, LiveSaleReturn, SaleItem
from reconciler.core.model import Entry, Intent, Operation, Purpose, State, WantedLine


def since_sent(
    intent: Intent, unmarked: Sequence[LiveSaleReturn], others: Sequence[Intent]
) -> list[LiveSaleReturn]:
    """The unmarked rows that may be the work of an unanswered create: not there before it and not
    older than it. `others` are other returns' unanswered creates, which made what they asked for.
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
        # safeguard: two-lost-creates-on-one-order
        if asked & _sale_items(row) or not any(_may_have_made(other, row) for other in others)
    ]


def _may_have_made(create: Intent, row: LiveSaleReturn) -> bool:
    is_newer = row.id not in create.before and row.created_at >= create.sent_at
    items = _sale_items(row)
    return is_newer and bool(items) and items <= set(create.write.sale_item_ids)


def overreach(
    intent: Intent, since: Sequence[LiveSaleReturn], marked: Sequence[LiveSaleReturn]
) -> NeedsReview | None:
    """Whether what appeared since an unanswered create holds more than it asked for.

    That somebody has cancelled it meanwhile does not make it theirs.
    """
    asked = set(intent.write.sale_item_ids)
    candidates = [row for row in since if asked & _sale_items(row)]
    fresh = [*candidates, *(row for row in marked if row.id not in intent.before)]
    strange = [row for row in fresh if not _sale_items(row) <= asked]
    if strange:
        return NeedsReview(
            f"sale return {listed(map(_with_items, strange))} appeared after our unanswered create "
            f"of {_asked(intent)} and holds items that it did not ask for. {_UNDO}. {BY_HAND}",
            overreached=True,
        )
    beside = [row for row in since if not asked & _sale_items(row) and _is_untouched(row)]
    if fresh and beside:
        return NeedsReview(
            f"sale return {listed(map(_with_items, beside))} appeared along with "
            f"{listed(map(titled, fresh))}, which our unanswered create of {_asked(intent)} made, "
            f"for items that it did not ask for. {_UNDO}. {BY_HAND}",
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
    """The unmarked rows that an unanswered create made; a person may have cancelled them since.

    They appeared since it was sent, hold only what it asked for, in quantities a create gives birth
    to or that we meanwhile wanted; and, with what is already marked, they hold all of it. None
    when nothing of it is there; NeedsReview when some of it might be; NotReady while Jetti shows
    one of them without any item.
    """
    asked = set(intent.write.sale_item_ids)
    hollow = [row for row in since if not row.items and not row.is_cancelled]
    if hollow:
        which = listed(map(titled, hollow))
        return NotReady(f"Jetti does not show yet what sale return {which} holds", order_found=True)
    strange = overreach(intent, since, marked)
    if strange is not None:
        return strange
    candidates = [row for row in since if asked & _sale_items(row)]
    quantities = {line.order_line_id: line.quantity for line in wanted}
    own = [
        f"{titled(row)} with {item.quantity} of sale item {item.sale_item_id}"
        for row in candidates
        for item in row.items
        if not _has_created_quantity(item, items, quantities)
    ]
    # safeguard: quantities-of-a-lost-create
    if own:
        return NeedsReview(
            f"sale return {listed(own)} appeared after our unanswered create of {_asked(intent)} "
            f"with quantities of its own: not 0, not all that was left, not what is wanted. "
            f"{_SETTLED_BY}. {BY_HAND}"
        )
    fresh = [*candidates, *(row for row in marked if row.id not in intent.before)]
    covered = sorted(item for row in fresh for item in _sale_items(row) & asked)
    if not covered:
        return None
    if covered != sorted(asked):
        return NeedsReview(
            f"our unanswered create asked for {_asked(intent)}, but sale returns for "
            f"{listed(covered)} appeared: {listed(map(_with_items, fresh))}. {BY_HAND}"
        )
    return candidates


def from_contents(
    entry: Entry,
    meant: Sequence[WantedLine],
    loose: Sequence[LiveSaleReturn],
    items: Mapping[int, SaleItem],
    other_entries: Sequence[Entry],
) -> list[LiveSaleReturn] | NeedsReview:
    """A person's own sale returns for exactly these lines; NeedsReview if they merely overlap."""
    quantities = {line.order_line_id: line.quantity for line in meant}
    touching = [
        row for row in loose if any(line_of(item, items) in quantities for item in row.items)
    ]
    if not touching:
        return []
    which = f"unmarked sale return {listed(with_units(row, items) for row in touching)}"
    quantities_found = _quantities_by_line(touching, items)
    # safeguard: adoption-needs-equal-quantities
    if quantities_found != quantities or not _is_plain(touching):
        return NeedsReview(
            f"{which} overlaps this return's lines without matching them: the return has "
            f"{_units(quantities)}. {_SETTLED_BY}. {BY_HAND}"
        )
    # safeguard: adoption-of-nothing-older
    if any(row.created_at < entry.seen.created_at for row in touching):
        made = listed(to_the_minute(row.created_at) for row in touching)
        return NeedsReview(
            f"{which} holds this return's lines but is older than the return: it was made "
            f"{made}, the return {to_the_minute(entry.seen.created_at)}. {_SETTLED_BY}. {BY_HAND}"
        )
    claimants = [other.id for other in other_entries if _could_own(other, quantities)]
    # safeguard: adoption-needs-one-claimant
    if claimants:
        return NeedsReview(
            f"{which} could stand for this return or for {listed(claimants)}: they want the same "
            f"lines. {_SETTLED_BY}. {BY_HAND}"
        )
    return touching


def left_behind(
    entry: Entry,
    loose: Sequence[LiveSaleReturn],
    items: Mapping[int, SaleItem],
    other_entries: Sequence[Entry],
    *,
    marked: Sequence[LiveSaleReturn],
) -> NeedsReview | None:
    """Whether a create that this ledger does not know of seems to have been cut short, for a return
    that has ended since: an older ledger was put back, or a new one took over.

    It leaves no units, or items with the ids of Loop's lines: those are written before our marker
    is. A person's own sale return has units and no such ids; nobody is asked about that. What may
    be another return's is judged for that one.
    """
    lines = {line.order_line_id for line in entry.wanted.lines}
    begun = [
        row
        for row in loose
        if row.created_at >= entry.seen.created_at
        and (_is_untouched(row) or _told_lines(row))
        and (not lines or any(line_of(item, items) in lines for item in row.items))
        and not any(_is_of(other, row, items) for other in other_entries)
    ]
    if not begun:
        return None
    along = f", and sale return {listed(map(titled, marked))}, which is marked" if marked else ""
    return NeedsReview(
        f"unmarked sale return {listed(with_units(row, items) for row in begun)} looks like what a "
        f"create that was cut short has left, and may stand for this return, which is "
        f"{entry.seen.state} in Loop. Cancel in Jetti what does{along}. {BY_HAND}"
    )


def _told_lines(row: LiveSaleReturn) -> set[str]:
    """Ids of Loop's lines, which we write to the items of a sale return before we mark it."""
    return {item.line_id for item in row.items if item.line_id is not None}


def _is_of(other: Entry, row: LiveSaleReturn, items: Mapping[int, SaleItem]) -> bool:
    """Whether another return is the one to ask about an unmarked sale return."""
    creates = [i for i in other.intents if i.write.operation is Operation.CREATE]
    return (
        any(_may_have_made(create, row) for create in creates)
        or bool(_told_lines(row) & {line.id for line in other.seen.lines})
        or _could_own(other, {line_of(item, items) for item in row.items})
    )


_SETTLED_BY = "Give it the id of its return as externalId in Jetti, or cancel it"
_UNDO = "Cancel in Jetti what nobody asked for"


def _asked(intent: Intent) -> str:
    return _sale_items_said(intent.write.sale_item_ids)


def _with_items(row: LiveSaleReturn) -> str:
    return f"{titled(row)} of {_sale_items_said(_sale_items(row))}"


def _sale_items_said(ids: Collection[int]) -> str:
    return f"sale item{'s' if len(ids) > 1 else ''} {' and '.join(map(str, sorted(ids)))}"


def with_units(row: LiveSaleReturn, items: Mapping[int, SaleItem]) -> str:
    """A sale return with what it holds."""
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
    """Units by order line. A line may be several sale items: who raised them has said which."""
    quantities_found: dict[str, int] = {}
    for row in rows:
        for item in row.items:
            line_id = line_of(item, items)
            quantities_found[line_id] = quantities_found.get(line_id, 0) + item.quantity
    return quantities_found


def _is_plain(rows: Sequence[LiveSaleReturn]) -> bool:
    """Whether no sale item stands twice, and none for nothing."""
    items = [item for row in rows for item in row.items]
    twice = len({item.sale_item_id for item in items}) < len(items)
    return not twice and all(item.quantity > 0 for item in items)


def _units(by_line: Mapping[str, int]) -> str:
    return listed(f"{units} of order line {line_id}" for line_id, units in sorted(by_line.items()))


def _could_own(other: Entry, order_line_ids: Collection[str]) -> bool:
    """Whether another return could be what a loose sale return stands for."""
    return (
        not other.sale_returns
        and other.wanted.purpose is not Purpose.CANCEL
        and other.state is not State.IGNORED
        and any(line.order_line_id in order_line_ids for line in other.wanted.lines)
    )


def _has_created_quantity(
    item: LiveItem, items: Mapping[int, SaleItem], quantities: Mapping[str, int]
) -> bool:
    """Zero under `skipQuantities`, else the full open quantity
    (jetti.md#quantities-after-creation); or wanted."""
    sale_item = items.get(item.sale_item_id)
    if sale_item is None:
        return False
    # Jetti's roll-up already counts this item, so what was open at birth is more by that.
    full = sale_item.available + item.quantity
    wanted = quantities.get(sale_item.order_line_id or "")
    return item.quantity in {0, wanted, full, sale_item.quantity}


def _is_untouched(row: LiveSaleReturn) -> bool:
    """As a create with `skipQuantities` leaves it, and as nobody leaves what is meant."""
    return bool(row.items) and all(item.quantity == 0 for item in row.items)


def _sale_items(row: LiveSaleReturn) -> set[int]:
    return {item.sale_item_id for item in row.items}
