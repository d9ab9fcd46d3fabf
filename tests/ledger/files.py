"""Ledger files as older versions and killed runs leave them."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from reconciler.ledger.database import Database
from reconciler.ledger.schema import Schema, migrate
from reconciler.ledger.sqlite import APPLICATION_ID, create_private, open_file


def older_ledger(path: Path, head: str, *more: str) -> None:
    """A ledger of that schema, as `init` made it, after these statements."""
    create_private(path)
    database = Database(open_file(path, "rw"), str(path))
    migrate(database, Schema(head=head))
    at = "2026-07-01T12:00:00.000000Z"
    database.raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.raw.execute(
        "INSERT INTO meta (id, created_at, epoch, go_live, watermark, mapping_version, has_pushed)"
        " VALUES (1, ?, 0, ?, ?, '1:x', 1)",
        (at, at, at),
    )
    for statement in more:
        database.raw.execute(statement)
    database.close()


def with_half_a_commit(ledger: Path, name: str, column: str) -> Path:
    """A copy of the ledger by that name, of a run that was killed while it wrote this column of
    every entry."""
    crash = ledger.with_name(name)
    with closing(sqlite3.connect(ledger, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = TRUNCATE")
        raw.execute("PRAGMA cache_size = 1")
        raw.execute("BEGIN")
        raw.execute(f"UPDATE entries SET {column} = printf('%5000s', 'half')")
        shutil.copyfile(ledger, crash)
        shutil.copyfile(f"{ledger}-journal", f"{crash}-journal")
        raw.execute("ROLLBACK")
    assert b"half" in crash.read_bytes()
    return crash
