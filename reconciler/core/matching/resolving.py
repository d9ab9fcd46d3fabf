"""What would follow from a decision that says which sale returns are a return's."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core.decisions import Claim, Decision
from reconciler.core.matching import claims
from reconciler.core.matching.claims import Refusal
from reconciler.core.matching.match import match_entry
from reconciler.core.matching.result import MatchResult, NeedsReview
from reconciler.core.matching.snapshot import OrderSnapshot
from reconciler.core.model import Entry, State
from reconciler.core.plan import Change, CreationRules, NothingToPush, creatable, decide


class Resolved(Struct, frozen=True):
    """A decision that makes sense, and the entry as it is then."""

    claim: Claim
    entry: Entry
    decision: Change | NothingToPush
    """What the next run decides about it."""
    snapshot: OrderSnapshot
    result: MatchResult
    """What it matches then."""


def resolved(
    entry: Entry,
    decision: Decision,
    named: Sequence[str],
    snapshot: OrderSnapshot,
    other_entries: Sequence[Entry],
    rules: CreationRules,
) -> Resolved | Refusal:
    """What would come of it; `named` are the sale returns to adopt, by id or reference, and
    `snapshot` is a lookup of `claims.without_memory`."""
    claim = (
        claims.adopt(entry, snapshot, named, other_entries)
        if decision is Decision.ADOPT
        else claims.create(entry, snapshot, other_entries)
    )
    if isinstance(claim, str):
        return claim
    claimed = replace(
        claims.as_claimed(entry, claim),
        state=State.PENDING,
        asked_for=entry.asked_for or decision is Decision.CREATE,
    )
    change, seen = decide(claimed, rules), claims.as_looked_up(claimed, snapshot)
    result = match_entry(claimed, seen, other_entries, creatable(claimed, rules))
    # safeguard: decisions-that-lead-back-to-review
    if isinstance(change, Change) and isinstance(result, NeedsReview):
        return result.reason
    return Resolved(claim, claimed, change, seen, result)
