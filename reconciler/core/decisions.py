"""What someone may decide about a return, and what follows from it.

What may be decided in which state: deciding.md#what-may-be-decided-when; a test compares.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import Struct

from reconciler.core.matching.lines import RAISE_BY_HAND
from reconciler.core.model import (
    GONE,
    Entry,
    IntentOutcome,
    OwnedField,
    Purpose,
    SaleReturn,
    State,
)
from reconciler.core.records import MALFORMED, SetAside, Transition
from reconciler.core.states import UNANSWERED

_DIGITS_OF_A_VERSION = 8


class Decision(StrEnum):
    """What is decided."""

    RETRY = "retry"
    """Take it up again as it is wanted now."""
    IGNORE = "ignore"
    """Do nothing more about it until someone decides otherwise."""
    ADOPT = "adopt"
    """These sale returns in Jetti are this return's."""
    CREATE = "create"
    """No sale return in Jetti that nobody has marked is this return's: create what is missing."""


RESOLVING = frozenset({Decision.ADOPT, Decision.CREATE})
"""Decisions that rest on what Jetti holds."""


class Decided(Struct, frozen=True):
    """A decision that was recorded."""

    decided_at: datetime
    decision: str
    decided_by: str | None
    """The user of the system; None where it was recorded without one."""
    reason: str | None
    sale_returns: tuple[int, ...] | None = None
    """Of `adopt` those that were named, of `create` those that are not this return's."""


class Claim(Struct, frozen=True):
    """Which sale returns are a return's from now on, and which are not."""

    sale_returns: tuple[SaleReturn, ...]
    not_ours: tuple[int, ...]


class Ruling(Struct, frozen=True):
    """A decision about one return, ready to be recorded."""

    return_id: str
    decision: Decision
    step: Transition | None
    """None where only its malformed row is concerned."""
    claim: Claim | None = None
    row: str | None = None
    """The key of its malformed row, if that is ignored or no longer ignored."""
    is_accepted: bool = False
    """Whether it was named, so that no guard counts it."""
    opens_creation: bool = False
    """Whether creates are sent again, which were stopped because of it."""

    @property
    def sale_returns(self) -> tuple[int, ...] | None:
        """Those that the decision is about."""
        if self.claim is None:
            return None
        if self.decision is Decision.CREATE:
            return self.claim.not_ours
        return tuple(one.id for one in self.claim.sale_returns)


class Outlook(Struct, frozen=True):
    """What a decision would do to a return, or why it is refused."""

    return_id: str
    order_name: str
    order_id: str | None
    state: str
    """A value of `State`, or `malformed` for a row of which there is no entry."""
    reason: str | None
    version: str
    in_loop: str | None
    """Its state in Loop when it was last read; None if nothing of it was understood."""
    in_jetti: tuple[str, ...]
    """References of its sale returns, as last pushed."""
    becomes: str | None
    """The state that follows; None where only a row is concerned."""
    refusal: str | None = None
    """Why nothing would be done; None if it would."""
    is_so_already: bool = False
    """Whether nothing would be done because it is as if it had been."""
    row: str | None = None
    """What is not understood of it and is ignored from then on, or reported again."""
    row_key: str | None = None
    stopped_with: str | None = None
    """The digest of the stopped plan that it leaves."""
    opens_creation: bool = False


class Situation(Struct, frozen=True):
    """What besides the entry decides what may be decided."""

    row: SetAside | None = None
    """Its row in Loop, where that is malformed, wholly or in part."""
    stopped_with: str | None = None
    """The digest of the stopped plan that it belongs to."""
    stopped_creation: bool = False
    """Whether creation is stopped because of it."""
    is_named: bool = True
    """Whether it was named, and not found by its state."""
    by_id: bool = True
    """Whether its own id was the name, and not that of its order."""


# Of reviews, whichever sale returns are whose: nothing tells the items, too few units are left
# (`matching.availability`), or several sales may be the order (`matching.order`).
_AGAINST_CREATING = (RAISE_BY_HAND, "but only", "sales in Jetti:")
_UNANSWERED = "a write to Jetti has no answer yet: a run has to read back first what became of it"
_DONE = "what is wanted was pushed, or was in Jetti already"
_NOTHING = "there is nothing to send to Jetti"
_STUCK = frozenset({State.WAITING, State.FAILED, State.DEAD, State.REVIEW, State.IGNORED})
_FROM: dict[Decision, frozenset[State]] = {
    Decision.RETRY: _STUCK,
    # Also where all seems well: someone may have deleted in Jetti what was pushed.
    Decision.IGNORE: _STUCK - {State.IGNORED} | {State.PENDING, State.SYNCED},
    Decision.ADOPT: _STUCK | {State.PENDING, State.SYNCED},
    Decision.CREATE: _STUCK | {State.PENDING, State.SYNCED},
}
_SO_ALREADY = {(Decision.RETRY, State.PENDING), (Decision.IGNORE, State.IGNORED)}
_REFUSALS = {
    State.PENDING: "it is pending: the next run takes it up anyway",
    State.SYNCED: f"{_DONE}, so there is nothing to decide",
    State.SKIPPED: f"{_NOTHING}, so there is nothing to decide",
    State.IGNORED: "it is ignored already",
}


def outlook(entry: Entry, decision: Decision, situation: Situation) -> Outlook:
    """What this decision would do to the entry as it is."""
    no = refusal(entry, decision, situation)
    row = situation.row if _concerns(situation.row, decision) else None
    refused = no if row is None else None
    leaves_the_plan = situation.is_named or decision is Decision.IGNORE
    return Outlook(
        return_id=entry.id,
        order_name=entry.seen.order_name,
        order_id=entry.seen.order_id,
        state=entry.state.value,
        reason=entry.reason,
        version=version(entry, situation.row),
        in_loop=entry.seen.state,
        in_jetti=tuple(one.reference for one in entry.sale_returns),
        becomes=after(entry, decision).value if no is None else None,
        refusal=refused,
        is_so_already=refused is not None and (decision, entry.state) in _SO_ALREADY,
        row=row.problem if row else None,
        row_key=row.key if row else None,
        stopped_with=situation.stopped_with if no is None and leaves_the_plan else None,
        opens_creation=situation.stopped_creation and no is None,
    )


def outlook_of_row(row: SetAside, decision: Decision) -> Outlook:
    """The same of a row that was not understood at all."""
    concerned = _concerns(row, decision)
    return Outlook(
        return_id=row.return_id or row.key,
        order_name=row.order_name or "",
        order_id=None,
        state=MALFORMED,
        reason=row.problem,
        version=_digest(row.problem, row.is_ignored),
        in_loop=None,
        in_jetti=(),
        becomes=None,
        refusal=None if concerned else _why_not_the_row(row, decision),
        is_so_already=not concerned
        and decision not in RESOLVING
        and row.is_ignored is (decision is Decision.IGNORE),
        row=row.problem if concerned else None,
        row_key=row.key if concerned else None,
    )


def refusal(entry: Entry, decision: Decision, situation: Situation) -> str | None:
    """Why this cannot be decided about the entry as it is; None if it can."""
    state = entry.state
    # safeguard: unanswered-writes-are-not-decided-about
    if state in UNANSWERED or (entry.intents and not _may_settle(entry)):
        return _UNANSWERED
    if entry.intents and decision is Decision.IGNORE:
        return f"{_UNANSWERED}; `retry` has it do so"
    if situation.stopped_creation and not situation.is_named:
        # safeguard: creation-opens-only-by-name
        return "creation is stopped because of it, so it has to be named"
    if decision is Decision.RETRY and entry.seen.state == GONE:
        return "Loop lists it no more, so a run would find nothing to do"
    if decision is Decision.RETRY and state is State.PENDING and situation.stopped_with:
        return None if situation.is_named else "it is stopped, so it has to be named"
    if decision is Decision.IGNORE and state is State.SYNCED:
        # Of one whose row is not understood in part, that part is meant.
        if situation.row is not None:
            return _REFUSALS[state]
        # safeguard: no-healthy-return-is-ignored-with-its-order
        if not situation.by_id:
            return f"{_DONE}, so it is ignored only by its own id"
    return None if state in _FROM[decision] else _REFUSALS[state]


def _may_settle(entry: Entry) -> bool:
    """Whether only a decision leads to the read-back of its write, or makes it needless."""
    return entry.state in (State.REVIEW, State.IGNORED)


def after(entry: Entry, decision: Decision) -> State:
    """The state that follows."""
    if decision is Decision.IGNORE:
        return State.IGNORED
    # What has no answer is read back before anything else, twice if it is absent.
    is_unread = decision is Decision.RETRY and bool(entry.intents)
    return State.UNKNOWN if is_unread else State.PENDING


def ruling(
    entry: Entry | None,
    one: Outlook,
    decision: Decision,
    reason: str | None,
    *,
    is_named: bool,
    claim: Claim | None = None,
) -> Ruling:
    """The decision as it is recorded; `entry` is None for a row alone."""
    step = None
    if entry is not None and one.becomes is not None:
        state = State(one.becomes)
        closed = IntentOutcome.READ_BACK if decision is Decision.ADOPT else IntentOutcome.ABSENT
        step = Transition(
            state,
            # Who waits for the run need not wonder why it was in review.
            reason if state is State.IGNORED else None,
            attempts=0,
            sale_returns=claim.sale_returns if claim is not None else None,
            intents_closed_as=closed if claim is not None and entry.intents else None,
        )
    return Ruling(
        return_id=one.return_id,
        decision=decision,
        step=step,
        claim=claim,
        row=one.row_key,
        is_accepted=is_named and decision is not Decision.IGNORE,
        opens_creation=one.opens_creation,
    )


def why_not_forgotten(entry: Entry) -> str | None:
    """Why the ledger may not forget it: only the ledger shows that something in Jetti belongs to
    it. None if it may."""
    # safeguard: unanswered-writes-are-not-forgotten
    if entry.intents:
        return "it is not known yet what became of its last write"
    unmarked = [
        one.reference
        for one in entry.sale_returns
        if one.fields.get(OwnedField.EXTERNAL_ID) != entry.id and not one.is_cancelled
    ]
    # safeguard: unmarked-sale-returns-are-not-forgotten
    if unmarked:
        return f"sale return {', '.join(unmarked)} does not carry its marker in Jetti yet"
    return None


def possible(entry: Entry) -> tuple[str, ...]:
    """The commands that could settle the entry as it is."""
    commands = {
        Decision.RETRY: f"reconciler retry {entry.id}",
        Decision.IGNORE: f"reconciler ignore {entry.id} --reason TEXT",
        Decision.ADOPT: f"reconciler resolve {entry.id} --adopt SALE_RETURN",
        Decision.CREATE: f"reconciler resolve {entry.id} --create",
    }
    if entry.state not in _STUCK:
        return ()
    here = Situation()
    return tuple(
        text
        for one, text in commands.items()
        if refusal(entry, one, here) is None
        and not (one is Decision.CREATE and _stands_against_creating(entry))
    )


def _stands_against_creating(entry: Entry) -> bool:
    """Whether `resolve --create` would be refused by what the ledger knows already. What else is
    in its way only Jetti can tell."""
    if entry.wanted.purpose is not Purpose.EXIST:
        return True
    reason = entry.reason or ""
    return entry.state is State.REVIEW and any(one in reason for one in _AGAINST_CREATING)


def version(entry: Entry, row: SetAside | None = None) -> str:
    """8 hex digits that change with everything a decision rests on: state, reason, what is wanted,
    its sale returns, its unanswered writes, and what of it is not understood."""
    return _digest(
        entry.state,
        entry.reason,
        entry.fingerprint.hex(),
        sorted(entry.sale_returns, key=lambda one: one.id),
        [(one.id, one.absent_at) for one in entry.intents],
        entry.not_ours,
        row and (row.problem, row.is_ignored),
    )


def _digest(*rests_on: object) -> str:
    # Not msgspec's own encoder, which half a character in a damaged ledger would stop.
    encoded = json.dumps(msgspec.to_builtins(rests_on, order="deterministic"))
    return hashlib.sha256(encoded.encode()).hexdigest()[:_DIGITS_OF_A_VERSION]


def _concerns(row: SetAside | None, decision: Decision) -> bool:
    """Whether the decision changes whether the row is reported."""
    if row is None:
        return False
    if decision is Decision.IGNORE:
        return not row.is_ignored
    return decision is Decision.RETRY and row.is_ignored


def _why_not_the_row(row: SetAside, decision: Decision) -> str:
    if decision is Decision.IGNORE:
        return "it is ignored already"
    return "nothing of it is understood; it is read again whenever Loop lists it"
