"""Reading the answer to a query to its last page.

The next page is asked for by `$gt` and the last id: that is right however `from` counts
(jetti.md#paging-by-id), as long as rows are sorted, which is checked once by reading from the other
end. Where `$gt` has no effect, the next page is asked for by `from`, which counts rows or pages:
its own answers show which. Nothing is taken on trust: rows that do not follow those before them
prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import count, pairwise
from typing import Generic, TypeVar

from msgspec.structs import replace

from reconciler.jetti.dialect import Dialect
from reconciler.jetti.query import Feature, Query, may_be_cut
from reconciler.jetti.query_client import QueryClient, QueryRejected
from reconciler.jetti.schema import Wire

W = TypeVar("W", bound=Wire)

MOST_PAGES = 20


class PagingFailed(Exception):
    """There may be more rows, and no way to ask for them."""


class PageReader(Generic[W]):
    """Reads the answer to one query from its first page to its last."""

    def __init__(
        self, queries: QueryClient, dialect: Dialect, path: str, kind: type[W], query: Query
    ) -> None:
        self._queries = queries
        self._dialect = dialect
        self._path = path
        self._kind = kind
        self._query = query
        self._ids: list[int] = []
        """Of the rows so far, in the order in which they came."""
        self._counts_pages: bool | None = None
        """Whether `from` counts pages or rows; None until it was used."""
        self._pages = 0
        """Read so far."""

    def pages(self) -> Iterator[list[W]]:
        """Rows, page by page, each once. Raises PagingFailed where the end cannot be reached, and
        what `QueryClient.ask` raises."""
        page = self._ask(self._query)
        longest = 0
        for number in count(1):
            known = set(self._ids)
            fresh = [row for row in page if row.id not in known]
            yield fresh
            self._ids += [row.id for row in fresh]
            self._pages = number
            if not fresh or len(page) < longest or not self._may_go_on(len(page)):
                return
            # safeguard: twenty-pages-at-most
            if number == MOST_PAGES:
                raise PagingFailed(f"it fills {MOST_PAGES} pages or more")
            longest = len(page)
            page = self._next()

    def _ask(self, query: Query) -> list[W]:
        return self._queries.ask(self._path, self._kind, query)

    @property
    def _refused(self) -> set[Feature]:
        return self._dialect.of(self._path).refused

    def _may_go_on(self, rows: int) -> bool:
        """Whether there may be another page. Without `limit` nobody knows how long a page is."""
        return may_be_cut(rows) or (rows > 0 and Feature.LIMIT in self._refused)

    def _next(self) -> list[W]:
        if Feature.ORDER in self._refused:
            raise PagingFailed("`order` is refused")
        steps = [after - before for before, after in pairwise(self._ids)]
        if not (all(step > 0 for step in steps) or all(step < 0 for step in steps)):
            raise PagingFailed("`order` is ignored")
        feature = Feature.LT if steps and steps[0] < 0 else Feature.GT
        if feature is Feature.GT and self._is_whole():
            return []
        if feature not in self._refused:
            page = self._by_id(feature)
            if page is not None:
                return page
        return self._by_from()

    def _is_whole(self) -> bool:
        """Whether the page read from the other end holds the same rows: then nothing was cut off.

        Asked only until rows were seen to be sorted: of a server that does not sort, `$gt` would
        leave out rows with lower ids.
        """
        endpoint = self._dialect.of(self._path)
        if endpoint.sorts or Feature.DESCENDING in endpoint.refused:
            return False
        page = self._ask_twice(replace(self._query, descending=True), Feature.DESCENDING)
        if page is None:
            return False
        ids = [row.id for row in page]
        # safeguard: unsorted-pages-hide-nothing
        if any(after >= before for before, after in pairwise(ids)):
            raise PagingFailed("`order` is ignored")
        endpoint.sorts = len(ids) > 1
        return endpoint.sorts and set(ids) == set(self._ids)

    def _ask_twice(self, query: Query, feature: Feature) -> list[W] | None:
        """The page; None where Jetti refuses the feature, which is not used from then on.

        The query without it was just answered, so what is refused a second time is the feature.
        """
        for _ in range(2):
            with suppress(QueryRejected):
                return self._ask(query)
        self._dialect.refuse(self._path, feature)
        return None

    # ----------------------------------------------------------------------------------- by id

    def _by_id(self, feature: Feature) -> list[W] | None:
        """What follows the last id; None where Jetti refuses or ignores the bound."""
        last = self._ids[-1]
        name = "after" if feature is Feature.GT else "before"
        page = self._ask_twice(replace(self._query, **{name: last}), feature)
        if page is None:
            return None
        # safeguard: page-begins-after-the-last-id
        if all((row.id > last) is (feature is Feature.GT) and row.id != last for row in page):
            return page
        self._dialect.refuse(self._path, feature, how="ignores")
        return None

    # --------------------------------------------------------------------------------- by `from`

    def _by_from(self) -> list[W]:
        if Feature.FROM in self._refused:
            raise PagingFailed("`$gt` and `from` are both refused or ignored")
        if self._counts_pages is None:
            return self._first_by_from()
        if self._counts_pages:
            return self._ask(replace(self._query, start=self._pages))
        # The last row so far comes along, and shows that none has moved.
        page = self._ask(replace(self._query, start=len(self._ids) - 1))
        if not page or page[0].id != self._ids[-1]:
            raise PagingFailed("rows came or went while they were read by `from`")
        return page

    def _first_by_from(self) -> list[W]:
        """`from=1` leaves out one row, or one page, or has no effect: the answer shows which."""
        page = self._ask(replace(self._query, start=1))
        ids = [row.id for row in page]
        rest = self._ids[1:]
        if not set(ids) & set(self._ids):
            self._counts_pages = True
        elif rest and ids[: len(rest)] == rest:
            self._counts_pages = False
        else:
            raise PagingFailed("`$gt` and `from` are both refused or ignored")
        return page
