"""What would come of a decision that says which sale returns are a return's."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core.decisions import Claim, Decision
from reconciler.core.field_changes import FieldChange
from reconciler.core.matching import claims
from reconciler.core.matching.match import match_entry
from reconciler.core.matching.result import NeedsReview
from reconciler.core.matching.snapshot import OrderSnapshot
from reconciler.core.model import Entry, State
from reconciler.core.plan import Change, creatable, decide
from reconciler.core.ports import Ledger
from reconciler.jetti.matcher import MatchedChange, Matcher
from reconciler.jetti.preview import LookupPreview


class Resolution(Struct, frozen=True):
    """What a decision rests on in Jetti, and what the next run would do after it."""

    there: tuple[str, ...]
    """Every sale return on the order: what it holds, whose it is."""
    claim: Claim | None = None
    refusal: str | None = None
    """Why it makes no sense; then there is no claim."""
    outcome: str | None = None
    """What the next run says about it."""
    writes: tuple[FieldChange, ...] = ()


class Resolver:
    """Reads Jetti for someone who decides."""

    def __init__(self, matcher: Matcher, preview: LookupPreview, ledger: Ledger) -> None:
        self._matcher = matcher
        self._preview = preview
        self._ledger = ledger

    def foresee(self, entry: Entry, decision: Decision, named: Sequence[str]) -> Resolution:
        """What would come of it; `named` are the sale returns to adopt, by id or reference.

        Raises TargetUnavailable, KeyRefused, SafetyStop, Interrupted, ConfigError.
        """
        snapshot = self._matcher.look_at(claims.without_memory(entry))
        others = self._ledger.entries.on_order(
            entry.seen.order_id, entry.seen.order_name, besides=entry.id
        )
        there = claims.described(entry, snapshot, others)
        claim = (
            claims.adopt(entry, snapshot, named, others)
            if decision is Decision.ADOPT
            else claims.create(entry, snapshot, others)
        )
        if isinstance(claim, str):
            return Resolution(there, refusal=claim)
        claimed = replace(
            claims.as_claimed(entry, claim),
            state=State.PENDING,
            asked_for=entry.asked_for or decision is Decision.CREATE,
        )
        return self._after(claimed, snapshot, others, Resolution(there, claim))

    def _after(
        self,
        claimed: Entry,
        looked_up: OrderSnapshot,
        others: Sequence[Entry],
        resolution: Resolution,
    ) -> Resolution:
        """What the next run would do about the entry as it is then."""
        change = decide(claimed, self._matcher.rules)
        if not isinstance(change, Change):
            return replace(resolution, outcome=change.reason or "there is nothing to write")
        snapshot = claims.as_looked_up(claimed, looked_up)
        allowed = creatable(claimed, self._matcher.rules)
        result = match_entry(claimed, snapshot, others, allowed)
        # safeguard: decisions-that-lead-back-to-review
        if isinstance(result, NeedsReview):
            return replace(resolution, claim=None, refusal=result.reason)
        foreseen = self._preview.foresee(MatchedChange(change, claimed, result, snapshot))
        outcome = f"{foreseen.outcome.value}{f': {foreseen.reason}' if foreseen.reason else ''}"
        return replace(resolution, outcome=outcome, writes=tuple(foreseen.fields))
