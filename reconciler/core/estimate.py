"""How long changes take at the rate that Jetti allows (jetti.md#rate-limit, #safe-pace), and how
long the backlog takes at the rate at which it was worked off so far."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil

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
_LITTLE = 60.0
"""Seconds of work: a few tries that are due again. A pass that left no more had no backlog."""
_PASSES = (RunKind.SCHEDULED, RunKind.SWEEP)
_OF_THE_WHOLE_LEDGER = (*_PASSES, RunKind.RANGE)
"""Kinds of runs that tell what is left of all returns."""


class Rates(Struct, frozen=True):
    """Requests per second that may be sent to Jetti."""

    reads: float
    writes: float

    def seconds(self, changes: Iterable[Change]) -> float:
        """Estimated seconds. Each vendor split, which only Jetti knows, adds about one more."""
        return sum(self.of(change).seconds for change in changes)

    def of(self, change: Change) -> Spent:
        """What one change is expected to take."""
        return self._of(_writes(change))

    def of_an_update(self) -> Spent:
        """What a change takes at least that writes anything."""
        return self._of(1)

    def _of(self, writes: int) -> Spent:
        reads = _READS if writes else _READS_TO_LOOK
        return Spent(writes, reads / self.reads + writes / self.writes)


def _writes(change: Change) -> int:
    """Writes of one change: the create and one PUT per item, or one PUT per object updated. None
    where most likely it is only looked for, again."""
    if change.kind is ChangeKind.ADOPT or change.waits:
        return 0
    written_to = max(1, change.fields.objects())
    return 1 + written_to if change.kind is ChangeKind.CREATE else written_to


class Worked(Struct, frozen=True):
    """How a pass got on with its plan. Work is measured in the seconds that it takes at the rate
    Jetti allows (`Rates`)."""

    left: int = 0
    """Changes that were not begun, or came to nothing."""
    work_left: float = 0.0
    """Of these."""
    work_done: float = 0.0
    """On what earlier passes had left."""
    each: float = 0.0
    """Of a return that is left besides these: taken over, and to be updated."""


class Backlog(Struct, frozen=True):
    """What a pass left for later ones, and the work that it has done of what earlier ones left."""

    left: int = 0
    """Returns, by the ledger."""
    work_left: float = 0.0
    work_done: float = 0.0


def backlog_of(worked: Worked, left: int) -> Backlog:
    """The backlog of `left` returns, by the ledger: those of the plan, as far as they are still to
    be done now, and others, of which each takes as long as one of those."""
    planned = min(left, worked.left)
    mean = worked.work_left / worked.left if worked.left else 0.0
    others = (left - planned) * max(mean, worked.each)
    return Backlog(left, planned * mean + others, worked.work_done)


class PastPass(Struct, frozen=True):
    """A scheduled pass or sweep, as far as the estimate rests on it."""

    started_at: datetime
    seconds: float = 0.0
    """How long it went on; 0 where it was killed."""
    work_left: float | None = None
    """None where it did not come to know."""
    work_done: float = 0.0


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
        PastPass(
            run.started_at,
            (run.finished_at - run.started_at).total_seconds() if run.finished_at else 0.0,
            run.counts.get("work_left"),
            run.counts.get("work_done", 0),
        )
        for run in runs
        if run.kind in _PASSES
    ]


def left_now(runs: Iterable[Run], left: int, now: datetime) -> BacklogLeft:
    """What is left now, by the ledger. The last estimate goes with it in the same proportion, but
    none that is older than a day: passes have not come since. `runs` are newest first."""
    for run in runs:
        if run.kind in _OF_THE_WHOLE_LEDGER and run.finished_at and "left" in run.counts:
            counts, age = run.counts, now - run.finished_at
            # safeguard: estimate-fits-what-is-left
            if counts["left"] and age <= LOOKED_BACK:
                seconds = round(counts["seconds_left"] * left / counts["left"])
                return BacklogLeft(now, left, seconds, bool(counts["is_measured"]))
            break
    return BacklogLeft(now, left, None if left else 0, is_measured=False)


def estimated(backlog: Backlog, this: PastPass, past: Iterable[PastPass]) -> Estimate:
    """When the backlog will be done: its work, at the rate of the last day. That rate holds all
    that slows it down: fresh changes, pauses between passes, latency, 429s and outages.

    `this` is the pass that has just ended; `past` are those before it, newest first. It is taken
    to last until the next one as long as passes usually do: without one before it nobody knows yet
    how often they come.
    """
    counted, periods = _counted(this, past)
    if not counted:
        # Not at the rate of this pass: what it took to begin with does not come again.
        # safeguard: least-is-the-least
        return Estimate(backlog.work_left, is_measured=False)
    usual = sorted(periods)[(len(periods) - 1) // 2]
    # safeguard: whole-periods-are-measured
    periods = [max(usual, this.seconds), *periods]
    mean = (sum(one.work_done for one in counted) + backlog.work_done) / len(periods)
    # No faster than possible: where it seems so, there was less to do than expected.
    period = max(sum(periods) / len(periods), mean)
    active = max((sum(one.seconds for one in counted) + this.seconds) / len(periods), mean)
    # The next pass comes after a pause, and the last one is over before its period is.
    whole = max(0, ceil(backlog.work_left / mean) - 1)
    part = backlog.work_left / mean - whole
    pause = max(0.0, periods[0] - this.seconds)
    return Estimate(pause + whole * period + part * active, is_measured=True)


def _counted(this: PastPass, past: Iterable[PastPass]) -> tuple[list[PastPass], list[float]]:
    """The passes before this one that had the same backlog, newest first, and the seconds from the
    begin of each to the begin of the next."""
    counted: list[PastPass] = []
    periods: list[float] = []
    following = this.started_at
    for one in past:
        had_none = one.work_left is not None and one.work_left <= _LITTLE
        is_old = one.started_at < this.started_at - LOOKED_BACK
        # Also where the clock was set back.
        if had_none or is_old or one.started_at >= following:
            break
        counted.append(one)
        periods.append((following - one.started_at).total_seconds())
        following = one.started_at
    while counted and not counted[-1].work_done:
        counted.pop()  # it may only have read what is the backlog now
    return counted, periods[: len(counted)]
