"""What a pass needs of its surroundings. Adapters implement these; the core calls none of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from datetime import datetime
from typing import Protocol

from reconciler.core.model import (
    CountedWord,
    Entry,
    Intent,
    Malformed,
    Return,
    State,
    Wanted,
    Window,
    Write,
)
from reconciler.core.records import (
    Accepter,
    By,
    DrainedWindow,
    Meta,
    Page,
    PastWrite,
    PlanMember,
    Run,
    SetAside,
    StoppedPlan,
    StoredVersion,
    Transition,
)


class Source(Protocol):
    """Loop, read-only."""

    def server_time(self, ahead: Window | None = None) -> datetime:
        """The time by Loop's clock, to the second. Raises SourceError, KeyRefused.

        `ahead` is a window that is going to be read next by `updated_at`, or perhaps a part of it
        from the same start: what is asked for its sake tells the time, too. The time is then the
        earliest of those answers.
        """

    def read(self, window: Window, by: By, then: Window | None = None) -> Iterator[Page]:
        """Every return of the window in every known state, page by page, probes included.

        `then` is the window that is read next: Loop may be asked for it at the end of this one.

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


class Ledger(Protocol):
    """What one pass remembers, part by part.

    Each method of a part is one transaction, except those that stream: they hold none while the
    caller works. Any of them raises LedgerError when the ledger cannot be used, and then nothing
    of that transaction was kept.
    """

    @property
    def entries(self) -> Entries: ...
    @property
    def windows(self) -> Windows: ...
    @property
    def malformed(self) -> MalformedRows: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def plans(self) -> Plans: ...
    @property
    def forgotten(self) -> Forgotten: ...
    @property
    def runs(self) -> Runs: ...
    @property
    def meta(self) -> MetaRow: ...
    @property
    def spellings(self) -> Spellings: ...


class Entries(Protocol):
    """What is known of each return."""

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """These entries in the order asked for; unknown ids are left out."""

    def on_order(self, order_id: str | None, order_name: str, *, besides: str = "") -> list[Entry]:
        """Every entry on that order (same order id, or same name where either has no id), in
        order of id; but not that of the return `besides`."""

    def sharing_an_order(self, ids: Collection[str]) -> set[str]:
        """Those of these entries that have others on their order, as `on_order` has it."""

    def owners(self, sale_return_ids: Collection[int]) -> dict[int, str]:
        """The return of each of these sale returns that is known."""

    def versions(self, ids: Collection[str]) -> dict[str, StoredVersion]:
        """Those of these returns that have an entry, for comparing a page."""

    def due(self, now: datetime, *, besides: Set[str] = frozenset()) -> Iterator[Entry]:
        """Entries with something to do now, without those of these ids: pending; waiting or failed
        whose next try has come; in_flight or unknown whose intents have all settled. Streamed, in
        order of id."""

    def count_left(self, now: datetime, *, among: Collection[str] | None = None) -> int:
        """What passes go on with: entries that are due and not stopped with a plan; of all, or
        among these ids."""

    def mapped_otherwise(self, mapping_version: str) -> Iterator[Entry]:
        """Entries whose fingerprint was made under another mapping version. Streamed."""

    def remap(self, changed: Iterable[tuple[str, Wanted, bytes]], mapping_version: str) -> None:
        """Store newly projected wants, as (return id, wanted, fingerprint), under this version.

        Where `wanted` is as before the entry is restamped silently: a pushed fingerprint that
        equalled the old one becomes the new one, and no state moves. Where it differs the entry
        is treated as by `Windows.record`, but `changed_at` stays.
        """

    def ids_updated_between(self, start: datetime, end: datetime) -> set[str]:
        """Entries whose recorded `updated_at` lies in the span, both ends included."""

    def ids_created_between(self, start: datetime, end: datetime) -> set[str]:
        """Entries of returns created in the span, both ends included."""

    def open_ids_created_between(self, start: datetime, end: datetime) -> set[str]:
        """Unfinished entries (`core.states.OPEN`) of returns created in the span."""

    def count_updated_since(self, instant: datetime) -> int:
        """Returns that changed in Loop at or after the instant, by Loop's own time."""

    def count_overdue(self, before: datetime) -> int:
        """Open entries with something to do since that instant or longer (`due_since`)."""

    def counts_by_state(self) -> dict[State, int]:
        """How many entries are in each state; a state without any is left out."""

    def problems(self, overdue_before: datetime, limit: int) -> list[Entry]:
        """Entries that failed, need someone or are overdue, the longest waiting first."""

    def count_problems(self, overdue_before: datetime, *, besides: Collection[State] = ()) -> int:
        """How many such entries there are, in whatever states but these."""

    def unknown_words(self) -> tuple[CountedWord, ...]:
        """Words of Loop that this version does not know, and how many returns show each."""


class Windows(Protocol):
    """What was read from Loop."""

    def record(self, drained: DrainedWindow, now: datetime) -> None:
        """Store all that a window showed and move the watermark, in one transaction.

        An observation older than the entry's `updated_at` is ignored. A new fingerprint re-arms
        the states of `core.states.REARMED_BY_CHANGE` (attempts and next try start again) and
        leaves the others; `changed_at` becomes `now`; `due_since` becomes `now` unless the entry
        was already open. The same fingerprint only replaces `seen`, content and `updated_at`.
        """


class MalformedRows(Protocol):
    """Rows of Loop that are set aside and not yet cleared."""

    def oldest(self, limit: int | None = None) -> list[SetAside]:
        """The oldest first; all of them without a limit."""

    def find(self, name: str) -> list[SetAside]:
        """Those of that return, or of every return on that order; ignored ones, too."""


class Journal(Protocol):
    """What pushing writes down, before and after each request."""

    def intend(
        self,
        return_id: str,
        write: Write,
        before: Collection[int],
        sent_at: datetime,
        settle_at: datetime,
    ) -> Intent:
        """Commit, synced to disk, that this write is about to be sent; the entry goes in_flight.

        Refuses what may never be sent: ValueError for a create that names no item, SafetyStop for
        a create while creation is stopped, LedgerError while another write is outstanding.
        """

    def apply(self, return_id: str, transition: Transition) -> None:
        """Take one step; an illegal one (`core.states`) raises LedgerError and changes nothing.

        When the ledger meanwhile holds a newer fingerprint than `pushed_fingerprint`, a step to
        `synced` becomes one to `pending`.
        """

    def apply_all(self, transitions: Sequence[tuple[str, Transition]]) -> None:
        """The same for many entries, as (return id, transition), in one transaction."""

    def refund_attempts(self, ids: Collection[str]) -> frozenset[str]:
        """Take back the last attempt of these entries, since it failed by an outage. Failed ones
        become pending, and their ids are returned; unknown ones stay so, because they must be read
        back."""

    def writes_of(self, return_id: str) -> list[PastWrite]:
        """Its writes, closed ones too, oldest first; those of the last 90 days."""

    def unanswered_creates(self) -> list[str]:
        """Returns, in order of id, with a create that has no answer and is still to be read back;
        not those of which someone must say what became of it."""


class Plans(Protocol):
    """Plans that were not carried out, and what someone accepted."""

    def keep(self, digest: str, members: Iterable[PlanMember], now: datetime) -> None:
        """Keep a plan for `--accept-plan`; only the newest plans stay."""

    def kept(self, digest: str) -> tuple[PlanMember, ...] | None:
        """The members of a kept plan, or None."""

    def stop(self, digest: str, members: Iterable[PlanMember], now: datetime) -> None:
        """Keep the plan, and have just these members stopped from now on, in one transaction.

        One of which the same was stopped before keeps its time.
        """

    def stopped(self) -> StoppedPlan | None:
        """What is stopped, as far as the same is still wanted of it and still to be done."""

    def accepted_of(self, members: Iterable[PlanMember]) -> set[str]:
        """Ids of those that were accepted, begun or pushed as they were reviewed."""

    def accept(
        self,
        members: Iterable[PlanMember],
        now: datetime,
        *,
        asked_for: bool,
        by: Accepter | None = None,
    ) -> None:
        """Remember that someone let these very wants past the guards; none stays stopped.

        `by` is remembered with the run, where someone reviewed them.

        `asked_for` says that the return or its range was named: then go-live does not hold it
        back either, one that was skipped becomes pending, and acceptance follows its want until
        it is pushed. In one transaction.
        """


class Forgotten(Protocol):
    """Returns of which nothing may be recorded any more."""

    def among(self, ids: Collection[str]) -> set[str]:
        """Those of these returns that were forgotten."""


class Runs(Protocol):
    """History, one row for each run."""

    def begin(self, kind: str, started_at: datetime) -> Run:
        """Open a row."""

    def finish(
        self,
        run: Run,
        *,
        at: datetime,
        exit_code: int,
        counts: dict[str, int],
        digest: str | None = None,
        message: str | None = None,
        command: str | None = None,
    ) -> None:
        """Close the row, delete what is older than 90 days, and fold empty passes into one."""

    def begun_since(self, instant: datetime) -> list[Run]:
        """Runs that began at that instant or later, newest first."""


class MetaRow(Protocol):
    """What the ledger knows of itself."""

    def read(self) -> Meta:
        """All of it, as of now."""

    def pin(self, *, shop: str | None = None, account: str | None = None) -> None:
        """Remember the shop or account where none is pinned yet."""

    def accept_mapping(self, mapping_version: str) -> None:
        """Remember that this mapping may change what was pushed."""

    def prove_create(self, ids_key: str) -> None:
        """Remember that with this `jetti.cancel_ids_key` a part of a sale was asked for and came
        back alone."""

    def stop_creation(self, return_id: str, reason: str) -> None:
        """Refuse every create of every later run until someone has decided about this return. The
        first return, and its reason, stay until then."""


class Spellings(Protocol):
    """How this shop's order names differ from Jetti's references."""

    def learn(self, prefix: str, suffix: str, order_id: str) -> bool:
        """Remember that the name of this order, which was found in Jetti by its id, is Jetti's
        reference between these two. Returns whether another order has shown the same."""
