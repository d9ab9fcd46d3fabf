"""What the ledger knows of each return, and how a new mapping changes what is wanted of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    true,
)

from reconciler.clock import Clock
from reconciler.core import words
from reconciler.core.batches import batched
from reconciler.core.model import CountedWord, Entry, State, Wanted
from reconciler.core.records import StoredVersion
from reconciler.core.report import Problem
from reconciler.core.states import NEEDS_A_PERSON, OPEN, TROUBLED, UNANSWERED
from reconciler.failpoints import Failpoint, hit
from reconciler.ledger import entry_updates
from reconciler.ledger.database import Database
from reconciler.ledger.entry_updates import Values
from reconciler.ledger.loading import columns_of, is_named, load, owners
from reconciler.ledger.tables import entries, intents, stopped

LONGEST_PAUSE = timedelta(days=1)
"""No pause between two tries, and no settle time, is as long (`core.retry`)."""


_columns = entries.c
# Two orders without a name have nothing in common.
# safeguard: empty-order-names-never-match
_named_alike = and_(_columns.order_name == bindparam("order_name"), _columns.order_name != "")
_ON_ORDER_NAMED = select(_columns.return_id).where(_named_alike)
_ON_ORDER = select(_columns.return_id).where(
    or_(_columns.order_id == bindparam("order_id"), and_(_named_alike, _columns.order_id.is_(None)))
)
_other = entries.alias("other")
_ANOTHER_ON_ORDER = exists().where(
    _other.c.return_id != _columns.return_id, _other.c.order_id == _columns.order_id
)
_ANOTHER_NAMED_ALIKE = exists().where(
    _other.c.return_id != _columns.return_id,
    _other.c.order_name == _columns.order_name,
    _columns.order_name != "",
    or_(_columns.order_id.is_(None), _other.c.order_id.is_(None)),
)
_SHARING_AN_ORDER = select(_columns.return_id).where(
    _columns.return_id.in_(bindparam("these", expanding=True)),
    or_(_ANOTHER_ON_ORDER, _ANOTHER_NAMED_ALIKE),
)
_VERSIONS = select(*columns_of(entries, StoredVersion), _columns.return_id).where(
    _columns.return_id.in_(bindparam("these", expanding=True))
)


class SqlEntries:
    """The table `entries`, with the sale returns and outstanding intents of each."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self, ids: Sequence[str]) -> list[Entry]:
        """These entries in the order asked for; unknown ids are left out."""
        with self._database.reading() as connection:
            return load(connection, ids)

    def on_order(self, order_id: str | None, order_name: str, *, besides: str = "") -> list[Entry]:
        """Every entry on that order (same order id, or same name where either has no id), in
        order of id; but not that of the return `besides`."""
        query = _ON_ORDER_NAMED if order_id is None else _ON_ORDER
        order = {"order_id": order_id, "order_name": order_name}
        with self._database.reading() as connection:
            found = set(connection.execute(query, order).scalars())
            return load(connection, sorted(found - {besides}))

    def sharing_an_order(self, ids: Collection[str]) -> set[str]:
        """Those of these entries that have others on their order, as `on_order` has it."""
        found: set[str] = set()
        with self._database.reading() as connection:
            for batch in batched(ids):
                found.update(connection.execute(_SHARING_AN_ORDER, {"these": batch}).scalars())
        return found

    def owners(self, sale_return_ids: Collection[int]) -> dict[int, str]:
        """The return of each of these sale returns that is known."""
        with self._database.reading() as connection:
            return owners(connection, sale_return_ids)

    def find(self, name: str) -> list[Entry]:
        """The entry of that return id, or every entry on that order: by name, with or without
        `#`, or by its id."""
        named = or_(
            entries.c.return_id == name,
            entries.c.order_id == name,
            is_named(entries.c.order_name, name),
        )
        with self._database.reading() as connection:
            ids = connection.execute(select(entries.c.return_id).where(named)).scalars()
            return load(connection, sorted(ids))

    def versions(self, ids: Collection[str]) -> dict[str, StoredVersion]:
        """Those of these returns that have an entry, for comparing a page."""
        found: dict[str, StoredVersion] = {}
        with self._database.reading() as connection:
            for batch in batched(ids, 750):
                for *version, return_id in connection.execute(_VERSIONS, {"these": batch}):
                    found[return_id] = StoredVersion(*version)
        return found

    def ids_updated_between(self, start: datetime, end: datetime) -> set[str]:
        """Entries whose recorded `updated_at` lies in the span, both ends included."""
        return set(self._ids(entries.c.updated_at.between(start, end)))

    def ids_created_between(self, start: datetime, end: datetime) -> set[str]:
        """Entries of returns created in the span, both ends included."""
        return set(self._ids(entries.c.created_at.between(start, end)))

    def open_ids_created_between(self, start: datetime, end: datetime) -> set[str]:
        """Unfinished entries (`core.states.OPEN`) of returns created in the span."""
        created = entries.c.created_at.between(start, end)
        return set(self._ids(and_(created, entries.c.state.in_(OPEN))))

    def due(self, now: datetime, *, besides: Set[str] = frozenset()) -> Iterator[Entry]:
        """Entries with something to do now, without those ids; in order of id. Streamed."""
        condition = _due(now)
        # All ids at once are small; the entries behind them come batch by batch.
        ids = [return_id for return_id in self._ids(condition) if return_id not in besides]
        return self._stream(ids, condition)

    def count_left(self, now: datetime, *, among: Collection[str] | None = None) -> int:
        """What passes go on with: entries that are due and not stopped with a plan; of all, or
        among these ids."""
        left = _left(now)
        if among is None:
            return self._count(left)
        return sum(
            self._count(and_(left, entries.c.return_id.in_(batch))) for batch in batched(among)
        )

    def count_before(self, entry: Entry, now: datetime, fresh_since: datetime) -> int:
        """How many of what passes go on with come before this one, among what is fresh (changed in
        Loop since that instant; the newest first) or else in the backlog (the oldest first); what
        is to be read back is in neither."""
        at, id_ = entries.c.updated_at, entries.c.return_id
        seen_at = entry.seen.updated_at
        later = or_(at > seen_at, and_(at == seen_at, id_ > entry.id))
        earlier = or_(at < seen_at, and_(at == seen_at, id_ < entry.id))
        before = later if seen_at >= fresh_since else and_(earlier, at < fresh_since)
        return self._count(and_(_left(now), entries.c.state.not_in(UNANSWERED), before))

    def mapped_otherwise(self, mapping_version: str) -> Iterator[Entry]:
        """Entries whose fingerprint was made under another mapping version. Streamed."""
        column = entries.c.mapping_version
        # Not `!=`, for which no index would be used.
        condition = or_(column < mapping_version, column > mapping_version)
        return self._stream(self._ids(condition), condition)

    def matching(
        self, states: Collection[State], since: datetime | None, reason: str
    ) -> Iterator[Entry]:
        """Entries in one of these states (in any, if there are none), that are due or recorded as
        they are since that instant or for less long, with that text in their reason. Streamed."""
        columns = entries.c
        conditions: list[ColumnElement[bool]] = [true()]
        if states:
            conditions.append(columns.state.in_(states))
        if since is not None:
            conditions.append(func.coalesce(columns.due_since, columns.changed_at) >= since)
        if reason:
            conditions.append(columns.reason.icontains(reason, autoescape=True))
        condition = and_(*conditions)
        return self._stream(self._ids(condition), condition)

    def count_updated_since(self, instant: datetime) -> int:
        """Returns that changed in Loop at or after the instant, by Loop's own time."""
        # safeguard: guard-share-by-loop-time
        return self._count(entries.c.updated_at >= instant)

    def count_overdue(self, before: datetime) -> int:
        """Open entries with something to do since that instant or longer (`due_since`)."""
        return self._count(and_(entries.c.state.in_(OPEN), entries.c.due_since <= before))

    def counts_by_state(self) -> dict[State, int]:
        """How many entries are in each state; a state without any is left out."""
        query = select(entries.c.state, func.count()).group_by(entries.c.state)
        with self._database.reading() as connection:
            return {row.state: row[1] for row in connection.execute(query)}

    def unknown_words(self) -> tuple[CountedWord, ...]:
        """Words of Loop that this version does not know, and how many returns show each."""
        column = entries.c.unknown_words
        query = select(column, func.count()).where(column.is_not(None)).group_by(column)
        with self._database.reading() as connection:
            return words.count((found, number) for found, number in connection.execute(query))

    def problems(self, overdue_before: datetime, limit: int) -> list[Entry]:
        """Entries that failed, need someone or are overdue, the longest waiting first."""
        query = (
            select(entries.c.return_id)
            .where(_is_problem(overdue_before))
            .order_by(entries.c.due_since, entries.c.return_id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return load(connection, list(connection.execute(query).scalars()))

    def count_problems(self, overdue_before: datetime, *, besides: Collection[State] = ()) -> int:
        """How many such entries there are, in whatever states but these."""
        others = entries.c.state.not_in(besides)
        return self._count(and_(_is_problem(overdue_before), others))

    def every_problem(self, overdue_before: datetime) -> list[Problem]:
        """All that `status` counts as dead, failed, in review or overdue, in order of id."""
        overdue = and_(entries.c.state.in_(OPEN), entries.c.due_since <= overdue_before)
        stuck = entries.c.state.in_(NEEDS_A_PERSON | {State.FAILED})
        columns = entries.c
        query = (
            select(
                columns.return_id,
                columns.order_name,
                columns.order_id,
                columns.state,
                columns.reason,
                func.coalesce(columns.due_since, columns.changed_at).label("since"),
            )
            .where(or_(stuck, overdue))
            .order_by(columns.return_id)
        )
        with self._database.reading() as connection:
            return [Problem(**row._mapping) for row in connection.execute(query)]

    def oldest_problem(self, overdue_before: datetime) -> Entry | None:
        """Of all that failed, need someone or are overdue, the one that waits the longest."""
        found = self.problems(overdue_before, 1)
        return found[0] if found else None

    def remap(self, changed: Iterable[tuple[str, Wanted, bytes]], mapping_version: str) -> None:
        """Store newly projected wants, as (return id, wanted, fingerprint), under this version."""
        now = self._clock.now()
        with self._database.writing() as connection:
            for batch in batched(changed):
                _remap(connection, batch, mapping_version, now)
        hit(Failpoint.REMAPPED)

    def _stream(self, ids: Sequence[str], condition: ColumnElement[bool]) -> Iterator[Entry]:
        """These entries, as far as they still fit, with no transaction open between two of them."""
        for batch in batched(ids):
            with self._database.reading() as connection:
                found = load(connection, batch, condition)
            yield from found

    def _ids(self, condition: ColumnElement[bool]) -> list[str]:
        query = select(entries.c.return_id).where(condition)
        with self._database.reading() as connection:
            return sorted(connection.execute(query).scalars())

    def _count(self, condition: ColumnElement[bool]) -> int:
        query = select(func.count()).select_from(entries).where(condition)
        with self._database.reading() as connection:
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
        and_(state.in_(UNANSWERED), ~unsettled),
    )


def _is_problem(overdue_before: datetime) -> ColumnElement[bool]:
    overdue = and_(entries.c.state.in_(OPEN), entries.c.due_since <= overdue_before)
    return or_(entries.c.state.in_(TROUBLED), overdue)


def _left(now: datetime) -> ColumnElement[bool]:
    """Due and, as the same is wanted as before, not stopped with a plan."""
    is_stopped = exists().where(
        stopped.c.return_id == entries.c.return_id, stopped.c.fingerprint == entries.c.fingerprint
    )
    # safeguard: stopped-returns-are-no-backlog
    return and_(_due(now), ~is_stopped)


def _remap(
    connection: Connection,
    batch: list[tuple[str, Wanted, bytes]],
    version: str,
    now: datetime,
) -> None:
    before = entry_updates.entries_before(connection, [id_ for id_, _, _ in batch])
    stamped: list[tuple[entry_updates.StoredEntry, bytes, str]] = []
    changed: list[tuple[entry_updates.StoredEntry, Values]] = []
    for id_, wanted, fingerprint in batch:
        row = before[id_]
        if row.wanted == wanted:
            stamped.append((row, fingerprint, version))
        else:
            want = entry_updates.want_values(wanted, fingerprint, version, now)
            # The settings changed and not the return: the guard's share must not grow by it.
            del want["changed_at"]
            changed.append((row, want))
    entry_updates.restamp(connection, stamped)
    entry_updates.change(connection, changed, now)
    entry_updates.fill_in_words(connection, [id_ for id_, _, _ in batch])
