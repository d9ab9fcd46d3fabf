"""What the ledger tells of a period, for its report. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BindParameter,
    Connection,
    Row,
    Text,
    and_,
    bindparam,
    case,
    distinct,
    func,
    or_,
    select,
    type_coerce,
)

from reconciler.core.batches import BATCH
from reconciler.core.model import Operation
from reconciler.core.period.facts import (
    LANDED,
    DecisionFacts,
    Deeds,
    Landed,
    LedgerFacts,
    ReturnFacts,
    RunCount,
    WriteCount,
)
from reconciler.core.period.span import Span
from reconciler.ledger.columns import JsonText
from reconciler.ledger.database import Database
from reconciler.ledger.malformed import IS_IGNORED
from reconciler.ledger.tables import (
    decisions,
    entries,
    forgotten,
    intents,
    malformed,
    meta,
    runs,
    sale_returns,
)


class _SeenLine(Struct, frozen=True, gc=False):
    reason: str | None = None


class _Seen(Struct, frozen=True, gc=False):
    """What of `core.model.Return` is counted: reading all of it takes three times as long."""

    updated_at: datetime
    lines: tuple[_SeenLine, ...] = ()
    outcomes: tuple[str, ...] = ()


_columns = entries.c
_THESE: BindParameter[Any] = bindparam("these", expanding=True)
_RETURNS = (
    select(
        _columns.return_id,
        _columns.order_name,
        _columns.order_id,
        _columns.created_at,
        type_coerce(_columns.seen, JsonText(_Seen)).label("seen"),
        _columns.state,
        _columns.reason,
        func.coalesce(_columns.due_since, _columns.changed_at).label("since"),
        _columns.fingerprint,
    )
    .where(
        _columns.created_at < bindparam("until"),
        _columns.created_at >= bindparam("at"),
        or_(
            _columns.created_at > bindparam("at"),
            _columns.return_id > bindparam("id"),
        ),
    )
    .order_by(_columns.created_at, _columns.return_id)
    .limit(BATCH)
)
_SALE_RETURNS = select(sale_returns.c.return_id, sale_returns.c.vendors).where(
    sale_returns.c.return_id.in_(_THESE)
)
# The operation is the first that a write is stored with (`core.model.Write`).
_IS_CREATE = type_coerce(intents.c.write, Text).startswith(
    f'{{"operation":"{Operation.CREATE.value}"', autoescape=True
)
_LANDED = (
    select(intents.c.return_id, intents.c.fingerprint, intents.c.sent_at, _IS_CREATE.label("made"))
    .where(intents.c.return_id.in_(_THESE), intents.c.closed_as.in_(LANDED))
    .order_by(intents.c.sent_at, intents.c.id)
)
_OPERATION = case((_IS_CREATE, 1), else_=0)


class SqlPeriods:
    """Rows of several tables by their time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def returns(self, span: Span) -> Iterator[ReturnFacts]:
        """Returns that were created in Loop in the period, in order of that. Streamed: each batch
        is one transaction, none of which is open while the caller works."""
        at, id_ = span.start, ""
        while True:
            with self._database.reading() as connection:
                after = {"at": at, "id": id_, "until": span.until}
                rows = connection.execute(_RETURNS, after).all()
                ids = [row.return_id for row in rows]
                vendors, landed = _vendors(connection, ids), _landed(connection, ids)
            for row in rows:
                yield _facts(row, vendors.get(row.return_id), landed.get(row.return_id, ()))
            if len(rows) < BATCH:
                return
            at, id_ = rows[-1].created_at, rows[-1].return_id

    def deeds(self, span: Span) -> Deeds:
        """What was done in the period."""
        sent = and_(intents.c.sent_at >= span.start, intents.c.sent_at < span.until)
        returns = func.count(distinct(intents.c.return_id))
        writes = select(_OPERATION, intents.c.closed_as, func.count(), returns).where(sent)
        told = select(returns).where(sent, intents.c.closed_as.in_(LANDED))
        began = and_(runs.c.started_at >= span.start, runs.c.started_at < span.until)
        ended = select(runs.c.kind, runs.c.exit_code, func.count()).where(began)
        made = select(func.count()).select_from(decisions).where(_decided(span))
        with self._database.reading() as connection:
            return Deeds(
                tuple(
                    WriteCount(bool(is_create), outcome, number, of)
                    for is_create, outcome, number, of in connection.execute(
                        writes.group_by(_OPERATION, intents.c.closed_as)
                    )
                ),
                connection.execute(told).scalar_one(),
                tuple(
                    RunCount(*row)
                    for row in connection.execute(ended.group_by(runs.c.kind, runs.c.exit_code))
                ),
                connection.execute(made).scalar_one(),
            )

    def decisions(self, span: Span, limit: int) -> list[DecisionFacts]:
        """The last ones of the period, the newest first."""
        columns = (decisions.c[name] for name in DecisionFacts.__struct_fields__)
        query = select(*columns).where(_decided(span)).order_by(decisions.c.id.desc()).limit(limit)
        with self._database.reading() as connection:
            return [DecisionFacts(*row) for row in connection.execute(query)]

    def ledger(self, both: Span, now: datetime) -> LedgerFacts:
        """The ledger itself, for both periods together."""
        gone = select(func.count()).select_from(forgotten)
        time = malformed.c.created_at
        aside = (
            select(func.count())
            .select_from(malformed)
            .where(
                ~IS_IGNORED,
                malformed.c.is_partial == 0,
                or_(time.is_(None), and_(time >= both.start, time < both.until)),
            )
        )
        with self._database.reading() as connection:
            row = connection.execute(select(meta)).one()
            return LedgerFacts(
                made_at=now.replace(microsecond=0),
                ledger_since=row.created_at,
                go_live=row.go_live,
                watermark=row.watermark,
                history_since=row.history_since,
                forgotten=connection.execute(
                    gone.where(forgotten.c.forgotten_at >= both.start)
                ).scalar_one(),
                not_understood=connection.execute(aside).scalar_one(),
            )


def _decided(span: Span) -> Any:
    at = decisions.c.decided_at
    return and_(at >= span.start, at < span.until)


def _vendors(
    connection: Connection, ids: Sequence[str]
) -> dict[str, tuple[tuple[int, ...] | None, ...]]:
    """Of each return that has sale returns, whose goods each holds."""
    found: defaultdict[str, list[tuple[int, ...] | None]] = defaultdict(list)
    for return_id, vendors in connection.execute(_SALE_RETURNS, {"these": ids}):
        found[return_id].append(vendors)
    return {return_id: tuple(each) for return_id, each in found.items()}


def _landed(connection: Connection, ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    found: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(_LANDED, {"these": ids}):
        found[row.return_id].append(row)
    return found


def _facts(
    row: Any, vendors: Sequence[tuple[int, ...] | None] | None, landed: Sequence[Row[Any]]
) -> ReturnFacts:
    return ReturnFacts(
        return_id=row.return_id,
        order_name=row.order_name,
        order_id=row.order_id,
        created_at=row.created_at,
        content_since=row.seen.updated_at,
        state=row.state,
        reason=row.reason,
        since=row.since,
        outcomes=row.seen.outcomes,
        reasons=tuple(line.reason for line in row.seen.lines),
        is_in_jetti=vendors is not None,
        vendors=_together(vendors or ()),
        landed=tuple(
            Landed(write.sent_at, bool(write.made), write.fingerprint == row.fingerprint)
            for write in landed
        ),
    )


def _together(each: Sequence[tuple[int, ...] | None]) -> tuple[int | None, ...] | None:
    """Of several sale returns; one without a vendor holds goods of the shop's own."""
    whose: set[int | None] = set()
    for vendors in each:
        if vendors is None:
            return None
        whose.update(vendors or (None,))
    return tuple(sorted(whose, key=lambda id_: (id_ is None, id_ or 0)))
