"""Past runs, kept for 90 days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, Select, delete, func, select

from reconciler.core.ports import RunSummary
from reconciler.failpoints import Failpoint, hit
from reconciler.ledger.part import Part, new_id
from reconciler.ledger.set_aside import WITHOUT_AN_ID
from reconciler.ledger.tables import attempts, intents, malformed, plans, runs, windows

KEPT = timedelta(days=90)
"""As promised to people (README): older runs, attempts, settled intents and plans are deleted."""

COMPLETE = (0, 3)
"""Exit codes of a pass that read and pushed all it could; 3 only says that some need a person."""

_ROUTINE = frozenset({"seen", "unchanged", "malformed", "pending"})
"""Counts that a pass has although it found nothing: what it read, and what stands for longer."""


class PastRun(Struct, frozen=True):
    """A run as history shows it."""

    id: int
    kind: str
    started_at: datetime
    summary: RunSummary | None
    """None while the run goes on, and for ever when it died."""


class History(Part):
    """Runs, one row each."""

    def begin_run(self, kind: str, started_at: datetime) -> int:
        """See `core.ports.Ledger`."""
        with self._store.writing() as connection:
            inserted = connection.execute(runs.insert(), {"kind": kind, "started_at": started_at})
        self._run_id = new_id(inserted)
        hit(Failpoint.RUN_BEGUN)
        return self._run_id

    def finish_run(self, run_id: int, summary: RunSummary) -> None:
        """See `core.ports.Ledger`."""
        with self._store.writing() as connection:
            values = msgspec.structs.asdict(summary)
            connection.execute(runs.update().where(runs.c.id == run_id).values(values))
            if _found_nothing(summary):
                _fold(connection, run_id, summary.kind, summary.exit_code)
            _prune(connection, summary.finished_at - KEPT)
            hit(Failpoint.RUN_FINISHING)
        self._run_id = None
        hit(Failpoint.RUN_FINISHED)

    def past_runs(self, limit: int) -> list[PastRun]:
        """The last runs, newest first."""
        return self._runs(select(runs).order_by(runs.c.id.desc()).limit(limit))

    def last_runs(self, kind: str, limit: int) -> list[PastRun]:
        """The last ones of this kind, newest first, whatever came after them."""
        ours = select(runs).where(runs.c.kind == kind)
        return self._runs(ours.order_by(runs.c.id.desc()).limit(limit))

    def _runs(self, query: Select[Any]) -> list[PastRun]:
        with self._store.reading() as connection:
            return [_past(row) for row in connection.execute(query)]

    def last_complete(self, kind: str) -> datetime | None:
        """When the last pass of this kind that did all it could was finished.

        The last by its number: one that was made while the clock ran ahead is not the last for as
        long as that.
        """
        query = (
            select(runs.c.finished_at)
            .where(runs.c.kind == kind, runs.c.exit_code.in_(COMPLETE))
            .order_by(runs.c.id.desc())
            .limit(1)
        )
        with self._store.reading() as connection:
            finished_at: datetime | None = connection.execute(query).scalar_one_or_none()
        return finished_at


def _past(row: Row[Any]) -> PastRun:
    if row.finished_at is None:
        return PastRun(row.id, row.kind, row.started_at, None)
    summary = RunSummary(
        kind=row.kind,
        started_at=row.started_at,
        finished_at=row.finished_at,
        exit_code=row.exit_code,
        counts=row.counts,
        digest=row.digest,
        message=row.message,
    )
    return PastRun(row.id, row.kind, row.started_at, summary)


def _found_nothing(summary: RunSummary) -> bool:
    found = {name for name, count in summary.counts.items() if count}
    return summary.exit_code in COMPLETE and found <= _ROUTINE


def _fold(connection: Connection, run_id: int, kind: str, exit_code: int) -> None:
    """Let this run stand for the one before it, if that found nothing either.

    Only one of the same kind: a pass every five minutes must not wipe out the nightly sweep.
    """
    query = select(runs).where(runs.c.id < run_id).order_by(runs.c.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None or row.kind != kind:
        return
    before = _past(row).summary
    if before is not None and _found_nothing(before) and before.exit_code == exit_code:
        connection.execute(delete(runs).where(runs.c.id == row.id))


def _prune(connection: Connection, cutoff: datetime) -> None:
    """Delete what is older, but the last complete run of each kind, which `status` asks for."""
    last = select(func.max(runs.c.id)).where(runs.c.exit_code.in_(COMPLETE)).group_by(runs.c.kind)
    for statement in (
        delete(runs).where(runs.c.started_at < cutoff, runs.c.id.not_in(last)),
        delete(windows).where(windows.c.recorded_at < cutoff),
        delete(attempts).where(attempts.c.at < cutoff),
        delete(intents).where(intents.c.closed_as.is_not(None), intents.c.sent_at < cutoff),
        delete(plans).where(plans.c.kept_at < cutoff),
        # Without an id and without a time of its own, nothing else tells that it is gone.
        delete(malformed).where(WITHOUT_AN_ID, malformed.c.last_seen < cutoff),
    ):
        connection.execute(statement)
        hit(Failpoint.PRUNING)
