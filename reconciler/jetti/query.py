"""Jetti's query language: bracketed query strings (jetti.md#query-language)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from urllib.parse import quote

from msgspec import Struct

LIMIT = 100
"""Rows asked for at a time; the largest ever seen in use. A page that is exactly full may have
more behind it (jetti.md#paging)."""

SHORT_LIST = 20
"""Values of one `$in` that any parser takes: arrays in the server's (Node's qs) end there by
default (jetti.md#array-length). A longer list has to show that it is understood."""

LONGEST_QUERY = 4000
"""Characters of a query: with path and host as long a URL as ordinary servers and proxies take."""


class Feature(StrEnum):
    """What a query may use besides the equality of one field, by Jetti's own names. All of it is
    inferred, or was seen in code and is not documented (jetti.md#query-parameters,
    #filter-operators)."""

    IN = "$in"
    GT = "$gt"
    LT = "$lt"
    ORDER = "order"
    DESCENDING = "order[descending]"
    LIMIT = "limit"
    FROM = "from"


class Query(Struct, frozen=True):
    """Rows whose field is one of the values, lowest id first; without a field, all rows."""

    field: str | None = None
    values: tuple[str | int, ...] = ()
    after: int | None = None
    """Only rows with a larger id."""
    before: int | None = None
    """Only rows with a smaller id."""
    descending: bool = False
    """Highest id first."""
    start: int = 0
    """`from`: nobody knows whether it counts rows or pages."""

    def features(self) -> frozenset[Feature]:
        used = {
            Feature.IN: len(self.values) > 1,
            Feature.GT: self.after is not None,
            Feature.LT: self.before is not None,
            Feature.DESCENDING: self.descending,
        }
        always = {Feature.ORDER, Feature.LIMIT, Feature.FROM}
        return frozenset(always | {feature for feature, is_used in used.items() if is_used})

    def encode(self, without: Collection[Feature] = ()) -> str:
        """As a query string; only `order`, `limit` and `from` can be left out."""
        parts = self._condition()
        if Feature.ORDER not in without:
            parts.append(_encoded("order[attribute]", "id"))
            if self.descending:
                parts.append(_encoded("order[descending]", "true"))
        if Feature.LIMIT not in without:
            parts.append(_encoded(Feature.LIMIT, LIMIT))
        if Feature.FROM not in without:
            parts.append(_encoded(Feature.FROM, self.start))
        return "&".join(parts)

    def _condition(self) -> list[str]:
        bounds = ((Feature.GT, self.after), (Feature.LT, self.before))
        of_id = [
            _encoded(f"where[id][{name}]", bound) for name, bound in bounds if bound is not None
        ]
        if self.field is None:
            return of_id
        # An id that has a bound takes no plain value beside it.
        if len(self.values) == 1 and not (self.field == "id" and of_id):
            return [_encoded(f"where[{self.field}]", self.values[0]), *of_id]
        return [*_list(self.field, self.values), *of_id]


def _encoded(name: str, value: str | int) -> str:
    return f"{quote(name, safe='')}={quote(str(value), safe='')}"


def _list(field: str, values: Sequence[str | int]) -> Iterator[str]:
    """Each value of a list with its name and place, encoded. The name is encoded once: there may be
    a hundred of them in each of hundreds of queries."""
    name = quote(f"where[{field}][$in]", safe="")
    for place, value in enumerate(values):
        yield f"{name}%5B{place}%5D={quote(str(value), safe='')}"


def fitting(field: str, values: Sequence[str | int], most: int) -> Sequence[str | int]:
    """The first of these values that can be asked for together, at least one: no more than `most`,
    and in a query that is not too long."""
    length = len(Query(field).encode())
    for place, encoded in enumerate(_list(field, values)):
        length += len(encoded) + 1
        if place and (place == most or length > LONGEST_QUERY):
            return values[:place]
    return values


def may_be_cut(rows: int) -> bool:
    """Whether a page of `rows` rows may end where the server cuts it, and not where the rows end.

    Nobody knows the largest page (jetti.md#paging), but it will be a round number. A second request
    after every page, however short, would cost one read more for every twenty returns.
    """
    return rows > 0 and (rows >= LIMIT or rows % 10 == 0 or rows % 25 == 0)
