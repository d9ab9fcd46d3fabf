"""Reads one window in one state to its end, and checks that no row was skipped on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from reconciler.core.model import Malformed, Return
from reconciler.core.records import By, Page
from reconciler.errors import SourceError
from reconciler.failpoints import Failpoint, hit
from reconciler.loop.client import LoopClient, Row, key
from reconciler.loop.envelopes import Page as ListPage
from reconciler.loop.query import ListQuery, around, cursor_columns, next_cursor
from reconciler.loop.rows import parse_row

MAX_PAGES = 5000
"""3.75 million returns of one state in 30 days: not a shop, but a server whose list never ends."""
MAX_PAGES_WITHOUT_NEWS = 3


class StatePager:
    """Pages and the probes between them (loop.md#boundary-ties).

    The cursor is a second without a tie-breaker, so rows that share the last row's second can
    fall between two pages. Whenever there is a next page, all of that second is read again.
    """

    def __init__(self, api: LoopClient, query: ListQuery, first: ListPage | None = None) -> None:
        """`first` is the first page, if it was read already."""
        self._api = api
        self._query = query
        self._first = first
        self._seen: set[str] = set()
        self._cursors: set[str] = set()
        self._pages_without_news = 0
        self._probed: ListQuery | None = None
        self._in_probe: set[str] = set()

    def pages(self) -> Iterator[Page]:
        """Every page and probe. Raises SourceError if the window cannot be drained."""
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            answer, self._first = self._first or self._api.page(self._query, cursor), None
            rows = [parse_row(row) for row in answer.returns]
            hit(Failpoint.PAGE_PARSED)
            yield to_page(rows)
            self._require_new_rows(rows)
            cursor = self._next_cursor(answer.nextPageUrl)
            if cursor is None:
                return
            if rows:
                # safeguard: edge-probe
                yield from self._probe(rows[-1], cursor)
        raise self._error(f"the list did not end after {MAX_PAGES} pages")

    def _next_cursor(self, next_url: str | None) -> str | None:
        try:
            cursor = next_cursor(next_url, self._api.base_url)
        except ValueError as error:
            raise self._error(str(error)) from None
        if cursor in self._cursors:
            raise self._error("the next page's cursor was seen before: the list goes in circles")
        if cursor is not None:
            self._cursors.add(cursor)
        return cursor

    def _require_new_rows(self, rows: Sequence[Row]) -> None:
        before = len(self._seen)
        self._seen.update(map(key, rows))
        has_news = len(self._seen) > before
        self._pages_without_news = 0 if has_news else self._pages_without_news + 1
        if self._pages_without_news >= MAX_PAGES_WITHOUT_NEWS:
            raise self._error(f"{MAX_PAGES_WITHOUT_NEWS} pages in a row showed nothing new")

    # --------------------------------------------------------------------------- edge probe

    def _probe(self, last: Row, cursor: str) -> Iterator[Page]:
        """Read the second of the page's last row again, by the column that orders the pages.

        If the cursor is at another time than that row, the page has lost its end: then everything
        in between is read.
        """
        for by, cursor_time in cursor_columns(cursor).items():
            moments = [moment for moment in (_time(last, by), cursor_time) if moment]
            if not moments:
                raise self._error("the last row of a page has no time to continue from")
            query = around(moments, by, self._query.state, self._query.page_size)
            if query != self._probed or key(last) not in self._in_probe:
                yield from self._read_whole(query, last)

    def _read_whole(self, query: ListQuery, last: Row) -> Iterator[Page]:
        rows = self._api.span(query)
        hit(Failpoint.PROBE_PARSED)
        yield to_page(rows)
        self._probed, self._in_probe = query, set(map(key, rows))
        # safeguard: probe-shows-the-last-row
        if key(last) not in self._in_probe:
            yield self._recheck(last)

    def _recheck(self, last: Row) -> Page:
        """Handle a last row that did not reappear: fine if it has changed since, else an error."""
        if isinstance(last, Return):
            now = self._api.fetch(last.id)
            if isinstance(now, Return) and now.updated_at > last.updated_at:
                return Page((now,))
        raise self._error("a page's last row does not show when its second is read again")

    def _error(self, problem: str) -> SourceError:
        window = self._query.window
        return SourceError(
            f"Loop: {problem} ({self._query.state} returns,"
            f" {window.start:%Y-%m-%d %H:%M:%S} to {window.end:%Y-%m-%d %H:%M:%S} UTC)",
            hint="nothing was lost: the window counts as unread and the next run reads it again",
        )


def to_page(rows: Sequence[Row]) -> Page:
    """A page of parsed rows, understood and malformed ones apart."""
    return Page(
        tuple(row for row in rows if isinstance(row, Return)),
        tuple(row for row in rows if isinstance(row, Malformed)),
    )


def _time(row: Row, by: By) -> datetime | None:
    if isinstance(row, Malformed):
        return None
    return row.updated_at if by is By.UPDATED else row.created_at
