"""What `status`, `list` and `show` ask the ledger. Reads only; a run may go on meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.clock import Clock
from reconciler.config import Settings
from reconciler.core import alarms, past_runs, remarks, words
from reconciler.core.alarms import Concern
from reconciler.core.estimate import left_now
from reconciler.core.health import (
    Facts,
    Health,
    Settled,
    Stopped,
    assess,
    last_stop,
    stops_told_of,
)
from reconciler.core.instants import to_the_second
from reconciler.core.listing import Filter, Listed, Listing, listed, listed_row
from reconciler.core.listing import listing as list_returns
from reconciler.core.live_order import LiveOrder
from reconciler.core.model import Entry, Purpose, State
from reconciler.core.past_runs import PastRuns
from reconciler.core.period.facts import Asked
from reconciler.core.period.report import PeriodReport
from reconciler.core.period.span import Span
from reconciler.core.period.summary import Both, summed
from reconciler.core.plan import FRESH_FOR, Change, CreationRules, after_go_live, creatable, decide
from reconciler.core.records import (
    JETTI_REFUSED,
    MALFORMED,
    Meta,
    PlanMember,
    Run,
    SetAside,
    StoppedPlan,
    Told,
    told_of_row,
)
from reconciler.core.report import BacklogLeft, ChangeKind, Failure, Problem, RunKind
from reconciler.core.return_detail import (
    Circumstances,
    Known,
    ReturnDetail,
    ReturnDetails,
    Turn,
    describe,
    describe_row,
)
from reconciler.core.states import OPEN
from reconciler.core.summary import CREATION_STOPPED
from reconciler.errors import (
    ConfigError,
    KeyRefused,
    LedgerError,
    SafetyStop,
    TargetUnavailable,
)
from reconciler.ledger import backup_outcome
from reconciler.ledger.location import path_of
from reconciler.ledger.lock import is_locked
from reconciler.ledger.opening import is_in_use, open_reader, open_scratch
from reconciler.ledger.pruning import KEPT
from reconciler.ledger.sql_ledger import SqlLedger

_RUNS = 10
_OF_EACH_KIND = 2  # the last one may still be running; then the one before it counts
_DECISIONS = 100


def health(settings: Settings, clock: Clock, max_age: timedelta | None) -> Health:
    """Whether all is well; `max_age` is how old the last complete pass may be.

    Raises ConfigError, LedgerMissing, LedgerError.
    """
    return assess(_checked(settings, clock), settings.policy.patience, max_age)


def _checked(settings: Settings, clock: Clock) -> Facts:
    """The facts, and whether the last run was killed."""
    facts = _read(settings, clock)
    last = facts.runs[0] if facts.runs else None
    # safeguard: killed-run-by-its-lock
    if last and last.finished_at is None and is_locked(path_of(settings.ledger)) is False:
        # Read again: it may have ended between the two looks.
        facts = replace(_read(settings, clock), killed=last.id)
    return facts


def _read(settings: Settings, clock: Clock) -> Facts:
    with open_reader(settings.ledger, clock) as ledger:
        facts = _facts(ledger, settings, clock)
    try:
        return replace(facts, backup=backup_outcome.read(path_of(settings.ledger)))
    except LedgerError as error:
        return replace(facts, backup_unknown=str(error))


def history(settings: Settings, clock: Clock, limit: int) -> PastRuns:
    """The last runs, newest first. Raises ConfigError, LedgerMissing, LedgerError."""
    runs, of_use = _past_runs(settings, clock, limit)
    locked = is_locked(path_of(settings.ledger))
    if runs and runs[0].finished_at is None and locked is False:
        # Read again: it may have ended between the two looks.
        runs, of_use = _past_runs(settings, clock, limit)
    return past_runs.told(runs, is_locked=locked, of_use=of_use)


def _past_runs(settings: Settings, clock: Clock, limit: int) -> tuple[list[Run], set[int]]:
    """The last runs, and which of their commands are still of use."""
    with open_reader(settings.ledger, clock) as ledger:
        runs = ledger.runs.last(limit)
        stopped, meta = ledger.plans.stopped(), ledger.meta.read()
        named = past_runs.newest_with_commands(runs)
        # safeguard: commands-of-use-only
        of_use = {run.id for run in named if _is_of_use(ledger, run, runs, stopped, meta)}
    return runs, of_use


def _is_of_use(
    ledger: SqlLedger, run: Run, runs: Sequence[Run], stopped: StoppedPlan | None, meta: Meta
) -> bool:
    """Whether following the command of this run would let anything go on that stands still now."""
    if stopped is not None and stopped.digest == run.digest:
        members: Collection[PlanMember] = stopped.members
    else:
        kept = ledger.plans.kept(run.digest) if run.digest is not None else None
        if kept is None:  # what it waits for is no acceptance
            return not meta.has_pushed and not past_runs.came_through_since(run, runs)
        members = () if _is_over(ledger, run, kept, stopped) else kept
    # Once creation is stopped, accepting creates lets none of them be sent.
    is_open = meta.creation_stopped is None
    return any(is_open or one.change != ChangeKind.CREATE for one in members)


def period(settings: Settings, clock: Clock, asked: Asked) -> PeriodReport:
    """What a period brought, beside the one before. Raises ConfigError, LedgerMissing,
    LedgerError."""
    span, before = asked.span, asked.span.before
    both = Span(before.start, span.until)
    with open_reader(settings.ledger, clock) as ledger:
        found = ledger.periods
        return summed(
            asked,
            found.ledger(both, clock.now()),
            Both(found.deeds(span), found.deeds(before)),
            found.returns(both),
            found.decisions(span, _DECISIONS),
            settings.policy.patience,
        )


def last_ended(settings: Settings, clock: Clock, kind: RunKind) -> Run | None:
    """The last run of this kind that ended. Raises ConfigError, LedgerMissing, LedgerError."""
    with open_reader(settings.ledger, clock) as ledger:
        runs = ledger.runs.last_of(kind, _OF_EACH_KIND)
    return next((run for run in runs if run.finished_at is not None), None)


class Concerns(Struct, frozen=True):
    """What is wrong, and what somebody was informed of it."""

    health: Health
    concerns: tuple[Concern, ...]
    told: list[Told]
    states: dict[str, str]
    """Of what was reported about returns and rows and is not wrong now, the state by key."""


def concerns(settings: Settings, clock: Clock, max_age: timedelta | None, channel: str) -> Concerns:
    """Everything that is wrong, one by one, and what was reported through this channel.

    Raises as `health` does.
    """
    facts, patience = _checked(settings, clock), settings.policy.patience
    with open_reader(settings.ledger, clock) as ledger:
        problems = ledger.entries.every_problem(facts.now - patience)
        rows = ledger.malformed.oldest()
        told = ledger.told.read(channel)
        about = {one.return_id or facts.creation_stopped_by for one in told}
        decided = ledger.decisions.last({id_ for id_ in about if id_ is not None})
        found = alarms.concerns(facts, patience, max_age, problems, rows, decided)
        states = _states(ledger, told, {one.key for one in found})
    return Concerns(assess(facts, patience, max_age), found, told, states)


def _states(ledger: SqlLedger, told: Sequence[Told], wrong: Collection[str]) -> dict[str, str]:
    gone = {one.key: one.return_id for one in told if one.key not in wrong}
    known = ledger.entries.versions([id_ for id_ in gone.values() if id_ is not None])
    states = {
        key: known[id_].state.value for key, id_ in gone.items() if id_ is not None and id_ in known
    }
    if any(id_ is None for id_ in gone.values()):
        ignored = {told_of_row(row.key) for row in ledger.malformed.ignored()}
        states |= dict.fromkeys(ignored.intersection(gone), State.IGNORED.value)
    return states


Look = Callable[[SqlLedger, Sequence[Entry], CreationRules], dict[str, LiveOrder]]
"""Looks these entries up in Jetti and describes what is there, by return id. The ledger is a copy
that is thrown away. Raises TargetUnavailable, KeyRefused, SafetyStop (another account),
Interrupted."""


def details(settings: Settings, clock: Clock, name: str, look: Look | None = None) -> ReturnDetails:
    """The return of that id, or all on that order; with `look` beside what Jetti holds now, as far
    as it can be read.

    Raises ConfigError when there is none; LedgerMissing, LedgerError, Interrupted.
    """
    is_beside_a_run = is_in_use(settings.ledger)
    # Matching may write to its ledger what Jetti shows of the account and of names.
    # safeguard: show-leaves-the-ledger-alone
    opened = open_reader if look is None else open_scratch
    with opened(settings.ledger, clock) as ledger:
        aside = {row.key: row for row in ledger.malformed.find(name)}
        rules = CreationRules(settings.policy, ledger.meta.read().go_live, asked_for=False)
        entries = ledger.entries.find(name)
        forgotten = ledger.forgotten.traces(name).forgotten_at
        if not entries and not aside:
            raise _unknown(name, forgotten)
        asked_at = clock.now() if look is not None and entries else None
        seen = _seen_in_jetti(ledger, entries, rules, look)
        found = []
        for entry in entries:
            of_it = aside.pop(entry.id, None) or _only(ledger.malformed.find(entry.id))
            known = _known(ledger, entry, rules, settings, seen.orders.get(entry.id), clock.now())
            found.append(_detail_of(ledger, entry, rules, of_it, clock.now(), known))
    return ReturnDetails(
        returns=tuple(found),
        not_understood=tuple(aside.values()),
        rows=tuple(describe_row(row) for row in aside.values()),
        asked_for=name,
        # Looked at on both sides: a run may begin or end meanwhile.
        is_beside_a_run=is_beside_a_run or is_in_use(settings.ledger),
        jetti_asked_at=asked_at,
        failures=seen.failures,
        exit_code=seen.exit_code,
    )


def _unknown(name: str, forgotten: datetime | None) -> ConfigError:
    if forgotten is not None:
        return ConfigError(
            f"{name}: was forgotten at {to_the_second(forgotten)} by `reconciler ledger forget`;"
            " nothing else is known of it",
        )
    return ConfigError(
        f"{name}: the ledger knows no return and no order of that name",
        "read it from Loop with `reconciler run --return ID` or `reconciler run --order NAME`",
    )


class _SeenInJetti(Struct, frozen=True):
    """What Jetti showed, and what kept it from being read."""

    orders: dict[str, LiveOrder] = {}
    failures: tuple[Failure, ...] = ()
    exit_code: int = 0


def _seen_in_jetti(
    ledger: SqlLedger, entries: Sequence[Entry], rules: CreationRules, look: Look | None
) -> _SeenInJetti:
    """Nothing that Jetti does keeps what the ledger knows from being shown."""
    if look is None or not entries:
        return _SeenInJetti()
    try:
        orders = look(ledger, entries, rules)
    except (TargetUnavailable, KeyRefused, SafetyStop) as error:
        # safeguard: ledger-is-shown-without-jetti
        return _SeenInJetti({}, (Failure(str(error), error.hint, error.command),), error.exit_code)
    reasons = dict.fromkeys(one.failure for one in orders.values() if one.failure is not None)
    failures = tuple(Failure(reason) for reason in reasons)
    return _SeenInJetti(orders, failures, TargetUnavailable.exit_code if failures else 0)


def _known(
    ledger: SqlLedger,
    entry: Entry,
    rules: CreationRules,
    settings: Settings,
    live: LiveOrder | None,
    now: datetime,
) -> Known:
    meta = ledger.meta.read()
    began = max(entry.seen.created_at, meta.created_at or entry.seen.created_at)
    return Known(
        settle=settings.jetti.settle,
        watermark=meta.watermark,
        creation_stopped_by=meta.creation_stopped_by,
        is_only_too_old=_is_only_too_old(entry, rules),
        decisions=ledger.decisions.of(entry.id),
        unknown_words=tuple(_unknown_words(entry, settings)),
        live=live,
        is_history_whole=began > now - KEPT,
    )


def _only(rows: list[SetAside]) -> SetAside | None:
    return rows[0] if rows else None


def _facts(ledger: SqlLedger, settings: Settings, clock: Clock) -> Facts:
    now = clock.now()
    meta, overdue_before = ledger.meta.read(), now - settings.policy.patience
    runs = _runs(ledger)
    stopped, oldest = ledger.plans.stopped(), ledger.entries.oldest_problem(overdue_before)
    states = ledger.entries.counts_by_state()
    settled = tuple(_settled(ledger, runs, stopped, meta))
    ended = run.id if (run := last_stop(runs)) is not None else None
    return Facts(
        now=now,
        go_live=meta.go_live,
        watermark=meta.watermark,
        created_at=meta.created_at,
        adopting_since=meta.adopting_since,
        creation_stopped=meta.creation_stopped,
        creation_stopped_by=meta.creation_stopped_by,
        states={state.value: count for state, count in states.items()},
        overdue=ledger.entries.count_overdue(overdue_before),
        malformed=ledger.malformed.count(),
        unknown_words=words.unmapped(
            ledger.entries.unknown_words(), settings.mapping, settings.policy
        ),
        last_complete_pass=ledger.runs.last_complete(RunKind.SCHEDULED),
        last_complete_sweep=ledger.runs.last_complete(RunKind.SWEEP),
        stopped=Stopped.of(stopped) if stopped else None,
        oldest_problem=Problem.of(oldest) if oldest else None,
        runs=runs,
        jetti_refused=_jetti_refused(ledger, runs),
        settled_stop=next((one.run for one in settled if one.run == ended), None),
        settled=settled,
        # Once creation is stopped nobody can tell when the rest will be done.
        # safeguard: no-estimate-while-creation-is-stopped
        backlog=_backlog(ledger, runs, states, now) if meta.creation_stopped is None else None,
        set_aside=tuple(ledger.malformed.oldest()),
    )


def _backlog(
    ledger: SqlLedger, runs: Sequence[Run], states: Collection[State], now: datetime
) -> BacklogLeft:
    left = ledger.entries.count_left(now) if OPEN.intersection(states) else 0
    return left_now(runs, left, now)


def _jetti_refused(ledger: SqlLedger, runs: Sequence[Run]) -> int | None:
    """The id of the last sweep, if Jetti refused the key and no run has shown since that it is
    accepted."""
    swept = next((run for run in runs if run.kind == RunKind.SWEEP and run.finished_at), None)
    if swept is None or not swept.counts.get(JETTI_REFUSED):
        return None
    return None if any(map(_has_written, ledger.runs.after(swept.id))) else swept.id


def _has_written(run: Run) -> bool:
    return any(run.counts.get(what) for what in ("created", "updated", "cancelled", "adopted"))


def _settled(
    ledger: SqlLedger, runs: Sequence[Run], stopped: StoppedPlan | None, meta: Meta
) -> Iterator[Settled]:
    """Of the runs that were stopped, those of which nothing is stopped any more: someone decided,
    it was accepted by a run of another kind or by one that was killed, or it has changed since."""
    for run in stops_told_of(runs):
        if run.message is not None and run.message.startswith(CREATION_STOPPED):
            if meta.creation_stopped is None:
                yield Settled(run.id, opened_creation=True)
            continue
        members = ledger.plans.kept(run.digest) if run.digest is not None else None
        if members is None:
            continue  # no guard has stopped it, and accepting was not what it waited for
        # safeguard: accepted-stop-is-over
        if _is_over(ledger, run, members, stopped):
            yield _how_settled(ledger, run, members)


def _is_over(
    ledger: SqlLedger, run: Run, members: Sequence[PlanMember], stopped: StoppedPlan | None
) -> bool:
    """Whether nothing of the plan with which this run was stopped is stopped any more."""
    if run.kind in (RunKind.SCHEDULED, RunKind.SWEEP):
        return stopped is None or stopped.digest != run.digest
    return not ledger.plans.count_unaccepted(members, run.finished_at or run.started_at)


def _how_settled(ledger: SqlLedger, run: Run, members: Sequence[PlanMember]) -> Settled:
    since = run.finished_at or run.started_at
    decided = ledger.plans.decided_since(members, since)
    accepted = ledger.plans.accepted_of(members) - decided
    return Settled(run.id, len(accepted), len(decided), len(members) - len(accepted | decided))


def _runs(ledger: SqlLedger) -> tuple[Run, ...]:
    found = {past.id: past for past in ledger.runs.last(_RUNS)}
    for kind in (RunKind.SCHEDULED, RunKind.SWEEP):
        found |= {past.id: past for past in ledger.runs.last_of(kind, _OF_EACH_KIND)}
    return tuple(found[number] for number in sorted(found, reverse=True))


def _is_only_too_old(entry: Entry, rules: CreationRules) -> bool:
    if entry.wanted.purpose is not Purpose.EXIST or after_go_live(entry, rules):
        return False
    return bool(creatable(entry, replace(rules, asked_for=True)))


def _unknown_words(entry: Entry, settings: Settings) -> Iterator[str]:
    """What follows from each word of it that neither this version nor a setting knows."""
    found = words.count([(words.unknown_words(entry.seen), 1)])
    for word in words.unmapped(found, settings.mapping, settings.policy):
        yield f"{word.list} {word.word!r} is unknown: {words.advice(word)}"


def _detail_of(
    ledger: SqlLedger,
    entry: Entry,
    rules: CreationRules,
    not_understood: SetAside | None,
    now: datetime,
    known: Known,
) -> ReturnDetail:
    todo = decide(entry, rules)
    stopped = ledger.plans.stopped()
    is_stopped = stopped is not None and any(one.return_id == entry.id for one in stopped.members)
    return describe(
        entry,
        tuple(ledger.journal.writes_of(entry.id)),
        tuple(ledger.journal.attempts_of(entry.id)),
        remarks=remarks.about(entry, rules.policy.held_states),
        lacks=tuple(todo.fields) if isinstance(todo, Change) else (),
        not_understood=not_understood,
        stopped_with=stopped.digest if stopped is not None and is_stopped else None,
        creation_stopped=ledger.meta.read().creation_stopped,
        turn=_turn(ledger, entry, now) if entry.state is State.PENDING else None,
        known=known,
    )


def _turn(ledger: SqlLedger, entry: Entry, now: datetime) -> Turn:
    """Its place in a pass that would begin now."""
    fresh_since = now - FRESH_FOR
    before = ledger.entries.count_before(entry, now, fresh_since)
    return Turn(before, is_backlog=entry.seen.updated_at < fresh_since)


def listing(settings: Settings, clock: Clock, wanted: Filter) -> Listing:
    """The returns that are so, with the reason and with what happens next. Raises ConfigError,
    LedgerMissing, LedgerError."""
    with open_reader(settings.ledger, clock) as ledger:
        return list_returns(_listed(ledger, wanted), clock.now())


def _listed(ledger: SqlLedger, wanted: Filter) -> Iterator[Listed]:
    rows = ledger.malformed.oldest()
    not_understood = {row.return_id for row in rows}
    stopped, creation_stopped = ledger.plans.stopped(), ledger.meta.read().creation_stopped
    members = {one.return_id for one in stopped.members} if stopped else set()
    known: set[str | None] = set()
    states = [State(one) for one in wanted.states if one != MALFORMED]
    if states or not wanted.states:
        for entry in ledger.entries.matching(states, wanted.since, wanted.reason):
            known.add(entry.id)
            stopped_with = stopped.digest if stopped and entry.id in members else None
            yield listed(
                entry, Circumstances(entry.id in not_understood, stopped_with, creation_stopped)
            )
    if MALFORMED in wanted.states or not wanted.states:
        for row in rows:
            if not row.is_partial and row.return_id not in known and _meets(row, wanted):
                yield listed_row(row)


def _meets(row: SetAside, wanted: Filter) -> bool:
    is_recent = wanted.since is None or row.first_seen >= wanted.since
    return is_recent and wanted.reason.lower() in row.problem.lower()
