"""Loop as the source of returns (`core.ports.Source`)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from reconciler.clock import Clock
from reconciler.core.ids import is_id
from reconciler.core.model import KNOWN_STATES, Malformed, Return, Window
from reconciler.core.records import By, Page
from reconciler.errors import SourceError
from reconciler.http import Response, Service
from reconciler.loop.client import LoopClient, id_of
from reconciler.loop.envelopes import read_page
from reconciler.loop.pager import StatePass
from reconciler.loop.query import LIST, ListQuery, around
from reconciler.loop.values import LONGEST_NAME

log = logging.getLogger("reconciler.loop")

LARGEST_PAGE = 750
WITHOUT_DATE = timedelta(minutes=5)
"""How far our own clock is distrusted when Loop's answers carry no Date."""


class LoopReader:
    """Reads; there is no way to write to Loop here."""

    def __init__(self, service: Service, clock: Clock, page_size: int = LARGEST_PAGE) -> None:
        self._api = LoopClient(service, page_size)
        self._clock = clock

    def server_time(self) -> datetime:
        """Loop's own idea of now, to the second: the Date of its answer to a small question.

        Five minutes before our own clock's when the answer has none.
        """
        now = self._clock.now()
        date = self._api.ask(LIST, around([now], By.UPDATED, "open", 1).page(), _date_of_page)
        if date is None:
            log.warning("Loop's answer has no Date; going by this machine's clock")
            return (now - WITHOUT_DATE).replace(microsecond=0)
        return date

    def read(self, window: Window, by: By) -> Iterator[Page]:
        """Every return of the window, one state after another (`Source.read`).

        At most 120 days (loop.md#window-length); cutting longer spans is the caller's matter.
        """
        # safeguard: every-state-by-name
        for state in KNOWN_STATES:
            query = ListQuery(window, by, state, self._api.page_size)
            yield from StatePass(self._api, query).pages()

    def fetch(self, return_id: str) -> Return | Malformed | None:
        """One return by id, from its list row (`Source.fetch`).

        Details has another shape, so it is asked for id, state and creation time only.
        """
        return self._api.fetch(return_id) if is_id(return_id) else None

    def fetch_order(self, order_name: str) -> Iterator[Return | Malformed]:
        """The returns that details gives for an order, by name with or without `#`.

        What it gives for an order with several is unknown (loop.md#orders-with-several-returns):
        all of an array are taken, but where it names one only, that one is all there is to find:
        the list cannot be asked by order. Whoever calls adds what the ledger knows of the order.
        """
        name = order_name.strip().lstrip("#")
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


def _date_of_page(answer: Response) -> datetime | None:
    read_page(answer)
    return answer.date


def _is_on(row: Return | Malformed, name: str) -> bool:
    """Whether it is a return of that order; a row that cannot be read, or names none, may be."""
    if isinstance(row, Malformed) or not row.order_name:
        return True
    return row.order_name.lstrip("#") == name
