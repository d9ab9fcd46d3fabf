"""Opening SQLite files the way a ledger must be opened, and telling whether one is a ledger."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from reconciler.errors import LedgerError, LedgerMissing
from reconciler.failpoints import Failpoint, hit
from reconciler.fsync import sync_directory
from reconciler.ledger.database_errors import unsound
from reconciler.ledger.location import FOREIGN_HINT

APPLICATION_ID = 0x52455455
"""`RETU` in the file's header marks it as a ledger of this program."""

BUSY_SECONDS = 30.0
"""How long to wait for another program's reader; longer than any report or backup takes."""


def open_file(path: Path, mode: str, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """Open an existing file, `rw` or `ro`; never creates one. Raises sqlite3.Error, LedgerError."""
    name = quote(b"/" + os.fsencode(path).lstrip(b"/"))
    # isolation_level None: the driver neither begins nor commits anything on its own.
    raw = sqlite3.connect(
        f"file:{name}?mode={mode}", uri=True, timeout=busy_seconds, isolation_level=None
    )
    try:
        _configure(raw)
        if mode == "rw":
            _make_durable(raw, path)
    except BaseException:
        raw.close()
        raise
    return raw


def create_private(path: Path) -> None:
    """Create an empty file of mode 0600; replaces what a crash may have left there."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def publish(partial: Path, final: Path) -> None:
    """Give a finished, closed file its real name, so that a half-written one never has it."""
    partial.with_name(partial.name + "-journal").unlink(missing_ok=True)
    hit(Failpoint.FILE_MADE)
    partial.replace(final)
    sync_directory(final.parent)
    hit(Failpoint.FILE_NAMED)


def open_temporary() -> sqlite3.Connection:
    """SQLite's own temporary database: private, and gone when the connection is closed."""
    raw = sqlite3.connect("", isolation_level=None)
    _configure(raw)
    return raw


def require_ours(raw: sqlite3.Connection, path: Path, newest: int) -> None:
    """Raise LedgerMissing on a foreign file, LedgerError on a ledger newer than this program."""
    (found,) = raw.execute("PRAGMA application_id").fetchone()
    # safeguard: foreign-database
    if found != APPLICATION_ID:
        raise LedgerMissing(f"{path} is a database, but not a ledger of this program", FOREIGN_HINT)
    (version,) = raw.execute("PRAGMA user_version").fetchone()
    # safeguard: newer-ledger
    if version > newest:
        raise LedgerError(
            f"the ledger {path} was written by a newer version of this program "
            f"(schema {version}, this one knows {newest})",
            "install that version again; the ledger was left untouched",
        )


def require_sound(raw: sqlite3.Connection, path: Path, check: str = "quick_check") -> None:
    """Raise LedgerError when SQLite finds damage."""
    (verdict,) = raw.execute(f"PRAGMA {check}(1)").fetchone()
    # safeguard: damaged-ledger
    if verdict != "ok":
        raise unsound(verdict, str(path))


def _configure(raw: sqlite3.Connection) -> None:
    raw.execute("PRAGMA foreign_keys = ON")
    # The file may come from anywhere, so its schema must not be able to call functions.
    raw.execute("PRAGMA trusted_schema = OFF")


def _make_durable(raw: sqlite3.Connection, path: Path) -> None:
    # TRUNCATE with FULL syncs the emptied journal too, so that a committed intent survives a power
    # cut. WAL would leave files beside the ledger whenever a reader opens it.
    (mode,) = raw.execute("PRAGMA journal_mode = TRUNCATE").fetchone()
    if mode != "truncate":
        raise LedgerError(
            f"the ledger {path} is kept in journal mode {mode} by another program",
            "close whatever has it open (a database browser, a backup) and run again",
        )
    # safeguard: synced-to-disk
    raw.execute("PRAGMA synchronous = FULL")
