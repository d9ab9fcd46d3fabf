"""What a guard stopped, and what a person let through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, bindparam, delete, select

from reconciler.core.model import State
from reconciler.core.ports import PlanMember, StoppedPlan
from reconciler.core.states import OPEN
from reconciler.ledger.loading import BATCH
from reconciler.ledger.part import Part
from reconciler.ledger.tables import entries, plans, stopped
from reconciler.ledger.wants import START_ANEW, Values
from reconciler.points import Point, reached

PLANS_KEPT = 50
"""A stopped plan that changes from pass to pass must not fill the disk with its versions."""


class Stopping(Part):
    """Plans that were not carried out, and their members."""

    def keep_plan(self, digest: str, members: Iterable[PlanMember], now: datetime) -> None:
        """See `core.ports.Ledger`."""
        with self._store.writing() as connection:
            _keep(connection, digest, members, now)
        reached(Point.PLAN_KEPT)

    def kept_plan(self, digest: str) -> tuple[PlanMember, ...] | None:
        """See `core.ports.Ledger`."""
        query = select(plans.c.members).where(plans.c.digest == digest)
        with self._store.reading() as connection:
            members: tuple[PlanMember, ...] | None = connection.execute(query).scalar_one_or_none()
        return members

    def stop_plan(self, digest: str, members: Iterable[PlanMember], now: datetime) -> None:
        """See `core.ports.Ledger`."""
        listed = list(members)
        with self._store.writing() as connection:
            if listed:
                _keep(connection, digest, listed, now)
            since = {
                (row.return_id, row.fingerprint): row.stopped_at
                for row in connection.execute(select(stopped))
            }
            connection.execute(delete(stopped))
            for batch in _batched(listed):
                rows = [
                    {
                        "return_id": one.return_id,
                        "change": one.change,
                        "fingerprint": one.fingerprint,
                        "digest": digest,
                        "stopped_at": since.get(one.want, now),
                    }
                    for one in batch
                ]
                connection.execute(stopped.insert(), rows)
        reached(Point.PLAN_STOPPED)

    def stopped_plan(self) -> StoppedPlan | None:
        """See `core.ports.Ledger`."""
        query = (
            select(stopped)
            .join(entries, entries.c.return_id == stopped.c.return_id)
            .where(entries.c.fingerprint == stopped.c.fingerprint, entries.c.state.in_(OPEN))
        )
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return None
        members = (PlanMember(row.return_id, row.change, row.fingerprint) for row in rows)
        return StoppedPlan(rows[0].digest, frozenset(members), min(row.stopped_at for row in rows))

    def let_through(self, members: Iterable[PlanMember], now: datetime, *, asked: bool) -> None:
        """See `core.ports.Ledger`."""
        with self._store.writing() as connection:
            for batch in _batched(members):
                _accept(connection, batch, now, asked=asked)
        reached(Point.LET_THROUGH_COMMITTED)


def _keep(
    connection: Connection, digest: str, members: Iterable[PlanMember], now: datetime
) -> None:
    connection.execute(delete(plans).where(plans.c.digest == digest))
    connection.execute(plans.insert(), {"digest": digest, "kept_at": now, "members": members})
    newest = select(plans.c.digest).order_by(plans.c.kept_at.desc(), plans.c.digest)
    connection.execute(delete(plans).where(plans.c.digest.not_in(newest.limit(PLANS_KEPT))))


def _accept(connection: Connection, batch: list[PlanMember], now: datetime, *, asked: bool) -> None:
    this = entries.c.return_id == bindparam("this")
    same = entries.c.fingerprint == bindparam("want")
    rows = [{"this": one.return_id, "want": one.fingerprint} for one in batch]
    accepted: Values = {"accepted_fingerprint": bindparam("want")}
    if asked:
        accepted["asked_for"] = 1
        pending = START_ANEW | {"due_since": now}
        skipped = entries.c.state == State.SKIPPED
        connection.execute(entries.update().where(this, same, skipped).values(pending), rows)
    connection.execute(entries.update().where(this, same).values(accepted), rows)
    connection.execute(
        delete(stopped).where(stopped.c.return_id == bindparam("this")),
        [{"this": one.return_id} for one in batch],
    )


def _batched(members: Iterable[PlanMember]) -> Iterator[list[PlanMember]]:
    rest = iter(members)
    while batch := list(islice(rest, BATCH)):
        yield batch
