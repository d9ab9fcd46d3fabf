"""From planned changes to matched ones: twenty are looked up together, each matched in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from reconciler.clock import Clock
from reconciler.core.matching.created import can_prove
from reconciler.core.matching.match import match_entry, needs_order
from reconciler.core.matching.order import is_spelt_alike, spelling, with_order
from reconciler.core.matching.result import Matched, MatchResult
from reconciler.core.matching.snapshot import Chosen, OrderSnapshot
from reconciler.core.model import Entry
from reconciler.core.order_name import variants
from reconciler.core.plan import Change, CreationRules, creatable
from reconciler.core.ports import Ledger
from reconciler.core.report import ChangeKind
from reconciler.errors import SafetyStop
from reconciler.jetti.lookup import Lookup, LookupFailed
from reconciler.jetti.query import TOGETHER

PROOF = 200
"""So many planned creates are looked up to see whether a new ledger is really a lost one, and
which of them can prove the name of the id list."""


Pair = tuple[Change, Entry]


class MatchedChange(Struct, frozen=True):
    """A change with what Jetti shows about it."""

    change: Change
    entry: Entry
    result: MatchResult | LookupFailed
    sighting: OrderSnapshot | None
    remarks: tuple[str, ...] = ()
    """What a reader should know, whatever becomes of it."""


class Matcher:
    """Looks up and matches; writes nothing to the ledger but the account when first seen."""

    def __init__(
        self, lookup: Lookup, ledger: Ledger, rules: CreationRules, clock: Clock, ids_key: str
    ) -> None:
        self._ids_key = ids_key
        self._lookup = lookup
        self._ledger = ledger
        self.rules = rules
        self._clock = clock

    def match(self, changes: Sequence[Change]) -> Iterator[MatchedChange]:
        """Each change, those of one order as far apart as twenty allow.

        Raises SafetyStop (other account), KeyRefused, TargetUnavailable, Interrupted.
        """
        ahead: Pair | None = None
        for start in range(0, len(changes), TOGETHER):
            together = [
                change
                for change in changes[start : start + TOGETHER]
                if ahead is None or change is not ahead[0]
            ]
            pairs, snapshots = self._looked_up(together)
            left = in_rounds(pairs)
            if start == 0:
                ahead = self._first_to_prove(left, snapshots, changes[TOGETHER:PROOF])
            # safeguard: proving-create-goes-first
            left = _ahead_of_creates(ahead, left) if start == 0 and ahead else left
            written: set[str] = set()
            while left:
                change, entry = left[0]
                # safeguard: new-snapshot-after-a-write
                if written & _order(entry):
                    # What was written meanwhile may have used up lines of their orders.
                    stale = [other for _, other in left if written & _order(other)]
                    snapshots |= self._lookup.look_up(stale)
                    written.clear()
                before = self._lookup.writes()
                yield self._match(change, entry, snapshots[entry.id], alone=len(together) == 1)
                if self._lookup.writes() != before:
                    written |= _order(entry)
                del left[0]

    def requests(self) -> int:
        """Requests that left for Jetti so far."""
        return self._lookup.requests()

    def remarks(self) -> tuple[str, ...]:
        """What a person should know of how Jetti answers."""
        return self._lookup.remarks()

    def can_prove(self, matched: MatchedChange) -> bool:
        """Whether its create would be the first to prove `jetti.cancel_ids_key`."""
        found, seen = matched.result, matched.sighting
        if self._ledger.meta.read().proven_ids_key == self._ids_key or seen is None:
            return False
        return isinstance(found, Matched) and can_prove(found, seen)

    def marked(self, changes: Sequence[Change]) -> list[str]:
        """Ids of the returns that carry our marker in Jetti, of the first and the last hundred:
        the newest come first, and the oldest are what another ledger has most likely pushed."""
        asked = changes
        if len(changes) > PROOF:
            # safeguard: oldest-are-looked-up-too
            asked = (*changes[: PROOF // 2], *changes[-(PROOF // 2) :])
        return self._lookup.marked([change.return_id for change in asked])

    def vendors(self, changes: Sequence[Change]) -> int:
        """How many vendors have a part in the orders' lines that these changes return."""
        entries = self._ledger.entries.get([change.return_id for change in changes])
        return len(self._lookup.vendors(entries))

    def ping(self) -> None:
        """Ask something that has nothing to do with any return. Raises TargetUnavailable."""
        self._lookup.ping()

    def again(self, change: Change) -> MatchedChange:
        """One change alone, freshly read from the ledger and from Jetti."""
        [matched] = self.match([change])
        return matched

    def reconsider(self, matched: MatchedChange) -> MatchedChange:
        """The same snapshot, matched by what the ledger knows by now; a new one where another sale
        is the order by that, whose sale returns were not looked at."""
        [entry] = self._ledger.entries.get([matched.entry.id])
        seen = matched.sighting
        if seen is None:
            return matched
        if with_order(entry, seen) != seen:
            return self.again(matched.change)
        return self._match(matched.change, entry, seen, alone=True)

    def _looked_up(
        self, changes: Sequence[Change]
    ) -> tuple[list[Pair], dict[str, OrderSnapshot | LookupFailed]]:
        entries = self._ledger.entries.get([change.return_id for change in changes])
        by_id = {entry.id: entry for entry in entries}
        pairs = [(change, by_id[change.return_id]) for change in changes]
        return pairs, self._lookup.look_up(entries)

    def _first_to_prove(
        self,
        together: Sequence[Pair],
        snapshots: dict[str, OrderSnapshot | LookupFailed],
        further: Sequence[Change],
    ) -> Pair | None:
        """The first create that can prove the id list, until one has; `further` are looked at, too,
        when none of those together can. What was seen of it joins the snapshots.
        """
        if self._ledger.meta.read().proven_ids_key == self._ids_key:
            return None
        found = self._able(together, snapshots)
        if found is not None or not any(_is_create(change) for change, _ in together):
            return found
        creates = [change for change in further if _is_create(change)]
        for start in range(0, len(creates), TOGETHER):
            pairs, seen = self._looked_up(creates[start : start + TOGETHER])
            found = self._able(pairs, seen)
            if found is not None:
                snapshots[found[1].id] = seen[found[1].id]
                return found
        return None

    def _able(
        self, pairs: Sequence[Pair], snapshots: Mapping[str, OrderSnapshot | LookupFailed]
    ) -> Pair | None:
        for change, entry in pairs:
            if _is_create(change) and self.can_prove(
                self._match_once(change, entry, snapshots[entry.id])
            ):
                return change, entry
        return None

    def _match(
        self, change: Change, entry: Entry, seen: OrderSnapshot | LookupFailed, *, alone: bool
    ) -> MatchedChange:
        if isinstance(seen, OrderSnapshot) and seen.is_stale(self._clock.monotonic()):
            seen, alone = self._lookup.look_up([entry])[entry.id], True
        matched = self._match_once(change, entry, seen)
        creates = isinstance(matched.result, Matched) and bool(matched.result.missing)
        # safeguard: own-lookup-before-a-create
        if creates and self._lookup.is_in_doubt and not alone:
            # That it is not there yet must be proved by a look of its own.
            return self._match_once(change, entry, self._lookup.look_up([entry])[entry.id])
        return matched

    def _match_once(
        self, change: Change, entry: Entry, seen: OrderSnapshot | LookupFailed
    ) -> MatchedChange:
        if isinstance(seen, LookupFailed):
            return MatchedChange(change, entry, seen, None)
        self._check_account(seen)
        other_entries: list[Entry] = []
        remarks: tuple[str, ...] = ()
        if needs_order(entry, seen.ours):
            remarks = self._remarks(entry, seen)
            on_order = self._ledger.entries.on_order(entry.seen.order_id, entry.seen.order_name)
            other_entries = [other for other in on_order if other.id != entry.id]
        result = match_entry(entry, seen, other_entries, creatable(entry, self.rules))
        return MatchedChange(change, entry, result, seen, remarks)

    def _remarks(self, entry: Entry, seen: OrderSnapshot) -> tuple[str, ...]:
        """That the order, found by its id, goes by another name in Jetti; silent where two orders
        of this shop have shown that its names are made like that."""
        found = seen.order
        order_id, name = entry.seen.order_id, entry.seen.order_name
        if not isinstance(found, Chosen) or not name or is_spelt_alike(found.sale, entry.seen):
            return ()
        spelt = spelling(found.sale.reference, name)
        if spelt and order_id and self._ledger.spellings.learn(*spelt, order_id):
            return ()
        return (f"Jetti's reference of this order is {found.sale.reference}, found by its id",)

    def _check_account(self, seen: OrderSnapshot) -> None:
        """Every row says whose it is; a token of another account would write into it."""
        shown = [sale.account for sale in seen.sales]
        shown += [row.account for row in (*seen.ours, *seen.on_sale)]
        accounts = {account for account in shown if account is not None}
        if not accounts:
            return
        pinned = self._ledger.meta.read().account
        if pinned is None and len(accounts) == 1:
            self._ledger.meta.pin(account=accounts.pop())
        # safeguard: account-pin
        elif accounts != {pinned}:
            raise SafetyStop(
                f"Jetti's token belongs to account {', '.join(sorted(accounts))}, "
                f"but this ledger was made for account {pinned}",
                hint="check JETTI_API_TOKEN; after a renamed account: reconciler init --repin",
            )


def _is_create(change: Change) -> bool:
    """Whether it is a create that nothing was sent for yet."""
    return change.kind is ChangeKind.CREATE and not change.reads_back


def _ahead_of_creates(first: Pair, together: Sequence[Pair]) -> list[Pair]:
    """What must be read back stands before every create, and stays there."""
    rest = [other for other in together if other[0] is not first[0]]
    place = next((at for at, (change, _) in enumerate(rest) if _is_create(change)), len(rest))
    return [*rest[:place], first, *rest[place:]]


def in_rounds(changes: Sequence[Pair]) -> list[Pair]:
    """First one change of each order, then the second of each that has more, and so on.

    So that what is written for one return of an order is looked at again for the next ones of all
    orders together.
    """
    rounds: list[list[Pair]] = []
    taken: list[set[str]] = []
    for change, entry in changes:
        order = _order(entry)
        # Behind every earlier return of the order: their turns are not exchanged.
        number = max((at + 1 for at, orders in enumerate(taken) if orders & order), default=0)
        if number == len(rounds):
            rounds.append([])
            taken.append(set())
        rounds[number].append((change, entry))
        taken[number] |= order
    return [one for each in rounds for one in each]


def _order(entry: Entry) -> set[str]:
    """Everything by which two returns can be on one order."""
    order_id = entry.seen.order_id
    return {*variants(entry.seen.order_name)} | ({order_id} if order_id else set())
