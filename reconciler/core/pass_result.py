"""One pass as values: how it began, what came of it, and how it left the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from msgspec import Struct

from reconciler.core.estimate import Worked
from reconciler.core.model import CountedWord
from reconciler.core.plan import Change, Plan
from reconciler.core.records import Run, SetAside
from reconciler.core.report import (
    ChangeKind,
    Problem,
    ReadWindow,
    ReportedChange,
    Requests,
)
from reconciler.core.request import RunRequest
from reconciler.core.summary import LedgerTotals, ReadTotals
from reconciler.errors import ReconcilerError


class PassStart(Struct, frozen=True):
    """The state of things when the pass began."""

    run: Run
    """Its row of history."""
    watermark: datetime | None
    """None without a ledger."""
    creation_stopped: str | None = None
    """Why nothing may be created; None when all is well."""
    remarks: tuple[str, ...] = ()
    would_go_live: datetime | None = None
    """Without a ledger: since when, after the `init` that makes what is shown."""
    is_beside_a_run: bool = False
    """Whether another run is going on, so that what is in flight is in good hands."""


class PassResult(Struct, frozen=True):
    """What came of a pass, however it ended."""

    request: RunRequest
    start: PassStart
    windows: tuple[ReadWindow, ...]
    read: ReadTotals
    read_ids: Collection[str]
    """The returns that were read."""
    malformed_keys: Collection[str]
    """Keys of the rows that were set aside."""
    plan: Plan
    """Empty where the pass ended before it was made."""
    stopped: tuple[Change, ...]
    """The part of the plan that waits until someone accepts it."""
    digest: str
    """Names the plan or, where a part of it is stopped, that part."""
    outcomes: tuple[ReportedChange, ...]
    """One for each change of the plan, those that were carried out first."""
    skipped: Iterable[ReportedChange]
    """Returns that this pass decided not to push."""
    failures: tuple[ReconcilerError, ...]
    """What made it incomplete, in the order in which it happened."""
    is_accepted: bool
    """Whether what was asked for was accepted, so that later passes go on with it."""
    remarks: tuple[str, ...]
    """On the plan that was accepted, and on how Jetti answered."""
    requests: Requests
    seconds_at_pace: float = 0.0
    """How long the plan takes at the rate that Jetti allows."""
    worked: Worked | None = None
    """None where nothing is left by this pass: in a dry run, and before there was a plan."""
    ended_early: bool = False
    """Whether something other than a budget broke it off."""
    accepted_by: str | None = None
    """The user who let changes of the plan past the guards with --accept-plan."""

    def creates(self) -> list[Change]:
        """The planned creates."""
        return [change for change in self.plan.changes if change.kind is ChangeKind.CREATE]


class LedgerState(Struct, frozen=True):
    """How a pass left the ledger; of a run for single returns, as far as it concerns them."""

    totals: LedgerTotals
    problems: tuple[Problem, ...]
    """The longest waiting first; not all where there are many."""
    malformed: tuple[SetAside, ...]
    watermark: datetime | None
    has_pushed: bool = True
    """Whether any write was ever sent from it."""
    unknown_words: tuple[CountedWord, ...] = ()
    problems_left_out: int = 0
    """How many more there are than are listed."""
    proven_ids_key: str | None = None
    """The value of `jetti.cancel_ids_key` that a create has proven."""
    creation_stopped_by: str | None = None
    """The return that has to be decided about before anything is created."""
    ignored: tuple[str, ...] = ()
    """Returns that were named, and about which someone has decided that nothing is done."""
