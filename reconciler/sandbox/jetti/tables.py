"""Rows in memory: sequences, indexes, time stamps and the checks of a database."""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.jetti.schema import Resource, Row


def timestamp(instant: datetime) -> str:
    """`2018-03-05T23:05:09.000Z` (jetti.md#value-formats)."""
    text = instant.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


class Table:
    """All objects of one resource. Returned rows are not copies: copy them before changing."""

    def __init__(self, resource: Resource, clock: SandboxClock) -> None:
        self.resource = resource
        self.rows: dict[int, Row] = {}
        """By id, in ascending order because ids are never reused."""
        self._clock = clock
        self._last_id = 0
        fields = [field for field in resource.fields.values() if field.name != "companyId"]
        self._defaults: Row = {field.name: field.default for field in fields}
        self._dated = [field.name for field in fields if field.default == "now"]
        self._born: dict[int, datetime] = {}
        self._index: dict[str, dict[Any, set[int]]] = {
            name: defaultdict(set) for name in resource.indexed
        }

    def insert(self, values: Row) -> Row:
        """Add a row. Its id is the next integer of this table's sequence (jetti.md#row-ids)."""
        self._refuse_unknown(values)
        self._last_id += 1
        now = timestamp(self._clock.now())
        row = {**self._defaults, **dict.fromkeys(self._dated, now), **values, "id": self._last_id}
        self.rows[self._last_id] = row
        self._born[self._last_id] = self._clock.now()
        self._enter(row)
        return row

    def update(self, row_id: int, values: Row) -> Row:
        """Change the given values and set `updatedAt`, unless that is given too."""
        self._refuse_unknown(values)
        row = self.rows[row_id]
        self._leave(row)
        row.update({"updatedAt": timestamp(self._clock.now()), **values, "id": row_id})
        self._enter(row)
        return row

    def change(self, row_id: int, values: Row) -> None:
        """Update only if something differs, so that recomputing does not touch other rows."""
        row = self.rows[row_id]
        if any(row[name] != value for name, value in values.items()):
            self.update(row_id, values)

    def delete(self, row_id: int) -> None:
        """Delete a row; its id is not reused."""
        self._leave(self.rows.pop(row_id))
        del self._born[row_id]

    def find(self, name: str, *values: Any) -> list[Row]:
        """Rows whose indexed attribute has one of the values, by id."""
        index = self._index[name]
        ids = {row_id for value in values for row_id in index.get(value, ())}
        return [self.rows[row_id] for row_id in sorted(ids)]

    def is_indexed(self, name: str) -> bool:
        """Whether `find` knows this attribute."""
        return name in self._index

    def visible(self, rows: Iterable[Row], lag_seconds: float) -> Iterator[Row]:
        """The rows that a GET shows: a lagging replica hides recent ones."""
        if lag_seconds <= 0:
            yield from rows
            return
        latest = self._clock.now() - timedelta(seconds=lag_seconds)
        yield from (row for row in rows if self._born[row["id"]] <= latest)

    def _refuse_unknown(self, values: Row) -> None:
        if not values.keys() <= self.resource.fields.keys():
            unknown = values.keys() - self.resource.fields.keys()
            raise ValueError(f"{self.resource.model} has no {', '.join(sorted(unknown))}")

    def _enter(self, row: Row) -> None:
        for name, index in self._index.items():
            index[row[name]].add(row["id"])

    def _leave(self, row: Row) -> None:
        for name, index in self._index.items():
            index[row[name]].discard(row["id"])


def total(rows: Iterable[Row], name: str) -> int:
    """The sum of an attribute."""
    return sum(map(operator.itemgetter(name), rows))
