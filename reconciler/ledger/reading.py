"""Questions a pass asks the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from reconciler.core import words
from reconciler.core.model import CountedWord, Entry, State
from reconciler.core.ports import StoredVersion
from reconciler.core.states import OPEN
from reconciler.ledger.loading import batched
from reconciler.ledger.part import Part
from reconciler.ledger.tables import entries, intents, malformed

LONGEST_PAUSE = timedelta(days=1)
"""No pause between two tries, and no settle time, is as long (`core.retry`)."""


class Reading(Part):
    """The reading half of `core.ports.Ledger`."""

    def known(self, ids: Collection[str]) -> dict[str, StoredVersion]:
        """See `core.ports.Ledger`."""
        columns = entries.c
        query = select(
            columns.return_id,
            columns.updated_at,
            columns.content,
            columns.fingerprint,
            columns.state,
        )
        found: dict[str, StoredVersion] = {}
        with self._store.reading() as connection:
            for batch in batched(list(ids), 750):
                for row in connection.execute(query.where(columns.return_id.in_(batch))):
                    found[row.return_id] = StoredVersion(
                        updated_at=row.updated_at,
                        content=row.content,
                        fingerprint=row.fingerprint,
                        state=row.state,
                    )
        return found

    def ids_updated_between(self, start: datetime, end: datetime) -> set[str]:
        """See `core.ports.Ledger`."""
        return set(self._ids(entries.c.updated_at.between(start, end)))

    def open_ids_created_between(self, start: datetime, end: datetime) -> set[str]:
        """See `core.ports.Ledger`."""
        created = entries.c.created_at.between(start, end)
        return set(self._ids(and_(created, entries.c.state.in_(OPEN))))

    def due(self, now: datetime) -> Iterator[Entry]:
        """See `core.ports.Ledger`."""
        condition = _due(now)
        # All ids at once are small; the entries behind them come batch by batch.
        return self._stream(self._ids(condition), condition)

    def mapped_otherwise(self, mapping_version: str) -> Iterator[Entry]:
        """See `core.ports.Ledger`."""
        column = entries.c.mapping_version
        # Not `!=`, for which no index would be used.
        condition = or_(column < mapping_version, column > mapping_version)
        return self._stream(self._ids(condition), condition)

    def count_updated_since(self, instant: datetime) -> int:
        """See `core.ports.Ledger`."""
        # safeguard: guard-share-by-loop-time
        return self._count(entries.c.updated_at >= instant)

    def count_overdue(self, before: datetime) -> int:
        """See `core.ports.Ledger`."""
        return self._count(and_(entries.c.state.in_(OPEN), entries.c.due_since <= before))

    def counts_by_state(self) -> dict[State, int]:
        """See `core.ports.Ledger`. States in which nothing stands are left out."""
        query = select(entries.c.state, func.count()).group_by(entries.c.state)
        with self._store.reading() as connection:
            return {row.state: row[1] for row in connection.execute(query)}

    def count_malformed(self, names: Collection[str] | None = None) -> int:
        """See `core.ports.Ledger`."""
        query = select(func.count()).select_from(malformed)
        if names is not None:
            one_of = sorted(names)
            query = query.where(or_(malformed.c.key.in_(one_of), malformed.c.return_id.in_(one_of)))
        with self._store.reading() as connection:
            return connection.execute(query).scalar_one()

    def unknown_words(self) -> tuple[CountedWord, ...]:
        """See `core.ports.Ledger`."""
        column = entries.c.unknown_words
        query = select(column, func.count()).where(column.is_not(None)).group_by(column)
        with self._store.reading() as connection:
            return words.count((found, number) for found, number in connection.execute(query))

    def _ids(self, condition: ColumnElement[bool]) -> list[str]:
        query = select(entries.c.return_id).where(condition)
        with self._store.reading() as connection:
            return sorted(connection.execute(query).scalars())

    def _count(self, condition: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(entries).where(condition)
        with self._store.reading() as connection:
            return connection.execute(query).scalar_one()


def _due(now: datetime) -> ColumnElement[bool]:
    state = entries.c.state
    # Later than now; one that is missing does not hold anything up, and one further away than
    # any pause of ours was written while the clock was wrong.
    later = and_(entries.c.next_try_at > now, entries.c.next_try_at < now + LONGEST_PAUSE)
    unsettled = exists().where(
        intents.c.return_id == entries.c.return_id,
        intents.c.closed_as.is_(None),
        intents.c.settle_at > now,
        intents.c.settle_at < now + LONGEST_PAUSE,
    )
    return or_(
        state == State.PENDING,
        and_(
            state.in_([State.WAITING, State.FAILED]),
            or_(entries.c.next_try_at.is_(None), ~later),
        ),
        and_(state.in_([State.IN_FLIGHT, State.UNKNOWN]), ~unsettled),
    )
