"""Which sale returns in Jetti belong to a return: the decision before every write.

Jetti has no idempotency key (jetti.md#repeated-cancel-calls, #idempotency-keys), so nothing is ever
created while anything on the sale could already be ours (architecture.md#matching-sale-returns).
Three kinds of evidence count: the marker, an intent of ours that was never answered, and, where
neither exists, equal contents with a single claimant. Anything short of that goes to review.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from reconciler.core.matching.availability import check_available
from reconciler.core.matching.baseline import (
    line_of,
    of_manual,
    of_marked,
    of_unanswered_create,
    with_landed_writes,
)
from reconciler.core.matching.evidence import (
    abandoned_create,
    from_contents,
    from_intent,
    overreach,
    since_sent,
    with_units,
)
from reconciler.core.matching.lines import (
    RAISE_BY_HAND,
    ambiguous,
    divide,
    find_missing,
    is_divided,
    items_of_line,
    sale_items_of_line,
    uncovered,
)
from reconciler.core.matching.order import possible, ruled_out
from reconciler.core.matching.result import (
    DECIDE,
    Matched,
    MatchResult,
    Missing,
    NeedsReview,
    NotApplied,
    NotReady,
    listed,
    titled,
)
from reconciler.core.matching.snapshot import (
    Chosen,
    Disputed,
    LiveItem,
    LiveSaleReturn,
    OrderSnapshot,
    Sale,
)
from reconciler.core.model import Entry, Intent, Purpose, SaleReturn, WantedLine

_UNMARK = "Remove the marker in Jetti if it does not belong to this return"


def needs_order(entry: Entry, ours: Collection[LiveSaleReturn]) -> bool:
    """Whether the order itself must be looked up, given the sale returns that are marked or known.

    It must when a create was never answered, when something is marked that the ledger does not
    know, when a wanted line is in no sale return of ours, when one needs more units, when one
    must be divided again among several items, or when a cancelled return seems never pushed.
    """
    known = {sale_return.id for sale_return in entry.sale_returns}
    return (
        entry.unanswered_create is not None
        or any(row.id not in known for row in ours)
        or bool(uncovered(entry.wanted, entry.sale_returns))
        or _wants_more_units(entry)
        or _is_undivided(entry)
        or _seems_never_pushed(entry)
    )


def match_entry(
    entry: Entry,
    snapshot: OrderSnapshot,
    other_entries: Sequence[Entry],
    creatable: Collection[str],
) -> MatchResult:
    """Match one entry with what Jetti showed of its order.

    `other_entries` are the other entries on the order, `creatable` the ids of the order lines that
    policy and go-live let be created. A line that may not be created can still be found and
    adopted. A review says, whatever else it is about, whether an unanswered create seems to have
    overreached.
    """
    result = _match(entry, snapshot, other_entries, creatable)
    # safeguard: overreach-behind-another-review
    if isinstance(result, NeedsReview) and _overreached(entry, snapshot, other_entries):
        return replace(result, overreached=True)
    return result


def _match(
    entry: Entry,
    snapshot: OrderSnapshot,
    other_entries: Sequence[Entry],
    creatable: Collection[str],
) -> MatchResult:
    # safeguard: deleted-stays-deleted
    # safeguard: line-in-two-sale-returns
    question = _deleted_in_jetti(entry, snapshot) or _in_two_sale_returns(entry, snapshot)
    if question:
        return NeedsReview(question)
    if not needs_order(entry, snapshot.ours):
        live = {row.id: row for row in snapshot.ours}
        return Matched(tuple(with_landed_writes(entry, live)), live)
    order = snapshot.order
    is_there = isinstance(order, Chosen) or snapshot.ours or entry.intents
    if not is_there and entry.wanted.purpose is Purpose.CANCEL:
        return Matched((), {})  # no order, and nothing that should be on it
    if isinstance(order, Disputed):
        return NeedsReview(order.reason)
    if isinstance(order, Chosen):
        return _OrderMatch(entry, snapshot, order.sale, other_entries).result(creatable)
    if snapshot.ours:
        return NeedsReview(_without_an_order(entry, snapshot))
    return NotReady(f"{entry.seen.order} is not in Jetti yet", order_found=False)


def _deleted_in_jetti(entry: Entry, snapshot: OrderSnapshot) -> str | None:
    """What was deleted in Jetti is never created again automatically."""
    live = {row.id: {item.id for item in row.items} for row in snapshot.ours}
    gone = [
        f"order line {item.order_line_id} of sale return {titled(known)}"
        for known in entry.sale_returns
        for item in known.items
        if item.id not in live.get(known.id, {item.id})
    ]
    deleted = [titled(known) for known in entry.sale_returns if known.id not in live]
    gone += [f"sale return {listed(deleted)}"] if deleted else []
    if not gone:
        return None
    return f"{listed(gone)} was deleted in Jetti and is never recreated automatically. {DECIDE}"


def _without_an_order(entry: Entry, snapshot: OrderSnapshot) -> str:
    """Why it goes to review: sale returns are there, but no sale can be the order."""
    rows = [f"{titled(row)} on sale {row.sale_id}" for row in snapshot.ours]
    not_it = ruled_out(entry.seen, snapshot.sales, snapshot.sale_items)
    return (
        f"Jetti has sale return {listed(rows)} for {entry.seen.order} but not the order"
        f"{f'; not {listed(not_it)}' if not_it else ''}. {DECIDE}"
    )


def _in_two_sale_returns(entry: Entry, snapshot: OrderSnapshot) -> str | None:
    """Sale items in two living sale returns of ours: one of these must be the work of a create that
    took effect late. Each would be given the wanted quantity, so neither is touched.
    """
    if entry.wanted.purpose is Purpose.CANCEL:
        return None
    known = {sale_return.id for sale_return in entry.sale_returns}
    standing: dict[int, dict[int, str]] = {}
    for row in snapshot.ours:
        why = "known before" if row.id in known else "found by its marker"
        for item in row.items if not row.is_cancelled else ():
            text = f"{titled(row)} with {item.quantity} of it, {why}"
            standing.setdefault(item.sale_item_id, {})[row.id] = text
    doubled = [
        f"sale item {item_id} is in {len(rows)} sale returns for this return: "
        f"{listed(rows.values())}"
        for item_id, rows in sorted(standing.items())
        if len(rows) > 1
    ]
    return f"{'; '.join(doubled)}. Cancel the surplus ones. {DECIDE}" if doubled else None


def _overreached(entry: Entry, snapshot: OrderSnapshot, other_entries: Sequence[Entry]) -> bool:
    """Whether what an unanswered create may have made holds more than it asked for."""
    unanswered = entry.unanswered_create
    if unanswered is None:
        return False
    theirs = {known.id for other in other_entries for known in other.sale_returns}
    rows = {row.id: row for row in (*snapshot.on_sale, *snapshot.ours)}
    sale_id = unanswered.write.target_id
    there = [row for row in rows.values() if row.sale_id == sale_id]
    may_be_ours = [row for row in there if row.id not in theirs]
    unmarked = [row for row in may_be_ours if row.marker is None]
    marked = [row for row in may_be_ours if row.marker == entry.id]
    since = since_sent(unanswered, unmarked, _creates_of(other_entries))
    return overreach(unanswered, since, marked) is not None


def _creates_of(other_entries: Sequence[Entry]) -> list[Intent]:
    """Unanswered creates of other returns."""
    return [create for other in other_entries if (create := other.unanswered_create) is not None]


def _wants_more_units(entry: Entry) -> bool:
    """Whether a line is wanted with more units than were last pushed."""
    if entry.wanted.purpose is Purpose.CANCEL:
        return False
    for line in entry.wanted.lines:
        items = items_of_line(line.order_line_id, entry.sale_returns)
        if items and line.quantity > sum(i.quantity for i in items):
            return True
    return False


def _seems_never_pushed(entry: Entry) -> bool:
    """Whether a return is to be cancelled of which this ledger never created anything; an earlier
    ledger may have begun to."""
    return entry.wanted.purpose is Purpose.CANCEL and not entry.sale_returns


def _is_undivided(entry: Entry) -> bool:
    """Whether several items of ours share a line and their units do not add up to it."""
    if entry.wanted.purpose is Purpose.CANCEL:
        return False
    shared = ((x, items_of_line(x.order_line_id, entry.sale_returns)) for x in entry.wanted.lines)
    return any(len(parts) > 1 and not is_divided(line, parts) for line, parts in shared)


class _OrderMatch:
    """One entry matched with one sale."""

    def __init__(
        self, entry: Entry, snapshot: OrderSnapshot, sale: Sale, other_entries: Sequence[Entry]
    ) -> None:
        self._entry = entry
        self._snapshot = snapshot
        self._sale = sale
        self._other_entries = other_entries
        self._owners = {
            known.id: other.id for other in other_entries for known in other.sale_returns
        }
        """Return id by sale return id, for those of other entries."""
        self._live = {row.id: row for row in snapshot.ours}
        self._items = {item.id: item for item in snapshot.sale_items if item.sale_id == sale.id}
        self._on_sale = [row for row in snapshot.on_sale if row.sale_id == sale.id]
        known = {sale_return.id for sale_return in entry.sale_returns}
        marked = [row for row in snapshot.ours if row.id not in known]
        self._ours = with_landed_writes(entry, self._live) + [self._as_found(row) for row in marked]

    def result(self, creatable: Collection[str]) -> MatchResult:
        """See `match_entry`. To be asked for once, since it claims sale returns on the way."""
        elsewhere = [row for row in self._live.values() if row.sale_id != self._sale.id]
        # safeguard: marker-on-another-order
        if elsewhere:
            where = listed(f"{titled(row)} on sale {row.sale_id}" for row in elsewhere)
            return NeedsReview(
                f"sale return {where} carries this return's marker but is not on "
                f"{self._entry.seen.order}, which is sale {self._sale.id} "
                f"({self._sale.reference}). {_UNMARK}. {DECIDE}"
            )
        theirs = [self._live[row_id] for row_id in sorted(self._owners.keys() & self._live.keys())]
        # safeguard: marker-of-another-return
        if theirs:
            whose = (f"{titled(row)} belongs to return {self._owners[row.id]}" for row in theirs)
            return NeedsReview(
                "a sale return carries this return's marker but belongs to another:"
                f" {listed(whose)}. "
                f"{_UNMARK}. {DECIDE}"
            )
        unanswered = self._entry.unanswered_create
        refused = self._claim_by_intent(unanswered) if unanswered else None
        if refused is not None:
            return refused
        # safeguard: wait-for-the-other-create
        wait = self._waits_for_another(creatable) if unanswered is None else None
        if wait is not None:
            return wait
        # safeguard: used-up-by-this-return
        # safeguard: begun-by-a-lost-ledger
        refused = (
            self._abandoned_create()
            or self._returned_on_another_sale()
            or self._claim_by_contents(creatable)
        )
        if refused is not None:
            return refused
        allowed = [line for line in self._uncovered() if line.order_line_id in creatable]
        missing: list[Missing] = []
        for line in allowed:
            found = find_missing(line, self._items, self._other_entries)
            if isinstance(found, NeedsReview):
                return self._unless_lines_are_missing(found)
            if isinstance(found, NotReady):
                return found
            missing += found
        # safeguard: units-left-for-growth
        return self._divide() or self._lacks_units() or self._matched(tuple(missing))

    def _divide(self) -> NeedsReview | NotReady | None:
        """Decide how many units each item stands for, where several share a line."""
        if self._entry.wanted.purpose is Purpose.CANCEL:
            return None
        found = divide(self._entry, self._ours, self._live, self._items)
        if isinstance(found, NeedsReview):
            return self._unless_lines_are_missing(found)
        self._ours = found
        return None

    def _lacks_units(self) -> NotReady | NeedsReview | None:
        """Check that units to be added to sale returns of ours are left; Jetti checks nothing."""
        if self._entry.wanted.purpose is Purpose.CANCEL:
            return None
        units = {item.id: item.units for known in self._ours for item in known.items}
        lines = {line.order_line_id: line for line in self._entry.wanted.lines}
        for row in self._live.values():
            for item in row.items if not row.is_cancelled else ():
                line = lines.get(line_of(item, self._items))
                if line is not None:
                    refused = self._check_growth(item, line, units.get(item.id))
                    if refused is not None:
                        return refused
        return None

    def _check_growth(
        self, item: LiveItem, line: WantedLine, units: int | None
    ) -> NotReady | NeedsReview | None:
        """Why an item cannot be given the units that it lacks; None where it can."""
        sale_item = self._items.get(item.sale_item_id)
        more = (line.quantity if units is None else units) - item.quantity
        if sale_item is None or more <= 0:
            return None
        matching = sale_items_of_line(line.order_line_id, self._items)
        others = [other for other in matching if other is not sale_item and other.available > 0]
        # safeguard: growth-beside-another-sale-item
        if others and units is None:
            return ambiguous(line, matching)
        return check_available(
            [sale_item], line.order_line_id, more, self._other_entries, grows=True
        )

    def _claim_by_intent(self, unanswered: Intent) -> NeedsReview | NotReady | NotApplied | None:
        # safeguard: not-repeated-on-another-sale
        if unanswered.write.target_id != self._sale.id:
            return NeedsReview(
                f"our unanswered create was sent to sale {unanswered.write.target_id}, but "
                f"{self._entry.seen.order} is sale {self._sale.id} ({self._sale.reference}) now."
                f" Check what it created there. {DECIDE}"
            )
        found = from_intent(
            unanswered,
            since=since_sent(unanswered, self._unmarked(), _creates_of(self._other_entries)),
            marked=list(self._live.values()),
            items=self._items,
            wanted=self._entry.wanted.lines,
        )
        if isinstance(found, NeedsReview | NotReady):
            return found
        if found is None:
            return NotApplied(unanswered)
        self._claim(found, [self._as_found(row) for row in found])
        return None

    def _as_found(self, row: LiveSaleReturn) -> SaleReturn:
        """The baseline of a row that is ours. By its marker alone nobody knows what was pushed; of
        an unanswered create it is known: nothing."""
        unanswered = self._entry.unanswered_create
        if unanswered is None or row.id in unanswered.before:
            return of_marked(row, self._items)
        is_late = row.created_at > unanswered.settle_at
        # safeguard: too-late-for-a-create
        if is_late and any(item.quantity for item in row.items):
            # The create had taken effect by then or never will, and it leaves zeros: by hand.
            return of_manual(row, self._items)
        # safeguard: edits-during-an-unanswered-create
        return of_unanswered_create(row, self._items)

    def _waits_for_another(self, creatable: Collection[str]) -> NotReady | None:
        """What another return's unanswered create may have made looks as if it were raised by hand,
        and may have used up lines: nothing is decided about these before it is read back."""
        lines = {line.order_line_id for line in self._uncovered()} & set(creatable)
        wanted = {item.id for item in self._items.values() if item.order_line_id in lines}
        for other in self._other_entries:
            create = other.unanswered_create
            if create is not None and wanted & set(create.write.sale_item_ids):
                reason = f"a create for return {other.id} on the same lines has no answer yet"
                return NotReady(reason, order_found=True, waits_for_another=True)
        return None

    def _abandoned_create(self) -> NeedsReview | None:
        """What another ledger began for a return that has ended since, on any sale of the order."""
        if self._entry.intents or not _seems_never_pushed(self._entry):
            return None
        return abandoned_create(
            self._entry,
            [row for row in self._snapshot.on_sale if self._is_unclaimed(row)],
            {item.id: item for item in self._snapshot.sale_items},
            self._other_entries,
            marked=[row for row in self._live.values() if not row.is_cancelled],
        )

    def _returned_on_another_sale(self) -> NeedsReview | None:
        """Another sale of the order was not chosen; someone may have returned there, by hand, what
        this return is about."""
        wanted = {line.order_line_id for line in self._uncovered()}
        items = {item.id: item for item in self._snapshot.sale_items}
        sales = {sale.id: sale for sale in possible(self._entry.seen, self._snapshot.sales)}
        there = [
            row
            for row in self._snapshot.on_sale
            if row.sale_id in sales.keys() - {self._sale.id}
            and row.created_at >= self._entry.seen.created_at
            and self._is_unclaimed(row)
            and any(line_of(item, items) in wanted for item in row.items)
        ]
        if not there:
            return None
        where = [sales[row.sale_id] for row in there]
        which = ruled_out(self._entry.seen, where, self._snapshot.sale_items)
        return NeedsReview(
            f"unmarked sale return {listed(with_units(row, items) for row in there)} may belong"
            f" to this return, but is on sale {listed(which)}, while {self._entry.seen.order} is"
            " sale "
            f"{self._sale.id} ({self._sale.reference}). {DECIDE}"
        )

    def _claim_by_contents(self, creatable: Collection[str]) -> NeedsReview | NotReady | None:
        lines = self._uncovered()
        # Lines that policy filters out do not count, unless it filters out all of them.
        lines = [line for line in lines if line.order_line_id in creatable] or lines
        if not lines:
            return None
        found = from_contents(
            self._entry, lines, self._unclaimed(), self._items, self._other_entries
        )
        if isinstance(found, NeedsReview):
            return self._unless_lines_are_missing(found)
        self._claim(found, [of_manual(row, self._items) for row in found])
        return None

    def _unless_lines_are_missing(self, review: NeedsReview) -> NeedsReview | NotReady:
        """Wait instead of a review while not all of the return is understood: the rest may settle
        the question, and a review, once begun, is never left automatically."""
        # safeguard: no-review-of-malformed-lines
        if not self._entry.wanted.lacks_lines:
            return review
        there = review.reason.removesuffix(f". {DECIDE}").removesuffix(f". {RAISE_BY_HAND}")
        reason = f"not all lines of this return are understood, and {there}"
        return NotReady(reason, order_found=True)

    def _uncovered(self) -> list[WantedLine]:
        return uncovered(self._entry.wanted, self._ours)

    def _claim(self, rows: Sequence[LiveSaleReturn], as_ours: Sequence[SaleReturn]) -> None:
        self._live |= {row.id: row for row in rows}
        self._ours += as_ours

    def _unclaimed(self) -> list[LiveSaleReturn]:
        """Unmarked, not cancelled, and no entry's yet: ours perhaps, or raised by hand."""
        return [row for row in self._on_sale if self._is_unclaimed(row)]

    def _is_unclaimed(self, row: LiveSaleReturn) -> bool:
        return self._is_unmarked(row) and not row.is_cancelled

    def _unmarked(self) -> list[LiveSaleReturn]:
        """The same, and those that someone has cancelled."""
        return [row for row in self._on_sale if self._is_unmarked(row)]

    def _is_unmarked(self, row: LiveSaleReturn) -> bool:
        if row.id in self._entry.not_ours:
            return False  # someone decided so
        # safeguard: unmarked-sale-returns-can-be-ours
        return row.marker is None and row.id not in self._live and row.id not in self._owners

    def _matched(self, missing: tuple[Missing, ...]) -> Matched:
        known = {sale_return.id for sale_return in self._entry.sale_returns}
        return Matched(
            sale_returns=tuple(sorted(self._ours, key=lambda ours: ours.id)),
            live=self._live,
            adopted=tuple(sorted(set(self._live) - known)),
            sale_id=self._sale.id,
            missing=missing,
            before=tuple(sorted({row.id for row in self._on_sale} | set(self._live))),
        )
