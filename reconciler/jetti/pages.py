"""Reading a question of Jetti's to its last page.

By `$gt` and the last id, which is right however `from` counts (jetti.md#paging-by-id) and wherever
rows are sorted, which is looked at once from the other end. Where that has no effect, by `from`, as
its own answers show that it counts. Never by hope: rows that do not follow those before them prove
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import count, pairwise
from typing import Generic, TypeVar

from msgspec.structs import replace

from reconciler.jetti.dialect import Dialect
from reconciler.jetti.query import Form, Question, may_be_cut
from reconciler.jetti.query_client import Declined, QueryClient
from reconciler.jetti.schema import Wire

W = TypeVar("W", bound=Wire)

MOST_PAGES = 20


class Unpageable(Exception):
    """There may be more rows, and no way to them."""


class Walk(Generic[W]):
    """One question, read from its first page to its last."""

    def __init__(
        self, queries: QueryClient, dialect: Dialect, path: str, kind: type[W], question: Question
    ) -> None:
        self._queries = queries
        self._dialect = dialect
        self._path = path
        self._kind = kind
        self._question = question
        self._seen: list[int] = []
        """Ids, in the order in which they came."""
        self._counts_pages: bool | None = None
        """What `from` counts, pages or rows; None until it was used."""
        self._read = 0

    def pages(self) -> Iterator[list[W]]:
        """Rows, page by page, each once. Raises Unpageable before the end where it cannot be
        reached, and Declined for the first page (`QueryClient.ask`)."""
        page = self._ask(self._question)
        longest = 0
        for number in count(1):
            known = set(self._seen)
            fresh = [row for row in page if row.id not in known]
            yield fresh
            self._seen += [row.id for row in fresh]
            self._read = number
            if not fresh or len(page) < longest or not self._may_go_on(len(page)):
                return
            # safeguard: twenty-pages-at-most
            if number == MOST_PAGES:
                raise Unpageable(f"it fills {MOST_PAGES} pages or more")
            longest = len(page)
            page = self._next()

    def _ask(self, question: Question) -> list[W]:
        return self._queries.ask(self._path, self._kind, question)

    @property
    def _refused(self) -> set[Form]:
        return self._dialect.of(self._path).refused

    def _may_go_on(self, rows: int) -> bool:
        """Without `limit` nobody knows how long a page is."""
        return may_be_cut(rows) or (rows > 0 and Form.LIMIT in self._refused)

    def _next(self) -> list[W]:
        if Form.ORDER in self._refused:
            raise Unpageable("`order` is refused")
        steps = [after - before for before, after in pairwise(self._seen)]
        if not (all(step > 0 for step in steps) or all(step < 0 for step in steps)):
            raise Unpageable("`order` is ignored")
        form = Form.BEFORE if steps and steps[0] < 0 else Form.AFTER
        if form is Form.AFTER and self._is_whole():
            return []
        if form not in self._refused:
            page = self._by_id(form)
            if page is not None:
                return page
        return self._by_from()

    def _is_whole(self) -> bool:
        """Whether the page seen from the other end is the same page: then nothing was cut off.

        Only while nothing shows that rows are sorted; a server that does not sort would lose those
        with lower ids behind `$gt`.
        """
        manner = self._dialect.of(self._path)
        if manner.sorts or Form.DESCENDING in manner.refused:
            return False
        page = self._asked_twice(replace(self._question, descending=True), Form.DESCENDING)
        if page is None:
            return False
        ids = [row.id for row in page]
        # safeguard: unsorted-pages-hide-nothing
        if any(after >= before for before, after in pairwise(ids)):
            raise Unpageable("`order` is ignored")
        manner.sorts = len(ids) > 1
        return manner.sorts and set(ids) == set(self._seen)

    def _asked_twice(self, question: Question, form: Form) -> list[W] | None:
        """The page; None, from now on, where Jetti does not take the form.

        The question without it was just answered: so a second refusal is one of the form.
        """
        for _ in range(2):
            with suppress(Declined):
                return self._ask(question)
        self._dialect.refuse(self._path, form)
        return None

    # ----------------------------------------------------------------------------------- by id

    def _by_id(self, form: Form) -> list[W] | None:
        """What follows the last id; None where Jetti does not take or mind the bound."""
        last = self._seen[-1]
        name = "after" if form is Form.AFTER else "before"
        page = self._asked_twice(replace(self._question, **{name: last}), form)
        if page is None:
            return None
        # safeguard: page-begins-after-the-last-id
        if all((row.id > last) is (form is Form.AFTER) and row.id != last for row in page):
            return page
        self._dialect.refuse(self._path, form, how="ignores")
        return None

    # --------------------------------------------------------------------------------- by `from`

    def _by_from(self) -> list[W]:
        if Form.FROM in self._refused:
            raise Unpageable("`$gt` and `from` are both refused or ignored")
        if self._counts_pages is None:
            return self._first_step()
        if self._counts_pages:
            return self._ask(replace(self._question, start=self._read))
        # One row of those that are known comes along, and shows that none has moved.
        page = self._ask(replace(self._question, start=len(self._seen) - 1))
        if not page or page[0].id != self._seen[-1]:
            raise Unpageable("rows came or went while they were read by `from`")
        return page

    def _first_step(self) -> list[W]:
        """`from=1` leaves out one row, or one page, or has no effect: its answer tells which."""
        page = self._ask(replace(self._question, start=1))
        ids = [row.id for row in page]
        rest = self._seen[1:]
        if not set(ids) & set(self._seen):
            self._counts_pages = True
        elif rest and ids[: len(rest)] == rest:
            self._counts_pages = False
        else:
            raise Unpageable("`$gt` and `from` are both refused or ignored")
        return page
