"""The report of a period as a value; `reports` renders it. Its JSON is a contract
(reports.md#a-period)."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

from reconciler.core.report import Problem

IN_HOUSE = "in-house"
"""In place of a vendor, of goods of the shop's own."""


class Latency(Struct, frozen=True):
    """How long something took, over the returns of which the ledger can tell. Percentiles by
    nearest rank; seconds are rounded down."""

    returns: int = 0
    median_seconds: int | None = None
    p95_seconds: int | None = None
    slowest_seconds: int | None = None
    slowest_return: str | None = None


class Writes(Struct, frozen=True):
    """Writes that were sent to Jetti in a period, for returns of any age."""

    returns: int = 0
    """Returns of which at least one took effect."""
    creates: int = 0
    """That took effect, like the updates."""
    updates: int = 0
    failed: int = 0
    """Did not take effect, or nobody could find out."""
    unanswered: int = 0
    """What became of them is still to be found out."""


class Figures(Struct, frozen=True):
    """A period in figures. Of the returns: those that were created in Loop in it, as they are now;
    writes, runs and decisions are those of its time."""

    start: datetime = field(name="from")
    end: datetime = field(name="to")
    """Both ends are included, to the second."""
    returns: int
    in_jetti: int
    """Sale returns of them are known."""
    taken_over: int
    """Of these: no write of ours made them, they were there already."""
    not_recorded: int
    """Of these: how they came there is not known, because history of their time was deleted."""
    to_do: int
    """Passes go on with them."""
    needs_a_person: int
    """Dead or in review."""
    nothing_to_do: int
    """Skipped or ignored, whether they are in Jetti or not."""
    since_created: Latency
    """From the creation in Loop to the first create that took effect."""
    since_changed: Latency
    """From the last change in Loop to the first write after it that took effect."""
    writes: Writes
    decisions: int
    runs: int
    """Kept ones: of passes in a row that found nothing only the last is."""
    failed_runs: int
    """That ended with neither 0 nor 3 nor 10, or not at all."""
    not_complete: bool
    """Whether history of its time was deleted, so that writes and runs are too few."""


class Share(Struct, frozen=True):
    """How many returns have something in common."""

    what: str | None
    """None where it is not known, or not given in Loop."""
    returns: int
    before: int
    """In the period before."""


class Group(Struct, frozen=True):
    """Returns that have in common what was asked for with `--by`."""

    what: str | None
    """A day, a week by ISO 8601, a vendor, a reason or an outcome; None where it is not known."""
    returns: int
    before: int | None
    """In the period before; None of a day and a week, which are not in it."""
    in_jetti: int
    to_do: int
    needs_a_person: int
    median_seconds: int | None
    """From the creation in Loop to Jetti, like the others."""
    p95_seconds: int | None
    slowest_seconds: int | None


class FailedWrites(Struct, frozen=True):
    """Writes of the period that did not take effect, in one way."""

    operation: str
    """`create` or `update`."""
    outcome: str
    """`refused`, `lost`, …; `unanswered` while nobody knows."""
    writes: int
    returns: int
    before: int
    """Writes in the period before."""


class Runs(Struct, frozen=True):
    """Runs of the period that ended alike."""

    kind: str
    exit_code: int | None
    """None of one that goes on or was killed."""
    runs: int
    before: int


class DecisionMade(Struct, frozen=True):
    """A decision of the period."""

    decided_at: datetime
    return_id: str
    decision: str
    decided_by: str | None
    """The user of the system; None where it was recorded without one."""
    reason: str | None


class PeriodFacts(Struct, frozen=True):
    """What the report rests on."""

    made_at: datetime
    by: str | None
    watermark: datetime
    """How far Loop has been read."""
    go_live: datetime
    ledger_since: datetime
    """When the ledger was made."""
    history_since: datetime | None
    """Since when no history was deleted; None if none ever was."""
    open_problems: int
    """How many there are, of which `problems` has the oldest."""
    remarks: tuple[str, ...]
    """What a reader should know: what is counted, and what is missing."""


class PeriodReport(Struct, frozen=True):
    """A period, and the one of the same length before it."""

    period: PeriodFacts
    figures: Figures
    before: Figures
    states: tuple[Share, ...]
    outcomes: tuple[Share, ...]
    """Loop's: `refund`, `exchange+refund`, …"""
    reasons: tuple[Share, ...]
    """In the merchant's wording; a return of several counts for each."""
    vendors: tuple[Share, ...]
    """By Jetti's id, or `in-house`; a return of several counts for each."""
    groups: tuple[Group, ...]
    """As asked for with `--by`; empty without it."""
    problems: tuple[Problem, ...]
    """Returns of the period that failed, need someone or are overdue now, the oldest first."""
    failed_writes: tuple[FailedWrites, ...]
    runs: tuple[Runs, ...]
    decisions: tuple[DecisionMade, ...]
    """The last ones, the newest first."""
    next: tuple[str, ...] = ()
    """The command that shows what needs someone, as an argument list; empty where nothing does."""
