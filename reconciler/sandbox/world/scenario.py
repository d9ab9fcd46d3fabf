"""Plays the world's events, in order, as the clock advances."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.jetti.store import JettiStore
from reconciler.sandbox.loop.changes import UNSENT
from reconciler.sandbox.loop.model import SandboxReturn
from reconciler.sandbox.loop.store import LoopStore
from reconciler.sandbox.orders import SandboxOrder, SandboxOrderLine
from reconciler.sandbox.world.events import Event

ENDED = ("cancelled", "expired")


class Scenario:
    """Plays planned events. One that a test has made impossible is skipped."""

    def __init__(self, clock: SandboxClock, loop: LoopStore, jetti: JettiStore) -> None:
        self._clock, self._loop, self._jetti = clock, loop, jetti
        self._sale_ids: dict[str, int] = {}
        """By Shopify order id, for the orders that have reached Jetti."""
        self._order = itertools.count()
        self._coming: list[tuple[datetime, int, Event]] = []
        self._moves: dict[str, Callable[..., None]] = {
            move.__name__: move
            for move in (
                self.submit,
                self.label,
                self.move_label,
                self.regenerate_label,
                self.close,
                self.process,
                self.cancel,
                self.expire,
                self.flag,
                self.unflag,
                self.add_line,
                self.remove_line,
                self.arrive,
                self.raise_by_hand,
                self.edit_by_hand,
            )
        }

    def plan(self, events: Iterable[Event]) -> None:
        """Add future events. Raises KeyError for an unknown move."""
        for event in events:
            self._moves[event.move]
            heapq.heappush(self._coming, (event.at, next(self._order), event))

    def coming(self) -> list[Event]:
        """The events that were not played yet, oldest first."""
        return [event for _, _, event in sorted(self._coming)]

    def play(self, until: datetime) -> int:
        """Play each event in turn, at its own time; then set the clock to `until`.

        Returns the number of events. A clock that is already past `until` is not set back.
        """
        happened = 0
        with self._clock.shown() as show:
            while self._coming and self._coming[0][0] <= until:
                at, _, event = heapq.heappop(self._coming)
                show(at)
                self._moves[event.move](**event.arguments)
                happened += 1
        if self._clock.now() < until:
            self._clock.set(until)
        return happened

    # ------------------------------------------------------------------------------- in Loop

    def submit(
        self,
        order: SandboxOrder,
        quantities: dict[str, int],
        remarks: list[tuple[str, str, str | None]],
        attributes: dict[str, Any],
    ) -> None:
        """A customer submits a return; one remark per unit: reason, parent reason, comment."""
        row = self._loop.add_return(order, quantities, **attributes)
        lines = tuple(
            replace(line, reason=reason, parent_reason=parent, comment=comment)
            for line, (reason, parent, comment) in zip(row.lines, remarks, strict=True)
        )
        self._loop.put(replace(row, lines=lines))

    def label(self, return_id: str, carrier: str, parcel: int, parcels: int) -> None:
        """A label is issued for every `parcels`-th line from `parcel` on."""
        if (row := self._alive(return_id)) is not None:
            line_ids = tuple(line.id for line in row.lines[parcel::parcels])
            self._loop.label(return_id, carrier=carrier, line_ids=line_ids)

    def move_label(self, return_id: str, status: str, parcel: int) -> None:
        """The carrier reports a status, even for a return that is flagged or closed."""
        row = self._alive(return_id)
        if row is not None and parcel < len(row.labels):
            self._loop.move_label(return_id, status, parcel)

    def regenerate_label(self, return_id: str, parcel: int) -> None:
        """A new label replaces one that has not been used yet."""
        row = self._alive(return_id)
        if row is not None and parcel < len(row.labels) and row.labels[parcel].status in UNSENT:
            self._loop.regenerate_label(return_id, parcel)

    def close(self, return_id: str) -> None:
        """An open return is closed."""
        self._turn(return_id, "open", "closed")

    def process(self, return_id: str) -> None:
        """The outcomes of a closed return are carried out."""
        row = self._alive(return_id)
        if row is not None and row.state == "closed":
            self._loop.process(return_id)

    def cancel(self, return_id: str) -> None:
        """The merchant cancels what is still open."""
        self._turn(return_id, "open", "cancelled")

    def expire(self, return_id: str) -> None:
        """The return expires, 28 days after a label that was not used."""
        row = self._alive(return_id)
        if row is not None and all(label.status in UNSENT for label in row.labels):
            self._turn(return_id, "open", "expired")

    def flag(self, return_id: str) -> None:
        """The return is blocked until someone reviews it."""
        self._turn(return_id, "open", "review")

    def unflag(self, return_id: str) -> None:
        """Someone has reviewed it."""
        self._turn(return_id, "review", "open")

    def add_line(self, return_id: str, order_line: SandboxOrderLine) -> None:
        """One more unit comes back."""
        row = self._alive(return_id)
        if row is not None and row.state == "open":
            self._loop.add_line(return_id, order_line)

    def remove_line(self, return_id: str) -> None:
        """The last line is removed, unless it is the only one."""
        row = self._alive(return_id)
        if row is not None and row.state == "open" and len(row.lines) > 1:
            self._loop.remove_line(return_id, row.lines[-1].id)

    def _turn(self, return_id: str, before: str, after: str) -> None:
        row = self._alive(return_id)
        if row is not None and row.state == before:
            self._loop.set_state(return_id, after)

    def _alive(self, return_id: str) -> SandboxReturn | None:
        try:
            row = self._loop.get(return_id)
        except KeyError:
            return None
        return None if row.state in ENDED else row

    # ------------------------------------------------------------------------------ in Jetti

    def arrive(self, order: SandboxOrder) -> None:
        """The order reaches Jetti."""
        self._sale_ids[order.order_id] = self._jetti.import_sale(order)

    def raise_by_hand(self, order_id: str, quantities: dict[str, int]) -> None:
        """Staff create the return in Jetti, for the lines that they find there."""
        if (sale_id := self._sale_ids.get(order_id)) is None:
            return
        found = {
            item["id"]: quantities[item["externalId"]]
            for item in self._jetti.sale_items(sale_id)
            if item["externalId"] in quantities
        }
        if found:
            self._jetti.raise_sale_return(sale_id, found)

    def edit_by_hand(self, order_id: str, changes: dict[str, Any]) -> None:
        """Staff change the first sale return of an order, whoever created it."""
        if (sale_id := self._sale_ids.get(order_id)) is None:
            return
        for row in self._jetti.sale_returns(sale_id)[:1]:
            self._jetti.edit_sale_return(row["id"], **changes)
