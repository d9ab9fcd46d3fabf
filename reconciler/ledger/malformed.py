"""Rows of Loop that could not be understood: kept once, and cleared once they can be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import Connection, Select, bindparam, delete, func, or_, select

from reconciler.core.batches import batched
from reconciler.core.ids import LONGEST_ID
from reconciler.core.model import Malformed
from reconciler.core.records import By, DrainedWindow, SetAside
from reconciler.ledger.database import Database
from reconciler.ledger.loading import is_named
from reconciler.ledger.tables import malformed

WITHOUT_AN_ID = malformed.c.return_id.is_(None) & (func.length(malformed.c.key) == 64)
"""Rows whose key is the hash of the row (64 hex digits): their return id could not be read. In the
first schema the key was the only place of an id."""


# Another problem of the same row is news.
# safeguard: another-problem-is-not-ignored
IS_IGNORED = malformed.c.ignored_problem.is_not_distinct_from(malformed.c.problem)


class SqlMalformedRows:
    """Reads the table `malformed`. Rows that someone decided to ignore are left out, unless they
    are asked for by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self) -> int:
        with self._database.reading() as connection:
            query = select(func.count()).select_from(malformed).where(~IS_IGNORED)
            return connection.execute(query).scalar_one()

    def oldest(self, limit: int | None = None) -> list[SetAside]:
        """The oldest first; all of them without a limit."""
        return self._rows(select(malformed).where(~IS_IGNORED).limit(limit))

    def ignored(self) -> list[SetAside]:
        """Those that someone decided to ignore."""
        return self._rows(select(malformed).where(IS_IGNORED))

    def find(self, name: str) -> list[SetAside]:
        """Those of that return, or of every return on that order."""
        columns = malformed.c
        named = or_(
            columns.key == name,
            columns.return_id == name,
            is_named(columns.order_name, name),
        )
        return self._rows(select(malformed).where(named))

    def _rows(self, query: Select[Any]) -> list[SetAside]:
        ordered = query.order_by(malformed.c.first_seen, malformed.c.key)
        with self._database.reading() as connection:
            rows = connection.execute(ordered).all()
        return [
            SetAside(
                key=row.key,
                # An older version kept it in the key alone; a hash is longer.
                return_id=row.return_id or (row.key if len(row.key) <= LONGEST_ID else None),
                order_name=row.order_name,
                problem=row.problem,
                is_partial=bool(row.is_partial),
                first_seen=row.first_seen,
                last_seen=row.last_seen,
                is_ignored=row.ignored_problem == row.problem,
            )
            for row in rows
        ]


def clear(connection: Connection, keys: Sequence[str]) -> None:
    """Delete the rows of these returns, which are understood now."""
    kept = set(connection.execute(select(malformed.c.key)).scalars())
    for batch in batched([key for key in keys if key in kept]):
        connection.execute(delete(malformed).where(malformed.c.key.in_(batch)))


def forget_gone(connection: Connection, drained: DrainedWindow) -> None:
    """Delete the rows without an id that this window should have shown, and did not.

    Nothing else would clear them: once fixed in Loop, such a row comes back under an id that was
    not known here. It is found by its own time. Bounds are sent to Loop in whole seconds, so the
    last second of the window is left out.
    """
    columns, window = malformed.c, drained.window
    time = columns.updated_at if drained.by is By.UPDATED else columns.created_at
    shown = [row.key for row in drained.malformed]
    connection.execute(
        delete(malformed).where(
            WITHOUT_AN_ID,
            # safeguard: row-is-still-listed
            time.between(window.start, window.end - timedelta(seconds=1)),
            columns.key.not_in(shown),
        )
    )


def keep(connection: Connection, rows: Sequence[Malformed], now: datetime) -> None:
    """Keep one row per key, with its newest problem and the times it was first and last seen."""
    if not rows:
        return
    kept = set(connection.execute(select(malformed.c.key)).scalars())
    newest = {row.key: asdict(row) for row in rows}
    again = [{"this": key, **row} for key, row in newest.items() if key in kept]
    if again:
        connection.execute(
            malformed.update().where(malformed.c.key == bindparam("this")).values(last_seen=now),
            again,
        )
    new = [row for key, row in newest.items() if key not in kept]
    if new:
        connection.execute(malformed.insert().values(first_seen=now, last_seen=now), new)
