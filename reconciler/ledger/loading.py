"""Rows into entries: three queries for each batch, however many entries it has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Row,
    Table,
    bindparam,
    select,
)

from reconciler.core.batches import batched
from reconciler.core.model import Entry, Intent, SaleReturn
from reconciler.core.order_name import variants
from reconciler.ledger.tables import entries, intents, sale_returns


def columns_of(table: Table, kind: type[Struct]) -> list[Column[Any]]:
    """The columns of a table that are the fields of that type, in its order."""
    return [table.c[name] for name in kind.__struct_fields__]


_THESE: BindParameter[Any] = bindparam("these", expanding=True)
_STORED = [name for name in Entry.__struct_fields__ if name in entries.c]
_ASKED_FOR = _STORED.index("asked_for")
_NOT_OURS = _STORED.index("not_ours")
_ENTRIES = select(
    entries.c.return_id, entries.c.updated_at, *(entries.c[name] for name in _STORED)
).where(entries.c.return_id.in_(_THESE))
_SALE_RETURNS = (
    select(sale_returns.c.return_id, *columns_of(sale_returns, SaleReturn))
    .where(sale_returns.c.return_id.in_(_THESE))
    .order_by(sale_returns.c.id)
)
_OUTSTANDING = (
    select(*columns_of(intents, Intent))
    .where(intents.c.return_id.in_(_THESE), intents.c.closed_as.is_(None))
    .order_by(intents.c.id)
)
_OWNERS = select(sale_returns.c.id, sale_returns.c.return_id).where(sale_returns.c.id.in_(_THESE))


def load(
    connection: Connection, ids: Sequence[str], condition: ColumnElement[bool] | None = None
) -> list[Entry]:
    """These entries in the order asked for; unknown ids, and entries that do not meet the
    condition, are left out."""
    query = _ENTRIES if condition is None else _ENTRIES.where(condition)
    found: dict[str, Entry] = {}
    for batch in batched(ids):
        rows = connection.execute(query, {"these": batch}).all()
        ours = _sale_returns(connection, batch)
        outstanding = _outstanding(connection, batch)
        for row in rows:
            id_ = row.return_id
            found[id_] = _entry(row, tuple(ours.get(id_, ())), tuple(outstanding.get(id_, ())))
    return [found[id_] for id_ in ids if id_ in found]


def _entry(row: Row[Any], ours: tuple[SaleReturn, ...], outstanding: tuple[Intent, ...]) -> Entry:
    values: list[Any] = [*row[2:], ours, outstanding]
    seen = values[0]
    if seen.updated_at != row.updated_at:
        # A return that was touched but not changed has only its column moved on.
        values[0] = replace(seen, updated_at=row.updated_at)
    values[_ASKED_FOR] = bool(values[_ASKED_FOR])
    values[_NOT_OURS] = values[_NOT_OURS] or ()
    return Entry(*values)


def _sale_returns(connection: Connection, ids: list[str]) -> dict[str, list[SaleReturn]]:
    found: dict[str, list[SaleReturn]] = defaultdict(list)
    for return_id, *fields in connection.execute(_SALE_RETURNS, {"these": ids}):
        found[return_id].append(SaleReturn(*fields))
    return found


def _outstanding(connection: Connection, ids: list[str]) -> dict[str, list[Intent]]:
    found: dict[str, list[Intent]] = defaultdict(list)
    for row in connection.execute(_OUTSTANDING, {"these": ids}):
        found[row.return_id].append(Intent(*row))
    return found


def owners(connection: Connection, sale_return_ids: Iterable[int]) -> dict[int, str]:
    """The return of each of these sale returns that is known."""
    found: dict[int, str] = {}
    for batch in batched(sale_return_ids):
        found.update(
            (row.id, row.return_id) for row in connection.execute(_OWNERS, {"these": batch})
        )
    return found


def is_named(order_name: ColumnElement[str], typed: str) -> ColumnElement[bool]:
    """Whether it is the name of the order that was typed, with or without `#`."""
    found = variants(typed)
    return order_name.in_((typed, *found) if found else ())
