"""Where Alembic runs our migrations: inside the program's transaction, or from a checkout.

In a checkout: `alembic -c setup.cfg -x ledger=/tmp/try.db upgrade head`, then
`… revision --autogenerate -m "what and why"`. Never on a ledger in use: no lock is taken here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.types import TypeDecorator

from reconciler.ledger.database import Store
from reconciler.ledger.sqlite import create_private, open_file
from reconciler.ledger.tables import metadata


def plain_type(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write our own column types into migrations as what they are in the database."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


def migrate(connection: Connection) -> None:
    """Run what is asked for on this connection, whose transaction is the caller's."""
    # SQLite alters a table by building a new one: batch mode writes migrations that way.
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
    """Run on the file named by `-x ledger=…`, which is created where it is missing."""
    name = context.get_x_argument(as_dictionary=True).get("ledger")
    if not isinstance(name, str):
        raise CommandError("name a database to try this on: alembic -c setup.cfg -x ledger=FILE …")
    path = Path(name).absolute()
    if not path.exists():
        create_private(path)
    store = Store(open_file(path, "rw"), str(path))
    try:
        store.raw.execute("PRAGMA foreign_keys = OFF")
        with store.writing() as connection:
            migrate(connection)
    finally:
        store.close()


given = context.config.attributes.get("connection")
if given is None:
    migrate_file()
else:
    migrate(given)
