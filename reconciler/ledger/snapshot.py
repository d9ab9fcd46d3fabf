"""Copies for whoever must not touch the ledger: dry runs, and readers after a crash."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from reconciler.clock import Clock
from reconciler.errors import LedgerError
from reconciler.ledger.sqlite import BUSY_SECONDS, open_file, open_temporary

# Where SQLite's readers hold their lock (https://sqlite.org/fileformat.html, "lock-byte page").
_SHARED_FIRST, _SHARED_SIZE = 0x40000002, 510

# SQLITE_READONLY_ROLLBACK: only a writer could undo what a crash left half done.
_HOT_JOURNAL = 776


def needs_recovery(raw: sqlite3.Connection) -> bool:
    """Whether a run died during a commit, so that a reader cannot read the file as it is."""
    try:
        raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == _HOT_JOURNAL:
            return True
        raise
    return False


def copy_of(path: Path, clock: Clock) -> sqlite3.Connection:
    """The last committed content in a temporary database; the original keeps every byte."""
    target = open_temporary()
    try:
        with closing(open_file(path, "ro")) as source:
            recover = needs_recovery(source)
            if not recover:
                source.backup(target)
        if recover:
            recover_into(path, target, clock)
    except BaseException:
        target.close()
        raise
    return target


def recover_into(path: Path, target: sqlite3.Connection, clock: Clock) -> None:
    """Let SQLite undo the unfinished commit in a copy of the file and its journal."""
    with tempfile.TemporaryDirectory(prefix="reconciler-") as place:
        copy = Path(place) / "ledger.db"
        with _shared_lock(path, clock):
            shutil.copyfile(path, copy)
            _copy_journal(path, copy)
        with closing(open_file(copy, "rw")) as recovered:
            recovered.backup(target)


def _copy_journal(path: Path, copy: Path) -> None:
    journal = path.with_name(path.name + "-journal")
    if journal.exists():
        shutil.copyfile(journal, copy.with_name(copy.name + "-journal"))


@contextmanager
def _shared_lock(path: Path, clock: Clock) -> Iterator[None]:
    """Keep writers out the way SQLite's own readers do, while the files are copied.

    Closing any descriptor of the file releases all such locks of this process. So this is only
    for a ledger to which no connection of this process is writing, such as a crashed one.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        deadline = clock.monotonic() + BUSY_SECONDS
        while not _try_shared(descriptor):
            if clock.monotonic() >= deadline:
                raise LedgerError(
                    f"the ledger {path} is locked by another program",
                    "close whatever has it open (a database browser, a backup) and run again",
                )
            clock.wait(0.1)
        yield
    finally:
        os.close(descriptor)


def _try_shared(descriptor: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, _SHARED_SIZE, _SHARED_FIRST)
    except (BlockingIOError, PermissionError):
        return False
    return True
