"""The one connection to a ledger; all SQL passes through it.

Left alone, SQLite's driver begins transactions late and commits some statements automatically.
Here every transaction begins with an explicit BEGIN instead. Statements that are executed for every
return are built once, at import: building one takes five times as long as executing it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, create_engine, select
from sqlalchemy.pool import NullPool

from reconciler.errors import LedgerError
from reconciler.ledger.database_errors import ANSWERS, to_ledger_error
from reconciler.ledger.tables import meta

_EPOCH = select(meta.c.epoch)
_CHECK_EPOCH = str(_EPOCH)


class Database:
    """A connection that is lent out for one transaction at a time.

    An error of SQLite's is raised as LedgerError, and nothing more is executed afterwards: SQLite
    may have rolled the transaction back, and then each of the remaining statements would be
    committed on its own.
    """

    def __init__(self, raw: sqlite3.Connection, name: str) -> None:
        self.name = name
        self.raw = raw
        """For pragmas, backups and what is written in place; all else goes through SQLAlchemy."""
        self._connection = _connect(raw)
        self._inside = False
        self._broken = False
        self._epoch: int | None = None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view; inside a write transaction, that transaction's own."""
        if self._inside:
            yield self._connection
            return
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All or nothing, synced to disk. Raises LedgerError when another run has taken over."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            if self._epoch is not None:
                self._check_epoch()
            yield connection

    @contextmanager
    def exclusively(self) -> Iterator[sqlite3.Connection]:
        """The connection itself, for what SQLite does in no transaction of ours (VACUUM)."""
        with self.writing():
            pass  # whoever has been overtaken stops here
        try:
            yield self.raw
        except ANSWERS as error:
            self._broken = True
            self.close()
            raise to_ledger_error(error, self.name) from error

    def take_over(self) -> None:
        """Raise the epoch, so that no earlier run can write any more. Needs the lock."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            connection.execute(meta.update().values(epoch=meta.c.epoch + 1))
            self._epoch = connection.execute(_EPOCH).scalar_one()

    def close(self) -> None:
        """Let go of the file; an unfinished transaction is undone."""
        if not self._connection.closed:
            self._connection.invalidate()
            self._connection.close()

    def _check_epoch(self) -> None:
        [[epoch]] = self.raw.execute(_CHECK_EPOCH)
        # safeguard: epoch
        if epoch != self._epoch:
            raise LedgerError(
                f"another run has taken over the ledger {self.name}; this one must not write",
                "check `reconciler status`, then run again",
            )

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        if self._broken:
            raise LedgerError(
                f"the ledger {self.name} was closed after an earlier error",
                "see that error, then run again",
            )
        if self._inside:
            raise RuntimeError("a transaction of the ledger begins inside another one")
        self._inside = True
        try:
            self.raw.execute(begin)
            with self._connection.begin():
                yield self._connection
        except ANSWERS as error:
            # safeguard: broken-transaction
            self._broken = True
            self.close()
            raise to_ledger_error(error, self.name) from error
        finally:
            self._inside = False


def new_id(inserted: CursorResult[Any]) -> int:
    """The id that an inserted row was given."""
    key: Any = inserted.inserted_primary_key
    return int(key.id)


def _connect(raw: sqlite3.Connection) -> Connection:
    """SQLAlchemy's view of a connection that is already open."""
    _handed_over.append(raw)
    try:
        return _engine().connect()
    finally:
        _handed_over.clear()


_handed_over: list[sqlite3.Connection] = []


@cache
def _engine() -> Engine:
    """One for all ledgers of a process, because it caches compiled SQL: compiling takes longer
    than executing, which a daemon would pay in every pass."""
    return create_engine(
        "sqlite://",
        creator=lambda: _handed_over.pop(),
        poolclass=NullPool,
        # Parameters hold order names and the like, and errors end in logs.
        hide_parameters=True,
    )
