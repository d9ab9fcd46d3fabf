"""The query language of collections: brackets as in the Node library `qs`
(jetti.md#query-language)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

from msgspec import Struct
from qs_codec import DecodeOptions, decode

from reconciler.sandbox.jetti.schema import Resource, Row
from reconciler.sandbox.jetti.switches import JettiSwitches
from reconciler.sandbox.jetti.where import WhereReader, refused
from reconciler.sandbox.jetti.world import World

# Four levels of include, each with attributes, need more than the parser's own 5
# (jetti.md#include-depth).
_DEPTH = 20
_PARAMETERS = 5000
_NUMBER = re.compile(r"[0-9]{1,9}")


class Query(Struct, frozen=True):
    """One query string, parsed but not yet checked against a resource."""

    where: Any = None
    limit: str | None = None
    start: str | None = None
    """`from`"""
    order: Any = None
    attributes: Any = None
    include: Any = None


def parse_query(raw: str, switches: JettiSwitches) -> Query:
    """Parse a query string. Unknown parameters (`offset`, `page`, `sort`, …) are ignored."""
    options = DecodeOptions(
        depth=_DEPTH, list_limit=switches.array_limit, parameter_limit=_PARAMETERS
    )
    found = decode(raw, options)
    return Query(
        where=found.get("where"),
        limit=found.get("limit"),
        start=found.get("from"),
        order=found.get("order"),
        attributes=found.get("attributes"),
        include=found.get("include"),
    )


def select(world: World, resource: Resource, query: Query) -> list[Row]:
    """The requested page of rows in the requested order, by default by id."""
    switches = world.switches
    where = None if switches.where_ignored else query.where
    rows: Iterable[Row] = world.visible(resource.model, _candidates(world, resource, where))
    if where is not None:
        rows = filter(WhereReader(resource, switches).read(where), rows)
    rows = _ordered(rows, resource, query.order, switches)
    limit = min(_limit(query.limit, switches), switches.max_limit)
    start = _start(query.start, limit, switches)
    return list(islice(rows, start, start + limit))


def _limit(text: str | None, switches: JettiSwitches) -> int:
    if text is not None and switches.limit_parameter == "refused":
        raise refused(switches)
    shown = text if switches.limit_parameter == "taken" else None
    return _whole_number(shown, switches.default_limit)


def _start(text: str | None, limit: int, switches: JettiSwitches) -> int:
    if text is not None and switches.from_means == "refused":
        raise refused(switches)
    number = _whole_number(text, 0)
    return {"offset": number, "page": number * limit}.get(switches.from_means, 0)


def _candidates(world: World, resource: Resource, where: Any) -> Iterable[Row]:
    """The rows to test: narrowed by an index or by id if possible."""
    table = world.table(resource.model)
    for name, values in WhereReader(resource, world.switches).equals(where).items():
        if name == "id":
            return [table.rows[row_id] for row_id in sorted(set(values)) if row_id in table.rows]
        if table.is_indexed(name):
            return table.find(name, *values)
    return table.rows.values()


def _ordered(
    rows: Iterable[Row], resource: Resource, order: Any, switches: JettiSwitches
) -> Iterable[Row]:
    """`order[attribute]=createdAt&order[descending]=true`; without `descending`, ascending
    (jetti.md#query-parameters)."""
    if order is not None and switches.order_parameter == "refused":
        raise refused(switches)
    if switches.order_parameter != "taken":
        return sorted(rows, key=lambda row: (row["updatedAt"], row["id"]))
    if order is None:
        return rows
    name = order.get("attribute") if isinstance(order, dict) else None
    if not isinstance(name, str) or name not in resource.fields or name == "companyId":
        if switches.unknown_field == "error":
            raise refused(switches)
        return rows
    descending = order.get("descending") in ("true", "1") or switches.order_descends
    if name == "id" and not descending:
        return rows
    held: list[Row] = []
    empty: list[Row] = []
    for row in rows:
        (empty if row[name] is None else held).append(row)
    held.sort(key=lambda row: row[name], reverse=descending)
    # PostgreSQL takes nulls as the largest.
    return empty + held if descending else held + empty


def _whole_number(text: Any, default: int) -> int:
    if text is None:
        return default
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise refused()
    return int(text)
