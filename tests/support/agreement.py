"""When Loop and Jetti agree, told without any help of the program's own code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from reconciler.sandbox.loop.model import SandboxLabel, SandboxReturn
from tests.support.world import Ran, World

ENDED = ("cancelled", "expired")
_RANK = ("draft", "requested", "finalized", "shipped", "received")
_STATUS = {
    "pending": "requested",
    "new": "requested",
    "pre_transit": "requested",
    "return_to_sender": "shipped",
    "in_transit": "shipped",
    "available_for_pickup": "shipped",
    "out_for_delivery": "shipped",
    "delivered": "shipped",
}
"""Any other word says nothing of it."""
_TRACKING = {
    "pending": "pre_transit",
    "new": "pre_transit",
    "pre_transit": "pre_transit",
    "return_to_sender": "returned",
    "in_transit": "transit",
    "available_for_pickup": "transit",
    "out_for_delivery": "transit",
    "delivered": "delivered",
    "failure": "failure",
    "error": "failure",
}
"""Any other word leaves what was told before."""
_SCANNED = {label for label, status in _STATUS.items() if status == "shipped"}
_FURTHEST = (
    ("delivered",),
    ("out_for_delivery", "available_for_pickup"),
    ("in_transit",),
    ("return_to_sender",),
    ("pre_transit",),
    ("new", "pending"),
    ("failure",),
    ("error",),
)


def leading(labels: Sequence[SandboxLabel]) -> SandboxLabel | None:
    """The label that a sale return shows: furthest on its way, then newest, then by number."""

    def place(label: SandboxLabel) -> tuple[int, float, str]:
        known = (at for at, group in enumerate(_FURTHEST) if label.status in group)
        void = len(_FURTHEST) + (label.status == "cancelled")
        number = label.tracking_number or "~"
        return next(known, void), -label.updated_at.timestamp(), number

    return min(labels, key=place, default=None)


def is_late_scan(row: SandboxReturn) -> bool:
    """Expired as if nobody had sent anything, although a parcel was scanned."""
    return row.state == "expired" and any(label.status in _SCANNED for label in row.labels)


def assert_agreement(world: World, *, but: Collection[str] = ()) -> None:
    """Every return that should exist has exactly one live set of sale returns that says the same.

    `but` names returns that a person has to look at first.
    """
    returns = [row for row in world.loop.returns() if row.id not in but]
    for row in returns:
        assert_one(world, row)
    known = {row.id for row in world.loop.returns()}
    strays = [
        row["reference"]
        for row in world.jetti.sale_returns()
        if row["status"] != "cancelled" and row["externalId"] not in known
    ]
    assert strays == [], "live sale returns that belong to no return"


def assert_one(world: World, row: SandboxReturn) -> None:
    live = [made for made in world.in_jetti(row.id) if made["status"] != "cancelled"]
    if row.state in ENDED and not is_late_scan(row):
        assert live == [], f"return {row.id} is {row.state} in Loop"
        return
    if row.state in ENDED and not live:
        return  # held before it was created
    wanted = Counter(line.order_line_id for line in row.lines)
    held = [(line, units) for made in live for line, units in made["lines"].items() if units]
    assert sorted(held) == sorted(wanted.items()), f"lines of return {row.id}"
    for made in live:
        _assert_told(row, made)


def _assert_told(row: SandboxReturn, made: dict[str, Any]) -> None:
    here = {line.id for line in row.lines if made["lines"].get(line.order_line_id)}
    labels = [
        one
        for one in row.labels
        if len(row.labels) == 1 or not one.line_ids or here & set(one.line_ids)
    ]
    first = leading(labels)
    stays = {"tracking_status": made["tracking_status"], "status": made["status"]}
    wanted = {
        "status": stays["status"] if is_late_scan(row) else _status(labels),
        "tracking": first.tracking_number if first else None,
        "tracking_status": _TRACKING.get(first.status, stays["tracking_status"]) if first else None,
    }
    told = {name: made[name] for name in wanted}
    assert told == wanted, f"return {row.id}, sale return {made['id']}"
    assert row.id in made["notes"]
    if len(labels) > 1:
        assert all((one.tracking_number or "without number") in made["notes"] for one in labels)


def _status(labels: list[SandboxLabel]) -> str:
    told = [_STATUS[one.status] for one in labels if one.status in _STATUS]
    return max(told, key=_RANK.index, default="requested")


def heal_and_agree(world: World, **span: float) -> Ran:
    """Everything works again and enough time passes: one run agrees, the next writes nothing.

    Answers the run that agreed.
    """
    world.sandbox.faults.clear()
    world.pass_time(**span)
    ran = world.run()
    assert_agreement(world)
    assert ran.code == 0, ran.report
    world.pass_time()
    silent = world.run()
    assert (silent.code, silent.jetti_requests) == (0, (0, 0)), silent.report["changes"]
    return ran
