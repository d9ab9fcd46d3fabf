"""The runs that a ledger remembers, as `history` tells them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from reconciler.core.records import Run
from reconciler.core.report import RunKind


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
    """What to type to go on, if that is one command and still of use."""
    accepted_by: str | None = None
    """The user who let a part of its plan past the guards with --accept-plan."""


class PastRuns(Struct, frozen=True):
    """Newest first. Of several passes in a row that found nothing only the last is there."""

    runs: tuple[PastRun, ...]


_ON_ONE_PLAN = (RunKind.SCHEDULED, RunKind.SWEEP, RunKind.VERIFY)
"""Kinds of runs that add to what is stopped already, under one digest."""
_THROUGH = (0, 3, 10)
"""Exit codes of a run that came to its end."""
_ONLY_SHOWS = " --dry-run"
"""Ends the command of a run whose digest named no plan: it lets nothing go on."""


def told(runs: list[Run], *, is_locked: bool | None, of_use: Collection[int]) -> PastRuns:
    """The runs, which are newest first. `is_locked`: whether a run holds the lock; None if nobody
    can tell. `of_use`: ids of those whose command still helps."""
    # A later run needs the lock, so only the newest can be going on.
    alive = runs[0].id if runs and is_locked is not False else None
    return PastRuns(tuple(_past(run, alive, of_use) for run in runs))


def newest_with_commands(runs: Iterable[Run]) -> Iterator[Run]:
    """Of runs, newest first, those that name a command and that no later one replaces. What a pass,
    a sweep or a repair has stopped is one plan; a range stops only what the same range has read."""
    seen: set[str] = set()
    for run in runs:
        if run.command is None or run.command.endswith(_ONLY_SHOWS):
            continue
        work = "pass" if run.kind in _ON_ONE_PLAN else _without_answer(run.command)
        if work not in seen:
            seen.add(work)
            yield run


def came_through_since(run: Run, runs: Iterable[Run]) -> bool:
    """Whether a scheduled pass that began after this run came to its end."""
    return any(
        later.id > run.id and later.kind == RunKind.SCHEDULED and later.exit_code in _THROUGH
        for later in runs
    )


def _without_answer(command: str) -> str:
    """The command of a run without what was to let it go on."""
    return command.partition(" --accept-plan ")[0].removesuffix(" --dry-run --against-jetti")


def _past(run: Run, alive: int | None, of_use: Collection[int]) -> PastRun:
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
        command=run.command if run.id in of_use else None,
        accepted_by=run.accepted_by,
    )
