"""What a guard stopped, and what someone accepted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from sys import intern
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, bindparam, case, delete, exists, func, select
from sqlalchemy.dialects.sqlite import insert

from reconciler.core.batches import BATCH, batched
from reconciler.core.model import State
from reconciler.core.records import Accepter, PlanMember, StoppedPlan
from reconciler.core.report import ChangeKind
from reconciler.core.states import OPEN
from reconciler.failpoints import Failpoint, hit
from reconciler.ledger import bulk_insert
from reconciler.ledger.database import Database
from reconciler.ledger.entry_updates import START_ANEW, Values
from reconciler.ledger.tables import decisions, entries, intents, plans, runs, stopped

PLANS_KEPT = 50
"""Plans. One that changes from pass to pass must not fill the disk with its versions."""


class SqlPlans:
    """The tables `plans` and `stopped`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, digest: str, members: Iterable[PlanMember], now: datetime) -> None:
        """Keep a plan that was not carried out; of many, the newest."""
        with self._database.writing() as connection:
            _keep(self._database, connection, digest, members, now)
        hit(Failpoint.PLAN_KEPT)

    def kept(self, digest: str) -> tuple[PlanMember, ...] | None:
        """The members of a kept plan, or None."""
        query = select(plans.c.members).where(plans.c.digest == digest)
        with self._database.reading() as connection:
            members: tuple[PlanMember, ...] | None = connection.execute(query).scalar_one_or_none()
        return members

    def stop(self, digest: str, members: Iterable[PlanMember], now: datetime) -> None:
        """Keep the plan, and have just these members stopped from now on."""
        # One by one, here and below: a plan may have a hundred thousand members.
        with self._database.writing() as connection:
            connection.execute(stopped.update().values(digest=_OVER))
            for batch in batched(members):
                rows = [
                    {
                        "return_id": one.return_id,
                        "change": one.change,
                        "fingerprint": one.fingerprint,
                        "digest": digest,
                        "stopped_at": now,
                    }
                    for one in batch
                ]
                bulk_insert.insert(connection, _STILL_OR_NEW, rows)
            connection.execute(delete(stopped).where(stopped.c.digest == _OVER))
            if connection.execute(select(stopped.c.return_id).limit(1)).first():
                kept = _members(connection, select(stopped))
                _keep(self._database, connection, digest, kept, now)
        hit(Failpoint.PLAN_STOPPED)

    def stopped(self) -> StoppedPlan | None:
        """What is stopped, as far as the same is still wanted of it and still to be done."""
        query = (
            select(stopped)
            .join(entries, entries.c.return_id == stopped.c.return_id)
            .where(entries.c.fingerprint == stopped.c.fingerprint, entries.c.state.in_(OPEN))
        )
        with self._database.reading() as connection:
            members = frozenset(_members(connection, query))
            if not members:
                return None
            digest, since = connection.execute(
                select(func.max(stopped.c.digest), func.min(stopped.c.stopped_at)).where(
                    stopped.c.return_id.in_(query.with_only_columns(stopped.c.return_id))
                )
            ).one()
        return StoppedPlan(digest, members, since)

    def count_unaccepted(self, members: Iterable[PlanMember], since: datetime) -> int:
        """How many of these would be written to Jetti as they were reviewed, and were neither
        accepted nor begun `since` then: what was written before may be wanted again."""
        return sum(
            self._count_unaccepted(batch, since)
            for batch in batched(one for one in members if one.change != ChangeKind.ADOPT)
        )

    def _count_unaccepted(self, batch: list[PlanMember], since: datetime) -> int:
        wants = {one.return_id: one.fingerprint for one in batch}
        begun = exists().where(
            intents.c.return_id == entries.c.return_id,
            intents.c.fingerprint == entries.c.fingerprint,
            intents.c.sent_at >= since,
        )
        query = select(entries.c.return_id, entries.c.fingerprint).where(
            entries.c.return_id.in_(wants),
            entries.c.state.in_(OPEN | {State.SKIPPED}),
            entries.c.accepted_fingerprint.is_distinct_from(entries.c.fingerprint),
            ~begun,
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return sum(wants[row.return_id] == row.fingerprint for row in rows)

    def decided_since(self, members: Iterable[PlanMember], since: datetime) -> set[str]:
        """Ids of those about whose return someone decided at that time or later."""
        found: set[str] = set()
        with self._database.reading() as connection:
            for batch in batched(members):
                ids = [one.return_id for one in batch]
                query = select(decisions.c.return_id).where(
                    decisions.c.return_id.in_(ids), decisions.c.decided_at >= since
                )
                found.update(connection.execute(query).scalars())
        return found

    def accepted_of(self, members: Iterable[PlanMember]) -> set[str]:
        """Ids of those that were accepted, begun or pushed as they were reviewed."""
        found: set[str] = set()
        with self._database.reading() as connection:
            for batch in batched(members):
                wants = {one.return_id: one.fingerprint for one in batch}
                begun = select(intents.c.return_id, intents.c.fingerprint)
                accepted = select(entries.c.return_id, entries.c.accepted_fingerprint)
                pushed = select(entries.c.return_id, entries.c.pushed_fingerprint)
                for query in (begun, accepted, pushed):
                    column = query.selected_columns[0]
                    rows = connection.execute(query.where(column.in_(wants)))
                    found.update(name for name, want in rows if wants[name] == want)
        return found

    def accept(
        self,
        members: Iterable[PlanMember],
        now: datetime,
        *,
        asked_for: bool,
        by: Accepter | None = None,
    ) -> None:
        """Remember that someone let these very wants past the guards; none stays stopped."""
        with self._database.writing() as connection:
            if by is not None:
                run = runs.update().where(runs.c.id == by.run_id)
                connection.execute(run.values(accepted_by=by.user))
            for batch in batched(members):
                _accept(connection, batch, now, asked_for=asked_for)
        hit(Failpoint.ACCEPTANCE_COMMITTED)


_OVER = ""
"""The digest of members that are no longer stopped, while one plan replaces another."""

_NEW = insert(stopped)
_STILL_OR_NEW = _NEW.on_conflict_do_update(
    index_elements=[stopped.c.return_id],
    set_={
        "change": _NEW.excluded.change,
        "fingerprint": _NEW.excluded.fingerprint,
        "digest": _NEW.excluded.digest,
        # Since when the same want is stopped, even if it takes another change by now.
        "stopped_at": case(
            (stopped.c.fingerprint == _NEW.excluded.fingerprint, stopped.c.stopped_at),
            else_=_NEW.excluded.stopped_at,
        ),
    },
)


def _members(connection: Connection, query: Select[Any]) -> Iterator[PlanMember]:
    columns = query.with_only_columns(
        stopped.c.return_id, stopped.c.change, stopped.c.fingerprint
    ).order_by(stopped.c.return_id)
    for row in connection.execute(columns.execution_options(yield_per=BATCH)):
        yield PlanMember(row.return_id, intern(row.change), row.fingerprint)


def _keep(
    database: Database,
    connection: Connection,
    digest: str,
    members: Iterable[PlanMember],
    now: datetime,
) -> None:
    connection.execute(delete(plans).where(plans.c.digest == digest))
    text = bytearray()
    for one in members:
        text += (b"," if text else b"[") + msgspec.json.encode(one)
    text += b"]" if text else b"[]"
    # Written in place, because SQLite would copy a value twice: there may be 100,000 members.
    room = plans.insert().values(digest=digest, kept_at=now, members=func.zeroblob(len(text)))
    row = connection.execute(room).lastrowid
    with database.raw.blobopen("plans", "members", row) as place:
        place.write(text)
    newest = select(plans.c.digest).order_by(plans.c.kept_at.desc(), plans.c.digest)
    connection.execute(delete(plans).where(plans.c.digest.not_in(newest.limit(PLANS_KEPT))))


def _accept(
    connection: Connection, batch: list[PlanMember], now: datetime, *, asked_for: bool
) -> None:
    this = entries.c.return_id == bindparam("this")
    same = entries.c.fingerprint == bindparam("want")
    rows = [{"this": one.return_id, "want": one.fingerprint} for one in batch]
    accepted: Values = {"accepted_fingerprint": bindparam("want")}
    if asked_for:
        accepted["asked_for"] = 1
        pending = START_ANEW | {"due_since": now}
        skipped = entries.c.state == State.SKIPPED
        connection.execute(entries.update().where(this, same, skipped).values(pending), rows)
    connection.execute(entries.update().where(this, same).values(accepted), rows)
    connection.execute(
        delete(stopped).where(stopped.c.return_id == bindparam("this")),
        [{"this": one.return_id} for one in batch],
    )
