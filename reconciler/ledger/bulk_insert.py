"""Inserting many rows of one table at once.

SQLAlchemy works out the parameters of each row anew, which takes as long as SQLite takes to insert
it. Here the columns' types bind the values, and the driver is given the rows as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.engine import Dialect

Row = dict[str, Any]
"""Values by column."""


def insert(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows that all name the same columns; the others of the table get their defaults."""
    listed = list(rows)
    if listed:
        sql, bound = _statement(table, tuple(listed[0]), connection.dialect)
        connection.exec_driver_sql(sql, [bound(row) for row in listed])


@cache
def _statement(
    table: Table, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, Callable[[Row], Any]]:
    """The statement, and what makes the driver's parameters of a row."""
    compiled = table.insert().compile(dialect=dialect, column_keys=list(names))
    processors = {
        name: table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names
    }
    order = compiled.positiontup
    if order is None:  # a driver that takes parameters by name
        return str(compiled), lambda row: {n: _bound(processors[n], row[n]) for n in names}
    places = [(name, processors[name]) for name in order]
    return str(compiled), lambda row: tuple([_bound(bind, row[name]) for name, bind in places])


def _bound(bind: Callable[[Any], Any] | None, value: object) -> Any:
    return value if bind is None else bind(value)
