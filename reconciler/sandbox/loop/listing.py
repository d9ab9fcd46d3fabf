"""Order, window and pages of Loop's list, including its flaws (loop.md#detailed-returns-list,
#sort-order)."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime
from math import inf
from typing import cast

from msgspec import Struct

from reconciler.sandbox.loop.cursor import Cursor
from reconciler.sandbox.loop.model import LISTED_STATES, SandboxReturn
from reconciler.sandbox.loop.query import ListQuery
from reconciler.sandbox.loop.store import LoopStore
from reconciler.sandbox.loop.switches import LoopSwitches


class Page(Struct, frozen=True):
    """The rows of one answer, and the positions of the pages around it; None if there is none."""

    rows: tuple[SandboxReturn, ...]
    following: Cursor | None
    preceding: Cursor | None


class Ordered(Struct, frozen=True):
    """All visible rows in ascending order of one column."""

    rows: list[SandboxReturn]
    keys: list[tuple[float, float]]
    """Second and id of each row."""


class Listing:
    """Answers list queries from the store."""

    def __init__(self, store: LoopStore, switches: LoopSwitches) -> None:
        self._store, self._switches = store, switches
        self._cached: dict[str, tuple[int, Ordered]] = {}
        # A fixed seed, so that equal worlds give equal answers.
        self._shuffle = random.Random(1)  # noqa: S311

    def everything(self, query: ListQuery) -> tuple[SandboxReturn, ...]:
        """The whole window, as a call without `paginate` gets it; a cursor is ignored."""
        return tuple(self._walk(query, None))

    def page(self, query: ListQuery, cursor: Cursor | None) -> Page:
        """One page. One more row is read than shown, so that a full last page has no next link."""
        forward = cursor is None or cursor.forward
        taken: list[SandboxReturn] = []
        for row in self._walk(query, cursor):
            taken.append(row)
            if len(taken) > query.page_size:
                break
        more = len(taken) > query.page_size
        shown = taken[: query.page_size]
        if not forward:
            shown.reverse()
        has_next, has_previous = (more, cursor is not None) if forward else (True, more)
        return Page(
            rows=tuple(shown),
            following=self._position(shown[-1], query, forward=True) if has_next else None,
            preceding=(
                self._position(shown[0], query, forward=False) if has_previous and shown else None
            ),
        )

    def column(self, query: ListQuery) -> str:
        """The column that determines order and cursor."""
        return query.column if self._switches.cursor_column == "filtered" else "created_at"

    def _position(self, row: SandboxReturn, query: ListQuery, *, forward: bool) -> Cursor:
        column = self.column(query)
        tie = int(row.id) if self._switches.tie_breaker else None
        return Cursor(column, getattr(row, column), forward, tie)

    def _walk(self, query: ListQuery, cursor: Cursor | None) -> Iterator[SandboxReturn]:
        """The rows that match, from the cursor's position in its direction."""
        column = self.column(query)
        ordered = self._ordered(column)
        first, last = (
            self._span(ordered, query) if column == query.column else (0, len(ordered.rows))
        )
        newest_first = self._switches.order == "newest_first"
        descending = newest_first == (cursor is None or cursor.forward)
        if cursor is not None and descending:
            last = min(last, bisect_left(ordered.keys, _edge(cursor, -1)))
        elif cursor is not None:
            first = max(first, bisect_right(ordered.keys, _edge(cursor, inf)))
        indices = range(last - 1, first - 1, -1) if descending else range(first, last)
        rows: Iterable[SandboxReturn] = (ordered.rows[index] for index in indices)
        if self._switches.ties == "unordered":
            rows = self._shuffled(rows, column, descending=descending)
        return (row for row in rows if self._matches(row, query))

    def _span(self, ordered: Ordered, query: ListQuery) -> tuple[int, int]:
        """The range of indices of the window, so that not all of 100,000 rows are tested."""
        first, last = 0, len(ordered.rows)
        if query.start is not None:
            first = bisect_left(ordered.keys, (query.start.timestamp(), -1.0))
        if query.end is not None:
            last = bisect_right(ordered.keys, (query.end.timestamp(), inf))
        return first, last

    def _matches(self, row: SandboxReturn, query: ListQuery) -> bool:
        return self._listed_as(row.state) in query.states and self._inside(row, query)

    def _listed_as(self, state: str) -> str:
        rides_along = self._switches.unlisted_states == "with_open"
        return "open" if rides_along and state not in LISTED_STATES else state

    def _inside(self, row: SandboxReturn, query: ListQuery) -> bool:
        moment: datetime = getattr(row, query.column)
        if self._switches.window_ends == "inclusive":
            return (query.start is None or query.start <= moment) and (
                query.end is None or moment <= query.end
            )
        return (query.start is None or query.start < moment) and (
            query.end is None or moment < query.end
        )

    def _shuffled(
        self, rows: Iterable[SandboxReturn], column: str, *, descending: bool
    ) -> list[SandboxReturn]:
        pool = list(rows)
        self._shuffle.shuffle(pool)
        return sorted(
            pool, key=lambda row: cast(datetime, getattr(row, column)), reverse=descending
        )

    def _ordered(self, column: str) -> Ordered:
        generation = self._store.generation
        cached = self._cached.get(column)
        delayed = bool(self._switches.visible_after)
        if cached is not None and cached[0] == generation and not delayed:
            return cached[1]
        keyed = sorted(
            ((getattr(row, column).timestamp(), float(row.id)), row)
            for row in self._store.visible()
        )
        ordered = Ordered([row for _, row in keyed], [key for key, _ in keyed])
        if not delayed:
            self._cached[column] = (generation, ordered)
        return ordered


def _edge(cursor: Cursor, tie: float) -> tuple[float, float]:
    return cursor.second.timestamp(), tie if cursor.tie is None else float(cursor.tie)
