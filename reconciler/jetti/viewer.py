"""What Jetti holds of returns right now, for people: looked up and matched as for a push, and
nothing is written."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.clock import Clock
from reconciler.core.diff import ReasonCodes
from reconciler.core.instants import to_the_second
from reconciler.core.live_order import NOTHING, Foreseen, LiveOrder, Neighbours, failed, live_order
from reconciler.core.model import Entry, Value
from reconciler.core.plan import Change, decide
from reconciler.core.ports import Ledger
from reconciler.core.report import OutcomeKind
from reconciler.errors import ConfigError
from reconciler.jetti.lookup import LookupFailed
from reconciler.jetti.matcher import LookedAt, MatchedChange, Matcher
from reconciler.jetti.preview import LookupPreview
from reconciler.jetti.reasons import AdjustmentReasons


class Viewer:
    """Looks entries up and describes what is there."""

    def __init__(
        self,
        matcher: Matcher,
        preview: LookupPreview,
        ledger: Ledger,
        reasons: AdjustmentReasons,
        clock: Clock,
    ) -> None:
        self._matcher = matcher
        self._preview = preview
        self._ledger = ledger
        self._reasons = _ReasonIds(reasons)
        self._clock = clock

    def look_at(self, entries: Sequence[Entry]) -> dict[str, LiveOrder]:
        """What Jetti shows of the order of each, by return id.

        Raises SafetyStop (other account), KeyRefused, TargetUnavailable, Interrupted.
        """
        return {entry.id: self._described(entry, seen) for entry, seen in self._seen(entries)}

    def _seen(self, entries: Sequence[Entry]) -> list[tuple[Entry, LookedAt | LookupFailed]]:
        return list(self._matcher.look_at_all(entries)) if entries else []

    def _described(self, entry: Entry, seen: LookedAt | LookupFailed) -> LiveOrder:
        if isinstance(seen, LookupFailed):
            return failed(seen.reason)
        return live_order(
            entry,
            seen.snapshot,
            seen.result,
            self._neighbours(entry, seen),
            self._reasons,
            foreseen=self._foreseen(entry, seen),
            remarks=seen.remarks,
        )

    def _neighbours(self, entry: Entry, seen: LookedAt) -> Neighbours:
        entries = self._ledger.entries
        markers = {row.marker for row in seen.snapshot.on_sale if row.marker is not None}
        return Neighbours(
            entries.on_order(entry.seen.order_id, entry.seen.order_name, besides=entry.id),
            frozenset(entries.versions(markers - {entry.id})),
        )

    def _foreseen(self, entry: Entry, seen: LookedAt) -> Foreseen:
        """What a push would come to, whatever state the entry is in."""
        settled = max((intent.settle_at for intent in entry.intents), default=None)
        # safeguard: no-verdict-before-a-write-has-settled
        if settled is not None and settled > self._clock.now():
            until = to_the_second(settled)
            reason = f"a write has no answer, and what became of it shows only after {until}"
            return Foreseen(OutcomeKind.DEFERRED.value, reason)
        change = decide(entry, self._matcher.rules)
        if not isinstance(change, Change):
            return Foreseen(NOTHING, change.reason)
        matched = MatchedChange(change, entry, seen.result, seen.snapshot, seen.remarks)
        try:
            would = self._preview.foresee(matched)
        except ConfigError as error:  # an adjustment reason that Jetti does not have
            return Foreseen(OutcomeKind.FAILED.value, str(error), change=change.kind.value)
        return Foreseen(would.outcome.value, would.reason, tuple(would.fields), would.change.value)


class _ReasonIds(ReasonCodes):
    """Ids of adjustment reasons, looked up when the first is needed; of one that Jetti does not
    have, its code."""

    def __init__(self, reasons: AdjustmentReasons) -> None:
        super().__init__()
        self._reasons = reasons

    def __missing__(self, code: str) -> Value:
        try:
            self[code] = self._reasons[code]
        except ConfigError:
            self[code] = code
        return self[code]
