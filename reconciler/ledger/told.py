"""What somebody was informed, so that it is reported once."""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set

from msgspec.structs import asdict
from sqlalchemy import Connection, delete, select

from reconciler.core.batches import batched
from reconciler.core.records import Told, told_of_row
from reconciler.ledger.database import Database
from reconciler.ledger.loading import columns_of
from reconciler.ledger.tables import entries, malformed, told


class SqlTold:
    """The table of what was reported, the only one that is written without the run's lock: nothing
    else reads or writes it, and SQLite lets one transaction in at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, channel: str) -> list[Told]:
        """What was reported through this channel, in order of key."""
        query = select(*columns_of(told, Told)).where(told.c.channel == channel)
        with self._database.reading() as connection:
            return [Told(**row._mapping) for row in connection.execute(query.order_by(told.c.key))]

    def replace(self, channel: str, memory: Sequence[Told]) -> None:
        """Remember this, and nothing else, of that channel."""
        with self._database.writing() as connection:
            connection.execute(delete(told).where(told.c.channel == channel))
            named = {one.return_id for one in memory if one.return_id is not None}
            known = _known(connection, named)
            # Not of a return that somebody had forgotten meanwhile.
            aside = set(map(told_of_row, connection.execute(select(malformed.c.key)).scalars()))
            kept = (one for one in memory if _is_known(one, known, aside))
            for batch in batched(kept):
                rows = [asdict(one) | {"channel": channel} for one in batch]
                connection.execute(told.insert(), rows)


def _is_known(one: Told, returns: Set[str], rows: Set[str]) -> bool:
    if one.return_id is not None:
        return one.return_id in returns
    return one.key in rows or not one.key.startswith(told_of_row(""))


def _known(connection: Connection, ids: Collection[str]) -> set[str]:
    known: set[str] = set()
    for batch in batched(ids):
        found = select(entries.c.return_id).where(entries.c.return_id.in_(batch))
        known.update(connection.execute(found).scalars())
    return known
