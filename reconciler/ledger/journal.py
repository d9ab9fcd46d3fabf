"""What pushing writes down, before and after each request."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, and_, or_, select

from reconciler.core.model import Entry, Intent, Operation, State, Write
from reconciler.core.ports import Transition
from reconciler.core.states import OPEN
from reconciler.failpoints import Failpoint, hit
from reconciler.ledger import transitions
from reconciler.ledger.entry_updates import Values
from reconciler.ledger.loading import load
from reconciler.ledger.part import Part, new_id
from reconciler.ledger.tables import attempts, entries, intents, meta

_COMMITTING = {
    State.PENDING: Failpoint.PENDING_COMMITTING,
    State.SYNCED: Failpoint.SYNCED_COMMITTING,
    State.UNKNOWN: Failpoint.UNKNOWN_COMMITTING,
    State.WAITING: Failpoint.WAITING_COMMITTING,
    State.FAILED: Failpoint.FAILED_COMMITTING,
    State.SKIPPED: Failpoint.SKIPPED_COMMITTING,
    State.DEAD: Failpoint.DEAD_COMMITTING,
    State.REVIEW: Failpoint.REVIEW_COMMITTING,
}
_COMMITTED = {
    State.PENDING: Failpoint.PENDING_COMMITTED,
    State.SYNCED: Failpoint.SYNCED_COMMITTED,
    State.UNKNOWN: Failpoint.UNKNOWN_COMMITTED,
    State.WAITING: Failpoint.WAITING_COMMITTED,
    State.FAILED: Failpoint.FAILED_COMMITTED,
    State.SKIPPED: Failpoint.SKIPPED_COMMITTED,
    State.DEAD: Failpoint.DEAD_COMMITTED,
    State.REVIEW: Failpoint.REVIEW_COMMITTED,
}


class Journal(Part):
    """Entries, intents and steps, as `core.ports.Journal` wants them."""

    def entries(self, ids: Sequence[str]) -> list[Entry]:
        """See `core.ports.Journal`."""
        with self._store.reading() as connection:
            return load(connection, ids)

    def entries_on_order(self, order_id: str | None, order_name: str) -> list[Entry]:
        """See `core.ports.Journal`. In order of id."""
        columns = entries.c
        # Two orders without a name have nothing in common.
        # safeguard: empty-order-names-never-match
        same = and_(columns.order_name == order_name, columns.order_name != "")
        if order_id is not None:
            same = or_(columns.order_id == order_id, and_(same, columns.order_id.is_(None)))
        query = select(columns.return_id).where(same)
        with self._store.reading() as connection:
            return load(connection, sorted(connection.execute(query).scalars()))

    def unanswered_creates(self) -> list[str]:
        """See `core.ports.Journal`."""
        query = (
            select(intents.c.return_id, intents.c.write)
            .join(entries, entries.c.return_id == intents.c.return_id)
            .where(intents.c.closed_as.is_(None), entries.c.state.in_(OPEN))
        )
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        return sorted({row.return_id for row in rows if row.write.operation is Operation.CREATE})

    def intend(
        self,
        return_id: str,
        write: Write,
        before: Collection[int],
        sent_at: datetime,
        settle_at: datetime,
    ) -> Intent:
        """See `core.ports.Journal`. Refuses what may never be sent: a create that names no item,
        a create while creation is stopped, a write while another one is outstanding."""
        with self._store.writing() as connection:
            entry = transitions.entry_before(connection, return_id)
            transitions.refuse_forbidden(connection, return_id, write)
            transitions.step(connection, entry, State.IN_FLIGHT, {})
            intent: Values = {
                "return_id": return_id,
                "fingerprint": entry.fingerprint,
                "write": write,
                "before": tuple(sorted(before)),
                "sent_at": sent_at,
                "settle_at": settle_at,
            }
            inserted = connection.execute(intents.insert(), intent)
            connection.execute(meta.update().where(meta.c.has_pushed == 0).values(has_pushed=1))
            hit(Failpoint.INTENT_COMMITTING)
        hit(Failpoint.INTENT_COMMITTED)
        return Intent(id=new_id(inserted), **intent)

    def apply(self, return_id: str, transition: Transition) -> None:
        """See `core.ports.Journal`."""
        self.apply_all([(return_id, transition)])

    def apply_all(self, transitions: Sequence[tuple[str, Transition]]) -> None:
        """See `core.ports.Journal`."""
        if not transitions:
            return
        now = self._clock.now()
        with self._store.writing() as connection:
            for return_id, transition in transitions:
                _take(connection, return_id, transition, now)
            _tell(_COMMITTING, transitions)
        _tell(_COMMITTED, transitions)


def _tell(points: Mapping[State, Failpoint], transitions: Sequence[tuple[str, Transition]]) -> None:
    """Each state that is moved to is a point of its own; one that nobody names is none."""
    for state in dict.fromkeys(transition.state for _, transition in transitions):
        if state in points:
            hit(points[state])


def _take(connection: Connection, return_id: str, transition: Transition, now: datetime) -> None:
    entry = transitions.entry_before(connection, return_id)
    after, values = transitions.after(entry, transition)
    values["due_since"] = transitions.due_since(entry, after, now)
    transitions.step(connection, entry, after, values)
    if transition.sale_returns is not None:
        transitions.replace_sale_returns(connection, return_id, transition.sale_returns)
    transitions.stamp_intents(connection, return_id, transition)
    if transition.attempt is not None:
        attempt = msgspec.structs.asdict(transition.attempt)
        connection.execute(attempts.insert(), attempt | {"return_id": return_id})
