"""Every way to a ledger: create it, open it for a run, read it, or work on a copy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from reconciler.clock import Clock
from reconciler.core.commands import init_adopt
from reconciler.core.instants import iso, to_the_second
from reconciler.errors import ConfigError, LedgerError, ReconcilerError
from reconciler.failpoints import Failpoint, hit
from reconciler.ledger.backup import back_up_before_migrating
from reconciler.ledger.database import Database
from reconciler.ledger.database_errors import as_ledger_errors
from reconciler.ledger.location import (
    mounts,
    path_of,
    require_local,
    require_present,
    require_readable,
    require_writable,
    size_of,
)
from reconciler.ledger.lock import is_locked, run_lock
from reconciler.ledger.schema import (
    CURRENT,
    InitialState,
    Schema,
    build,
    migrate,
    version_of,
)
from reconciler.ledger.snapshot import copy_of, needs_recovery
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.sqlite import (
    BUSY_SECONDS,
    create_private,
    open_file,
    open_temporary,
    publish,
    require_ours,
    require_sound,
)

_BESIDE_RUNS = 2.0
"""Seconds to wait for another program's transaction, where something else depends on it less."""


class Upgrade(Struct, frozen=True):
    """What bringing a ledger up to date took."""

    ledger: Path
    before: str
    """Its schema, as `0004`."""
    after: str
    backup: Path | None = None
    """Of the ledger as it was; None when there was nothing to do."""


def exists(url: str) -> bool:
    """Whether there is anything where the ledger should be, sound or not."""
    return bool(size_of(path_of(url)))


def is_in_use(url: str) -> bool:
    """Whether a run holds the lock right now."""
    return is_locked(path_of(url)) is True


def require(url: str) -> None:
    """Raises LedgerMissing where there is no ledger; LedgerError where nobody can tell."""
    require_present(path_of(url))


def create(url: str, initial: InitialState, clock: Clock) -> None:
    """Make a new ledger, whole or not at all.

    Raises ConfigError when there is a file already, LedgerLocked, LedgerError.
    """
    path = path_of(url)
    require_local(path, mounts())
    with as_ledger_errors(str(path)):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with run_lock(path, clock), as_ledger_errors(str(path)):
        if exists(url):
            raise _already_there(url, clock, initial.go_live)
        _create_file(path, initial, clock)


@contextmanager
def open_ledger(
    url: str,
    clock: Clock,
    *,
    wait: float = 0.0,
    busy_seconds: float = BUSY_SECONDS,
    schema: Schema = CURRENT,
) -> Iterator[SqlLedger]:
    """The ledger for one run: locked, checked, migrated, writable.

    Waits up to `wait` seconds for the lock, and up to `busy_seconds` in each transaction for other
    readers. Raises ConfigError, LedgerMissing, LedgerLocked, LedgerError.
    """
    path = _usable(url)
    with run_lock(path, clock, wait):
        database, _ = _open_for_writing(path, clock, busy_seconds, schema)
        try:
            database.take_over()
            hit(Failpoint.LEDGER_OPENED)
            yield SqlLedger(database, clock)
        finally:
            database.close()


def upgrade(
    url: str,
    clock: Clock,
    *,
    wait: float = 0.0,
    busy_seconds: float = BUSY_SECONDS,
    schema: Schema = CURRENT,
) -> Upgrade:
    """Migrate an older ledger as the next run would; one that is up to date keeps every byte.

    Raises as `open_ledger` does.
    """
    path = _usable(url)
    with run_lock(path, clock, wait):
        database, done = _open_for_writing(path, clock, busy_seconds, schema)
        database.close()
    return done


@contextmanager
def open_reader(url: str, clock: Clock, *, schema: Schema = CURRENT) -> Iterator[SqlLedger]:
    """The ledger for reading: takes no lock, writes nothing, leaves no file behind."""
    database = _open_for_reading(_readable(url), clock, schema)
    try:
        yield SqlLedger(database, clock)
    finally:
        database.close()


def check(url: str, clock: Clock, *, schema: Schema = CURRENT) -> None:
    """Raises LedgerMissing, or LedgerError where SQLite finds damage. Only reads, like a reader."""
    path = _readable(url)
    database = _open_for_reading(path, clock, schema)
    try:
        with as_ledger_errors(str(path)):
            require_sound(database.raw, path)
    finally:
        database.close()


@contextmanager
def open_beside_runs(url: str, clock: Clock) -> Iterator[SqlLedger]:
    """The ledger for what `SqlTold` writes: without the run's lock, so that a long run keeps nobody
    from being reported once.

    Raises LedgerError also where an older version made it: the next run migrates it.
    """
    path = path_of(url)
    require_present(path)
    require_readable(path)
    require_writable(path)
    require_local(path, mounts())
    with as_ledger_errors(str(path)):
        database = Database(open_file(path, "rw", _BESIDE_RUNS), str(path))
        with _closed_on_error(database):
            if not _is_current(database, path, CURRENT):
                raise LedgerError(
                    f"the ledger {path} was made by an older version of this program",
                    "the next `reconciler run` brings it up to date",
                )
    try:
        yield SqlLedger(database, clock)
    finally:
        database.close()


@contextmanager
def open_scratch(url: str, clock: Clock, *, schema: Schema = CURRENT) -> Iterator[SqlLedger]:
    """A writable copy that is thrown away; the ledger itself keeps every byte."""
    database = _open_copy(_readable(url), clock, schema)
    try:
        yield SqlLedger(database, clock)
    finally:
        database.close()


@contextmanager
def open_blank(initial: InitialState, clock: Clock) -> Iterator[SqlLedger]:
    """An empty ledger that is thrown away, for a dry run before `reconciler init`."""
    database = Database(open_temporary(), "(temporary)")
    try:
        build(database, initial, clock.now())
        yield SqlLedger(database, clock)
    finally:
        database.close()


def _how_older_is_created(wanted: datetime, go_live: datetime) -> str:
    if wanted >= go_live:
        return "what is older is created only by a range or by name (`reconciler run --help`)"
    # safeguard: hints-name-the-date
    return f"what is older is created by `reconciler run --from {iso(wanted)}`, which asks first"


def _already_there(url: str, clock: Clock, wanted: datetime) -> ConfigError:
    """Why no ledger is made here, and what to do with what is there; `wanted` is the go-live that
    was asked for."""
    try:
        with open_reader(url, clock) as ledger:
            meta = ledger.meta.read()
    except ReconcilerError as error:
        return ConfigError(f"{error}; what is there is never overwritten", error.hint)
    if meta.adopting_since is not None:
        hint = f"finish adopting with `{init_adopt(meta.go_live)}`"
    else:
        hint = "use it with `reconciler run`"
    if meta.has_pushed:
        other = f"Its go-live stays: {_how_older_is_created(wanted, meta.go_live)}"
    else:
        other = "For another go-live move it away and make a new one: nothing was pushed from it"
    return ConfigError(
        f"there is a ledger at {path_of(url)} already, with go-live {to_the_second(meta.go_live)};"
        " a ledger is never overwritten",
        f"{hint}. {other}",
    )


def _create_file(path: Path, initial: InitialState, clock: Clock) -> None:
    partial = path.with_name(path.name + ".partial")
    create_private(partial)
    database = Database(open_file(partial, "rw"), str(path))
    try:
        build(database, initial, clock.now())
    finally:
        database.close()
    publish(partial, path)


def _usable(url: str) -> Path:
    """Where the ledger is, if this user may write to it there."""
    path = _readable(url)
    require_writable(path)
    require_local(path, mounts())
    return path


def _readable(url: str) -> Path:
    path = path_of(url)
    require_present(path)
    require_readable(path)
    return path


def _open_for_writing(
    path: Path, clock: Clock, busy_seconds: float, schema: Schema
) -> tuple[Database, Upgrade]:
    with as_ledger_errors(str(path)):
        database = Database(open_file(path, "rw", busy_seconds), str(path))
        with _closed_on_error(database):
            require_ours(database.raw, path, schema.number)
            require_sound(database.raw, path)
            upgrade = _bring_up(database, path, schema, clock)
    return database, upgrade


def _bring_up(database: Database, path: Path, schema: Schema, clock: Clock) -> Upgrade:
    """Migrate an older ledger, after a backup."""
    version = version_of(database)
    if version == schema.head:
        return Upgrade(path, version, version)
    backup = back_up_before_migrating(database.raw, path, version, clock)
    hit(Failpoint.BACKED_UP)
    migrate(database, schema)
    hit(Failpoint.MIGRATED)
    return Upgrade(path, version, schema.head, backup)


def _open_for_reading(path: Path, clock: Clock, schema: Schema) -> Database:
    """The file itself where it can be read as it is, else a recovered and migrated copy."""
    with as_ledger_errors(str(path)):
        database = Database(open_file(path, "ro"), str(path))
        with _closed_on_error(database):
            as_it_is = not needs_recovery(database.raw) and _is_current(database, path, schema)
        if not as_it_is:
            database.close()
            database = _open_copy(path, clock, schema)
        # In a copy a write would seem to succeed.
        database.raw.execute("PRAGMA query_only = ON")
    return database


def _open_copy(path: Path, clock: Clock, schema: Schema) -> Database:
    with as_ledger_errors(str(path)):
        database = Database(copy_of(path, clock), str(path))
        with _closed_on_error(database):
            if not _is_current(database, path, schema):
                migrate(database, schema)
    return database


def _is_current(database: Database, path: Path, schema: Schema) -> bool:
    require_ours(database.raw, path, schema.number)
    return version_of(database) == schema.head


@contextmanager
def _closed_on_error(database: Database) -> Iterator[None]:
    try:
        yield
    except BaseException:
        database.close()
        raise
