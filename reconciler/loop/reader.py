"""Loop as the source of returns (`core.ports.Source`)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.clock import Clock
from reconciler.core.ids import is_id
from reconciler.core.model import KNOWN_STATES, Malformed, Return, Window
from reconciler.core.order_name import bare
from reconciler.core.records import By, Page
from reconciler.errors import SourceError
from reconciler.http import Service
from reconciler.log_events import Event
from reconciler.loop.client import LoopClient, id_of
from reconciler.loop.envelopes import Page as ListPage
from reconciler.loop.pager import StatePager
from reconciler.loop.query import ListQuery, around
from reconciler.loop.values import LONGEST_NAME

log = logging.getLogger("reconciler.loop")

LARGEST_PAGE = 750
WITHOUT_DATE = timedelta(minutes=5)
"""Safety margin for our own clock if Loop's answers have no Date."""


class _Begun(Struct, frozen=True):
    """A window whose first pages were asked for together, to tell the time."""

    window: Window
    first: ListPage
    """The first page of the first state; the answers of the others wait in the client."""

    def covers(self, window: Window, by: By) -> bool:
        """Whether it holds what a reading of this window would find."""
        begins = by is By.UPDATED and window.start == self.window.start
        return begins and window.end <= self.window.end


class LoopReader:
    """Reads only: there is no code to write to Loop."""

    def __init__(self, service: Service, clock: Clock, page_size: int = LARGEST_PAGE) -> None:
        self._api = LoopClient(service, page_size)
        self._clock = clock
        self._begun: _Begun | None = None

    def server_time(self, ahead: Window | None = None) -> datetime:
        """Loop's current time, in whole seconds (`Source.server_time`): the Date of its answer to a
        small query, or to those for the first pages of `ahead`.

        If there is none: our own clock's, minus five minutes.
        """
        now = self._clock.now()
        if ahead is None:
            _, date = self._api.dated_page(around([now], By.UPDATED, "open", 1))
            times = []
        else:
            queries = self._queries(ahead, By.UPDATED)
            times = self._api.ask_ahead(queries)
            first, date = self._api.dated_page(queries[0])
            self._begun = _Begun(ahead, first)
        if date is not None:
            times.append(date)
        if not times:
            log.warning(
                "Loop's answer has no Date; going by this machine's clock",
                extra=Event.NO_SERVER_TIME.fields,
            )
            return (now - WITHOUT_DATE).replace(microsecond=0)
        # safeguard: earliest-answer
        return min(times)

    def read(self, window: Window, by: By, then: Window | None = None) -> Iterator[Page]:
        """Every return of the window, one state after another (`Source.read`).

        At most 120 days (loop.md#window-length); the caller splits longer spans.
        """
        begun, self._begun = self._begun, None
        if begun is not None and begun.covers(window, by):
            queries, first = self._queries(begun.window, by), begun.first
            end = window.end if window != begun.window else None
        else:
            queries, first, end = self._queries(window, by), None, None
            self._api.ask_ahead(queries)
        begun = None  # a page is some megabytes, and reading may take a while
        for query in queries:
            pager, first = StatePager(self._api, query, first), None
            for page in pager.pages():
                yield page if end is None else _up_to(end, page)
        if then is not None:
            self._api.send_ahead(self._queries(then, by))

    def _queries(self, window: Window, by: By) -> list[ListQuery]:
        # safeguard: every-state-by-name
        states = KNOWN_STATES
        return [ListQuery(window, by, state, self._api.page_size) for state in states]

    def fetch(self, return_id: str) -> Return | Malformed | None:
        """One return by id, from its list row (`Source.fetch`).

        Details has another shape, so only id, state and creation time are read from it.
        """
        return self._api.fetch(return_id) if is_id(return_id) else None

    def fetch_order(self, order_name: str) -> Iterator[Return | Malformed]:
        """The returns that details gives for an order, by name with or without `#`.

        What it gives for an order with several is unknown (loop.md#orders-with-several-returns).
        All of an array are taken, but if it names only one, no more can be found, because the
        list cannot be searched by order. The caller adds what the ledger knows of the order.
        """
        name = bare(order_name)
        if not name or len(name) > LONGEST_NAME:
            return
        found = self._api.details(order_name=name) or self._api.details(order_name=f"#{name}")
        failure: SourceError | None = None
        for one in {id_of(one): one for one in found}.values():
            try:
                row = self._api.row(one)
            except SourceError as error:
                failure = failure or error
                continue
            if row is not None and _is_on(row, name):
                yield row
        if failure is not None:
            raise failure


def _up_to(end: datetime, page: Page) -> Page:
    """Without the rows that were updated after the end of the window."""
    # safeguard: nothing-beyond-the-window
    return Page(tuple(row for row in page.returns if row.updated_at <= end), page.malformed)


def _is_on(row: Return | Malformed, name: str) -> bool:
    """Whether it is a return on that order; so may be one that is malformed or names no order."""
    if isinstance(row, Malformed) or not row.order_name:
        return True
    return bare(row.order_name) == name
