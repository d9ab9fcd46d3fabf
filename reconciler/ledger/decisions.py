"""What people decided about returns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from reconciler.core.batches import batched
from reconciler.core.decisions import Decided, Decision, Ruling
from reconciler.failpoints import Failpoint, hit
from reconciler.ledger import transitions
from reconciler.ledger.database import Database
from reconciler.ledger.loading import columns_of
from reconciler.ledger.tables import decisions, entries, malformed, meta, stopped


class SqlDecisions:
    """The table `decisions`, and what follows from each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, return_id: str) -> tuple[Decided, ...]:
        """What was decided about this return, the oldest first."""
        query = select(*columns_of(decisions, Decided)).where(decisions.c.return_id == return_id)
        with self._database.reading() as connection:
            return tuple(Decided(*row) for row in connection.execute(query.order_by("id")))

    def last(self, ids: Collection[str]) -> dict[str, datetime]:
        """When someone last decided about each of these returns, of those that there is one of."""
        found: dict[str, datetime] = {}
        with self._database.reading() as connection:
            for batch in batched(ids):
                query = select(decisions.c.return_id, func.max(decisions.c.decided_at))
                these = query.where(decisions.c.return_id.in_(batch))
                found.update(connection.execute(these.group_by(decisions.c.return_id)).all())
        return found

    def record(
        self, rulings: Sequence[Ruling], now: datetime, *, by: str | None, reason: str | None
    ) -> None:
        """Record these decisions and carry them out, all or none. `by` is the user of the system.

        Raises LedgerError where `core.states` does not allow one.
        """
        # One transaction: a return whose state moved without its decision, or the other way round,
        # could not be distinguished from one that nobody decided about.
        with self._database.writing() as connection:
            steps = [(one.return_id, one.step) for one in rulings if one.step is not None]
            for portion in transitions.portions(steps):
                transitions.take(connection, portion, now)
            for one in rulings:
                _carry_out(connection, one)
                connection.execute(
                    decisions.insert(),
                    {
                        "return_id": one.return_id,
                        "decided_at": now,
                        "decision": one.decision.value,
                        "decided_by": by,
                        "reason": reason,
                        "sale_returns": one.sale_returns,
                    },
                )
            hit(Failpoint.DECISION_COMMITTING)
        hit(Failpoint.DECISION_COMMITTED)


def _carry_out(connection: Connection, ruling: Ruling) -> None:
    """What follows besides the entry's next state."""
    this = entries.c.return_id == ruling.return_id
    if ruling.claim is not None:
        connection.execute(entries.update().where(this).values(not_ours=ruling.claim.not_ours))
    if ruling.is_accepted and ruling.step is not None:
        connection.execute(
            entries.update().where(this).values(accepted_fingerprint=entries.c.fingerprint)
        )
    if ruling.decision is Decision.CREATE:
        connection.execute(entries.update().where(this).values(asked_for=1))
    if ruling.step is not None and (ruling.is_accepted or ruling.decision is Decision.IGNORE):
        connection.execute(delete(stopped).where(stopped.c.return_id == ruling.return_id))
    if ruling.row is not None:
        ignored = malformed.c.problem if ruling.decision is Decision.IGNORE else None
        connection.execute(
            malformed.update().where(malformed.c.key == ruling.row).values(ignored_problem=ignored)
        )
    if ruling.opens_creation:
        # Whether the id list is obeyed has to be proven again, one create at a time.
        # safeguard: opened-creation-is-proven-anew
        connection.execute(
            meta.update().values(
                creation_stopped=None, creation_stopped_by=None, proven_ids_key=None
            )
        )
