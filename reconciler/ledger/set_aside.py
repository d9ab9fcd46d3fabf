"""Rows of Loop's that could not be understood: kept once, cleared when they can be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import to_builtins
from sqlalchemy import Connection, bindparam, delete, select

from reconciler.core.model import Malformed
from reconciler.ledger.loading import batched
from reconciler.ledger.tables import malformed


def clear(connection: Connection, keys: Sequence[str]) -> None:
    """Forget the rows of these returns: they parse well now."""
    kept = set(connection.execute(select(malformed.c.key)).scalars())
    for batch in batched([key for key in keys if key in kept]):
        connection.execute(delete(malformed).where(malformed.c.key.in_(batch)))


def keep(connection: Connection, rows: Sequence[Malformed], now: datetime) -> None:
    """Store each once, with the newest problem and the time it was first seen."""
    if not rows:
        return
    kept = set(connection.execute(select(malformed.c.key)).scalars())
    newest = {row.key: to_builtins(row) for row in rows}
    again = [{"this": key, **row} for key, row in newest.items() if key in kept]
    if again:
        connection.execute(
            malformed.update().where(malformed.c.key == bindparam("this")).values(last_seen=now),
            again,
        )
    new = [row for key, row in newest.items() if key not in kept]
    if new:
        connection.execute(malformed.insert().values(first_seen=now, last_seen=now), new)
