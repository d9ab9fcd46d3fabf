"""What the program needs of its surroundings. The adapters fit these; the core never sees them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from reconciler.core.model import (
    CountedWord,
    Entry,
    Intent,
    IntentOutcome,
    Malformed,
    Operation,
    Return,
    SaleReturn,
    State,
    Wanted,
    Window,
    Write,
)
from reconciler.core.report import NotUnderstood

# ------------------------------------------------------------------------------------------ source


class By(StrEnum):
    """Which of a return's times a window applies to."""

    UPDATED = "updated"
    CREATED = "created"


class Page(Struct, frozen=True):
    """Some rows of a window, parsed."""

    returns: tuple[Return, ...]
    malformed: tuple[Malformed, ...] = ()


class Source(Protocol):
    """Loop, read-only."""

    def server_time(self) -> datetime:
        """Loop's own idea of now, to the second. Raises SourceError, KeyRefused."""

    def read(self, window: Window, by: By) -> Iterator[Page]:
        """Every return of the window in every known state, page by page, probes included.

        The same return may come more than once; the newest `updated_at`, then the last read,
        counts. When the iterator ends normally the window is drained; otherwise it raises
        SourceError (or KeyRefused) and the window counts as unread.
        """

    def fetch(self, return_id: str) -> Return | Malformed | None:
        """One return by id, from its list row; None when Loop does not know it or when it is in
        a state that the list cannot be asked for."""

    def fetch_order(self, order_name: str) -> Iterator[Return | Malformed]:
        """The returns that Loop's details endpoint gives for an order; empty when there is none.

        Raises SourceError after all that could be read, for one that could not.
        """


# ------------------------------------------------------------------------------------------ ledger


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
    """Why nothing may be created until a person has resolved it; None when all is well."""
    has_pushed: bool = False
    """Whether any intent or sale return was ever recorded; False for a new ledger."""
    created_at: datetime | None = None
    adopting_since: datetime | None = None
    """Since when `init --adopt` looks, while it has not looked everywhere."""


class StoredVersion(Struct, frozen=True):
    """Just enough of an entry to compare a row of Loop's with."""

    updated_at: datetime
    content: bytes
    fingerprint: bytes
    state: State


class Observation(Struct, frozen=True):
    """A return to be recorded because its content is new to the ledger."""

    seen: Return
    content: bytes
    """Hash of everything in `seen` but `updated_at` (`core.fingerprint.content`)."""
    wanted: Wanted
    fingerprint: bytes


class DrainedWindow(Struct, frozen=True):
    """All that one completely read window teaches; recorded in one transaction."""

    window: Window
    by: By
    rows: int
    mapping_version: str
    """Under which the observations' fingerprints were made; stored with each entry."""
    observations: Iterable[Observation] = ()
    """Gone through once."""
    touched: tuple[tuple[str, datetime], ...] = ()
    """(return id, updated_at) of returns whose content is as known but whose time is newer."""
    malformed: tuple[Malformed, ...] = ()
    parsed: tuple[str, ...] = ()
    """Ids that parsed well: an earlier malformed row of theirs is cleared."""
    watermark: datetime | None = None
    """Where the watermark moves to; None leaves it. Never back."""


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


class Journal(Protocol):
    """The part of the ledger that pushing needs."""

    def entries(self, ids: Sequence[str]) -> list[Entry]:
        """The entries in the order asked for; unknown ids are left out."""

    def entries_on_order(self, order_id: str | None, order_name: str) -> list[Entry]:
        """Every entry on that order (same order id, or same name where either has no id)."""

    def intend(
        self,
        return_id: str,
        write: Write,
        before: Collection[int],
        sent_at: datetime,
        settle_at: datetime,
    ) -> Intent:
        """Commit, synced to disk, that this write is about to be sent; the entry goes in_flight."""

    def apply(self, return_id: str, transition: Transition) -> None:
        """Take one step; an illegal one (`core.states`) raises LedgerError and changes nothing.

        When the ledger meanwhile holds a newer fingerprint than `pushed_fingerprint`, a step to
        `synced` becomes one to `pending`.
        """

    def apply_all(self, transitions: Sequence[tuple[str, Transition]]) -> None:
        """The same for many entries, in one transaction."""

    def meta(self) -> Meta:
        """What the ledger knows of itself, as of now."""

    def prove_create(self, ids_key: str) -> None:
        """Remember that with this `jetti.cancel_ids_key` a part of a sale was asked for and came
        back alone."""

    def unanswered_creates(self) -> list[str]:
        """Returns, in order of id, with a create that has no answer and is still to be read back;
        not those of which a person must say what became of it."""

    def learn_spelling(self, prefix: str, suffix: str, order_id: str) -> bool:
        """Remember that this order, found in Jetti by its id, has a name that is Jetti's reference
        between these two. Whether another order has shown the same."""

    def stop_creation(self, reason: str) -> None:
        """Refuse every create of every later run until a person has resolved the reason."""

    def refund_attempts(self, ids: Collection[str]) -> None:
        """It was an outage: take back the last attempt of failed entries and make them pending;
        of unknown ones only the attempt, because they must be read back."""

    def pin(self, *, shop: str | None = None, account: str | None = None) -> None:
        """Remember the shop or account where none is pinned yet."""


class PlanMember(Struct, frozen=True, array_like=True, gc=False):
    """What a digest is made of, per change: no times, nothing read from Jetti."""

    return_id: str
    change: str
    fingerprint: bytes


class StoppedPlan(Struct, frozen=True):
    """What a guard stopped and nobody has let through."""

    digest: str
    members: frozenset[PlanMember]
    since: datetime
    """When the first of them was stopped."""


class RunSummary(Struct, frozen=True):
    """A finished pass, as history shows it."""

    kind: str
    started_at: datetime
    finished_at: datetime
    exit_code: int
    counts: dict[str, int]
    digest: str | None = None
    message: str | None = None
    """Why it ended with that code, where that is not 0 or 10."""


class Ledger(Journal, Protocol):
    """What one pass needs of the ledger."""

    def known(self, ids: Collection[str]) -> dict[str, StoredVersion]:
        """Those of these returns that have an entry, for comparing a page (at most 750 ids)."""

    def ids_updated_between(self, start: datetime, end: datetime) -> set[str]:
        """Entries whose recorded `updated_at` lies in the span, both ends included."""

    def open_ids_created_between(self, start: datetime, end: datetime) -> set[str]:
        """Unfinished entries (`core.states.OPEN`) of returns created in the span."""

    def record(self, drained: DrainedWindow, now: datetime) -> None:
        """Store all of it and move the watermark, in one transaction.

        An observation older than the entry's `updated_at` is ignored. A new fingerprint re-arms
        the states of `core.states.REARMED_BY_CHANGE` (attempts and next try start anew) and
        leaves the others; `changed_at` becomes `now`; `due_since` becomes `now` unless the entry
        was already open. The same fingerprint only replaces `seen`, content and `updated_at`.
        """

    def let_through(self, members: Iterable[PlanMember], now: datetime, *, asked: bool) -> None:
        """Remember that a person let these very wants past the guards; none stays stopped.

        `asked` says that the person named the return or its range: then go-live does not hold it
        back either, one that was skipped becomes pending, and acceptance follows its want until
        it is pushed. In one transaction.
        """

    def due(self, now: datetime) -> Iterator[Entry]:
        """Entries with something to do now: pending; waiting or failed whose next try has come;
        in_flight or unknown whose intents have all settled. Streamed, in order of id."""

    def count_updated_since(self, instant: datetime) -> int:
        """Returns that changed in Loop at or after the instant, by Loop's own time."""

    def mapped_otherwise(self, mapping_version: str) -> Iterator[Entry]:
        """Entries whose fingerprint was made under another mapping version. Streamed."""

    def remap(self, changed: Iterable[tuple[str, Wanted, bytes]], mapping_version: str) -> None:
        """Store newly projected wants under this mapping version, in one transaction.

        Where `wanted` is as before the entry is restamped silently: a pushed fingerprint that
        equalled the old one becomes the new one, and no state moves. Where it differs the entry
        is treated as by `record`.
        """

    def accept_mapping(self, mapping_version: str) -> None:
        """Remember that this mapping may change what was pushed."""

    def begin_run(self, kind: str, started_at: datetime) -> int:
        """Open a row of history; returns the run's id."""

    def finish_run(self, run_id: int, summary: RunSummary) -> None:
        """Close it, delete what is older than 90 days, and fold empty passes into one."""

    def keep_plan(self, digest: str, members: Iterable[PlanMember], now: datetime) -> None:
        """Keep a plan that was not carried out for `--accept-plan`; of many, the newest."""

    def stop_plan(self, digest: str, members: Iterable[PlanMember], now: datetime) -> None:
        """Keep the plan, and have just these members stopped from now on, in one transaction.

        One of which the same was stopped before keeps its time.
        """

    def stopped_plan(self) -> StoppedPlan | None:
        """What is stopped, as far as the same is still wanted of it and still to be done."""

    def kept_plan(self, digest: str) -> tuple[PlanMember, ...] | None:
        """The members of a kept plan, or None."""

    def counts_by_state(self) -> dict[State, int]:
        """How many entries stand in each state."""

    def problems(self, overdue_before: datetime, limit: int) -> list[Entry]:
        """Entries that failed, need a person or are overdue, the longest waiting first."""

    def unknown_words(self) -> tuple[CountedWord, ...]:
        """Words of Loop's that this version does not know, with the returns that show them."""

    def count_malformed(self, names: Collection[str] | None = None) -> int:
        """Rows kept aside and not yet cleared; of these returns, or kept under these keys."""

    def malformed_rows(self, limit: int | None = None) -> list[NotUnderstood]:
        """Rows kept aside and not yet cleared, the oldest first."""

    def count_overdue(self, before: datetime) -> int:
        """Open entries with something to do since that instant or longer (`due_since`)."""
