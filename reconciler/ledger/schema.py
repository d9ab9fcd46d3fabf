"""Which schema this version writes, how a new one is built and an older one brought up to it."""

from __future__ import annotations

import importlib
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from sqlalchemy import Connection

from reconciler.errors import LedgerError
from reconciler.failpoints import Failpoint, hit
from reconciler.ledger.database import Database
from reconciler.ledger.database_errors import RESTORE
from reconciler.ledger.sqlite import APPLICATION_ID
from reconciler.ledger.tables import alembic_version, meta, metadata, versions


class Schema(Struct, frozen=True):
    """A schema, and where the migrations that lead to it are."""

    head: str = "0009"
    """The newest migration. A constant, because asking Alembic would import it on every run."""
    migrations: str | None = None
    """Directory; None for those installed as `reconciler.migrations`."""

    @property
    def number(self) -> int:
        """The head as SQLite's `user_version`."""
        return int(self.head)


CURRENT = Schema()


class InitialState(Struct, frozen=True):
    """What a new ledger starts with."""

    go_live: datetime
    watermark: datetime
    mapping_version: str
    adopting_since: datetime | None = None
    """With `init --adopt`: since when returns are looked for in Jetti."""


def build(database: Database, initial: InitialState, now: datetime) -> None:
    """Make an empty database a new ledger."""
    with database.writing() as connection:
        metadata.create_all(connection)
        versions.create_all(connection)
        connection.execute(alembic_version.insert(), {"version_num": CURRENT.head})
        connection.execute(
            meta.insert(),
            {
                "id": 1,
                "created_at": now,
                "epoch": 0,
                "go_live": initial.go_live,
                "watermark": initial.watermark,
                "mapping_version": initial.mapping_version,
                "has_pushed": 0,
                "adopting_since": initial.adopting_since,
            },
        )
        database.raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.raw.execute(f"PRAGMA user_version = {CURRENT.number}")


def version_of(database: Database) -> str:
    """The last migration that was applied to this ledger, as `0005`. Raises LedgerError."""
    row = database.raw.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None or not str(row[0]).isdigit():
        raise LedgerError(
            f"the ledger {database.name} does not say which schema it has",
            RESTORE,
        )
    return str(row[0])


def migrate(database: Database, schema: Schema) -> None:
    """Bring an older ledger up to the schema, wholly or not at all."""
    # Rebuilding a table drops the old one, which would delete every row that refers to it.
    database.raw.execute("PRAGMA foreign_keys = OFF")
    with database.writing() as connection:
        _upgrade(connection, schema)
        broken = database.raw.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise LedgerError(
                f"the ledger {database.name} cannot be migrated: rows that lost their entry:"
                f" {len(broken)}",
                RESTORE,
            )
        database.raw.execute(f"PRAGMA user_version = {schema.number}")
        hit(Failpoint.MIGRATING)
    database.raw.execute("PRAGMA foreign_keys = ON")


def _upgrade(connection: Connection, schema: Schema) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", _location(schema).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, schema.head)
    except CommandError as error:
        raise LedgerError(
            f"the ledger cannot be migrated to schema {schema.head} ({error})",
            "install the version of this program that wrote it",
        ) from error


def _location(schema: Schema) -> str:
    if schema.migrations is not None:
        return schema.migrations
    package = importlib.import_module("reconciler.migrations")
    return str(Path(str(package.__file__)).parent)
