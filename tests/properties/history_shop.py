"""What shops do that no description of an API foresees: labels, words, names, rows."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.loop.model import SandboxReturn
from tests.properties.history_customers import Customers
from tests.properties.history_items import kept

UNSENT = ("new", "pre_transit")
MOVING = ("in_transit", "out_for_delivery", "delivered", "return_to_sender", "available_for_pickup")
PREFIX = "US-"
"""What this shop's orders are called by in Jetti, once that is turned on."""
UNREADABLE: dict[str, tuple[dict[str, Any], int]] = {
    "no lines": ({"line_items": None}, 8),
    "no state": ({"state": None}, 8),
    "no time": ({"updated_at": "yesterday"}, 8),
    "no names": ({"order_name": None, "provider_order_id": None}, 8),
    "a bad line": ({"line_items": [{"line_item_id": None}]}, 9),
}
"""What is laid over a row of Loop's, and the number since which that is drawn."""


class Shop(Customers):
    """Steps of merchants, carriers and apps, on Loop's side and on their orders in Jetti."""

    # ------------------------------------------------------------------------------- labels

    def regenerates(self, one: int, parcel: int) -> None:
        """A label takes the place of one that was not used."""

        def again(row: SandboxReturn) -> None:
            place = parcel % max(1, len(row.labels))
            if row.state == "open" and row.labels and row.labels[place].status in UNSENT:
                self.world.loop.regenerate_label(row.id, place)

        if kept(2):
            self._change(one, again)

    def voids(self, one: int, parcel: int) -> None:
        """A label that was not used is taken back."""
        self._says(one, parcel, "cancelled", UNSENT, number=4)

    def speaks(self, one: int, parcel: int, word: str) -> None:
        """The carrier, or Loop's own admin, has another word for it."""
        self._says(one, parcel, word, (*UNSENT, *MOVING[:2]), number=4)

    def _says(
        self, one: int, parcel: int, word: str, before: tuple[str, ...], *, number: int
    ) -> None:
        def say(row: SandboxReturn) -> None:
            place = parcel % max(1, len(row.labels))
            if row.labels and row.labels[place].status in before:
                self.world.loop.move_label(row.id, word, place)

        if kept(number):
            self._change(one, say)

    def unties(self, one: int, _parcel: int) -> None:
        """One more label, tied to no line, be there more labels than lines or not."""

        def untie(row: SandboxReturn) -> None:
            if row.state == "open" and len(row.labels) < 4:
                self.world.loop.label(row.id, line_ids=())

        if kept(2):
            self._change(one, untie)

    def numbers_later(self, one: int, _parcel: int) -> None:
        """A label comes without a number, or gets it."""

        def number(row: SandboxReturn) -> None:
            bare = [n for n, label in enumerate(row.labels) if label.tracking_number is None]
            if bare:
                self.world.loop.number_label(row.id, parcel=bare[0])
            elif row.state == "open" and not row.labels:
                self.world.loop.label(row.id, numbered=False)

        if kept(2):
            self._change(one, number)

    def scans_late(self, one: int, parcel: int) -> None:
        """A parcel of a return that expired unsent moves, or arrives."""
        rows = [row for row in self._rows() if row.state == "expired" and row.labels]
        row = self._pick(rows, one)
        if row is not None and kept(3):
            place = parcel % len(row.labels)
            further = {"in_transit": "delivered"}.get(row.labels[place].status, "in_transit")
            if row.labels[place].status in (*UNSENT, "in_transit"):
                self.world.loop.move_label(row.id, further, place)
                self._noted(row.id)
                self._cause(row.id, "revived")  # it may have been cancelled in Jetti before

    def expires(self, one: int, _place: int) -> None:
        """A return expires in spite of all that is on its way."""
        if kept(3):
            self._change(one, lambda row: self._expire(row))

    def _expire(self, row: SandboxReturn) -> None:
        if row.state == "open" and row.lines:
            self.world.loop.set_state(row.id, "expired")

    # -------------------------------------------------------------------------------- words

    def renames_type(self, one: int, _place: int) -> None:
        """An app makes returns of a type, and of an outcome, that nobody knows."""

        def rename(row: SandboxReturn) -> None:
            self.world.loop.edit(row.id, type="concierge", outcome="exchange")

        self._change(one, rename)

    def strands(self, one: int, _place: int) -> None:
        """Loop has a return in a state that its list cannot be asked for."""

        def strand(row: SandboxReturn) -> None:
            if row.state == "open" and row.lines:
                self.world.loop.set_state(row.id, "processing")
                self._cause(row.id, "hidden")

        self._change(one, strand)

    # ------------------------------------------------------------------------------- orders

    def renames_order(self, order: int, in_jetti: bool) -> None:
        """An order is called otherwise from now on: in Loop, or with a prefix in Jetti."""
        one = self._pick(self.world.orders, order)
        if one is None or not kept(5):
            return
        if in_jetti:
            for sale in self.world.jetti.sales():
                if sale["externalId"] == one.order_id and not str(sale["reference"]).startswith(
                    PREFIX
                ):
                    self._edit_sale(sale["id"], reference=PREFIX + str(sale["reference"]))
            return
        for row in self.world.loop.of_provider_order(one.order_id):
            if not row.order_name.endswith("-R"):
                self.world.loop.edit(row.id, order_name=f"{row.order_name}-R")
                self._noted(row.id)

    def reimports(self, order: int, _place: int) -> None:
        """A sale that has no return yet is cancelled in Jetti and imported again."""
        one = self._pick(self.world.orders, order)
        if one is None or one in self.late or not kept(6):
            return
        for sale in self.world.jetti.sales():
            if sale["externalId"] == one.order_id and not sale["cancelled"]:
                if self.world.jetti.sale_returns(sale["id"]):
                    return
                self._edit_sale(sale["id"], cancelled=True, cancellationStatus="full")
        self.world.jetti.import_sale(one)

    def _edit_sale(self, sale_id: int, **values: Any) -> None:
        self.world.jetti.world.table("Sale").update(sale_id, values)

    # --------------------------------------------------------------------------------- rows

    def garbles(self, one: int, what: str) -> None:
        """A row of Loop's cannot be understood, or not all of it, until somebody mends it."""
        laid, number = UNREADABLE[what]

        def garble(row: SandboxReturn) -> None:
            if not row.extra:
                self.world.loop.edit(row.id, extra=laid)
                self.garbled.setdefault(row.id, set()).add(what)

        if kept(number):
            self._change(one, garble)

    def mends(self) -> None:
        """All rows can be understood again."""
        for row in self._rows():
            if row.extra:
                self.world.loop.edit(row.id, extra={})
                self.world.loop.touch(row.id)
                self._noted(row.id)

    def submits_nothing(self, order: int) -> None:
        """A return without lines."""
        if (one := self._pick(self.world.orders, order)) is not None and kept(14):
            self._noted(self.world.loop.add_return(one, {}).id)
            self.counts["returns without lines"] += 1
