"""Runs the migrations with Alembic: inside the program's transaction, or from a checkout.

In a checkout: `alembic -c setup.cfg -x ledger=/tmp/try.db upgrade head`, then
`… revision --autogenerate -m "what and why"`. Never use it on a live ledger: it takes no lock.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.types import TypeDecorator

from reconciler.ledger.database import Database
from reconciler.ledger.sqlite import create_private, open_file
from reconciler.ledger.tables import metadata


def plain_type(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write our own column types into migrations as their plain database types."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


def migrate(connection: Connection) -> None:
    """Run the requested migrations on this connection, in the caller's transaction."""
    # SQLite alters a table by building a new one; batch mode generates migrations that do so.
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        transactional_ddl=True,
        render_item=plain_type,
    )
    with context.begin_transaction():
        context.run_migrations()


def migrate_file() -> None:
    """Run on the file named by `-x ledger=…`, which is created if it is missing."""
    name = context.get_x_argument(as_dictionary=True).get("ledger")
    if not isinstance(name, str):
        raise CommandError("name a database to try this on: alembic -c setup.cfg -x ledger=FILE …")
    path = Path(name).absolute()
    if not path.exists():
        create_private(path)
    database = Database(open_file(path, "rw"), str(path))
    try:
        database.raw.execute("PRAGMA foreign_keys = OFF")
        with database.writing() as connection:
            migrate(connection)
    finally:
        database.close()


given = context.config.attributes.get("connection")
if given is None:
    migrate_file()
else:
    migrate(given)
