"""Whether all is well, and if not, why: what `status` answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core import duration
from reconciler.core.commands import init_adopt
from reconciler.core.instants import to_the_minute, to_the_second
from reconciler.core.model import CountedWord, State
from reconciler.core.records import Run, SetAside, StoppedPlan
from reconciler.core.report import VERBS, BacklogLeft, Problem, RunKind
from reconciler.core.routine_backup import RoutineBackup
from reconciler.core.states import UNANSWERED
from reconciler.core.summary import CREATION_STOPPED, NEED_A_LOOK

SWEEP_AGE = timedelta(hours=48)
"""Sweeps are optional, but once there was one, one a night is expected."""
BACKUP_AGE = timedelta(hours=48)
"""The same of routine backups: one a day."""
FIRST_PASS_WITHIN = timedelta(hours=1)
"""A ledger older than this without any complete pass is probably on no timetable."""
LONGEST = {RunKind.SCHEDULED: timedelta(minutes=30), RunKind.SWEEP: timedelta(hours=2)}
"""A run that has not ended by then was probably killed; the systemd units end one by then, too."""

_STUCK = (State.DEAD, State.FAILED, State.REVIEW)
_SAFETY_STOP, _KEY_REFUSED, _MISTYPED, _ABOUT_RETURNS = 7, 6, 2, 3
_ON_A_TIMETABLE = (RunKind.SCHEDULED, RunKind.SWEEP)
_WELL = (0, 10)
_THROUGH = (0, 3, 10)
"""The pass itself came to its end; 3 is about returns, which have reasons of their own."""
_RUNS_TOLD = 10
_ROWS_NAMED = 5


class Stopped(Struct, frozen=True):
    """A plan that a guard stopped and nobody has accepted yet."""

    digest: str
    since: datetime
    changes: dict[str, int]
    """How many of each kind."""

    @classmethod
    def of(cls, plan: StoppedPlan) -> Stopped:
        """The plan without its members."""
        return cls(plan.digest, plan.since, Counter(one.change for one in plan.members))


class Settled(Struct, frozen=True):
    """How what a run was stopped for was settled since."""

    run: int
    accepted: int = 0
    """Returns of its plan that were accepted as they were, or pushed."""
    decided: int = 0
    """That someone decided about."""
    moved_on: int = 0
    """Of which something else is wanted by now, or nothing any more."""
    opened_creation: bool = False
    """Whether a decision let creates be sent again."""

    def how(self) -> str:
        """In words: `2 returns accepted, 1 decided about`."""
        if self.opened_creation:
            return "creates are sent again since a decision about the return that caused it"
        each = (
            (self.accepted, "accepted"),
            (self.decided, "decided about"),
            (self.moved_on, "changed since, or no longer to be done"),
        )
        parts = [f"{count} {what}" for count, what in each if count]
        return f"of its returns {', '.join(parts)}" if parts else "nothing of its plan is left"


class Facts(Struct, frozen=True, kw_only=True):
    """What the ledger says about itself."""

    now: datetime
    go_live: datetime
    watermark: datetime
    created_at: datetime | None = None
    """When the ledger was made."""
    adopting_since: datetime | None = None
    """Since when `init --adopt` looks, while it has not looked everywhere."""
    creation_stopped: str | None = None
    creation_stopped_by: str | None = None
    """The return about which someone has to decide then."""
    states: dict[str, int] = {}
    overdue: int = 0
    """Open entries with something to do for longer than `policy.patience`."""
    malformed: int = 0
    unknown_words: tuple[CountedWord, ...] = ()
    """Words of Loop that neither this version nor a setting knows: shown, but not a reason."""
    last_complete_pass: datetime | None = None
    last_complete_sweep: datetime | None = None
    oldest_problem: Problem | None = None
    stopped: Stopped | None = None
    runs: tuple[Run, ...] = ()
    """The last runs, newest first, with at least the last two passes and the last two sweeps."""
    set_aside: tuple[SetAside, ...] = ()
    """The malformed rows, the oldest first."""
    jetti_refused: int | None = None
    """The id of the last sweep, if Jetti refused the key and no run after it wrote anything."""
    settled_stop: int | None = None
    """The id of the run that was stopped last, if nothing of its plan is stopped any more."""
    settled: tuple[Settled, ...] = ()
    """Of the last runs that were stopped, those whose stop is settled, and how."""
    backlog: BacklogLeft | None = None
    """What passes have still to do; None while creation is stopped."""
    backup: RoutineBackup | None = None
    """How the daily backup last went; None where none was ever made."""
    backup_unknown: str | None = None
    """Why that is not known, where something keeps it from being read."""
    killed: int | None = None
    """The id of a run without an end while nothing holds the lock; None if that was not checked."""


class Reason(Struct, frozen=True):
    """Why it is not well."""

    cause: str
    """The same for as long as it is the same trouble, in whatever numbers: by it `core.alarms`
    knows what it has reported."""
    text: str
    run: Run | None = None
    """The run that it is about."""


RETURNS, ROWS, PASS_AGE = "returns", "rows", "pass age"
"""The causes that alarms speak of return by return and row by row, and the one that is not looked
at without a `max_age`."""
BACKUP = "backup"
"""That of daily backups, whether they fail, have stopped or are not known."""


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
    """Judge the facts by the rules of `status`.

    `patience` is `policy.patience`; without a `max_age` the last pass may be of any age.
    """
    reasons = tuple(why(facts, patience, max_age))
    # What to do next depends on those runs, however many others came after them.
    meant = {reason.run.id for reason in reasons if reason.run is not None}
    last = (run for place, run in enumerate(facts.runs) if place < _RUNS_TOLD or run.id in meant)
    texts = tuple(reason.text for reason in reasons)
    return Health(not reasons, texts, replace(facts, runs=tuple(last)))


def why(facts: Facts, patience: timedelta, max_age: timedelta | None) -> Iterator[Reason]:
    """The reasons of `assess`, with their causes."""
    yield from (Reason(RETURNS, text) for text in _about_returns(facts, patience))
    yield from (Reason(ROWS, text) for text in _about_rows(facts))
    yield from _about_ages(facts, max_age)
    yield from (Reason("clock", text) for text in _about_clocks(facts))
    yield from _about_runs(facts)
    yield from (Reason("creation", text) for text in _about_creation(facts))
    yield from (Reason("stopped plan", text) for text in _about_the_stopped(facts))
    yield from (Reason("adoption", text) for text in _about_adoption(facts))
    yield from (Reason(BACKUP, text) for text in _about_backups(facts))


def _about_returns(facts: Facts, patience: timedelta) -> Iterator[str]:
    for state in _STUCK:
        if count := facts.states.get(state):
            what = {State.REVIEW: "in review: someone must decide"}.get(state, state.value)
            yield f"{_returns(count)} {what}"
    if facts.overdue:
        limit = f" for {duration.format(patience)} or longer" if patience else ""
        yield f"{_returns(facts.overdue)} overdue: waiting{limit}"


def _about_rows(facts: Facts) -> Iterator[str]:
    if not facts.malformed:
        return
    known = [row.return_id for row in facts.set_aside[:_ROWS_NAMED] if row.return_id]
    more = ", …" if known and facts.malformed > len(known) else ""
    what = "Loop row is" if facts.malformed == 1 else "Loop rows are"
    named = f": return {', '.join(known)}{more}" if known else ""
    yield f"{facts.malformed} {what} not understood, at least in part{named}"


def _about_ages(facts: Facts, max_age: timedelta | None) -> Iterator[Reason]:
    ended = facts.last_complete_pass
    if ended is None:
        for text in _about_the_first_pass(facts, max_age):
            yield Reason(PASS_AGE, text)
    elif max_age is not None and facts.now - ended > max_age:
        yield Reason(
            PASS_AGE,
            f"the last complete pass ended {duration.approximate(facts.now - ended)} ago,"
            f" more than {duration.format(max_age)}",
        )
    swept = facts.last_complete_sweep
    if swept is not None and facts.now - swept > SWEEP_AGE:
        yield Reason(
            "sweep age",
            f"the last complete sweep ended {duration.approximate(facts.now - swept)} ago,"
            " more than 48h",
        )


def _about_the_first_pass(facts: Facts, max_age: timedelta | None) -> Iterator[str]:
    """A ledger that no pass uses looks as calm as one in which nothing happens."""
    age = facts.now - (facts.created_at or facts.now)
    last = next((run for run in facts.runs if run.kind == RunKind.SCHEDULED), None)
    # safeguard: missing-first-pass
    if age > FIRST_PASS_WITHIN:
        yield "no pass has ever completed" + (
            f"; the last one began at {to_the_minute(last.started_at)}"
            if last is not None
            else f", although the ledger was created {duration.approximate(age)} ago: is"
            " `reconciler run` scheduled?"
        )
    elif max_age is not None:
        yield "no pass has ever completed"


def _about_clocks(facts: Facts) -> Iterator[str]:
    """With a correct clock no time in the ledger is in the future. Reports the furthest one."""
    last = facts.runs[0] if facts.runs else None
    known = {
        "reading is complete up to": facts.watermark,
        "the last complete pass ended at": facts.last_complete_pass,
        "the last complete sweep ended at": facts.last_complete_sweep,
        "the last run began at": last and last.started_at,
        "the last run ended at": last and last.finished_at,
        "the ledger was created at": facts.created_at,
    }
    ahead = [(instant, what) for what, instant in known.items() if instant and instant > facts.now]
    # safeguard: time-ahead-of-now
    if ahead:
        furthest = max(instant for instant, _ in ahead)
        what = next(what for instant, what in ahead if instant == furthest)
        yield (
            f"{what} {to_the_second(furthest)}, which is"
            f" {duration.approximate(furthest - facts.now)} ahead of this machine's clock: the"
            " clock is wrong now, or was wrong then"
        )


def _about_runs(facts: Facts) -> Iterator[Reason]:
    """A bad end of the last scheduled pass is a reason until a better pass.

    So is one of the last sweep, but a later pass that came to its end makes up for it (the age of
    sweeps is watched as well). It does not where Jetti refused the key, unless it wrote something:
    a pass that finds nothing asks Jetti nothing. A sweep that was stopped for safety is made up for
    by a later pass that was stopped, too: what is stopped is stopped in every pass, and is a reason
    of its own. A run of any kind that was stopped for safety is a reason while it is the last that
    ended. One that ended with 3 is none once nothing needs a look any more.
    """
    for run in _ended_badly(facts):
        end = "no end" if run.finished_at is None else f"exit code {run.exit_code}"
        yield Reason(f"{run.kind} run with {end}", _end_of(run, facts), run)


def _ended_badly(facts: Facts) -> Iterable[Run]:
    """The runs of `_about_runs`, once each."""
    scheduled, sweep = _last(facts, RunKind.SCHEDULED), _last(facts, RunKind.SWEEP)
    shown: dict[int, Run] = {}
    # safeguard: last-pass-in-status
    if scheduled is not None and not _is_well(scheduled, facts):
        shown[scheduled.id] = scheduled
    is_bad = sweep is not None and not _is_well(sweep, facts)
    if sweep is not None and is_bad and not _is_made_up(sweep, scheduled, facts):
        shown[sweep.id] = sweep
    ended = stopped_run(facts)
    if ended is not None:
        shown[ended.id] = ended
    return shown.values()


def _is_well(run: Run, facts: Facts) -> bool:
    """Whether the end of this run is no reason, or none any more: what it found to look at may have
    been decided about since, and what is left has reasons of its own."""
    # safeguard: settled-returns-are-past
    if run.exit_code == _ABOUT_RETURNS and (run.message or "").startswith(NEED_A_LOOK):
        return not _something_needs_a_look(facts, run)
    return run.exit_code in _WELL


def _something_needs_a_look(facts: Facts, run: Run) -> bool:
    if facts.overdue or facts.malformed or any(map(facts.states.get, _STUCK)):
        return True
    # A write without an answer is a reason only as that of the pass that left it so.
    return bool(run.counts.get("unanswered")) and any(map(facts.states.get, UNANSWERED))


def last_stop(runs: Iterable[Run]) -> Run | None:
    """The last of these runs that ended, of any kind, if it was stopped for safety; `runs` are
    newest first. One that was mistyped is passed over: it has changed nothing about a stop."""
    # safeguard: mistyped-run-hides-no-stop
    ended = next((run for run in runs if run.finished_at and not _was_mistyped(run)), None)
    return ended if ended is not None and ended.exit_code == _SAFETY_STOP else None


def _was_mistyped(run: Run) -> bool:
    """Whether it named something that is not there; what a timetable starts, nobody types."""
    return run.exit_code == _MISTYPED and run.kind not in _ON_A_TIMETABLE


def stopped_run(facts: Facts) -> Run | None:
    """The same, if what it was stopped for is still so."""
    ended = last_stop(facts.runs)
    return ended if ended is not None and ended.id != facts.settled_stop else None


def stop_to_settle(facts: Facts) -> Run | None:
    """The run whose command goes on after a stop: it is a reason, what it was stopped for is still
    so, and after it only single runs ended, which have settled nothing but their own returns."""
    ended = next((run for run in facts.runs if run.finished_at and not _is_beside(run)), None)
    if ended is None or ended not in _ended_badly(facts) or settlement(ended, facts) is not None:
        return None
    return ended if ended.exit_code == _SAFETY_STOP else None


def _is_beside(run: Run) -> bool:
    is_single = run.kind == RunKind.SINGLE and run.exit_code != _SAFETY_STOP
    return is_single or _was_mistyped(run)


def stops_told_of(runs: Sequence[Run]) -> Iterator[Run]:
    """The runs that were stopped for safety and that `status` may report, once each; `runs` are
    newest first."""
    last = [last_stop(runs)]
    for kind in (RunKind.SCHEDULED, RunKind.SWEEP):
        last.append(next((run for run in runs if run.kind == kind and run.finished_at), None))
    stopped = (run for run in last if run is not None and run.exit_code == _SAFETY_STOP)
    yield from {run.id: run for run in stopped}.values()


def settlement(run: Run, facts: Facts) -> Settled | None:
    """How the stop of this run was settled, if it was."""
    return next((one for one in facts.settled if one.run == run.id), None)


def refused_run(facts: Facts) -> Run | None:
    """The last pass or sweep, if a key was refused in it."""
    last = [_last(facts, RunKind.SCHEDULED), _last(facts, RunKind.SWEEP)]
    return next((run for run in last if run is not None and run.exit_code == _KEY_REFUSED), None)


def killed_run(facts: Facts) -> Run | None:
    """The last run, if it certainly was killed: the next one goes on with what it left."""
    last = facts.runs[0] if facts.runs else None
    is_killed = last is not None and last.finished_at is None and was_killed(last, facts)
    return last if is_killed else None


def lacking_backup(facts: Facts) -> RoutineBackup | None:
    """How the daily backup last went, if one has to be made: the newest attempt failed, or the
    last one is too old. One from ahead of the clock is not: the next one corrects it."""
    last = facts.backup
    if last is None or last.failed_at is not None or last.made_at is None:
        return last
    return last if facts.now - last.made_at > BACKUP_AGE else None


def _is_made_up(sweep: Run, scheduled: Run | None, facts: Facts) -> bool:
    if scheduled is None or scheduled.id < sweep.id:
        return False
    # safeguard: idle-passes-prove-no-key
    if sweep.id == facts.jetti_refused:
        return False
    judged_anew = sweep.exit_code == scheduled.exit_code == _SAFETY_STOP
    return judged_anew or scheduled.exit_code in _THROUGH


def _last(facts: Facts, kind: RunKind) -> Run | None:
    """The last run of this kind that has ended or was killed; not one that may still go on."""
    ours = (run for run in facts.runs if run.kind == kind)
    return next((run for run in ours if run.finished_at is not None or _is_dead(run, facts)), None)


def _is_dead(run: Run, facts: Facts) -> bool:
    """Whether a run without an end is over, for certain or probably."""
    if was_killed(run, facts):
        return True
    return facts.now - run.started_at > LONGEST[RunKind(run.kind)]


def was_killed(run: Run, facts: Facts) -> bool:
    """Whether a run without an end is certainly over: a later one began, which needs the lock, or
    the lock is free."""
    return run.id < facts.runs[0].id or run.id == facts.killed


def _end_of(run: Run, facts: Facts) -> str:
    name = f"run {run.id} ({run.kind})"
    # safeguard: settled-stop-is-past
    if (settled := settlement(run, facts)) is not None:
        return (
            f"{name} was stopped for safety, which is settled: {settled.how()}; the next pass goes"
            " on, and with it this line is over"
        )
    if run.finished_at is None:
        fate = "it was killed" if was_killed(run, facts) else "it is still going, or was killed"
        return f"{name} began at {to_the_second(run.started_at)} and did not end: {fate}"
    how = f"ended with exit code {run.exit_code}"
    if run.exit_code == _SAFETY_STOP:
        how = "stopped for safety"
    return f"{name} {how}" + (f": {run.message}" if run.message else "")


def _about_creation(facts: Facts) -> Iterator[str]:
    """That creation is stopped, unless it is the reason of the last run already."""
    # safeguard: stopped-creation-is-unhealthy
    if facts.creation_stopped is not None and not any(
        run.exit_code == _SAFETY_STOP and run.message and facts.creation_stopped in run.message
        for run in (stopped_run(facts), _last(facts, RunKind.SCHEDULED))
        if run is not None
    ):
        yield f"{CREATION_STOPPED}: {facts.creation_stopped}"


def _about_adoption(facts: Facts) -> Iterator[str]:
    if facts.adopting_since is not None:
        yield (
            "not everything that Jetti already has was looked up: let"
            f" `{init_adopt(facts.go_live)}` finish, or run it again"
        )


def _about_backups(facts: Facts) -> Iterator[str]:
    if facts.backup_unknown is not None:
        yield f"how the daily backup went is not known: {facts.backup_unknown}"
    if (last := lacking_backup(facts)) is None:
        return
    if last.failed_at is not None:
        yield (
            f"the backup of {to_the_minute(last.failed_at)} failed: {last.problem}; once that is"
            f" settled, make one with `{last.command}`"
        )
    elif last.made_at is not None:
        yield (
            f"the last daily backup was made {duration.approximate(facts.now - last.made_at)} ago,"
            f" more than 48h: make one with `{last.command}`, and see why none comes each day"
        )


def _about_the_stopped(facts: Facts) -> Iterator[str]:
    if (plan := facts.stopped) is None:
        return
    what = ", ".join(
        f"{VERBS.get(kind, kind)} {count}" for kind, count in sorted(plan.changes.items())
    )
    yield (
        f"plan {plan.digest} is stopped since {to_the_minute(plan.since)} ({what}): look at it"
        f" with `reconciler run --dry-run`, then accept it with"
        f" `reconciler run --accept-plan {plan.digest}`"
    )


def _returns(count: int) -> str:
    return f"{count} return{'' if count == 1 else 's'}"
