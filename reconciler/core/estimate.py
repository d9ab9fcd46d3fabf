"""How long changes take at the rate that Jetti allows (jetti.md#rate-limit, #safe-pace), and how
long the backlog takes at the rate at which it was worked off so far."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.core.budget import Spent
from reconciler.core.plan import Change
from reconciler.core.records import Run
from reconciler.core.report import BacklogLeft, ChangeKind, RunKind

_READS = 0.5
"""GETs per change that writes. Less than one, because twenty-six are looked up together."""
_READS_TO_LOOK = 0.1
"""GETs per change for which nothing is written: of these many more are looked up together."""
LOOKED_BACK = timedelta(days=1)
"""How far back passes count for the estimate: over a whole day, since more is fresh at noon than
at night."""
_WITH_A_BACKLOG = (RunKind.SCHEDULED, RunKind.SWEEP)


class Rates(Struct, frozen=True):
    """Requests per second that may be sent to Jetti."""

    reads: float
    writes: float

    def seconds(self, changes: Iterable[Change]) -> float:
        """Estimated seconds. Each vendor split, which only Jetti knows, adds about one more."""
        return sum(self.of(change).seconds for change in changes)

    def of(self, change: Change) -> Spent:
        """What one change is expected to take."""
        writes = _writes(change)
        reads = _READS if writes else _READS_TO_LOOK
        return Spent(writes, reads / self.reads + writes / self.writes)


def _writes(change: Change) -> int:
    """Writes of one change: the create and one PUT per item, or one PUT per object updated. None
    where most likely it is only looked for, again."""
    if change.kind is ChangeKind.ADOPT or change.waits:
        return 0
    named = {field.field.partition("[")[2] for field in change.fields}
    if change.kind is ChangeKind.CREATE:
        return 1 + max(1, len(named))
    return max(1, len(named))


class Backlog(Struct, frozen=True):
    """What a pass left for later ones, and what it has done of what earlier ones left. Work is
    measured in the seconds that it takes at the rate Jetti allows (`Rates`)."""

    left: int = 0
    """Returns."""
    work_left: float = 0.0
    work_done: float = 0.0


class PastPass(Struct, frozen=True):
    """A scheduled pass or sweep, as far as the estimate rests on it."""

    started_at: datetime
    left: int | None
    """None where it did not come to know."""
    work_done: float


class Estimate(Struct, frozen=True):
    """How long the backlog takes from the end of a pass."""

    seconds: float
    is_measured: bool
    """By passes of the last day; else it is the least that it can take."""


KEPT = ("left", "seconds_left", "is_measured", "work_left", "work_done")
"""Under these names a run keeps its backlog, beside its counts."""


def kept(backlog: Backlog, told: Estimate) -> dict[str, int]:
    """A backlog and its estimate, as a run keeps them."""
    is_measured = int(told.is_measured)
    values = backlog.left, told.seconds, is_measured, backlog.work_left, backlog.work_done
    return dict(zip(KEPT, map(round, values), strict=True))


def past_passes(runs: Iterable[Run]) -> list[PastPass]:
    """What the scheduled passes and sweeps among these runs have kept, in the same order."""
    return [
        PastPass(run.started_at, run.counts.get("left"), run.counts.get("work_done", 0))
        for run in runs
        if run.kind in _WITH_A_BACKLOG
    ]


def backlog_left(runs: Iterable[Run]) -> BacklogLeft | None:
    """The backlog that the last pass left which came to know; `runs` are newest first."""
    for run in runs:
        if run.kind in _WITH_A_BACKLOG and run.finished_at and "left" in run.counts:
            counts = run.counts
            is_measured = bool(counts["is_measured"])
            return BacklogLeft(run.finished_at, counts["left"], counts["seconds_left"], is_measured)
    return None


def estimated(backlog: Backlog, started_at: datetime, past: Iterable[PastPass]) -> Estimate:
    """When the backlog will be done: its work, at the rate of the last day. That rate holds all
    that slows it down: fresh changes, pauses between passes, latency, 429s and outages.

    `started_at` is the begin of this pass; `past` are those before it, newest first. Without one
    that has worked it off, nobody knows yet how often passes come.
    """
    counted: list[PastPass] = []
    for one in past:
        # Before a pass that left nothing there was no backlog.
        if one.left == 0 or one.started_at < started_at - LOOKED_BACK:
            break
        counted.append(one)
    while counted and not counted[-1].work_done:
        counted.pop()  # it may only have read what is the backlog now
    began = counted[-1].started_at if counted else started_at
    if began < started_at:
        done = sum(one.work_done for one in counted)
        return Estimate(_at(backlog, done / (started_at - began).total_seconds()), True)
    # Not at the rate of this pass: what it took to begin with does not come again.
    # safeguard: least-is-the-least
    return Estimate(_at(backlog, 1.0), False)


def _at(backlog: Backlog, rate: float) -> float:
    """Seconds at that much work a second. No more than one is possible: where there seems to have
    been, there was less to do than expected."""
    return backlog.work_left / (min(1.0, rate) or 1.0)
