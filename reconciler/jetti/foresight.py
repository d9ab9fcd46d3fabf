"""What passes and decisions would come to, looked up together. Nothing is written, not even which
account it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from reconciler.core.batches import batched
from reconciler.core.decisions import Decision
from reconciler.core.guard import check_account
from reconciler.core.matching import claims
from reconciler.core.matching.claims import Refusal
from reconciler.core.matching.match import match_entry
from reconciler.core.matching.resolving import resolved
from reconciler.core.matching.snapshot import OrderSnapshot
from reconciler.core.model import Entry
from reconciler.core.plan import CreationRules, creatable
from reconciler.core.ports import Ledger
from reconciler.core.verification.foreseen import Foreseen, by_match
from reconciler.jetti.lookup import Lookup, LookupFailed
from reconciler.jetti.matcher import LOOKED_AT_TOGETHER

Named = tuple[Entry, Sequence[str]]
"""An entry, and the sale returns that a decision about it names."""


class Foresight:
    """Looks entries up as a push would, beside whatever the ledger knows on their orders."""

    def __init__(self, lookup: Lookup, ledger: Ledger) -> None:
        self._lookup = lookup
        self._ledger = ledger

    def of(
        self, entries: Sequence[Entry], rules: CreationRules
    ) -> dict[str, Foreseen | LookupFailed]:
        """What a pass would make of each, once all of them are recorded like this.

        Raises TargetUnavailable, KeyRefused, SafetyStop (another account), Interrupted.
        """
        on_one_order: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            on_one_order[entry.seen.order_id or entry.seen.order_name].append(entry)
        is_stopped = self._ledger.meta.read().creation_stopped is not None
        found: dict[str, Foreseen | LookupFailed] = {}
        for batch in batched(entries, LOOKED_AT_TOGETHER):
            for return_id, seen in self._lookup.look_up(batch).items():
                [entry] = [one for one in batch if one.id == return_id]
                if isinstance(seen, LookupFailed):
                    found[return_id] = seen
                    continue
                self._check_account(seen)
                together = on_one_order[entry.seen.order_id or entry.seen.order_name]
                others = {one.id: one for one in (*self._others(entry), *together)}
                del others[entry.id]
                result = match_entry(entry, seen, list(others.values()), creatable(entry, rules))
                found[return_id] = by_match(entry, rules, result, creation_stopped=is_stopped)
        return found

    def refusals(
        self, decision: Decision, of: Sequence[Named], rules: CreationRules
    ) -> dict[str, Refusal | LookupFailed]:
        """Why `resolve` would refuse that decision, of each of which it would. Raises as `of`."""
        found: dict[str, Refusal | LookupFailed] = {}
        for batch in batched(of, LOOKED_AT_TOGETHER):
            looked_up = self._lookup.look_up([claims.without_memory(entry) for entry, _ in batch])
            for entry, named in batch:
                seen = looked_up[entry.id]
                if isinstance(seen, LookupFailed):
                    found[entry.id] = seen
                    continue
                self._check_account(seen)
                others = self._others(entry)
                came_to = resolved(entry, decision, named, seen, others, rules)
                if isinstance(came_to, str):
                    found[entry.id] = came_to
        return found

    def _others(self, entry: Entry) -> list[Entry]:
        seen = entry.seen
        return self._ledger.entries.on_order(seen.order_id, seen.order_name, besides=entry.id)

    def _check_account(self, snapshot: OrderSnapshot) -> None:
        shown = [sale.account for sale in snapshot.sales]
        shown += [row.account for row in (*snapshot.ours, *snapshot.on_sale)]
        accounts = {account for account in shown if account is not None}
        check_account(self._ledger.meta.read().account, accounts)
