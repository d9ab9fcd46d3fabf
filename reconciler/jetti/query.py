"""Jetti's query language: bracketed query strings (jetti.md#query-language)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from urllib.parse import quote

import qs_codec
from msgspec import Struct

LIMIT = 100
"""Rows asked for at a time; the largest ever seen in use. A page that is exactly full may have
more behind it (jetti.md#paging)."""

TOGETHER = 20
"""Values of one `$in`: keeps the URL short and the page below LIMIT for ordinary orders, and is
where arrays in the server's parser (Node's qs) end by default."""


_LONGEST = 6000
"""Characters of all values together, percent-encoded: what ordinary servers take of a URL."""


class Form(StrEnum):
    """What a question may be made of beside the equality of one field; all of it is inferred, or
    was seen in code and not documented (jetti.md#query-parameters, #filter-operators). By Jetti's
    own names."""

    TOGETHER = "$in"
    AFTER = "$gt"
    BEFORE = "$lt"
    ORDER = "order"
    DESCENDING = "order[descending]"
    LIMIT = "limit"
    FROM = "from"


class Question(Struct, frozen=True):
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

    def forms(self) -> frozenset[Form]:
        """What it is made of."""
        used = {
            Form.TOGETHER: len(self.values) > 1,
            Form.AFTER: self.after is not None,
            Form.BEFORE: self.before is not None,
            Form.DESCENDING: self.descending,
        }
        always = {Form.ORDER, Form.LIMIT, Form.FROM}
        return frozenset(always | {form for form, is_used in used.items() if is_used})

    def encode(self, without: Collection[Form] = ()) -> str:
        """As a query string; only `order`, `limit` and `from` can be left out."""
        said: dict[Form, object] = {
            Form.ORDER: {"attribute": "id"} | ({"descending": "true"} if self.descending else {}),
            Form.LIMIT: LIMIT,
            Form.FROM: self.start,
        }
        where = {"where": condition} if (condition := self._condition()) else {}
        rest = {form.value: value for form, value in said.items() if form not in without}
        return str(qs_codec.encode(where | rest))

    def _condition(self) -> dict[str, object]:
        bounds = {Form.AFTER.value: self.after, Form.BEFORE.value: self.before}
        of_id: dict[str, object] = {k: v for k, v in bounds.items() if v is not None}
        if self.field is None:
            return {"id": of_id} if of_id else {}
        among: dict[str, object] = {Form.TOGETHER.value: list(self.values)}
        if self.field == "id" and of_id:
            return {"id": of_id | among}
        asked: object = self.values[0] if len(self.values) == 1 else among
        return {self.field: asked} | ({"id": of_id} if of_id else {})


def groups(values: Iterable[str | int]) -> Iterator[list[str | int]]:
    """The distinct values in groups that can be asked for together."""
    group: list[str | int] = []
    length = 0
    for value in sorted(set(values), key=str):
        needs = len(quote(str(value), safe=""))
        if group and (len(group) == TOGETHER or length + needs > _LONGEST):
            yield group
            group, length = [], 0
        group.append(value)
        length += needs
    if group:
        yield group


def may_be_cut(rows: int) -> bool:
    """Whether so many rows may be all that the server lets through, and not all there are.

    Nobody knows the largest page (jetti.md#paging), but it will be a round number; asking once
    more behind a page of one costs a read for every twenty returns.
    """
    return rows > 0 and (rows >= LIMIT or rows % 10 == 0 or rows % 25 == 0)
