"""Many items, handled some at a time, so that memory and transactions stay small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

BATCH = 500
"""Items handled at once; below the 999 parameters that older builds of SQLite take."""

T = TypeVar("T")


def batched(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """The items in lists of that size; only the last is shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
