"""Ending a pass: how the ledger stands, the row of history, the report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct, structs

from reconciler.core import summary, words
from reconciler.core.matching.created import PROVEN_BY
from reconciler.core.model import CountedWord
from reconciler.core.plan import Change
from reconciler.core.records import Run, SetAside
from reconciler.core.report import (
    ChangeKind,
    Failure,
    OutcomeKind,
    Problem,
    Report,
    RunFacts,
    RunKind,
    Watermarks,
)
from reconciler.core.request import RunRequest
from reconciler.errors import LedgerError, ReconcilerError
from reconciler.ingest import ReadStatus
from reconciler.reconcile import Parts, Pass

_LISTED = 50  # problems named in a report; `status` counts them all


class Opening(Struct, frozen=True):
    """What was so when the pass began."""

    run: Run
    watermark: datetime | None
    """None without a ledger."""
    creation_stopped: str | None = None
    remarks: tuple[str, ...] = ()


class _Closing(Struct, frozen=True):
    standing: summary.LedgerTotals
    problems: tuple[Problem, ...]
    malformed: tuple[SetAside, ...]
    watermark: datetime | None
    has_pushed: bool = True
    unknown_words: tuple[CountedWord, ...] = ()
    proven_ids_key: str | None = None


def close(made: Pass, request: RunRequest, parts: Parts, opening: Opening) -> Report:
    """The report of a finished pass; its row of history is written too.

    A ledger that can no longer be used does not keep the report from being told.
    """
    failures = list(made.failures)
    finished_at = parts.clock.now()
    try:
        closing = _look(made, request, parts, opening, finished_at)
    except LedgerError as error:
        failures.append(error)
        closing = _Closing(summary.LedgerTotals(), (), (), opening.watermark)
    outcomes = (*made.outcomes, *made.skipped)
    read = parts.ingest.log
    counts = summary.count(
        summary.ReadTotals(
            len(read.ids), read.count(ReadStatus.NEW), read.count(ReadStatus.CHANGED)
        ),
        outcomes,
        closing.standing,
    )
    shows = request.dry_run and request.detailed_exitcode and bool(made.plan.changes)
    verdict = summary.exit_code(
        [error.status for error in failures], closing.standing, pending_shows=shows
    )
    try:
        parts.ledger.runs.finish(
            opening.run,
            at=finished_at,
            exit_code=verdict,
            counts=structs.asdict(counts),
            digest=made.digest if made.plan.changes else None,
            message=_message(verdict, failures, closing),
        )
    except LedgerError as error:
        if not any(isinstance(known, LedgerError) for known in failures):
            failures.append(error)
        verdict = error.status
    # What the exit code speaks of comes first.
    failures.sort(key=lambda error: error.status != verdict)
    return Report(
        run=RunFacts(
            id=None if request.dry_run else opening.run.id,
            kind=request.kind,
            dry_run=request.dry_run,
            started_at=opening.run.started_at,
            finished_at=finished_at,
            windows=tuple(made.windows),
            watermark=_watermarks(opening, closing),
            exit_code=verdict,
            digest=made.digest,
            message=_message(verdict, failures, closing),
            failures=tuple(Failure(str(error), error.hint, error.command) for error in failures),
            remarks=(
                *_remarks(opening, closing),
                *_unlooked(made, request, closing),
                *_unproven(made, parts, closing),
                *made.remarks,
                *_from_before(made, request, opening),
                *_budgeted(made, request),
                *_left(made, request, parts),
            ),
        ),
        counts=counts,
        requests=parts.requests(),
        changes=outcomes,
        problems=closing.problems,
        unknown_words=closing.unknown_words,
        malformed=closing.malformed,
    )


def _message(verdict: int, failures: Sequence[ReconcilerError], closing: _Closing) -> str | None:
    """The fact that the exit code rests on: what stopped the pass, else how the ledger stands."""
    stopped = (str(error) for error in failures if error.status == verdict)
    return next(stopped, None) or summary.sentence(verdict, closing.standing)


def _watermarks(opening: Opening, closing: _Closing) -> Watermarks:
    """A blank ledger has one that nobody set; it is not told."""
    if opening.watermark is None:
        return Watermarks()
    return Watermarks(opening.watermark, closing.watermark)


def _look(
    made: Pass, request: RunRequest, parts: Parts, opening: Opening, now: datetime
) -> _Closing:
    ledger, meta = parts.ledger, parts.ledger.meta.read()
    overdue_before = now - parts.rules.policy.patience
    if request.dry_run:
        # What this very look has found is not waiting yet, however short the patience.
        overdue_before = min(overdue_before, opening.run.started_at - timedelta.resolution)
    malformed = tuple(ledger.malformed.oldest())
    # safeguard: single-run-exit-code
    if request.kind is RunKind.SINGLE:
        ids = _asked_for(made, request, parts)
        found = ledger.entries.get(sorted(ids))
        named = ids | parts.ingest.log.malformed
        malformed = tuple(row for row in malformed if named & {row.key, row.return_id})
        standing = summary.standing_of(found, overdue_before, len(malformed), meta.creation_stopped)
        if opening.creation_stopped is None and meta.creation_stopped is not None:
            # One of these returns has stopped it.
            standing = structs.replace(standing, creation_stopped=meta.creation_stopped)
        problems = summary.problems_of(found, overdue_before)[:_LISTED]
    else:
        standing = summary.LedgerTotals(
            states=ledger.entries.counts_by_state(),
            overdue=ledger.entries.count_overdue(overdue_before),
            malformed=len(malformed),
            creation_stopped=meta.creation_stopped,
        )
        problems = ledger.entries.problems(overdue_before, _LISTED)
    return _Closing(
        standing,
        tuple(map(Problem.of, problems)),
        malformed,
        meta.watermark,
        meta.has_pushed,
        words.unmapped(ledger.entries.unknown_words(), parts.mapping, parts.rules.policy),
        proven_ids_key=meta.proven_ids_key,
    )


def _asked_for(made: Pass, request: RunRequest, parts: Parts) -> set[str]:
    """The returns that were read or named: of these alone such a run speaks."""
    planned = {change.return_id for change in made.plan.changes}
    return {*parts.ingest.log.ids, *request.return_ids, *planned}


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


def _from_before(made: Pass, request: RunRequest, opening: Opening) -> tuple[str, ...]:
    """What a range shows that the ledger which the report advises would leave to a person."""
    older = sum(change.before_go_live for change in _creates(made))
    if opening.watermark is not None or request.start is None or not older:
        return ()
    which = "1 of these was" if older == 1 else f"{older} of these were"
    return (
        f"{which} raised before this range: after `reconciler init --since` with its start, only"
        " a typed range creates such, and scheduled passes leave them alone",
    )


def _budgeted(made: Pass, request: RunRequest) -> tuple[str, ...]:
    """A plan is shown whole: which of it a budget would cut off depends on Jetti."""
    if not request.dry_run or request.max_writes is None or not made.plan.changes:
        return ()
    return (
        f"with --max-writes {request.max_writes} a run ends before the next return once so many"
        " writes were sent; what is left of this plan then stays pending",
    )


def _left(made: Pass, request: RunRequest, parts: Parts) -> tuple[str, ...]:
    """What a person asked for and is not done: who goes on with it."""
    if request.dry_run or not made.is_agreed:
        return ()
    left = sum(outcome.outcome is OutcomeKind.DEFERRED for outcome in made.outcomes)
    if not left:
        return ()
    which = "1 return is" if left == 1 else f"{left} returns are"
    return (f"{which} left; scheduled passes go on with the rest, behind fresh changes",)


def _unproven(made: Pass, parts: Parts, closing: _Closing) -> tuple[str, ...]:
    """What a create of a whole sale, however well it goes, leaves open."""
    if closing.proven_ids_key == parts.ids_key or not _creates(made):
        return ()
    return (
        "no create has proven jetti.cancel_ids_key yet, so they go one by one; "
        f"{PROVEN_BY} proves it",
    )


def _creates(made: Pass) -> list[Change]:
    return [change for change in made.plan.changes if change.kind is ChangeKind.CREATE]
