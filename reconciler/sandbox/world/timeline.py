"""A seeded world: a shop's orders, and the lifecycle of every return on them.

Everything is an event with a time. Events before now have happened when a sandbox opens; the rest
happen as its clock advances. The same seed makes the same world.

Customer data is invented and easy to find: all of it contains "canary" in upper or lower case, so
that a test can prove that none of it is stored or logged.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from reconciler.sandbox.orders import SandboxOrder
from reconciler.sandbox.world.events import Event
from reconciler.sandbox.world.lifecycle import Lifecycle
from reconciler.sandbox.world.order_book import OrderBook

FIRST_RETURN = 31_000_001
FUTURE = timedelta(days=30)
"""How long after now new returns are submitted."""

SECOND_RETURN, UNRETURNED, BURST, LATE, ABSENT, DECIDE = 0.12, 0.1, 0.03, 0.04, 0.02, 0.02
"""Shares: of orders with two returns, of orders without one, of returns in the same second as
the one before, of orders that reach Jetti after their return, of orders that never do, and of
returns that staff raise in Jetti by hand."""


class Timeline:
    """`events`, oldest first. There are exactly `returns` submissions before `now`."""

    def __init__(self, seed: int, returns: int, days: int, now: datetime) -> None:
        self._chance = Random(seed)  # noqa: S311
        self._book = OrderBook(self._chance)
        self._events: list[Event] = []
        self._next_id = FIRST_RETURN
        begin = (now - timedelta(days=days)).replace(microsecond=0)
        future = round(returns * FUTURE / timedelta(days=days))
        moments = self._moments(begin, now, returns)
        moments += self._moments(now + timedelta(seconds=1), now + FUTURE, future)
        self._fill(moments)
        self.events = sorted(self._events, key=lambda event: event.at)

    def _moments(self, begin: datetime, end: datetime, count: int) -> list[datetime]:
        """When returns are submitted, in whole seconds; some share a second, as in bulk jobs."""
        span = int((end - begin).total_seconds()) - 1
        drawn = sorted(self._chance.random() for _ in range(count))
        moments: list[datetime] = []
        for share in drawn:
            burst = bool(moments) and self._chance.random() < BURST
            moment = begin + timedelta(seconds=int(share * span))
            moments.append(moments[-1] if burst else moment.replace(microsecond=0))
        return moments

    def _fill(self, moments: list[datetime]) -> None:
        """Add an order and a return for each moment; a second return on an order uses the next
        moment."""
        place = 0
        while place < len(moments):
            order = self._order_before(moments[place])
            available = _units(order)
            available = self._add_return(order, moments[place], available)
            place += 1
            if available and place < len(moments) and self._chance.random() < SECOND_RETURN:
                self._add_return(order, moments[place], available)
                place += 1
            if self._chance.random() < UNRETURNED:
                self._arrive(self._book.write(order.created_at), order.created_at)

    def _order_before(self, moment: datetime) -> SandboxOrder:
        age = timedelta(minutes=self._chance.randint(3 * 1440, 30 * 1440))
        order = self._book.write(moment - age)
        fate = self._chance.random()
        if fate < LATE:
            wait = timedelta(minutes=self._chance.randint(20, 3000))
            self._arrive(order, moment + wait)
        elif fate > LATE + ABSENT:
            self._arrive(order, order.created_at)
        return order

    def _arrive(self, order: SandboxOrder, moment: datetime) -> None:
        delay = timedelta(seconds=self._chance.randint(20, 600))
        self._events.append(Event(moment + delay, "arrive", {"order": order}))

    def _add_return(
        self, order: SandboxOrder, moment: datetime, available: dict[str, int]
    ) -> dict[str, int]:
        """Add the events of one return; returns the units that are left for another."""
        lifecycle = Lifecycle(self._chance, str(self._next_id), order, moment, available)
        self._next_id += 1
        self._events += lifecycle.events()
        if self._chance.random() < DECIDE:
            self._add_manual_work(order, moment, lifecycle.quantities)
        left = {
            line_id: units - lifecycle.quantities.get(line_id, 0)
            for line_id, units in available.items()
        }
        # An edit may add a unit of what is left, so no other return may use those lines.
        return {line_id: left[line_id] for line_id in left if line_id not in lifecycle.quantities}

    def _add_manual_work(
        self, order: SandboxOrder, moment: datetime, quantities: dict[str, int]
    ) -> None:
        """Staff create the return in Jetti as well, and later edit it there."""
        at = moment + timedelta(minutes=self._chance.randint(1, 600))
        self._events.append(
            Event(at, "raise_by_hand", {"order_id": order.order_id, "quantities": quantities})
        )
        later = at + timedelta(minutes=self._chance.randint(600, 8000))
        change = self._chance.choice(
            ({"adminNotes": "checked by staff"}, {"status": "finalized"}, {"status": "received"})
        )
        self._events.append(
            Event(later, "edit_by_hand", {"order_id": order.order_id, "changes": change})
        )


def _units(order: SandboxOrder) -> dict[str, int]:
    """The units of an order that can come back; parts of a bundle come back as the bundle."""
    return {line.order_line_id: line.quantity for line in order.lines if line.bundle_of is None}
