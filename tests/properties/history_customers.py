"""What customers, carriers and the merchant do in Loop, and orders on their way to Jetti."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from reconciler.sandbox.loop.model import SandboxReturn
from reconciler.sandbox.orders import SandboxOrder
from tests.properties.history_scene import SHOP, VENDORS, Scene


class Customers(Scene):
    """Steps on Loop's side."""

    def orders(self, lines: Sequence[tuple[int, int]], arrives: bool, twin: bool = False) -> None:
        """An order of some lines, each (vendor, quantity); a twin bears the name of another."""
        order = self.world.order(*((VENDORS[v], q) for v, q in lines), arrives=False)
        if twin and len(self.world.orders) > 1:
            order = replace(order, name=self.world.orders[0].name)
            self.world.orders[-1] = order
        if arrives:
            self.world.jetti.import_sale(order)
        else:
            self.late.append(order)

    def arrives(self) -> None:
        """The late orders reach Jetti."""
        for order in self.late:
            self.world.jetti.import_sale(order)
        self.late.clear()

    def doubles(self, order: int) -> None:
        """An order is imported into Jetti a second time."""
        if (one := self._pick(self.world.orders, order)) is not None and one not in self.late:
            self.world.jetti.import_sale(one)
            self._cause(one.order_id, "doubled order")

    def submits(self, order: int, units: Sequence[int]) -> None:
        """A return of an order: so many units of each line, as far as any are left."""
        if (one := self._pick(self.world.orders, order)) is not None:
            self._submitted(one, units)

    def bursts(self, count: int) -> None:
        """Several returns of as many orders in one second, as long as the shop is small."""
        for _ in range(count if len(self._rows()) < SHOP else 1):
            self._submitted(self.world.order(("Acme", 1)), (1,))

    def _submitted(
        self, order: SandboxOrder, units: Sequence[int], at: datetime | None = None
    ) -> None:
        wanted = [min(n, self._left(order, place)) for place, n in enumerate(units)]
        wanted += [0] * (len(order.lines) - len(wanted))
        wanted = wanted[: len(order.lines)]
        if any(wanted):
            self._noted(self.world.submit(order, *wanted, **({"at": at} if at else {})))
            self.counts["returns"] += 1

    def _left(self, order: SandboxOrder, place: int) -> int:
        """Units of a line that no return brings back."""
        if place >= len(order.lines):
            return 0
        line = order.lines[place]
        live = [row for row in self._alive() if row.provider_order_id == order.order_id]
        taken = sum(x.order_line_id == line.order_line_id for row in live for x in row.lines)
        return line.quantity - taken

    # ---------------------------------------------------------------------------- Loop changes

    def touches(self, one: int) -> None:
        """Nothing but a newer time."""
        self._change(one, lambda row: self.world.loop.touch(row.id))

    def labels(self, one: int, apart: bool) -> None:
        """A label for all lines, or one for each."""

        def label(row: SandboxReturn) -> None:
            if row.labels or row.state != "open":
                return
            for line in row.lines if apart else ():
                self.world.loop.label(row.id, line_ids=(line.id,))
            if not apart:
                self.world.loop.label(row.id)

        self._change(one, label)

    def announces(self, one: int, _place: int) -> None:
        """A label is on its way, and not made yet."""

        def announce(row: SandboxReturn) -> None:
            if not row.labels and row.state == "open":
                self.world.loop.label(row.id, status="pending")

        self._change(one, announce)

    def relabels(self, one: int, _place: int) -> None:
        """A second parcel, for lines that have one."""

        def relabel(row: SandboxReturn) -> None:
            if len(row.labels) == 1 and row.state == "open":
                self.world.loop.label(row.id)

        self._change(one, relabel)

    def scans(self, one: int, parcel: int) -> None:
        """A parcel moves on: its label is made, it is scanned, then delivered."""
        further = {"pending": "new", "new": "in_transit", "in_transit": "delivered"}
        self._moves(one, parcel, further)

    def scans_unseen(self, one: int, parcel: int) -> None:
        """The same, and Loop does not move the time of the return."""
        switches = self.sandbox.loop.switches
        before, switches.label_changes_bump = switches.label_changes_bump, False
        self.scans(one, parcel)
        switches.label_changes_bump = before

    def fails(self, one: int, parcel: int) -> None:
        """The carrier knows no more of a parcel."""
        self._moves(one, parcel, {"new": "failure", "in_transit": "failure"})

    def _moves(self, one: int, parcel: int, further: dict[str, str]) -> None:
        def transition(row: SandboxReturn) -> None:
            if row.labels:
                place = parcel % len(row.labels)
                status = further.get(row.labels[place].status)
                if status:
                    self.world.loop.move_label(row.id, status, place)

        self._change(one, transition)

    def edits(self, one: int, place: int) -> None:
        """The customer had another reason: nothing that Jetti is told."""

        def edit(row: SandboxReturn) -> None:
            if row.state == "open" and row.lines:
                line = row.lines[place % len(row.lines)]
                self.world.loop.edit_line(row.id, line.id, reason="Too big", comment="after all")

        self._change(one, edit)

    def adds(self, one: int, place: int) -> None:
        """A unit more comes back, of a line that is on the return or of another."""

        def add(row: SandboxReturn) -> None:
            order = self._order_of(row)
            place_ = place % len(order.lines)
            if row.state == "open" and self._left(order, place_) > 0:
                line = order.lines[place_]
                was = {x.order_line_id for _, old in self.versions[row.id] for x in old.lines}
                now = {x.order_line_id for x in row.lines}
                if line.order_line_id in was - now:
                    self._cause(row.id, "line came back")
                self.world.loop.add_line(row.id, line)
                self._cause(row.id, "lines changed")

        self._change(one, add)

    def removes(self, one: int, place: int) -> None:
        """A unit stays with the customer; without the last one the return is cancelled."""

        def remove(row: SandboxReturn) -> None:
            if row.state == "open" and row.lines:
                self.world.loop.remove_line(row.id, row.lines[place % len(row.lines)].id)
                self._cause(row.id, "lines changed")

        self._change(one, remove)

    def turns(self, one: int, state: str) -> None:
        """Held and released, closed, cancelled, expired."""
        follows = {"review": "open", "open": "review", "closed": "open"}

        def turn(row: SandboxReturn) -> None:
            before = follows.get(state, "open")
            if row.state == before and row.lines:
                self.world.loop.set_state(row.id, state)

        self._change(one, turn)

    def revives(self, one: int) -> None:
        """A cancelled return is opened again."""
        ended = [row for row in self._rows() if row.state in ("cancelled", "expired") and row.lines]
        row = self._pick(ended, one)
        fits = row is not None and all(
            self._left(self._order_of(row), place)
            >= sum(x.order_line_id == line.order_line_id for x in row.lines)
            for place, line in enumerate(self._order_of(row).lines)
        )
        if row is not None and fits:
            self.world.loop.set_state(row.id, "open")
            self._cause(row.id, "revived")
            self._noted(row.id)

    def vanishes(self, one: int) -> None:
        """A return is redacted in Loop."""
        row = self._pick(self._rows(), one)
        if row is not None:
            self.world.loop.remove(row.id)
            self.vanished.add(row.id)
            self._cause(row.id, "vanished")
            self._cause(str(row.provider_order_id), "another vanished")

    def _change(self, one: int, change: Callable[[SandboxReturn], Any]) -> None:
        row = self._pick(self._alive(), one)
        if row is not None:
            change(row)
            self._noted(row.id)

    def _noted(self, return_id: str) -> None:
        row = self.world.loop.get(return_id)
        known = self.versions.setdefault(return_id, [])
        if not known or known[-1][1] != row:
            known.append((self.clock.now(), row))
