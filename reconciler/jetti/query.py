"""Jetti's query language: bracketed query strings (apis/jetti.md 4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

import qs_codec

LIMIT = 100
"""Rows asked for at a time; the largest ever seen in use. A page that is exactly full may have
more behind it (apis/jetti.md 16)."""

TOGETHER = 20
"""Values of one `$in`: keeps the URL short and the page below LIMIT for ordinary orders, and is
where arrays in the server's parser (Node's qs) end by default."""


_LONGEST = 6000
"""Characters of all values together, percent-encoded: what ordinary servers take of a URL."""


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

    Nobody knows the largest page (apis/jetti.md 4), but it will be a round number; asking once
    more behind a page of one costs a read for every twenty returns.
    """
    return rows > 0 and (rows >= LIMIT or rows % 10 == 0 or rows % 25 == 0)


def matching(field: str, values: Sequence[str | int], *, after_id: int | None = None) -> str:
    """The query for rows whose field is one of the values, lowest id first.

    `after_id` asks for what follows a full page; `from` stays 0 because nobody knows whether it
    counts rows or pages.
    """
    among = {"$in": list(values)}
    condition: dict[str, object] = {field: values[0] if len(values) == 1 else among}
    if after_id is not None:
        condition["id"] = {"$gt": after_id} | (among if field == "id" else {})
    return str(
        qs_codec.encode(
            {"where": condition, "order": {"attribute": "id"}, "limit": LIMIT, "from": 0}
        )
    )


def everything() -> str:
    """The query for the first page of a small table."""
    return str(qs_codec.encode({"order": {"attribute": "id"}, "limit": LIMIT, "from": 0}))
