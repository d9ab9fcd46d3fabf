"""Finishing a pass: its row of history and its report, from its result and the ledger."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct, structs

from reconciler.clock import Clock
from reconciler.core import estimate, summary, words
from reconciler.core.estimate import Backlog, Estimate, PastPass
from reconciler.core.model import State
from reconciler.core.next_command import next_command
from reconciler.core.pass_result import LedgerState, PassResult, PassStart
from reconciler.core.ports import Ledger
from reconciler.core.records import JETTI_REFUSED
from reconciler.core.report import (
    BacklogLeft,
    Changes,
    Failure,
    Problem,
    Report,
    RunFacts,
    RunKind,
    Watermarks,
)
from reconciler.core.run_remarks import run_remarks
from reconciler.core.settings import Mapping, Policy
from reconciler.core.states import OPEN
from reconciler.errors import KeyRefused, LedgerError, ReconcilerError

_MOST_PROBLEMS = 50  # listed in a report; `status` counts them all


class ReportSettings(Struct, frozen=True):
    """The settings on which a report depends."""

    policy: Policy
    mapping: Mapping
    ids_key: str
    """`jetti.cancel_ids_key`, which a create has to prove."""


def finish(result: PassResult, ledger: Ledger, clock: Clock, settings: ReportSettings) -> Report:
    """The report of a pass; its row of history is written too.

    Never raises LedgerError: a ledger that can no longer be used is a failure in the report.
    """
    request, start = result.request, result.start
    failures = list(result.failures)
    finished_at = clock.now()
    backlog, to_keep = None, _refused(request.kind, failures)
    try:
        state = _state_of(ledger, result, settings, finished_at)
        # Once creation is stopped nobody can tell when the rest will be done.
        if result.worked is not None and state.totals.creation_stopped is None:
            left = _left(ledger, result, state.totals.states, finished_at)
            known = estimate.backlog_of(result.worked, left)
            told = _estimated(ledger, known, start, finished_at)
            backlog = BacklogLeft(finished_at, left, round(told.seconds), told.is_measured)
            if request.kind is not RunKind.SINGLE:
                to_keep |= estimate.kept(known, told)
    except LedgerError as error:
        failures.append(error)
        state = LedgerState(summary.LedgerTotals(), (), (), start.watermark)
    changes = Changes(result.outcomes, result.skipped)
    counts = summary.count(result.read, changes, state.totals)
    exit_code = summary.exit_code(
        [error.status for error in failures],
        state.totals,
        pending_shows=request.detailed_exitcode and bool(result.plan.changes),
    )
    try:
        ledger.runs.finish(
            start.run,
            at=finished_at,
            exit_code=exit_code,
            counts=structs.asdict(counts) | to_keep,
            digest=result.digest if result.plan.changes else None,
            message=_message(exit_code, failures, state),
            command=_command(exit_code, failures),
        )
    except LedgerError as error:
        if not any(isinstance(known, LedgerError) for known in failures):
            failures.append(error)
        exit_code = error.status
    # What the exit code speaks of comes first.
    failures.sort(key=lambda error: error.status != exit_code)
    report = Report(
        run=RunFacts(
            # A dry run leaves no row: its ledger is a copy.
            id=None if request.dry_run else start.run.id,
            kind=request.kind,
            dry_run=request.dry_run,
            started_at=start.run.started_at,
            finished_at=finished_at,
            windows=result.windows,
            watermark=_watermarks(result, state),
            exit_code=exit_code,
            digest=result.digest,
            ended_early=result.ended_early,
            accepted_by=result.accepted_by,
            message=_message(exit_code, failures, state),
            would_go_live=start.would_go_live,
            failures=tuple(Failure(str(error), error.hint, error.command) for error in failures),
            remarks=run_remarks(result, state, settings.ids_key),
        ),
        counts=counts,
        requests=result.requests,
        changes=changes,
        problems=state.problems,
        problems_left_out=state.problems_left_out,
        unknown_words=state.unknown_words,
        malformed=state.malformed,
        backlog=backlog,
        sums=summary.sums(result.outcomes, result.seconds_at_pace),
    )
    return structs.replace(report, next=next_command(report, request, state.creation_stopped_by))


def _refused(kind: RunKind, failures: Sequence[ReconcilerError]) -> dict[str, int]:
    """What a sweep keeps of a key that Jetti refused: the passes after it may ask Jetti nothing."""
    refused = (error.service for error in failures if isinstance(error, KeyRefused))
    return {JETTI_REFUSED: 1} if kind is RunKind.SWEEP and "Jetti" in refused else {}


def _left(ledger: Ledger, result: PassResult, states: Collection[State], now: datetime) -> int:
    """The returns that later passes go on with: of single ones, among these. Raises LedgerError."""
    if not OPEN.intersection(states):
        return 0  # as after most passes, without asking once more
    among = _ids_of(result) if result.request.kind is RunKind.SINGLE else None
    return ledger.entries.count_left(now, among=among)


def _estimated(ledger: Ledger, backlog: Backlog, start: PassStart, now: datetime) -> Estimate:
    """Raises LedgerError."""
    began = start.run.started_at
    runs = ledger.runs.begun_since(began - estimate.LOOKED_BACK) if backlog.left else ()
    past = estimate.past_passes(run for run in runs if run.id != start.run.id)
    this = PastPass(began, (now - began).total_seconds())
    return estimate.estimated(backlog, this, past)


def _message(exit_code: int, failures: Sequence[ReconcilerError], state: LedgerState) -> str | None:
    """The fact that the exit code rests on: what ended the pass, else the state of the ledger."""
    messages = (str(error) for error in failures if error.status == exit_code)
    return next(messages, None) or summary.sentence(exit_code, state.totals)


def _command(exit_code: int, failures: Sequence[ReconcilerError]) -> str | None:
    """The command that goes on after what the exit code rests on."""
    ended_by = (error for error in failures if error.status == exit_code)
    return next((error.command for error in ended_by), None)


def _watermarks(result: PassResult, state: LedgerState) -> Watermarks:
    """None without a ledger: the one of a blank ledger was set by nobody."""
    if result.start.watermark is None:
        return Watermarks()
    return Watermarks(result.start.watermark, state.watermark)


def _state_of(
    ledger: Ledger, result: PassResult, settings: ReportSettings, now: datetime
) -> LedgerState:
    """Raises LedgerError."""
    meta = ledger.meta.read()
    overdue_before = now - settings.policy.patience
    if result.request.dry_run:
        # What this dry run found is not waiting yet, however short the patience: no run has
        # tried it.
        overdue_before = min(overdue_before, result.start.run.started_at - timedelta.resolution)
    malformed = tuple(ledger.malformed.oldest())
    is_calm = partial(_is_calm, result.start)
    # safeguard: single-run-exit-code
    if result.request.kind is RunKind.SINGLE:
        ids = _ids_of(result)
        known = ledger.entries.get(sorted(ids))
        found = [one for one in known if not is_calm(one.state)]
        ignored = tuple(one.id for one in known if one.state is State.IGNORED)
        named = ids.union(result.malformed_keys)
        malformed = tuple(row for row in malformed if named & {row.key, row.return_id})
        totals = summary.totals_of(found, overdue_before, len(malformed), meta.creation_stopped)
        if result.start.creation_stopped is None and meta.creation_stopped is not None:
            # One of these returns has stopped it.
            totals = structs.replace(totals, creation_stopped=meta.creation_stopped)
        problems = summary.problems_of(found, overdue_before)
        number = len(problems)
        del problems[_MOST_PROBLEMS:]
    else:
        ignored = ()
        totals = summary.LedgerTotals(
            states={
                state: count
                for state, count in ledger.entries.counts_by_state().items()
                if not is_calm(state)
            },
            overdue=ledger.entries.count_overdue(overdue_before),
            malformed=len(malformed),
            creation_stopped=meta.creation_stopped,
        )
        worst = ledger.entries.problems(overdue_before, _MOST_PROBLEMS)
        problems = [one for one in worst if not is_calm(one.state)]
        number = len(problems)
        if len(worst) == _MOST_PROBLEMS:
            calm = frozenset(filter(is_calm, State))
            number = ledger.entries.count_problems(overdue_before, besides=calm)
    if totals.creation_stopped is not None:
        # Nothing else that is wrong can be settled before it.
        problems.sort(key=lambda one: one.id != meta.creation_stopped_by)
    return LedgerState(
        totals,
        tuple(map(Problem.of, problems)),
        malformed,
        meta.watermark,
        meta.has_pushed,
        words.unmapped(ledger.entries.unknown_words(), settings.mapping, settings.policy),
        problems_left_out=number - len(problems),
        proven_ids_key=meta.proven_ids_key,
        creation_stopped_by=(
            meta.creation_stopped_by if totals.creation_stopped is not None else None
        ),
        ignored=ignored,
    )


def _is_calm(start: PassStart, state: State) -> bool:
    """Whether an entry in this state is being written by a run beside this dry run."""
    # safeguard: what-a-run-has-in-flight-is-no-problem
    return start.is_beside_a_run and state is State.IN_FLIGHT


def _ids_of(result: PassResult) -> set[str]:
    """The returns that were read, named or planned: a run for single returns speaks of no other."""
    planned = {change.return_id for change in result.plan.changes}
    return {*result.read_ids, *result.request.return_ids, *planned}
