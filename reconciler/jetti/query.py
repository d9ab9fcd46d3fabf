"""Jetti's query language: bracketed query strings (apis/jetti.md 4)."""

from __future__ import annotations

from collections.abc import Sequence

import qs_codec

LIMIT = 100
"""Rows asked for at a time; the largest ever seen in use. A page that is exactly full may have
more behind it (apis/jetti.md 16)."""

TOGETHER = 20
"""Values of one `$in`: keeps the URL short and the page below LIMIT for ordinary orders, and is
where arrays in the server's parser (Node's qs) end by default."""


def matching(field: str, values: Sequence[str | int], *, after_id: int | None = None) -> str:
    """The query for rows whose field is one of the values, lowest id first.

    `after_id` asks for what follows a full page; `from` stays 0 because nobody knows whether it
    counts rows or pages.
    """
    condition: dict[str, object] = {
        field: values[0] if len(values) == 1 else {"$in": list(values)},
    }
    if after_id is not None:
        condition["id"] = {"$gt": after_id}
    return str(
        qs_codec.encode(
            {"where": condition, "order": {"attribute": "id"}, "limit": LIMIT, "from": 0}
        )
    )


def everything() -> str:
    """The query for the first page of a small table."""
    return str(qs_codec.encode({"order": {"attribute": "id"}, "limit": LIMIT, "from": 0}))
