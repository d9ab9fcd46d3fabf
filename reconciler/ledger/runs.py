"""Past runs, kept for 90 days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, Row, Select, delete, select

from reconciler.core.records import Run
from reconciler.core.report import STANDING
from reconciler.failpoints import Failpoint, hit
from reconciler.ledger.database import Database, new_id
from reconciler.ledger.pruning import COMPLETE, KEPT, prune
from reconciler.ledger.tables import runs

_ROUTINE = STANDING | {"seen", "unchanged", "forgotten"}
"""Counts that a pass may have although it found nothing new: what it read, and older problems."""


class SqlRuns:
    """The table `runs`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, kind: str, started_at: datetime) -> Run:
        """Open a row."""
        with self._database.writing() as connection:
            inserted = connection.execute(runs.insert(), {"kind": kind, "started_at": started_at})
        run = Run(new_id(inserted), kind, started_at)
        hit(Failpoint.RUN_BEGUN)
        return run

    def finish(
        self,
        run: Run,
        *,
        at: datetime,
        exit_code: int,
        counts: dict[str, int],
        digest: str | None = None,
        message: str | None = None,
        command: str | None = None,
    ) -> None:
        """Close the row, delete what is older than 90 days, and fold empty passes into one."""
        values = {
            "finished_at": at,
            "exit_code": exit_code,
            "counts": counts,
            "message": message,
            "command": command,
        }
        with self._database.writing() as connection:
            row = runs.update().where(runs.c.id == run.id)
            connection.execute(row.values(values | {"digest": digest}))
            if digest is None:
                _fold(connection, replace(run, **values))
            prune(connection, KEPT, at)
            hit(Failpoint.RUN_FINISHING)
        hit(Failpoint.RUN_FINISHED)

    def prune(self, older_than: timedelta, now: datetime) -> dict[str, int]:
        """Delete history that is older than that; how many rows of each table."""
        with self._database.writing() as connection:
            deleted = prune(connection, older_than, now)
        hit(Failpoint.PRUNED)
        return deleted

    def last(self, limit: int) -> list[Run]:
        """The last runs, newest first."""
        return self._runs(select(runs).order_by(runs.c.id.desc()).limit(limit))

    def last_of(self, kind: str, limit: int) -> list[Run]:
        """The last runs of this kind, newest first."""
        ours = select(runs).where(runs.c.kind == kind)
        return self._runs(ours.order_by(runs.c.id.desc()).limit(limit))

    def begun_since(self, instant: datetime) -> list[Run]:
        """Runs that began at that instant or later, newest first."""
        return self._runs(
            select(runs).where(runs.c.started_at >= instant).order_by(runs.c.id.desc())
        )

    def after(self, run_id: int) -> list[Run]:
        """Runs that began after that one, whatever the clock said; newest first."""
        return self._runs(select(runs).where(runs.c.id > run_id).order_by(runs.c.id.desc()))

    def _runs(self, query: Select[Any]) -> list[Run]:
        with self._database.reading() as connection:
            return [_run(row) for row in connection.execute(query)]

    def last_complete(self, kind: str) -> datetime | None:
        """When the last complete pass of this kind ended; None without one.

        The last by its id, not by its time: the clock may have been ahead during an earlier one.
        """
        query = (
            select(runs.c.finished_at)
            .where(runs.c.kind == kind, runs.c.exit_code.in_(COMPLETE))
            .order_by(runs.c.id.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            finished_at: datetime | None = connection.execute(query).scalar_one_or_none()
        return finished_at


def _run(row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        kind=row.kind,
        started_at=row.started_at,
        finished_at=row.finished_at,
        exit_code=row.exit_code,
        counts=row.counts or {},
        message=row.message,
        command=row.command,
        digest=row.digest,
        accepted_by=row.accepted_by,
    )


def _found_nothing(run: Run) -> bool:
    found = {name for name, count in run.counts.items() if count}
    return run.exit_code in COMPLETE and found <= _ROUTINE


def _fold(connection: Connection, run: Run) -> None:
    """Delete the run before this one, if neither found anything; this one had no plan.

    Only one of the same kind: a pass every five minutes must not wipe out the nightly sweep.
    """
    if not _found_nothing(run):
        return
    query = select(runs).where(runs.c.id < run.id).order_by(runs.c.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        return
    before = _run(row)
    alike = before.kind == run.kind and before.exit_code == run.exit_code
    if alike and row.digest is None and _found_nothing(before):
        connection.execute(delete(runs).where(runs.c.id == before.id))
