"""The values that pass between the parts of the program: what was read, what is recorded, what
became of a write, plans and runs.

The nouns they are made of are in `core.model`. All times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from reconciler.core.model import (
    Fields,
    IntentOutcome,
    Malformed,
    Operation,
    Return,
    SaleReturn,
    State,
    Wanted,
    Window,
)

# ------------------------------------------------------------------------------ read from Loop


class By(StrEnum):
    """Which of a return's times a window applies to."""

    UPDATED = "updated"
    CREATED = "created"


class Page(Struct, frozen=True):
    """Some rows of a window, parsed."""

    returns: tuple[Return, ...]
    malformed: tuple[Malformed, ...] = ()


class Observation(Struct, frozen=True):
    """A return to be recorded because its content is new to the ledger."""

    seen: Return
    content: bytes
    """`core.fingerprint.content` of `seen`, 32 bytes."""
    wanted: Wanted
    fingerprint: bytes
    state: State = State.PENDING
    """Where the entry of a new return starts: skipped if it needs no push."""
    reason: str | None = None
    """The reason for that state."""
    is_new: bool = False
    """Whether the ledger had no entry of it when it was read; should there be one by now, nothing
    of its window is recorded."""


class DrainedWindow(Struct, frozen=True):
    """The content of one window that was read to its end; recorded in one transaction."""

    window: Window
    by: By
    rows: int
    mapping_version: str
    """The one that the observations' fingerprints were made with; stored with each entry."""
    observations: Iterable[Observation] = ()
    """Iterated once."""
    touched: tuple[tuple[str, datetime], ...] = ()
    """(return id, updated_at) of returns whose content is unchanged but whose time is newer."""
    malformed: tuple[Malformed, ...] = ()
    parsed: tuple[str, ...] = ()
    """Ids that were parsed completely: an earlier malformed row of theirs is cleared."""
    watermark: datetime | None = None
    """The new watermark; None leaves it. It never moves back."""
    run_id: int | None = None
    """The run that read it."""


class StoredVersion(Struct, frozen=True):
    """The part of an entry that a row from Loop is compared with."""

    updated_at: datetime
    content: bytes
    fingerprint: bytes
    state: State


MALFORMED = "malformed"
"""In place of a state, of a row that was not understood at all."""


class SetAside(Struct, frozen=True):
    """A row from Loop that is still not understood, wholly or in part."""

    key: str
    """The return id if it could be read, otherwise a hash of the row."""
    return_id: str | None
    order_name: str | None
    problem: str
    """The fields and what kind of thing is wrong with them; never a value."""
    is_partial: bool
    """Whether the rest of the row was understood and is used."""
    first_seen: datetime
    last_seen: datetime
    is_ignored: bool = False
    """Whether someone decided to ignore this very problem."""


# ---------------------------------------------------------------------------- pushed to Jetti


class Attempt(Struct, frozen=True):
    """One request for an entry and how it was answered, kept for people to read."""

    at: datetime
    operation: Operation
    target_id: int
    answer: str
    """`applied`, `refused`, `lost`, `not sent`, `slow down`, …"""
    status: int | None = None
    detail: str | None = None
    """Jetti's problem title; never a body."""


class PastWrite(Struct, frozen=True):
    """A write that was announced in the ledger, and what became of it."""

    at: datetime
    operation: Operation
    target_id: int
    sale_item_ids: tuple[int, ...]
    fields: Fields
    settle_at: datetime
    outcome: IntentOutcome | None
    """None while it is unknown."""


class Transition(Struct, frozen=True):
    """A step of one entry from one state to the next, applied in one transaction."""

    state: State
    reason: str | None = None
    attempts: int | None = None
    """None leaves the count as it is."""
    next_try_at: datetime | None = None
    sale_returns: tuple[SaleReturn, ...] | None = None
    """All that are known from now on; None leaves them as they are."""
    pushed_fingerprint: bytes | None = None
    """Set when everything wanted under this fingerprint is in Jetti; None leaves it."""
    intents_closed_as: IntentOutcome | None = None
    """Closes the entry's outstanding intents with this outcome; None leaves them open."""
    intents_absent_at: datetime | None = None
    """Stamps outstanding intents with a first read-back that found nothing."""
    attempt: Attempt | None = None


# ---------------------------------------------------------------------- the ledger as a whole


class Meta(Struct, frozen=True):
    """What a ledger knows of itself."""

    go_live: datetime
    watermark: datetime
    mapping_version: str
    """The mapping under which pushed entries were last accepted."""
    shop: str | None = None
    account: str | None = None
    proven_ids_key: str | None = None
    """Value of `jetti.cancel_ids_key` with which a create was last seen to return a part of a sale
    and no more."""
    creation_stopped: str | None = None
    """Why nothing may be created until someone has resolved it; None if all is well."""
    creation_stopped_by: str | None = None
    """The return about which someone has to decide then; None in an older ledger that does not
    say."""
    has_pushed: bool = False
    """Whether any intent or sale return was ever recorded; False for a new ledger."""
    created_at: datetime | None = None
    adopting_since: datetime | None = None
    """The start of the span that `init --adopt` has not finished looking up; else None."""
    history_since: datetime | None = None
    """Since when no history was deleted; None if none ever was."""


class PlanMember(Struct, frozen=True, array_like=True, gc=False):
    """What a digest is computed from, per change: no times, nothing read from Jetti."""

    return_id: str
    change: str
    fingerprint: bytes


class Accepter(Struct, frozen=True):
    """Who accepted a plan, and in which run."""

    user: str
    run_id: int


class StoppedPlan(Struct, frozen=True):
    """A plan that a guard stopped and that nobody has accepted."""

    digest: str
    members: frozenset[PlanMember]
    since: datetime
    """When the first of them was stopped."""

    def without(self, return_ids: Iterable[str]) -> StoppedPlan:
        """What is left of it once these may be carried out."""
        gone = frozenset(return_ids)
        left = (one for one in self.members if one.return_id not in gone)
        return StoppedPlan(self.digest, frozenset(left), self.since)


JETTI_REFUSED = "jetti_refused"
"""Under this name a sweep keeps, beside its counts, that Jetti refused the key."""


class Run(Struct, frozen=True):
    """A run as history shows it."""

    id: int
    kind: str
    started_at: datetime
    finished_at: datetime | None = None
    """None while it is running, and forever if it was killed."""
    exit_code: int | None = None
    counts: dict[str, int] = {}
    """By the names of `core.report.Counts`, of `core.estimate.KEPT`, and `JETTI_REFUSED`."""
    message: str | None = None
    """Why it ended with that code, if that is not 0 or 10."""
    command: str | None = None
    """What to type to go on, if that is one command."""
    digest: str | None = None
    """Names its plan or, where a part of that was stopped, that part; None where it had none."""
    accepted_by: str | None = None
    """The user who let a part of its plan past the guards with --accept-plan."""


# ------------------------------------------------------------------------------ reported to people


class Told(Struct, frozen=True):
    """Something wrong that was reported and is not yet reported to be well again."""

    key: str
    """`core.alarms.Concern.key`."""
    kind: str
    """In what way it was wrong when it was last looked at."""
    subject: str
    since: datetime
    """When it was first reported."""
    told_at: datetime
    """When it was last reported."""
    well_since: datetime | None = None
    """Since when it is not there any more."""
    return_id: str | None = None


def told_of_row(key: str) -> str:
    """Under which key it is remembered that the row of this key was reported. It names the return,
    if the row has its id."""
    return f"row {key}"
