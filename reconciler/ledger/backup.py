"""Copies of the ledger, whole and verified: one a day, and one before each migration.

A copy is made by SQLite's backup API from one consistent view, so a run may go on meanwhile. It is
synced, opened and checked before it gets its name. Whoever is killed on the way leaves a file that
ends in `.partial`, which the next backup uses again.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from reconciler.clock import Clock
from reconciler.errors import LedgerError, LedgerLocked
from reconciler.failpoints import Failpoint, hit
from reconciler.ledger.database_errors import ANSWERS
from reconciler.ledger.location import path_of, require_present, require_readable, require_writable
from reconciler.ledger.lock import run_lock
from reconciler.ledger.schema import CURRENT
from reconciler.ledger.snapshot import needs_recovery
from reconciler.ledger.sqlite import APPLICATION_ID, open_file, publish, require_ours

_TIME = "%Y%m%dT%H%M%SZ"
_LOOK_AGAIN = 0.2  # seconds
# Where an SQLite file says what it is (https://sqlite.org/fileformat.html, "the database header").
_MAGIC, _APPLICATION_ID = slice(0, 16), slice(68, 72)


class Backup(Struct, frozen=True):
    """A backup that was made."""

    ledger: Path
    path: Path
    made_at: datetime
    """The time in its name."""
    size: int
    """Bytes."""
    entries: int
    removed: tuple[Path, ...] = ()
    """Older ones that it has taken the place of."""


class OldBackupStays(LedgerError):
    """The backup is made, but an older one could not be removed."""

    def __init__(self, message: str, hint: str, made: Backup) -> None:
        super().__init__(message, hint)
        self.made = made


def back_up(
    url: str, clock: Clock, *, into: Path | None = None, keep: int | None = None, wait: float = 0.0
) -> Backup:
    """Copy the ledger into a file named after the time, beside it or in the directory `into`.

    With `keep` the newest `keep` backups of this ledger are left there, this one included. Takes no
    lock, unless a run was killed during a commit that has to be undone first. Waits up to `wait`
    seconds for another backup there. Raises ConfigError, LedgerMissing, LedgerError (of which
    OldBackupStays when it is made all the same), LedgerLocked.
    """
    path = path_of(url)
    require_present(path)
    require_readable(path)
    place = into or path.parent
    with _readable(path, clock, wait) as source:
        require_ours(source, path, CURRENT.number)
        partial = place / f"{path.name}.backup.partial"
        with _reserved(partial, clock, wait) as descriptor:
            now, final = _free_name(place, path.name, clock)
            counts = _copy(source, partial, final, descriptor)
            size = final.stat().st_size
    made = Backup(path, final, now, size, counts.get("entries", 0))
    if keep is None:
        return made
    return replace(made, removed=_remove_older(made, path.name, clock.now(), keep))


def back_up_before_migrating(
    source: sqlite3.Connection, path: Path, version: str, clock: Clock
) -> Path:
    """A copy beside the ledger, named after its schema; an earlier one is replaced.

    Replaced, because a migration that keeps failing must not fill the disk with copies.
    """
    final = path.with_name(f"{path.name}.schema-{version}.backup")
    with _reserved(final.with_name(final.name + ".partial"), clock, 0.0) as descriptor:
        _copy(source, final.with_name(final.name + ".partial"), final, descriptor)
    return final


def backups_beside(path: Path) -> list[Path]:
    """Every backup of this ledger that lies beside it, those before migrations too, by name."""
    name = re.compile(rf"{re.escape(path.name)}\.(\d{{8}}T\d{{6}}Z|schema-\d+)\.backup", re.ASCII)
    found = (file for file in path.parent.iterdir() if name.fullmatch(file.name))
    return sorted(file for file in found if _is_ours(file))


# --------------------------------------------------------------------------------- the copy


@contextmanager
def _readable(path: Path, clock: Clock, wait: float) -> Iterator[sqlite3.Connection]:
    """The ledger as it was last committed.

    What a killed run has left half done is undone in place, as the next run would. A copy of both
    files would not do: a pass in this process may hold locks on them, which closing them drops.
    """
    with _as_errors_of(f"the ledger {path} could not be read"):
        raw = open_file(path, "ro")
        try:
            recover = needs_recovery(raw)
        except BaseException:
            raw.close()
            raise
    with closing(raw):
        if not recover:
            yield raw
            return
    require_writable(path)
    with run_lock(path, clock, wait):
        with _as_errors_of(f"the ledger {path} could not be read"):
            raw = open_file(path, "rw")
        with closing(raw):
            yield raw


def _copy(
    source: sqlite3.Connection, partial: Path, final: Path, descriptor: int
) -> dict[str, int]:
    """Copy, verify and name it; returns how many rows each table has."""
    with _as_errors_of(f"the backup {final} could not be made"):
        with closing(open_file(partial, "rw")) as copy:
            # A half-written copy is thrown away, and a whole one synced below. Syncs in between
            # would only hold up a run, which cannot commit while it is being read.
            copy.execute("PRAGMA journal_mode = OFF")
            copy.execute("PRAGMA synchronous = OFF")
            counts = _copy_pages(source, copy)
        os.fsync(descriptor)
        _verify(partial, final, counts)
        publish(partial, final)
    return counts


def _copy_pages(source: sqlite3.Connection, copy: sqlite3.Connection) -> dict[str, int]:
    source.execute("BEGIN")
    try:
        # From the first question on all of it is one view. It also waits for a commit in
        # progress, which the backup itself would do forever.
        counts = _counts(source)
        source.backup(copy)
    finally:
        source.execute("ROLLBACK")
    return counts


def _counts(raw: sqlite3.Connection) -> dict[str, int]:
    tables = raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {
        name: raw.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608
        for (name,) in tables
    }


def _verify(partial: Path, final: Path, counts: dict[str, int]) -> None:
    """Raise LedgerError unless the copy, opened again, is sound, a ledger, and has all rows."""
    with closing(open_file(partial, "ro")) as copy:
        require_ours(copy, final, CURRENT.number)
        (verdict,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict == "ok" and copy.execute("PRAGMA foreign_key_check").fetchone():
            verdict = "rows lost their entry"
        # safeguard: backup-is-verified
        if verdict != "ok" or _counts(copy) != counts:
            raise LedgerError(
                f"the backup {final} was not kept: it is not a sound copy of the ledger"
                + (f" ({verdict})" if verdict != "ok" else ""),
                "look at the ledger with `reconciler ledger check`, and at the disk",
            )


# -------------------------------------------------------------------------------- the file


@contextmanager
def _reserved(partial: Path, clock: Clock, wait: float) -> Iterator[int]:
    """An empty private file that no other backup writes to; removed unless it gets its name."""
    deadline = clock.monotonic() + wait
    with _as_errors_of(f"the backup {partial} could not be made"):
        while (descriptor := _try_reserve(partial)) is None:
            if clock.monotonic() >= deadline:
                error = LedgerLocked(
                    f"another backup is being written: {partial}", "let it finish and try again"
                )
                error.waited = wait
                raise error
            clock.wait(_LOOK_AGAIN)
    try:
        yield descriptor
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _try_reserve(partial: Path) -> int | None:
    """A descriptor of the file, emptied and locked; None while somebody else has it."""
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    try:
        if not _lock(descriptor, partial):
            os.close(descriptor)
            return None
        _require_private(descriptor, partial)
        os.ftruncate(descriptor, 0)
        partial.with_name(partial.name + "-journal").unlink(missing_ok=True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _lock(descriptor: int, partial: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours, there = os.fstat(descriptor), os.lstat(partial)
    except (BlockingIOError, FileNotFoundError):
        return False
    # Else another backup has just given the file its name.
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)


def _require_private(descriptor: int, partial: Path) -> None:
    """In a directory that others may write to, one of them may have put it there."""
    found = os.fstat(descriptor)
    # safeguard: backup-is-private
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_nlink != 1:
        raise LedgerError(
            f"the backup could not be made: {partial} is somebody else's file",
            "remove it, or name another directory",
        )
    os.fchmod(descriptor, 0o600)


def _free_name(place: Path, ledger: str, clock: Clock) -> tuple[datetime, Path]:
    """A time and the name of it: this second, or the next that is free. No file is replaced."""
    while os.path.lexists(final := place / f"{ledger}.{(now := clock.now()):{_TIME}}.backup"):
        clock.wait(_LOOK_AGAIN)
    return now, final


def _remove_older(made: Backup, ledger: str, now: datetime, keep: int) -> tuple[Path, ...]:
    """Remove all but the newest `keep` backups of this ledger in the directory of this one.

    This one stays, whatever the clock said at the others. One from a time that is still to come
    was made while the clock was wrong: it goes first.
    """
    others = [(time, file) for time, file in _timed(made.path.parent, ledger) if file != made.path]
    soon = now + timedelta(seconds=1)
    others.sort(key=lambda one: (one[0] <= soon, one[0]))
    surplus = [file for _, file in others[: max(0, len(others) + 1 - keep)]]
    for file in surplus:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise OldBackupStays(
                f"the backup {made.path} is made, but an older one could not be removed: {file}:"
                f" {error.strerror}",
                "remove it by hand, or correct the permissions of its directory",
                made,
            ) from error
        hit(Failpoint.OLD_BACKUP_REMOVED)
    return tuple(surplus)


def _timed(place: Path, ledger: str) -> list[tuple[datetime, Path]]:
    """The backups of this ledger that are named after a time, with that time."""
    name = re.compile(rf"{re.escape(ledger)}\.(\d{{8}}T\d{{6}}Z)\.backup", re.ASCII)
    found = []
    for file in place.iterdir():
        named = name.fullmatch(file.name)
        # safeguard: only-backups-are-removed
        if named and _is_ours(file):
            with suppress(ValueError):  # digits that are no time
                found.append((datetime.fromisoformat(named[1]), file))
    return found


def _is_ours(file: Path) -> bool:
    """Whether it is a file of its own that says that it is a ledger."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        header = os.pread(descriptor, 100, 0)
    finally:
        os.close(descriptor)
    mark = APPLICATION_ID.to_bytes(4, "big")
    return header[_MAGIC] == b"SQLite format 3\x00" and header[_APPLICATION_ID] == mark


@contextmanager
def _as_errors_of(what: str) -> Iterator[None]:
    """Errors of SQLite and of the disk in this block are raised as LedgerError."""
    hint = "check that its disk has room and is writable for this user"
    try:
        yield
    except OSError as error:
        raise LedgerError(f"{what}: {error.strerror or error}", hint) from error
    except ANSWERS as error:
        raise LedgerError(f"{what}: {error}", hint) from error
