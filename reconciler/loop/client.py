"""Loop's endpoints: single requests, answered with parsed values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from msgspec import Raw

from reconciler.core.model import KNOWN_STATES, Malformed, Return
from reconciler.core.records import By
from reconciler.errors import SourceError
from reconciler.http import Refused, Response, Service
from reconciler.loop.envelopes import Found, Page, read_array, read_details, read_page
from reconciler.loop.query import DETAILS, LIST, ListQuery, around, encode
from reconciler.loop.rows import parse_row

_DETAILS_RETRIES = 2  # without a pause: a malformed answer is no sign of overload

T = TypeVar("T")
Row = Return | Malformed


def key(row: Row) -> str:
    """The return id, or the hash in its place."""
    return row.id if isinstance(row, Return) else row.key


def id_of(found: Found | Malformed) -> str:
    """The id of a return in details, even if nothing else of it was understood."""
    return found.id if isinstance(found, Found) else found.key


class LoopClient:
    """All methods raise SourceError for an invalid or missing answer, KeyRefused, Interrupted."""

    def __init__(self, service: Service, page_size: int) -> None:
        self.base_url = service.base_url
        self.page_size = page_size
        self._service = service

    def ask(
        self,
        path: str,
        query: str,
        decode: Callable[[Response], T],
        allow: frozenset[int] = frozenset({200}),
    ) -> T:
        """One GET; if Loop refuses the request itself, the whole reading fails."""
        try:
            return self._service.get(path, query, decode, allow)
        except Refused as refusal:
            raise SourceError(
                f"{self._service.name}: GET {path}: {refusal}",
                hint="check loop.base_url and what the key may do",
            ) from None

    def ask_ahead(self, queries: Iterable[ListQuery]) -> list[datetime]:
        """Send the questions for these first pages together; `page` takes in what came of each.

        Returns the times of the answers by the clock of Loop, of those that have one.
        """
        return self._service.ask_ahead(LIST, [query.page() for query in queries])

    def send_ahead(self, queries: Iterable[ListQuery]) -> None:
        """Send the questions for these first pages together; `ask_ahead` takes in the answers."""
        self._service.send_ahead(LIST, [query.page() for query in queries])

    def dated_page(self, query: ListQuery) -> tuple[Page, datetime | None]:
        """A first page, and when Loop answered by its own clock."""
        return self.ask(LIST, query.page(), lambda answer: (read_page(answer), answer.date))

    def page(self, query: ListQuery, cursor: str | None = None) -> Page:
        """One page of the list."""
        return self.ask(LIST, query.page(cursor), read_page)

    def span(self, query: ListQuery) -> list[Row]:
        """All rows of a short window: one page or, if there is a next page, the bare array."""
        page = self.page(query)
        rows = page.returns
        # safeguard: probe-is-read-whole
        if page.nextPageUrl:
            rows = self._array(query, at_least=len(rows))
        return [parse_row(row) for row in rows]

    def details(self, **parameters: str) -> list[Found | Malformed]:
        """What details finds by `return_id` or `order_name`.

        A malformed return is requested again: it may have been a glitch.
        """
        for _ in range(_DETAILS_RETRIES):
            found = self._details(parameters)
            if not any(isinstance(one, Malformed) for one in found):
                return found
        return self._details(parameters)

    def _details(self, parameters: dict[str, str]) -> list[Found | Malformed]:
        return self.ask(DETAILS, encode(parameters), read_details, frozenset({200, 404}))

    def row(self, found: Found | Malformed) -> Row | None:
        """The list row of a return that details knows; None if its state cannot be listed.

        One that is malformed in details stays malformed.

        The list is searched by creation date, which never changes, first in the state that
        details gave, then in the others: the state may have changed meanwhile.
        """
        if isinstance(found, Malformed):
            return found
        if found.state not in KNOWN_STATES:
            return None
        others = (state for state in KNOWN_STATES if state != found.state)
        for state in (found.state, *others):
            query = around([found.created_at], By.CREATED, state, self.page_size)
            rows = {key(row): row for row in self.span(query)}
            if found.id in rows:
                return rows[found.id]
        raise SourceError(
            f"Loop's details know return {found.id}, but its list does not show it",
            hint="a very new return may take a while to show; try again later",
        )

    def fetch(self, return_id: str) -> Row | None:
        """One return by id; None if Loop does not know it or its state cannot be listed."""
        found = self.details(return_id=return_id)
        if not found:
            return None
        for one in found:
            if id_of(one) == return_id:
                return self.row(one)
        raise SourceError(f"Loop was asked for return {return_id} and answered with another")

    def _array(self, query: ListQuery, at_least: int) -> list[Raw]:
        rows = self.ask(LIST, query.unpaged(), read_array)
        if len(rows) < at_least:
            raise SourceError("Loop: the whole of a second holds fewer rows than a page of it")
        return rows
