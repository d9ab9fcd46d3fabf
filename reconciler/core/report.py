"""The report of a pass as a value; `reports` renders it. Its JSON is a contract (README)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from reconciler.core.field_changes import NO_FIELDS, FieldChanges
from reconciler.core.model import CountedWord, Entry
from reconciler.core.records import SetAside
from reconciler.core.returned_goods import ReportedLine, ReportedLines


class ChangeKind(StrEnum):
    """What a pass would do about a return, judged by the ledger alone."""

    CREATE = "create"
    UPDATE = "update"
    CANCEL = "cancel"
    ADOPT = "adopt"
    """Take it over if Jetti has it; writes nothing to Jetti."""

    @property
    def verb(self) -> str:
        """What it does, for texts."""
        return VERBS[self]


VERBS: dict[str, str] = {
    ChangeKind.CREATE: "create",
    ChangeKind.UPDATE: "update",
    ChangeKind.CANCEL: "cancel",
    ChangeKind.ADOPT: "take over",
}


class OutcomeKind(StrEnum):
    """What became of a change."""

    PLANNED = "planned"
    PUSHED = "pushed"
    WAITING = "waiting"
    FAILED = "failed"
    REVIEW = "review"
    SKIPPED = "skipped"
    DEFERRED = "deferred"


class RunKind(StrEnum):
    """What kind of pass it is."""

    SCHEDULED = "scheduled"
    SWEEP = "sweep"
    RANGE = "range"
    SINGLE = "single"
    VERIFY = "verify"
    """What `verify --repair` settles: guarded like a sweep, but only of what it has read."""


class SaleReturnName(Struct, frozen=True):
    """A sale return by its id and by the reference that Jetti shows."""

    id: int
    reference: str


class ReportedChange(Struct, frozen=True, gc=False):
    """One change and what became of it."""

    return_id: str
    order_name: str
    order_id: str | None
    change: ChangeKind
    """As planned; but a create of which Jetti has all already is an adopt, done or foreseen."""
    outcome: OutcomeKind
    reason: str | None = None
    sale_returns: tuple[SaleReturnName, ...] = ()
    fields: FieldChanges = NO_FIELDS
    fingerprint: str = ""
    """SHA-256, in hex; by it `--accept-plan FILE` knows which members are still the same."""
    stopped: bool = False
    """Whether a guard keeps it back until someone accepts it."""
    remarks: tuple[str, ...] = ()
    """What operators should know about it, regardless of the outcome."""
    lines: ReportedLines | tuple[ReportedLine, ...] = ()
    """The goods that come back; empty of what is skipped, and of an adopt before its lookup."""
    vendors: tuple[str, ...] = ()
    """Ids in Jetti of the vendors of these goods, which are all that it tells of a vendor on an
    order; empty of what is skipped or in-house, and where the order was not looked up."""
    before_go_live: bool = False
    """Whether the return is older than go-live."""
    planned: ChangeKind | None = None
    """By the ledger alone, as the digest names it; None where `change` is the same."""
    sale_returns_made: int = 0
    """That this pass created in Jetti for it, whatever the outcome. Of what is planned or stopped
    the least that it would create, since Jetti splits them by vendor."""
    sale_returns_cancelled: int = 0
    """That this pass set to `cancelled`, or would."""
    changed_at: datetime | None = None
    """When it last changed in Loop; None of what is skipped."""


class Changes:
    """The changes of a pass, for the report: those of the plan, then what was skipped. In JSON it
    is a list."""

    def __init__(
        self, planned: Iterable[ReportedChange] = (), skipped: Iterable[ReportedChange] = ()
    ) -> None:
        """Both are iterated each time."""
        self._parts = (planned, skipped)

    def __iter__(self) -> Iterator[ReportedChange]:
        for part in self._parts:
            yield from part

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None


class Problem(Struct, frozen=True):
    """A return that needs someone, has failed or is overdue, from this pass or an earlier one."""

    return_id: str
    order_name: str
    state: str
    since: datetime | None
    """Since when something is due, in whatever state the return was then."""
    reason: str | None = None
    order_id: str | None = None

    @classmethod
    def of(cls, entry: Entry) -> Problem:
        """The problem as reported for an entry."""
        return cls(
            return_id=entry.id,
            order_name=entry.seen.order_name,
            state=entry.state.value,
            since=entry.due_since or entry.changed_at,
            reason=entry.reason,
            order_id=entry.seen.order_id,
        )


class ReadWindow(Struct, frozen=True):
    """A window that the pass was to read; `drained` if it was read to the end."""

    start: datetime = field(name="from")
    end: datetime = field(name="to")
    drained: bool = True


class Watermarks(Struct, frozen=True):
    """How far reading was complete before and after the pass; None without a ledger."""

    before: datetime | None = None
    after: datetime | None = None


class Failure(Struct, frozen=True):
    """What ended a pass early or made it incomplete."""

    message: str
    hint: str | None = None
    command: str | None = None
    """The command that continues, if there is exactly one."""


class RunFacts(Struct, frozen=True):
    """The pass itself."""

    id: int | None
    kind: RunKind
    dry_run: bool
    started_at: datetime
    finished_at: datetime
    windows: tuple[ReadWindow, ...]
    watermark: Watermarks
    exit_code: int
    digest: str
    ended_early: bool = False
    """Whether something other than a budget broke it off. A dry run did not come then to what is
    `deferred` and not stopped."""
    accepted_by: str | None = None
    """The user who let changes of this pass past the guards, having reviewed them."""
    message: str | None = None
    """The reason for the exit code if it is not 0 or 10."""
    failures: tuple[Failure, ...] = ()
    """That reason comes first."""
    would_go_live: datetime | None = None
    """Of a dry run without a ledger: since when, after the `init` that it leads to."""
    remarks: tuple[str, ...] = ()
    """What a reader should know: no ledger, creation stopped, budget spent, …"""


class Counts(Struct, frozen=True):
    """Numbers of returns: by what was read, by what this pass did, and by how they are now."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    created: int = 0
    updated: int = 0
    cancelled: int = 0
    adopted: int = 0
    sale_returns_made: int = 0
    """Sale returns, of which one return may have several; in whatever change they were made."""
    sale_returns_cancelled: int = 0
    skipped: int = 0
    waiting: int = 0
    """In this state now, like the rest."""
    failed: int = 0
    review: int = 0
    malformed: int = 0
    pending: int = 0
    dead: int = 0
    unanswered: int = 0
    """A write was sent for them that has no answer yet."""
    forgotten: int = 0
    """Listed by Loop after `ledger forget`; not among those seen, since nothing is kept of them."""


STANDING = frozenset({"waiting", "failed", "review", "malformed", "pending", "dead", "unanswered"})
"""Those of `Counts` that tell of the ledger, not of what the pass did."""


class LoopRequests(Struct, frozen=True):
    """Requests sent to Loop."""

    get: int = 0
    retries: int = 0
    """How many of them were not the first try."""


class JettiRequests(Struct, frozen=True):
    """Requests sent to Jetti."""

    get: int = 0
    write: int = 0
    retries: int = 0
    """How many of the reads were not the first try; a write has one."""


class Requests(Struct, frozen=True):
    """Requests sent, retries included."""

    loop: LoopRequests = LoopRequests()
    jetti: JettiRequests = JettiRequests()


class Sums(Struct, frozen=True):
    """Sums over all changes but those that were skipped."""

    vendors: int = 0
    """Different vendors, as far as their orders were looked up."""
    before_go_live: int = 0
    """Returns that are older than go-live."""
    seconds_at_pace: int = 0
    """How long all that was planned takes at the rate that Jetti allows, as estimated from the
    ledger (`core.estimate`)."""


class BacklogLeft(Struct, frozen=True):
    """What passes have still to do, and how long that takes."""

    at: datetime
    """When it was counted: at the end of the pass or, in `status`, now."""
    left: int
    """Returns that the next pass goes on with, by the ledger."""
    seconds_left: int | None
    """From then on, estimated (`core.estimate`); None where no estimate fits, in `status` alone."""
    is_measured: bool
    """By the passes of the last day; else it is the least that it can take."""


class Report(Struct, frozen=True):
    """Everything that a pass reports."""

    run: RunFacts
    counts: Counts
    requests: Requests
    changes: Changes | tuple[ReportedChange, ...] = ()
    problems: tuple[Problem, ...] = ()
    problems_left_out: int = 0
    """How many more there are than are listed."""
    unknown_words: tuple[CountedWord, ...] = ()
    """Words in Loop that neither this version nor a setting knows, over all returns."""
    malformed: tuple[SetAside, ...] = ()
    """From this pass or an earlier one."""
    backlog: BacklogLeft | None = None
    """None of a dry run, and of a pass that ended before its plan was made."""
    sums: Sums = Sums()
    next: tuple[str, ...] = ()
    """The command that goes on, as an argument list; empty where there is none. DATE in it is for
    the reader to fill in."""
