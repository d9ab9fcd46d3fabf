"""Answers for people: `status` and `show`."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import and_, or_, select

from reconciler.core.model import Entry, Intent
from reconciler.core.ports import Attempt
from reconciler.core.states import OPEN, TROUBLED
from reconciler.ledger.loading import intent_of, load
from reconciler.ledger.part import Part
from reconciler.ledger.tables import attempts, entries, intents, malformed


class PastIntent(Struct, frozen=True):
    """An intent and what became of it."""

    intent: Intent
    closed_as: str | None
    """None while nobody knows."""


class KeptMalformed(Struct, frozen=True):
    """A row of Loop's that could not be understood, and since when."""

    key: str
    problem: str
    first_seen: datetime
    last_seen: datetime


class Inspection(Part):
    """What a person asks the ledger; never writes."""

    def find(self, name: str) -> list[Entry]:
        """The entry of that return id, or every entry on that order, with or without `#`."""
        bare = name.removeprefix("#")
        named = or_(entries.c.return_id == name, entries.c.order_name.in_([bare, "#" + bare]))
        with self._store.reading() as connection:
            ids = connection.execute(select(entries.c.return_id).where(named)).scalars()
            return load(connection, sorted(ids))

    def problems(self, overdue_before: datetime, limit: int) -> list[Entry]:
        """See `core.ports.Ledger`."""
        overdue = and_(entries.c.state.in_(OPEN), entries.c.due_since <= overdue_before)
        stuck = entries.c.state.in_(TROUBLED)
        query = (
            select(entries.c.return_id)
            .where(or_(stuck, overdue))
            .order_by(entries.c.due_since, entries.c.return_id)
            .limit(limit)
        )
        with self._store.reading() as connection:
            return load(connection, list(connection.execute(query).scalars()))

    def oldest_problem(self, overdue_before: datetime) -> Entry | None:
        """Of all that failed, need a person or are overdue, the one that waits the longest."""
        found = self.problems(overdue_before, 1)
        return found[0] if found else None

    def attempts_of(self, return_id: str) -> list[Attempt]:
        """Its requests and their answers, oldest first."""
        query = select(attempts).where(attempts.c.return_id == return_id).order_by(attempts.c.id)
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        return [
            Attempt(
                at=row.at,
                operation=row.operation,
                target_id=row.target_id,
                answer=row.answer,
                status=row.status,
                detail=row.detail,
            )
            for row in rows
        ]

    def intents_of(self, return_id: str) -> list[PastIntent]:
        """Its writes, closed ones too, oldest first."""
        query = select(intents).where(intents.c.return_id == return_id).order_by(intents.c.id)
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        return [PastIntent(intent=intent_of(row), closed_as=row.closed_as) for row in rows]

    def malformed_rows(self, limit: int) -> list[KeptMalformed]:
        """Rows kept aside, the oldest first."""
        query = select(malformed).order_by(malformed.c.first_seen, malformed.c.key).limit(limit)
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        return [
            KeptMalformed(
                key=row.key,
                problem=row.problem,
                first_seen=row.first_seen,
                last_seen=row.last_seen,
            )
            for row in rows
        ]
