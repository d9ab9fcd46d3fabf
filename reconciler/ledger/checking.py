"""Looking a whole ledger through: the file, its schema, every row, and whether the rows agree."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from reconciler.clock import Clock
from reconciler.core.instants import to_the_second
from reconciler.core.model import State
from reconciler.core.soundness import Finding, Soundness
from reconciler.core.states import OPEN, UNANSWERED, spoken
from reconciler.ledger.database import Database
from reconciler.ledger.database_errors import ANSWERS, RESTORE, as_ledger_errors
from reconciler.ledger.forgotten import hash_of
from reconciler.ledger.location import path_of, require_present, require_readable
from reconciler.ledger.schema import CURRENT, InitialState, Schema, build, migrate, version_of
from reconciler.ledger.snapshot import copy_of, needs_recovery
from reconciler.ledger.sqlite import open_file, open_temporary, require_ours
from reconciler.ledger.tables import (
    attempts,
    entries,
    forgotten,
    intents,
    meta,
    metadata,
    runs,
    windows,
)

_MOST = 10
"""Findings of one kind that are reported individually."""
_ROWS = 500

_LOOK = "look at it with `reconciler show {}`; if it does not settle on its own, report it"
_CLOCK = "the clock is wrong now, or was wrong then"
_STRUCTURE = "it was changed by another program or another version: " + RESTORE

_NEVER_AWAITED = frozenset({State.SYNCED, State.SKIPPED, State.DEAD})
"""Elsewhere a write may be open: after a 429 it is read back later."""


def check(url: str, clock: Clock, *, schema: Schema = CURRENT) -> Soundness:
    """Look the ledger through, without a lock and without writing; a run may go on meanwhile.

    An older schema is checked as it will be after its migration, which is tried on a copy. Raises
    ConfigError, LedgerMissing, and LedgerError for what cannot even be opened.
    """
    path = path_of(url)
    require_present(path)
    require_readable(path)
    with as_ledger_errors(str(path)):
        raw = open_file(path, "ro")
        if needs_recovery(raw):
            raw.close()
            raw = copy_of(path, clock)
        database = Database(raw, str(path))
        try:
            require_ours(raw, path, schema.number)
            damage = [*_about_the_file(raw)]
            if damage:
                return Soundness("?", 0, tuple(damage))
            version = version_of(database)
            findings = [*_about_the_version(raw, version)]
            if version != schema.head and not findings:
                database = _migrated(database, schema)
            findings += _about_the_schema(database.raw)
            if any(one.is_damage for one in findings):
                return Soundness(version, 0, tuple(findings))
            with database.reading() as connection:
                findings += _about_the_rows(connection)
                if not findings:
                    findings += _about_agreement(connection, clock.now())
                count = connection.execute(select(func.count()).select_from(entries)).scalar_one()
            return Soundness(version, count, tuple(findings))
        finally:
            database.close()


def _migrated(database: Database, schema: Schema) -> Database:
    copy = Database(open_temporary(), database.name)
    try:
        database.raw.backup(copy.raw)
        migrate(copy, schema)
    except BaseException:
        copy.close()
        raise
    finally:
        database.close()
    return copy


# --------------------------------------------------------------------------------- the file


def _about_the_file(raw: sqlite3.Connection) -> Iterator[Finding]:
    for (verdict,) in raw.execute(f"PRAGMA integrity_check({_MOST})"):
        # safeguard: check-finds-damage
        if verdict != "ok":
            yield Finding(f"the file is damaged: {verdict}", RESTORE, is_damage=True)
    lost: dict[str, int] = {}
    for table, *_ in raw.execute("PRAGMA foreign_key_check"):
        lost[table] = lost.get(table, 0) + 1
    for table, count in lost.items():
        yield Finding(f"{table}: {count} without what they belong to", RESTORE, is_damage=True)


def _about_the_version(raw: sqlite3.Connection, version: str) -> Iterator[Finding]:
    (number,) = raw.execute("PRAGMA user_version").fetchone()
    if number != int(version):
        what = f"it says schema {version} in one place and {number:04} in another"
        yield Finding(what, _STRUCTURE, is_damage=True)


def _about_the_schema(raw: sqlite3.Connection) -> Iterator[Finding]:
    expected, found = _as_built(), _shape(raw)
    for kind, name in sorted(expected.keys() | found.keys()):
        is_table = kind == "table"
        if (kind, name) not in found:
            yield Finding(f"{kind} {name} is missing", _STRUCTURE, is_damage=is_table)
        elif (kind, name) not in expected:
            yield Finding(f"{kind} {name} is not this program's", _STRUCTURE)
        elif found[kind, name] != expected[kind, name]:
            what = f"{kind} {name} is not as this version expects it"
            yield Finding(what, _STRUCTURE, is_damage=is_table)


def _as_built() -> dict[tuple[str, str], Any]:
    any_time = datetime.fromisoformat("2000-01-01T00:00:00Z")
    database = Database(open_temporary(), "(temporary)")
    try:
        build(database, InitialState(any_time, any_time, ""), any_time)
        return _shape(database.raw)
    finally:
        database.close()


def _shape(raw: sqlite3.Connection) -> dict[tuple[str, str], Any]:
    """Tables, indexes, triggers and views; tables by columns, checks and references, however and
    in whatever order they were written."""

    def told(pragma: str, name: str) -> list[str]:
        rows = raw.execute(f'PRAGMA {pragma}("{name}")').fetchall()
        return sorted(repr(row[1:]) for row in rows)

    def columns(index: str) -> list[str]:
        return [row[2] for row in raw.execute(f'PRAGMA index_info("{index}")')]

    found: dict[tuple[str, str], Any] = {}
    for kind, name, sql in raw.execute("SELECT type, name, sql FROM sqlite_master").fetchall():
        if name.startswith("sqlite_"):
            continue
        if kind == "table":
            checks = sorted(re.findall(r"CONSTRAINT \w+ CHECK \([^)]*\)", sql))
            found[kind, name] = checks, told("table_info", name), told("foreign_key_list", name)
        else:
            found[kind, name] = columns(name) if kind == "index" else sql
    return found


# --------------------------------------------------------------------------------- the rows


def _about_the_rows(connection: Connection) -> Iterator[Finding]:
    for table in metadata.sorted_tables:
        query = select(table).execution_options(yield_per=_ROWS)
        try:
            for _ in connection.execute(query):
                pass
        except ANSWERS:
            what = f"{table.name}: a row cannot be understood"
            yield Finding(what, RESTORE, is_damage=True)
    if connection.execute(select(func.count()).select_from(meta)).scalar_one() != 1:
        yield Finding("meta: not exactly one row", RESTORE, is_damage=True)


def _about_agreement(connection: Connection, now: datetime) -> Iterator[Finding]:
    # safeguard: check-compares-states-with-intents
    yield from _about_intents(connection)
    yield from _about_forgotten(connection)
    yield from _about_times(connection, now)


def _about_intents(connection: Connection) -> Iterator[Finding]:
    state = entries.c.state
    awaited = exists().where(
        intents.c.return_id == entries.c.return_id, intents.c.closed_as.is_(None)
    )
    contradictions: tuple[tuple[ColumnElement[bool], str], ...] = (
        (
            and_(state.in_(sorted(UNANSWERED)), ~awaited),
            "waits for the answer to a write, but no write is open",
        ),
        (
            and_(state.in_(sorted(_NEVER_AWAITED)), awaited),
            "is done with, but a write of it has no answer",
        ),
        (
            and_(state.in_(sorted(OPEN)), entries.c.due_since.is_(None)),
            "is to be pushed, but not since when",
        ),
        (
            and_(
                state == State.SYNCED,
                or_(
                    entries.c.pushed_fingerprint.is_(None),
                    entries.c.pushed_fingerprint != entries.c.fingerprint,
                ),
            ),
            "counts as pushed, but something else was pushed last",
        ),
    )
    for condition, what in contradictions:
        query = select(entries.c.return_id, state).where(condition).order_by(entries.c.return_id)
        rows = connection.execute(query).all()
        for row in rows[:_MOST]:
            told = f"return {row.return_id} ({spoken(row.state)}) {what}"
            yield Finding(told, _LOOK.format(row.return_id))
        if len(rows) > _MOST:
            yield Finding(f"{len(rows) - _MOST} more returns: {what}", "see those above")


def _about_forgotten(connection: Connection) -> Iterator[Finding]:
    hashes = set(connection.execute(select(forgotten.c.hash)).scalars())
    if not hashes:
        return
    for return_id in connection.execute(select(entries.c.return_id)).scalars():
        if hash_of(return_id) in hashes:
            yield Finding(
                f"return {return_id} was forgotten and is here again",
                f"forget it again: `reconciler ledger forget {return_id}`",
            )


def _about_times(connection: Connection, now: datetime) -> Iterator[Finding]:
    """Times that this program wrote down by this machine's clock."""
    ours = (
        (meta.c.created_at, "the ledger was created at"),
        (meta.c.watermark, "reading is complete up to"),
        (runs.c.started_at, "a run began at"),
        (runs.c.finished_at, "a run ended at"),
        (windows.c.recorded_at, "a window was recorded at"),
        (entries.c.changed_at, "a return changed at"),
        (entries.c.due_since, "a return is due since"),
        (attempts.c.at, "a request was answered at"),
        (intents.c.sent_at, "a write was sent at"),
    )
    for column, what in ours:
        last = connection.execute(select(func.max(column))).scalar_one()
        # safeguard: check-knows-the-time
        if last is not None and last > now:
            told = f"{what} {to_the_second(last)}, which is ahead of this machine's clock"
            yield Finding(told, _CLOCK)
