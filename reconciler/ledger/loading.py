"""Rows into entries: three queries for each batch, however many entries it has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, select

from reconciler.core.model import Entry, Intent, SaleReturn
from reconciler.core.order_name import variants
from reconciler.ledger.database import batched
from reconciler.ledger.tables import entries, intents, sale_returns


def load(
    connection: Connection, ids: Sequence[str], condition: ColumnElement[bool] | None = None
) -> list[Entry]:
    """These entries in the order asked for; unknown ids, and entries that do not meet the
    condition, are left out."""
    found: dict[str, Entry] = {}
    for batch in batched(ids):
        query = select(entries).where(entries.c.return_id.in_(batch))
        if condition is not None:
            query = query.where(condition)
        rows = connection.execute(query).all()
        ours = _sale_returns(connection, batch)
        outstanding = _outstanding(connection, batch)
        for row in rows:
            id_ = row.return_id
            found[id_] = _entry(row, tuple(ours[id_]), tuple(outstanding[id_]))
    return [found[id_] for id_ in ids if id_ in found]


def _intent(row: Row[Any]) -> Intent:
    return Intent(
        id=row.id,
        return_id=row.return_id,
        fingerprint=row.fingerprint,
        write=row.write,
        before=row.before,
        sent_at=row.sent_at,
        settle_at=row.settle_at,
        absent_at=row.absent_at,
    )


def _entry(row: Row[Any], ours: tuple[SaleReturn, ...], outstanding: tuple[Intent, ...]) -> Entry:
    # A return that was touched but not changed has only its column moved on.
    seen = msgspec.structs.replace(row.seen, updated_at=row.updated_at)
    return Entry(
        seen=seen,
        wanted=row.wanted,
        fingerprint=row.fingerprint,
        state=row.state,
        reason=row.reason,
        changed_at=row.changed_at,
        due_since=row.due_since,
        attempts=row.attempts,
        next_try_at=row.next_try_at,
        pushed_fingerprint=row.pushed_fingerprint,
        asked_for=bool(row.asked_for),
        accepted_fingerprint=row.accepted_fingerprint,
        sale_returns=ours,
        intents=outstanding,
    )


def _sale_returns(connection: Connection, ids: list[str]) -> dict[str, list[SaleReturn]]:
    query = (
        select(sale_returns).where(sale_returns.c.return_id.in_(ids)).order_by(sale_returns.c.id)
    )
    found: dict[str, list[SaleReturn]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.return_id].append(
            SaleReturn(
                id=row.id,
                reference=row.reference,
                sale_id=row.sale_id,
                purchase_id=row.purchase_id,
                fields=row.fields,
                items=row.items,
            )
        )
    return found


def _outstanding(connection: Connection, ids: list[str]) -> dict[str, list[Intent]]:
    query = (
        select(intents)
        .where(intents.c.return_id.in_(ids), intents.c.closed_as.is_(None))
        .order_by(intents.c.id)
    )
    found: dict[str, list[Intent]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.return_id].append(_intent(row))
    return found


def is_named(order_name: ColumnElement[str], typed: str) -> ColumnElement[bool]:
    """Whether it is the name of the order that was typed, with or without `#`."""
    found = variants(typed)
    return order_name.in_((typed, *found) if found else ())
