"""Whether all is well, and if not, why: what `status` answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core import duration
from reconciler.core.model import CountedWord, State
from reconciler.core.report import Problem, RunKind

SWEEP_AGE = timedelta(hours=48)
"""Once sweeps are made at all, one a night is expected."""

_STUCK = (State.DEAD, State.FAILED, State.REVIEW)
_SAFETY_STOP = 7
_RUNS_TOLD = 10


class LastRun(Struct, frozen=True):
    """A run as history shows it."""

    id: int
    kind: str
    started_at: datetime
    finished_at: datetime | None = None
    """None while it goes on, and for ever when it was killed."""
    exit_code: int | None = None
    counts: dict[str, int] = {}
    message: str | None = None


class SetAside(Struct, frozen=True):
    """A row of Loop's that could not be understood."""

    key: str
    problem: str
    since: datetime


class Stopped(Struct, frozen=True):
    """A plan that a guard stopped and nobody has let through."""

    digest: str
    since: datetime
    changes: dict[str, int]
    """How many of each kind."""


class Facts(Struct, frozen=True, kw_only=True):
    """What the ledger says about itself."""

    now: datetime
    go_live: datetime
    watermark: datetime
    creation_stopped: str | None = None
    states: dict[str, int] = {}
    overdue: int = 0
    """Open entries with something to do for longer than `policy.patience`."""
    malformed: int = 0
    unknown_words: tuple[CountedWord, ...] = ()
    """Words in Loop that neither this version nor a setting knows: no reason, but to be told."""
    last_complete_pass: datetime | None = None
    last_complete_sweep: datetime | None = None
    oldest_problem: Problem | None = None
    stopped: Stopped | None = None
    runs: tuple[LastRun, ...] = ()
    """The last ones, newest first."""
    set_aside: tuple[SetAside, ...] = ()
    """The oldest malformed rows."""


class Health(Struct, frozen=True):
    """The verdict and what it rests on."""

    healthy: bool
    reasons: tuple[str, ...]
    """Why it is not; empty when it is."""
    facts: Facts

    @property
    def exit_code(self) -> int:
        """0 healthy, 3 not."""
        return 0 if self.healthy else 3


def assess(facts: Facts, patience: timedelta, max_age: timedelta | None) -> Health:
    """Judge the facts by the rules of `status`; `max_age` None asks nothing of the last pass."""
    reasons = (
        *_about_returns(facts, patience),
        *_about_ages(facts, max_age),
        *_about_stops(facts),
        *_about_the_stopped(facts),
    )
    return Health(not reasons, reasons, replace(facts, runs=facts.runs[:_RUNS_TOLD]))


def _about_returns(facts: Facts, patience: timedelta) -> Iterator[str]:
    for state in _STUCK:
        if count := facts.states.get(state):
            what = {State.REVIEW: "in review: a person must decide"}.get(state, state.value)
            yield f"{_returns(count)} {what}"
    if facts.overdue:
        yield f"{_returns(facts.overdue)} overdue: waiting longer than {duration.write(patience)}"


def _about_ages(facts: Facts, max_age: timedelta | None) -> Iterator[str]:
    ended = facts.last_complete_pass
    if max_age is not None and ended is None:
        yield "no pass was ever complete"
    if max_age is not None and ended is not None and facts.now - ended > max_age:
        yield (
            f"the last complete pass ended {duration.approximate(facts.now - ended)} ago,"
            f" more than {duration.write(max_age)}"
        )
    swept = facts.last_complete_sweep
    if swept is not None and facts.now - swept > SWEEP_AGE:
        yield (
            f"the last complete sweep ended {duration.approximate(facts.now - swept)} ago,"
            " more than 48h"
        )


def _about_stops(facts: Facts) -> Iterator[str]:
    """A pass and a sweep each answer for themselves: one that goes well does not undo the
    other's stop. So does the last run of all, whatever its kind."""
    finished = [run for run in facts.runs if run.finished_at is not None]
    last = {run.kind: run for run in reversed(finished)}
    counting = {
        run.id: run for kind in (RunKind.SCHEDULED, RunKind.SWEEP) if (run := last.get(kind))
    }
    if finished:
        counting[finished[0].id] = finished[0]
    for run in counting.values():
        if run.exit_code == _SAFETY_STOP:
            why = f": {run.message}" if run.message else ""
            yield f"run {run.id} ({run.kind}) stopped for safety{why}"


def _about_the_stopped(facts: Facts) -> Iterator[str]:
    if (plan := facts.stopped) is None:
        return
    what = ", ".join(f"{kind} {count}" for kind, count in sorted(plan.changes.items()))
    yield (
        f"plan {plan.digest} is stopped since {plan.since:%Y-%m-%d %H:%M}Z ({what}): look at it"
        f" with `reconciler run --dry-run`, then let it through with"
        f" `reconciler run --accept-plan {plan.digest}`"
    )


def _returns(count: int) -> str:
    return f"{count} return{'' if count == 1 else 's'}"
