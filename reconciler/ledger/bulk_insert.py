"""Inserting many rows of one table at once.

SQLAlchemy works out the parameters of each row again, which takes as long as SQLite takes to insert
it. Here the columns' types bind the values, and the driver is given the rows as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.engine import Dialect

Row = dict[str, Any]
"""Values by column."""


def insert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that all name the same columns; the others of the table get their defaults."""
    if not rows:
        return
    sql, columns = _statement(table, tuple(rows[0]), connection.dialect)
    bound = (_bound([row[name] for row in rows], bind) for name, bind in columns)
    connection.exec_driver_sql(sql, list(zip(*bound, strict=True)))


@cache
def _statement(
    table: Table, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, list[tuple[str, Callable[[Any], Any] | None]]]:
    """The statement, and its columns in order, each with what binds its values."""
    compiled = table.insert().compile(dialect=dialect, column_keys=list(names))
    return str(compiled), [
        (name, table.c[name].type.dialect_impl(dialect).bind_processor(dialect))
        for name in compiled.positiontup or ()
    ]


def _bound(values: list[Any], bind: Callable[[Any], Any] | None) -> Iterator[Any] | list[Any]:
    """The values as the driver takes them. What is the same all through is bound once."""
    if bind is None:
        return values
    first = values[0]
    if all(value is first for value in values):
        return [bind(first)] * len(values)
    return map(bind, values)
