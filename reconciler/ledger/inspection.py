"""Answers for people: `status` and `show`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Select, and_, or_, select

from reconciler.core.model import Entry, Intent, IntentOutcome
from reconciler.core.ports import Attempt
from reconciler.core.report import NotUnderstood
from reconciler.core.states import OPEN, TROUBLED
from reconciler.ledger.loading import intent_of, load
from reconciler.ledger.part import Part
from reconciler.ledger.tables import attempts, entries, intents, malformed

_LONGEST_ID = 20


class PastIntent(Struct, frozen=True):
    """An intent and what became of it."""

    intent: Intent
    closed_as: IntentOutcome | None
    """None while nobody knows."""


class Inspection(Part):
    """What a person asks the ledger; never writes."""

    def find(self, name: str) -> list[Entry]:
        """The entry of that return id, or every entry on that order: by name, with or without
        `#`, or by its id."""
        named = or_(
            entries.c.return_id == name,
            entries.c.order_id == name,
            entries.c.order_name.in_(_spellings(name)),
        )
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

    def malformed_rows(self, limit: int | None = None) -> list[NotUnderstood]:
        """See `core.ports.Ledger`."""
        return self._malformed(select(malformed).limit(limit))

    def find_malformed(self, name: str) -> list[NotUnderstood]:
        """What is kept aside of that return, or of every return on that order."""
        columns = malformed.c
        named = or_(
            columns.key == name,
            columns.return_id == name,
            columns.order_name.in_(_spellings(name)),
        )
        return self._malformed(select(malformed).where(named))

    def _malformed(self, query: Select[Any]) -> list[NotUnderstood]:
        ordered = query.order_by(malformed.c.first_seen, malformed.c.key)
        with self._store.reading() as connection:
            rows = connection.execute(ordered).all()
        return [
            NotUnderstood(
                key=row.key,
                # An older version kept it in the key alone; a hash is longer.
                return_id=row.return_id or (row.key if len(row.key) <= _LONGEST_ID else None),
                order_name=row.order_name,
                problem=row.problem,
                is_partial=bool(row.is_partial),
                first_seen=row.first_seen,
                last_seen=row.last_seen,
            )
            for row in rows
        ]


def _spellings(name: str) -> list[str]:
    """An order's name with and without `#`; an empty one is none."""
    bare = name.removeprefix("#")
    return [bare, "#" + bare] if bare else []
