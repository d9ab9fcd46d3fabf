"""What pushing writes down, before and after each request."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import case, select

from reconciler.clock import Clock
from reconciler.core.batches import batched
from reconciler.core.model import Intent, Operation, State, Write
from reconciler.core.records import Attempt, PastWrite, Transition
from reconciler.core.states import OPEN
from reconciler.failpoints import Failpoint, hit
from reconciler.ledger import entry_updates, transitions
from reconciler.ledger.database import Database, new_id
from reconciler.ledger.entry_updates import Values
from reconciler.ledger.tables import attempts, entries, intents
from reconciler.ledger.transitions import Step

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


_ADD_INTENT = intents.insert()
_UNANSWERED = (
    select(intents.c.return_id, intents.c.write)
    .join(entries, entries.c.return_id == intents.c.return_id)
    .where(intents.c.closed_as.is_(None), entries.c.state.in_(OPEN))
)


class SqlJournal:
    """Intents, steps from state to state, and attempts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def unanswered_creates(self) -> list[str]:
        """Returns with a create that has no answer and is still to be read back, in order of id."""
        with self._database.reading() as connection:
            rows = connection.execute(_UNANSWERED).all()
        return sorted({row.return_id for row in rows if row.write.operation is Operation.CREATE})

    def intend(
        self,
        return_id: str,
        write: Write,
        before: Collection[int],
        sent_at: datetime,
        settle_at: datetime,
    ) -> Intent:
        """Commit, synced to disk, that this write is about to be sent; the entry goes in_flight.

        Refuses what may never be sent: ValueError for a create that names no item, SafetyStop for
        a create while creation is stopped, LedgerError while another write is outstanding.
        """
        with self._database.writing() as connection:
            [start] = transitions.starts(connection, [return_id]).values()
            transitions.admit(connection, return_id, write)
            transitions.move(connection, [(start, State.IN_FLIGHT, {})])
            intent: Values = {
                "return_id": return_id,
                "fingerprint": start.fingerprint,
                "write": write,
                "before": tuple(sorted(before)),
                "sent_at": sent_at,
                "settle_at": settle_at,
            }
            inserted = connection.execute(_ADD_INTENT, intent)
            hit(Failpoint.INTENT_COMMITTING)
        hit(Failpoint.INTENT_COMMITTED)
        return Intent(id=new_id(inserted), **intent)

    def apply(self, return_id: str, transition: Transition) -> None:
        """Take one step; an illegal one raises LedgerError and changes nothing."""
        self.apply_all([(return_id, transition)])

    def apply_all(self, steps: Sequence[Step]) -> None:
        """The same for many entries, in their order and in one transaction."""
        if not steps:
            return
        now = self._clock.now()
        with self._database.writing() as connection:
            for portion in transitions.portions(steps):
                transitions.take(connection, portion, now)
            _hit_each(_COMMITTING, steps)
        _hit_each(_COMMITTED, steps)

    def refund_attempts(self, ids: Collection[str]) -> frozenset[str]:
        """Take back the last attempt of these and make the failed ones pending: an outage. The ids
        of those that became pending."""
        pending: set[str] = set()
        attempts = case((entries.c.attempts > 0, entries.c.attempts - 1), else_=0)
        with self._database.writing() as connection:
            for batch in batched(ids):
                these, state = entries.c.return_id.in_(batch), entries.c.state
                values = entry_updates.START_ANEW | {"attempts": attempts}
                unknown = these & (state == State.UNKNOWN)
                connection.execute(entries.update().where(unknown).values(attempts=attempts))
                failed = these & (state == State.FAILED)
                pending.update(connection.scalars(select(entries.c.return_id).where(failed)))
                connection.execute(entries.update().where(failed).values(values))
        return frozenset(pending)

    def attempts_of(self, return_id: str) -> list[Attempt]:
        """Its requests and their answers, oldest first."""
        query = select(attempts).where(attempts.c.return_id == return_id).order_by(attempts.c.id)
        with self._database.reading() as connection:
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

    def writes_of(self, return_id: str) -> list[PastWrite]:
        """Its writes, closed ones too, oldest first."""
        query = select(intents).where(intents.c.return_id == return_id).order_by(intents.c.id)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [
            PastWrite(
                at=row.sent_at,
                operation=row.write.operation,
                target_id=row.write.target_id,
                sale_item_ids=row.write.sale_item_ids,
                fields=row.write.fields,
                settle_at=row.settle_at,
                outcome=row.closed_as,
            )
            for row in rows
        ]


def _hit_each(points: Mapping[State, Failpoint], steps: Sequence[Step]) -> None:
    """Pass the failpoint of each state that is moved to; some states have none."""
    for state in dict.fromkeys(transition.state for _, transition in steps):
        if state in points:
            hit(points[state])
