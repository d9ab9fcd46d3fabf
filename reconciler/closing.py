"""Ending a pass: how the ledger stands, the row of history, the report."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct, structs

from reconciler.core import tally
from reconciler.core.created import PROVEN_BY
from reconciler.core.model import Entry
from reconciler.core.ports import Ledger, RunSummary
from reconciler.core.report import (
    ChangeKind,
    Failure,
    JettiRequests,
    LoopRequests,
    Problem,
    Report,
    Requests,
    RunFacts,
    Watermarks,
)
from reconciler.core.request import RunRequest
from reconciler.errors import Interrupted, LedgerError, ReconcilerError
from reconciler.intake import News
from reconciler.reconcile import Parts, Pass

_LISTED = 50  # problems named in a report; `status` counts them all


class Opening(Struct, frozen=True):
    """What was so when the pass began."""

    run_id: int
    started_at: datetime
    watermark: datetime | None
    """None without a ledger."""
    remarks: tuple[str, ...] = ()


class _Closing(Struct, frozen=True):
    standing: tally.Standing
    problems: tuple[Problem, ...]
    watermark: datetime | None
    has_pushed: bool = True
    proven_ids_key: str | None = None


def close(
    made: Pass, request: RunRequest, parts: Parts, opening: Opening, requests: dict[str, int]
) -> Report:
    """The report of a finished pass; its row of history is written too.

    A ledger that can no longer be used does not keep the report from being told.
    """
    failures = list(made.failures)
    finished_at = parts.clock.now()
    try:
        closing = _look(parts.ledger, finished_at, parts.terms.policy.patience)
    except LedgerError as error:
        failures.append(error)
        closing = _Closing(tally.Standing(), (), opening.watermark)
    outcomes = (*made.outcomes, *made.skipped)
    read = parts.intake.tally
    counts = tally.count(
        tally.Read(len(read.ids), read.count(News.NEW), read.count(News.CHANGED)),
        outcomes,
        closing.standing,
    )
    shows = request.dry_run and request.detailed_exitcode and bool(made.plan.changes)
    verdict = tally.exit_code(
        [_code(error) for error in failures], closing.standing, pending_shows=shows
    )
    summary = RunSummary(
        kind=request.kind,
        started_at=opening.started_at,
        finished_at=finished_at,
        exit_code=verdict,
        counts=structs.asdict(counts),
        digest=made.plan.digest if made.plan.changes else None,
        message=str(failures[0]) if failures else None,
    )
    try:
        parts.ledger.finish_run(opening.run_id, summary)
    except LedgerError as error:
        if not any(isinstance(known, LedgerError) for known in failures):
            failures.append(error)
        verdict = _code(error)
    return Report(
        run=RunFacts(
            id=None if request.dry_run else opening.run_id,
            kind=request.kind,
            dry_run=request.dry_run,
            started_at=opening.started_at,
            finished_at=finished_at,
            windows=tuple(made.windows),
            watermark=_watermarks(opening, closing),
            exit_code=verdict,
            digest=made.plan.digest,
            failures=tuple(Failure(str(error), error.hint) for error in failures),
            remarks=(
                *_remarks(opening, closing),
                *_unlooked(made, request, closing),
                *_unproven(made, parts, closing),
            ),
        ),
        counts=counts,
        requests=Requests(
            loop=LoopRequests(get=requests.get("loop", 0)),
            jetti=JettiRequests(
                get=requests.get("jetti get", 0), write=requests.get("jetti write", 0)
            ),
        ),
        changes=outcomes,
        problems=closing.problems,
    )


def _watermarks(opening: Opening, closing: _Closing) -> Watermarks:
    """A blank ledger has one that nobody set; it is not told."""
    if opening.watermark is None:
        return Watermarks()
    return Watermarks(opening.watermark, closing.watermark)


def _look(ledger: Ledger, now: datetime, patience: timedelta) -> _Closing:
    meta, overdue_before = ledger.meta(), now - patience
    standing = tally.Standing(
        states=ledger.counts_by_state(),
        overdue=ledger.count_overdue(overdue_before),
        malformed=ledger.count_malformed(),
        creation_stopped=meta.creation_stopped,
    )
    problems = tuple(_problem(entry) for entry in ledger.problems(overdue_before, _LISTED))
    return _Closing(standing, problems, meta.watermark, meta.has_pushed, meta.proven_ids_key)


def _problem(entry: Entry) -> Problem:
    return Problem(
        return_id=entry.id,
        order_name=entry.seen.order_name,
        state=entry.state.value,
        since=entry.due_since or entry.changed_at,
        reason=entry.reason,
    )


def _remarks(opening: Opening, closing: _Closing) -> tuple[str, ...]:
    stopped = closing.standing.creation_stopped
    if stopped is None:
        return opening.remarks
    return (*opening.remarks, f"nothing is created until a person has looked: {stopped}")


def _unlooked(made: Pass, request: RunRequest, closing: _Closing) -> tuple[str, ...]:
    """What a dry run by the ledger alone cannot know of a ledger that never pushed anything."""
    if closing.has_pushed or request.reaches_jetti or not _creates(made):
        return ()
    return ("whether Jetti already has any of these was not looked at; --against-jetti does",)


def _unproven(made: Pass, parts: Parts, closing: _Closing) -> tuple[str, ...]:
    """What a create of a whole sale, however well it goes, leaves open."""
    if closing.proven_ids_key == parts.ids_key or not _creates(made):
        return ()
    return (
        "no create has proven jetti.cancel_ids_key yet, so they go one by one; "
        f"{PROVEN_BY} proves it",
    )


def _creates(made: Pass) -> bool:
    return any(change.kind is ChangeKind.CREATE for change in made.plan.changes)


def _code(error: ReconcilerError) -> int:
    return error.status if isinstance(error, Interrupted) else error.exit_code
