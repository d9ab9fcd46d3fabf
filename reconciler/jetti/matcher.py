"""Matching planned changes: many are looked up together, and each is matched in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import takewhile

from msgspec import Struct
from msgspec.structs import replace

from reconciler.clock import Clock
from reconciler.core.guard import check_account
from reconciler.core.matching.created import can_prove
from reconciler.core.matching.match import match_entry, needs_order
from reconciler.core.matching.order import is_spelt_alike, spelling, with_order
from reconciler.core.matching.result import Matched, MatchResult, NotReady
from reconciler.core.matching.snapshot import Chosen, OrderSnapshot
from reconciler.core.model import Entry
from reconciler.core.order_name import variants
from reconciler.core.plan import Change, CreationRules, Priority, creatable
from reconciler.core.ports import Ledger
from reconciler.core.report import ChangeKind, OutcomeKind, ReportedChange
from reconciler.core.returned_goods import goods_of
from reconciler.errors import TargetUnavailable
from reconciler.jetti.lookup import Lookup, LookupFailed

TOGETHER = 26
"""Changes looked up together where writes may follow. What Jetti shows must be fresh when the last
of them is pushed, 78 writes of a second later; and 26 rows, one for each, are no number at which a
server would cut a page, so that no second request has to tell."""
LOOKED_AT_TOGETHER = 71
"""Changes looked up together where none is written: as many ids of orders as one query has room
for, so that no second one carries the last few; and 71 rows are no number to cut at either."""
SAMPLE = 200
"""Planned creates looked up at most to see whether a new ledger is really a lost one, and which of
them can prove the name of the id list."""

Pair = tuple[Change, Entry]
"""A change and the entry it is about."""


class FreshCreate(Struct, frozen=True):
    """A create of all of a return, and what it goes by."""

    entry: Entry
    found: Matched
    snapshot: OrderSnapshot


class MatchedChange(Struct, frozen=True):
    """A change with what Jetti shows about it."""

    change: Change
    entry: Entry
    result: MatchResult | LookupFailed
    snapshot: OrderSnapshot | None
    """None where the lookup failed."""
    remarks: tuple[str, ...] = ()
    """What a reader should know, whatever becomes of it."""
    is_last: bool = True
    """Whether Jetti is asked again before the next change is matched."""

    @property
    def only_looks(self) -> bool:
        """Whether nothing is written for it: it takes over what it finds, and nothing else."""
        return self.change.kind is ChangeKind.ADOPT and not self.entry.intents

    @property
    def fresh_create(self) -> FreshCreate | None:
        """Its create, where nothing of it is in Jetti and nothing was sent for it before."""
        found, snapshot = self.result, self.snapshot
        if self.entry.intents or snapshot is None or not isinstance(found, Matched):
            return None
        is_fresh = bool(found.missing) and not found.sale_returns
        return FreshCreate(self.entry, found, snapshot) if is_fresh else None

    @property
    def is_to_skip(self) -> bool:
        """Whether Jetti has nothing of it and nothing is to be created, so that no more is to be
        done than to record that."""
        found = self.result
        if isinstance(found, Matched):
            return not (found.sale_returns or found.missing)
        return self.only_looks and isinstance(found, NotReady) and not found.waits_for_another

    @property
    def vendors(self) -> tuple[str, ...]:
        """Ids of the vendors of its goods; none where the order was not looked up or not found."""
        if self.snapshot is None or not isinstance(self.snapshot.order, Chosen):
            return ()
        sale_id = self.snapshot.order.sale.id
        lines = {line.order_line_id for line in self.entry.seen.lines}
        concerned = {
            item.vendor_id
            for item in self.snapshot.sale_items
            if item.sale_id == sale_id and item.order_line_id in lines
        }
        return tuple(str(id_) for id_ in sorted(one for one in concerned if one is not None))

    def reported(self, outcome: ReportedChange) -> ReportedChange:
        """The outcome with what the lookup has shown of its goods, unless there can be very many
        like it."""
        if outcome.outcome is OutcomeKind.SKIPPED:
            return outcome
        return replace(outcome, lines=goods_of(self.entry.seen), vendors=self.vendors)


class LookedAt(Struct, frozen=True):
    """What was looked up in full, and what it matches."""

    snapshot: OrderSnapshot
    result: MatchResult
    remarks: tuple[str, ...]


class Matcher:
    """Looks up and matches. It writes no more to the ledger than what Jetti shows of the account
    and of how it spells the names of orders."""

    def __init__(
        self, lookup: Lookup, ledger: Ledger, rules: CreationRules, clock: Clock, ids_key: str
    ) -> None:
        self._ids_key = ids_key
        self._lookup = lookup
        self._ledger = ledger
        self.rules = rules
        self._clock = clock
        self._account: str | None = None
        """The one that the ledger has pinned, once that is known."""
        self._share_an_order: set[str] = set()
        """Ids of the returns looked up so far whose order has others."""

    def match(self, changes: Sequence[Change]) -> Iterator[MatchedChange]:
        """Yields each change, matched. Among those that are looked up together, those of one order
        are kept apart, so that one lookup after a write serves several orders.

        The caller pushes between two changes: what was looked up before its writes is looked up
        again where it concerns the same order.

        Raises SafetyStop (other account), KeyRefused, TargetUnavailable, Interrupted.
        """
        first: Pair | None = None
        for start, portion in _portions(changes):
            together = [change for change in portion if first is None or change is not first[0]]
            pairs, snapshots = self._look_up(together)
            left = interleave_orders(pairs)
            if start == 0:
                first = self._first_to_prove(left, snapshots, changes[len(portion) : SAMPLE])
            # safeguard: proving-create-goes-first
            left = _before_other_creates(first, left) if start == 0 and first else left
            written: set[str] = set()
            orders = {entry.id: _order_keys(entry) for _, entry in left}
            while left:
                change, entry = left[0]
                # safeguard: new-snapshot-after-a-write
                if written & orders[entry.id]:
                    # What was written since may have used up lines of their orders.
                    affected = [other for _, other in left if written & orders[other.id]]
                    snapshots |= self._lookup.look_up(affected)
                    written.clear()
                sent = self._lookup.writes()
                matched = self._match(change, entry, snapshots[entry.id], alone=len(together) == 1)
                # safeguard: later-return-of-an-order-looks-again
                asks_again = len(left) == 1 or bool(
                    (written | orders[entry.id]) & orders[left[1][1].id]
                )
                yield replace(matched, is_last=asks_again)
                # The caller has pushed it by now.
                if self._lookup.writes() != sent:
                    written |= orders[entry.id]
                del left[0]

    def requests(self) -> int:
        """Requests that left for Jetti so far."""
        return self._lookup.requests()

    def remarks(self) -> tuple[str, ...]:
        """How Jetti answers otherwise than expected, for the report."""
        return self._lookup.remarks()

    def can_prove(self, matched: MatchedChange) -> bool:
        """Whether its create would be the first to prove `jetti.cancel_ids_key`."""
        found, snapshot = matched.result, matched.snapshot
        if self._ledger.meta.read().proven_ids_key == self._ids_key or snapshot is None:
            return False
        return isinstance(found, Matched) and can_prove(found, snapshot)

    def marked(self, changes: Sequence[Change]) -> list[str]:
        """Ids of the returns that carry our marker in Jetti, of the first and the last hundred:
        the newest come first, and the oldest are what another ledger has most likely pushed."""
        asked = changes
        if len(changes) > SAMPLE:
            # safeguard: oldest-are-looked-up-too
            asked = (*changes[: SAMPLE // 2], *changes[-(SAMPLE // 2) :])
        return self._lookup.marked([change.return_id for change in asked])

    def vendors(self, changes: Sequence[Change]) -> int:
        """How many vendors have a part in the orders' lines that these changes return."""
        entries = self._ledger.entries.get([change.return_id for change in changes])
        return len(self._lookup.vendors(entries))

    def ping(self) -> None:
        """Ask something that concerns no return. Raises TargetUnavailable."""
        self._lookup.ping()

    def look_at(self, entry: Entry) -> OrderSnapshot:
        """What Jetti shows of one entry, for someone who looks at it.

        Raises TargetUnavailable, KeyRefused, SafetyStop (other account), Interrupted.
        """
        looked_up = self._lookup.look_up([entry])[entry.id]
        if isinstance(looked_up, LookupFailed):
            raise TargetUnavailable(looked_up.reason)
        self._check_account(looked_up)
        return looked_up

    def look_at_all(
        self, entries: Sequence[Entry]
    ) -> Iterator[tuple[Entry, LookedAt | LookupFailed]]:
        """Look these entries up in full and match each, whether or not anything is to be pushed.

        Raises SafetyStop (other account), KeyRefused, TargetUnavailable, Interrupted.
        """
        self._share_an_order |= self._ledger.entries.sharing_an_order([e.id for e in entries])
        snapshots = self._lookup.look_up(entries, in_full=True)
        for entry in entries:
            seen = snapshots[entry.id]
            if isinstance(seen, LookupFailed):
                yield entry, seen
            else:
                yield entry, LookedAt(seen, *self._found(entry, seen))

    def match_one(self, change: Change) -> MatchedChange:
        """One change alone, read again from the ledger and from Jetti."""
        [matched] = self.match([change])
        return matched

    def up_to_date(self, matched: MatchedChange) -> MatchedChange:
        """The same change, matched again where its snapshot has gone stale since."""
        snapshot = matched.snapshot
        # safeguard: matched-before-others-were-finished
        if snapshot is not None and snapshot.is_stale(self._clock.monotonic()):
            return replace(self.match_one(matched.change), is_last=matched.is_last)
        return matched

    def rematch(self, matched: MatchedChange) -> MatchedChange:
        """The same snapshot, matched with what the ledger knows by now. A new snapshot where that
        makes another sale the order, whose sale returns were not looked up."""
        [entry] = self._ledger.entries.get([matched.entry.id])
        snapshot = matched.snapshot
        if snapshot is None:
            return matched
        if with_order(entry, snapshot) != snapshot:
            return self.match_one(matched.change)
        return self._match(matched.change, entry, snapshot, alone=True)

    def _look_up(
        self, changes: Sequence[Change]
    ) -> tuple[list[Pair], dict[str, OrderSnapshot | LookupFailed]]:
        entries = self._ledger.entries.get([change.return_id for change in changes])
        by_id = {entry.id: entry for entry in entries}
        pairs = [(change, by_id[change.return_id]) for change in changes]
        # Asked for all together, because most are alone on their order.
        self._share_an_order |= self._ledger.entries.sharing_an_order(by_id.keys())
        return pairs, self._lookup.look_up(entries)

    def _first_to_prove(
        self,
        together: Sequence[Pair],
        snapshots: dict[str, OrderSnapshot | LookupFailed],
        further: Sequence[Change],
    ) -> Pair | None:
        """The first create that can prove the id list, until one has. When none of those together
        can, `further` are looked up, too; the snapshot of one found there joins the `snapshots`.
        """
        if self._ledger.meta.read().proven_ids_key == self._ids_key:
            return None
        found = self._first_that_can(together, snapshots)
        if found is not None or not any(_is_create(change) for change, _ in together):
            return found
        creates = [change for change in further if _is_create(change)]
        for start in range(0, len(creates), TOGETHER):
            pairs, more = self._look_up(creates[start : start + TOGETHER])
            found = self._first_that_can(pairs, more)
            if found is not None:
                snapshots[found[1].id] = more[found[1].id]
                return found
        return None

    def _first_that_can(
        self, pairs: Sequence[Pair], snapshots: Mapping[str, OrderSnapshot | LookupFailed]
    ) -> Pair | None:
        for change, entry in pairs:
            if _is_create(change) and self.can_prove(
                self._match_once(change, entry, snapshots[entry.id])
            ):
                return change, entry
        return None

    def _match(
        self, change: Change, entry: Entry, looked_up: OrderSnapshot | LookupFailed, *, alone: bool
    ) -> MatchedChange:
        """`alone` says that the entry had a lookup of its own."""
        if isinstance(looked_up, OrderSnapshot) and looked_up.is_stale(self._clock.monotonic()):
            looked_up, alone = self._lookup.look_up([entry])[entry.id], True
        matched = self._match_once(change, entry, looked_up)
        creates = isinstance(matched.result, Matched) and bool(matched.result.missing)
        # safeguard: own-lookup-before-a-create
        if creates and self._lookup.shows_unrequested_rows and not alone:
            # That it is not there yet must be proved by a lookup of its own.
            return self._match_once(change, entry, self._lookup.look_up([entry])[entry.id])
        return matched

    def _match_once(
        self, change: Change, entry: Entry, looked_up: OrderSnapshot | LookupFailed
    ) -> MatchedChange:
        if isinstance(looked_up, LookupFailed):
            return MatchedChange(change, entry, looked_up, None)
        result, remarks = self._found(entry, looked_up)
        return MatchedChange(change, entry, result, looked_up, remarks)

    def _found(self, entry: Entry, looked_up: OrderSnapshot) -> tuple[MatchResult, tuple[str, ...]]:
        """What it matches, and what a reader should know besides."""
        self._check_account(looked_up)
        other_entries: list[Entry] = []
        remarks: tuple[str, ...] = ()
        if needs_order(entry, looked_up.ours):
            remarks = self._remarks(entry, looked_up)
            if entry.id in self._share_an_order:
                other_entries = self._ledger.entries.on_order(
                    entry.seen.order_id, entry.seen.order_name, besides=entry.id
                )
        result = match_entry(entry, looked_up, other_entries, creatable(entry, self.rules))
        return result, remarks

    def _remarks(self, entry: Entry, snapshot: OrderSnapshot) -> tuple[str, ...]:
        """That the order, found by its id, has another name in Jetti. Nothing where two orders of
        this shop have shown that its names are made like that."""
        order, seen = snapshot.order, entry.seen
        if not isinstance(order, Chosen) or not seen.order_name or is_spelt_alike(order.sale, seen):
            return ()
        affixes = spelling(order.sale.reference, seen.order_name)
        if affixes and seen.order_id and self._ledger.spellings.learn(*affixes, seen.order_id):
            return ()
        return (f"Jetti's reference of this order is {order.sale.reference}, found by its id",)

    def _check_account(self, snapshot: OrderSnapshot) -> None:
        """Raises SafetyStop where a row is of another account than the ledger's."""
        shown = [sale.account for sale in snapshot.sales]
        shown += [row.account for row in (*snapshot.ours, *snapshot.on_sale)]
        accounts = {account for account in shown if account is not None}
        if not accounts:
            return
        if self._account is None:
            self._account = self._ledger.meta.read().account
        to_pin = check_account(self._account, accounts)
        if to_pin is not None:
            self._account = to_pin
            self._ledger.meta.pin(account=to_pin)


def _portions(changes: Sequence[Change]) -> Iterator[tuple[int, Sequence[Change]]]:
    """The changes that are looked up together, each time with the place of the first. None is
    looked up together with what comes before it in rank: it may have to wait."""
    start = 0
    while start < len(changes):
        rank = changes[start].priority
        portion = changes[start : start + LOOKED_AT_TOGETHER]
        # safeguard: reads-that-can-wait-do
        portion = list(takewhile(partial(_is_of, rank), portion))
        if not all(change.kind is ChangeKind.ADOPT for change in portion):
            portion = portion[:TOGETHER]
        yield start, portion
        start += len(portion)


def _is_of(rank: Priority, change: Change) -> bool:
    return change.priority is rank


def _is_create(change: Change) -> bool:
    """Whether it is a create that nothing was sent for yet."""
    return change.kind is ChangeKind.CREATE and not change.reads_back


def _before_other_creates(first: Pair, together: Sequence[Pair]) -> list[Pair]:
    """The first of the creates, but behind what must be read back."""
    rest = [other for other in together if other[0] is not first[0]]
    place = next((at for at, (change, _) in enumerate(rest) if _is_create(change)), len(rest))
    return [*rest[:place], first, *rest[place:]]


def interleave_orders(changes: Sequence[Pair]) -> list[Pair]:
    """First one change of each order, then the second of each that has more, and so on.

    After a write the orders that it concerns must be looked up again: like this, one lookup serves
    the next returns of all orders together.
    """
    rounds: list[list[Pair]] = []
    taken: list[set[str]] = []
    for change, entry in changes:
        order = _order_keys(entry)
        # Behind every earlier return of the order: those of one order keep their sequence.
        number = max((at + 1 for at, orders in enumerate(taken) if orders & order), default=0)
        if number == len(rounds):
            rounds.append([])
            taken.append(set())
        rounds[number].append((change, entry))
        taken[number] |= order
    return [one for each in rounds for one in each]


def _order_keys(entry: Entry) -> set[str]:
    """The order's id and names: two returns that share any of them are on one order."""
    order_id = entry.seen.order_id
    return {*variants(entry.seen.order_name)} | ({order_id} if order_id else set())
