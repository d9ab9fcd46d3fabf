"""Things to put into a ledger, and a clock that only moves when it is told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.core.model import (
    Line,
    Operation,
    Parcel,
    Purpose,
    Return,
    SaleReturn,
    State,
    Wanted,
    WantedLine,
    Window,
    Write,
)
from reconciler.core.records import By, DrainedWindow, Observation, Transition
from reconciler.ledger.schema import InitialState
from reconciler.ledger.sql_ledger import SqlLedger

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
MINUTE = timedelta(minutes=1)
BIRTH = InitialState(go_live=NOON, watermark=NOON, mapping_version="m1")
CREATE = Write(operation=Operation.CREATE, target_id=10, sale_item_ids=(1, 2))


class StillClock:
    """Stands still; waiting moves it on at once."""

    def __init__(self, now: datetime = NOON) -> None:
        self.time = now
        self.waited: list[float] = []

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.time += timedelta(seconds=seconds)

    def check(self) -> None:
        pass


def wanted(status: str = "requested") -> Wanted:
    lines = (WantedLine(order_line_id="ol1", quantity=1, line_id="l1"),)
    return Wanted(purpose=Purpose.EXIST, status=status, lines=lines, parcels=())


def observation(id_: str, want: str = "a", at: datetime = NOON, **fields: Any) -> Observation:
    """A return whose want and fingerprint both follow from one letter."""
    seen: dict[str, Any] = {
        "id": id_,
        "state": "open",
        "created_at": NOON,
        "updated_at": at,
        "order_id": f"o{id_}",
        "order_name": f"#{id_}",
        "lines": (Line(id="l1", order_line_id="ol1"),),
        "parcels": (Parcel(carrier="UPS", tracking_number="1Z"),),
    }
    return Observation(
        seen=Return(**(seen | fields)),
        content=f"content of {want} at {at}".encode(),
        wanted=wanted(want),
        fingerprint=fingerprint(want),
    )


def fingerprint(want: str) -> bytes:
    return want.encode() * 32


def drained(*observations: Observation, **fields: Any) -> DrainedWindow:
    values: dict[str, Any] = {
        "window": Window(start=NOON - MINUTE, end=NOON),
        "by": By.UPDATED,
        "rows": len(observations),
        "mapping_version": "m1",
        "observations": observations,
    }
    return DrainedWindow(**(values | fields))


def sale_return(id_: int = 7, **fields: Any) -> SaleReturn:
    values: dict[str, Any] = {
        "id": id_,
        "reference": f"R{id_}",
        "sale_id": 10,
        "purchase_id": None,
        "fields": {"status": "requested", "trackingNumber": None},
        "items": (),
    }
    return SaleReturn(**(values | fields))


def intend(ledger: SqlLedger, id_: str, write: Write = CREATE, now: datetime = NOON) -> None:
    ledger.journal.intend(id_, write, before=(), sent_at=now, settle_at=now + 3 * MINUTE)


def bring_to(ledger: SqlLedger, id_: str, state: State) -> None:
    """Take a pending entry to any state, by legal steps."""
    if state in (State.IN_FLIGHT, State.UNKNOWN):
        intend(ledger, id_)
    if state is State.IGNORED:
        ledger.journal.apply(id_, Transition(state=State.REVIEW))
    if state is not State.IN_FLIGHT:
        ledger.journal.apply(id_, Transition(state=state))


def state_of(ledger: SqlLedger, id_: str) -> State:
    (entry,) = ledger.entries.get([id_])
    return entry.state
