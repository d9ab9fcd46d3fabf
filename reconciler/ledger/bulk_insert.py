"""Inserting many rows of one table at once.

SQLAlchemy works out the parameters of each row again, which takes as long as SQLite takes to insert
it. Here the columns' types bind the values, and the driver is given the rows as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert
from sqlalchemy.engine import Dialect

Row = dict[str, Any]
"""Values by column."""


def insert(connection: Connection, statement: Insert, rows: Sequence[Row]) -> None:
    """Insert rows that all name the same columns; the others of the table get their defaults.

    The statement is one that was built once and names no values of its own.
    """
    if not rows:
        return
    sql, columns = _compiled(statement, tuple(rows[0]), connection.dialect)
    bound = (_bound([row[name] for row in rows], bind) for name, bind in columns)
    connection.exec_driver_sql(sql, list(zip(*bound, strict=True)))


@cache
def _compiled(
    statement: Insert, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, list[tuple[str, Callable[[Any], Any] | None]]]:
    """The statement as text, and its columns in order, each with what binds its values."""
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    columns = statement.table.c
    return str(compiled), [
        (name, columns[name].type.dialect_impl(dialect).bind_processor(dialect))
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
