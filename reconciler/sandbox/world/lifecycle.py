"""The life of a return from submission to its end, as events (loop.md#return-state,
#label-life-cycle)."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from reconciler.sandbox.orders import SandboxOrder, SandboxOrderLine
from reconciler.sandbox.world.events import Event
from reconciler.sandbox.world.products import REASONS

EXPIRY = timedelta(days=28)
"""A return expires when its label has not been scanned for this long (loop.md#expiry)."""

OUTCOMES = ("refund", "exchange", "credit", "upsell")
OUTCOME_WEIGHTS = (60, 20, 14, 6)
# For several units. The last is a word that only Loop's newest tools use (loop.md#return-outcome).
MIXED_OUTCOMES = (
    "refund",
    "exchange",
    "credit",
    "exchange+refund",
    "exchange+credit",
    "credit+refund",
)
MIXED_WEIGHTS = (44, 14, 12, 16, 11, 3)

FATES = ("normal", "never_sent", "cancelled", "flagged", "held", "edited", "kept", "lost")
FATE_WEIGHTS = (64, 8, 7, 4, 4, 6, 4, 3)
"""`held`: flagged and never reviewed; `kept`: refunded without being sent back; `lost`: the
carrier loses it."""


class Lifecycle:
    """The life of one return, drawn at random; the same seed gives the same events."""

    def __init__(
        self,
        chance: Random,
        return_id: str,
        order: SandboxOrder,
        begins_at: datetime,
        available: dict[str, int],
    ) -> None:
        """`available`: units per order line that no other return has used; not empty."""
        self._chance, self._id, self._order = chance, return_id, order
        self._at = begins_at
        self._available = available
        self._events: list[Event] = []
        self._parcels = 1
        self.quantities = self._units()
        """Units per order line that come back."""

    def events(self) -> list[Event]:
        """Draw all events, oldest first. Call it once."""
        fate = self._chance.choices(FATES, FATE_WEIGHTS)[0]
        self._submit(fate)
        if fate != "kept":
            self._labels()
        getattr(self, f"_{fate}")()
        return self._events

    # ------------------------------------------------------------------------------- fates

    def _normal(self) -> None:
        self._travel()
        self._end()

    def _never_sent(self) -> None:
        expiry = self._at + EXPIRY
        if self._chance.random() < 0.4:
            self._later(hours=(1, 90))
            self._add("move_label", status="pre_transit", parcel=0)
        self._at = expiry
        self._add("expire")

    def _cancelled(self) -> None:
        self._later(hours=(1, 96))
        self._add("cancel")

    def _flagged(self) -> None:
        self._later(hours=(1, 30))
        self._add("flag")
        self._later(hours=(5, 80))
        self._add("unflag")
        self._normal()

    def _held(self) -> None:
        self._later(hours=(1, 30))
        self._add("flag")

    def _edited(self) -> None:
        self._later(hours=(1, 30))
        more = self._more_units()
        if more is not None and self._chance.random() < 0.5:
            self._add("add_line", order_line=more)
        else:
            self._add("remove_line")
        self._normal()

    def _kept(self) -> None:
        self._end()

    def _lost(self) -> None:
        self._later(hours=(12, 60))
        self._add("move_label", status="in_transit", parcel=0)
        self._later(hours=(60, 200))
        self._add("move_label", status=self._chance.choice(("failure", "error")), parcel=0)

    # ------------------------------------------------------------------------------- parts

    def _submit(self, fate: str) -> None:
        chance = self._chance
        attributes: dict[str, Any] = {"id": self._id, "outcome": self._outcome()}
        if chance.random() < 0.06:
            attributes["type"] = "warranty"
        if fate == "kept":
            attributes["refund_before_inspection"] = True
        if (method := self._method()) is not None:
            attributes["return_method"] = method
        self._add(
            "submit",
            order=self._order,
            quantities=self.quantities,
            remarks=[self._remark() for _ in range(sum(self.quantities.values()))],
            attributes=attributes,
        )

    def _outcome(self) -> str:
        if sum(self.quantities.values()) > 1:
            return self._chance.choices(MIXED_OUTCOMES, MIXED_WEIGHTS)[0]
        return self._chance.choices(OUTCOMES, OUTCOME_WEIGHTS)[0]

    def _method(self) -> dict[str, Any] | str | None:
        """An object, a text or null (loop.md#return-method). Names and addresses are canaries."""
        kind = self._chance.random()
        if kind > 0.12:
            return None
        if kind > 0.1:
            return "mail"
        return {
            "provider": "happy_returns",
            "method_type": "dropoff",
            "address": {
                "name": f"Canary Shopper {self._order.name}",
                "address1": "1 Canary Street",
                "phone": "+1 555 0100",
            },
            "state": "new",
            "rma_id": None,
            "qr_code_url": f"https://labels.example.test/canary/{self._id}.png",
            "scheduled_at": None,
            "scannable_id": None,
        }

    def _remark(self) -> tuple[str, str, str | None]:
        """Reason, parent reason and the customer's comment, a canary if there is one."""
        chance = self._chance
        reason, parent = chance.choice(REASONS)
        if chance.random() > 0.3:
            return reason, parent, None
        return reason, parent, f'CANARY-COMMENT-{self._id} "ring the bell",\nthanks'

    def _labels(self) -> None:
        self._later(seconds=(3, 40))
        units = sum(self.quantities.values())
        if units > 1 and self._chance.random() < 0.2:
            self._parcels = 2
        for parcel in range(self._parcels):
            self._add("label", carrier=self._carrier(), parcel=parcel, parcels=self._parcels)

    def _carrier(self) -> str:
        return self._chance.choice(("USPS", "UPS", "FedEx", "DHLExpress"))

    def _travel(self) -> None:
        last = self._at
        for parcel in range(self._parcels):
            self._at = last
            self._later(hours=(6, 140))
            self._add("move_label", status="pre_transit", parcel=parcel)
            self._later(hours=(1, 30))
            self._add("move_label", status="in_transit", parcel=parcel)
            self._later(hours=(24, 150))
            self._add("move_label", status="out_for_delivery", parcel=parcel)
            self._later(hours=(1, 10))
            self._add("move_label", status="delivered", parcel=parcel)
        self._at = max(event.at for event in self._events)

    def _end(self) -> None:
        self._later(hours=(2, 100))
        self._add("close")
        # `was_processed` follows hours after the state (loop.md#processing-fields).
        self._later(hours=(2, 60))
        self._add("process")

    def _units(self) -> dict[str, int]:
        chance = self._chance
        some = chance.sample(sorted(self._available), chance.randint(1, len(self._available)))
        return {line_id: chance.randint(1, self._available[line_id]) for line_id in sorted(some)}

    def _more_units(self) -> SandboxOrderLine | None:
        """An order line with a unit that is still available, if any."""
        left = {
            line_id
            for line_id, units in self._available.items()
            if units > self.quantities.get(line_id, 0)
        }
        return next((line for line in self._order.lines if line.order_line_id in left), None)

    def _later(
        self, *, hours: tuple[int, int] | None = None, seconds: tuple[int, int] | None = None
    ) -> None:
        least, most = seconds or tuple(3600 * hour for hour in hours or (0, 0))
        # Much faster than randint, and a timeline draws a million of these.
        self._at += timedelta(seconds=int(least + (most - least) * self._chance.random()))

    def _add(self, move: str, **arguments: Any) -> None:
        if move != "submit":
            arguments["return_id"] = self._id
        self._events.append(Event(self._at, move, arguments))
