"""What would come of a decision that says which sale returns are a return's."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core.decisions import Claim, Decision
from reconciler.core.field_changes import FieldChange
from reconciler.core.matching import claims
from reconciler.core.matching.resolving import resolved
from reconciler.core.model import Entry
from reconciler.core.plan import NothingToPush
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
        found = resolved(entry, decision, named, snapshot, others, self._matcher.rules)
        if isinstance(found, str):
            return Resolution(there, refusal=found)
        resolution, change = Resolution(there, found.claim), found.decision
        if isinstance(change, NothingToPush):
            return replace(resolution, outcome=change.reason or "there is nothing to write")
        matched = MatchedChange(change, found.entry, found.result, found.snapshot)
        foreseen = self._preview.foresee(matched)
        outcome = f"{foreseen.outcome.value}{f': {foreseen.reason}' if foreseen.reason else ''}"
        return replace(resolution, outcome=outcome, writes=tuple(foreseen.fields))
