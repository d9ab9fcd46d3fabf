"""The runs that a ledger remembers, as `history` tells them."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from reconciler.core.records import Run


class PastRun(Struct, frozen=True):
    """A run and how it ended."""

    id: int
    kind: str
    started_at: datetime
    finished_at: datetime | None
    fate: str
    """`ended`, `killed`, or `going on`, which may also mean that it was killed just now."""
    exit_code: int | None
    counts: dict[str, int]
    """As `core.records.Run` has them."""
    message: str | None
    """Why it ended with that code, if that is not 0 or 10."""
    command: str | None
    """What to type to go on, if that is one command."""
    accepted_by: str | None = None
    """The user who let a part of its plan past the guards with --accept-plan."""


class PastRuns(Struct, frozen=True):
    """Newest first. Of several passes in a row that found nothing only the last is there."""

    runs: tuple[PastRun, ...]


def told(runs: list[Run], *, is_locked: bool | None) -> PastRuns:
    """The runs, which are newest first. `is_locked`: whether a run holds the lock; None if nobody
    can tell."""
    # A later run needs the lock, so only the newest can be going on.
    alive = runs[0].id if runs and is_locked is not False else None
    return PastRuns(tuple(_past(run, alive) for run in runs))


def _past(run: Run, alive: int | None) -> PastRun:
    fate = "ended" if run.finished_at is not None else "going on" if run.id == alive else "killed"
    return PastRun(
        id=run.id,
        kind=run.kind,
        started_at=run.started_at,
        finished_at=run.finished_at,
        fate=fate,
        exit_code=run.exit_code,
        counts=run.counts,
        message=run.message,
        command=run.command,
        accepted_by=run.accepted_by,
    )
