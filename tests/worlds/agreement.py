"""When Loop and Jetti agree, told without any help of the program's own code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from story_world import Ran, World

from reconciler.sandbox.loop_model import SandboxLabel, SandboxReturn

ENDED = ("cancelled", "expired")
_RANK = ("draft", "requested", "finalized", "shipped", "received")
_STATUS = {
    "new": "requested",
    "pre_transit": "requested",
    "in_transit": "shipped",
    "out_for_delivery": "shipped",
    "delivered": "shipped",
}
_TRACKING = {
    "new": "pre_transit",
    "pre_transit": "pre_transit",
    "in_transit": "transit",
    "out_for_delivery": "transit",
    "delivered": "delivered",
    "failure": "failure",
    "error": "failure",
}


def assert_agreement(world: World, *, but: Collection[str] = ()) -> None:
    """Every return that should exist has exactly one live set of sale returns that says the same.

    `but` names returns that a person has to look at first.
    """
    returns = [row for row in world.loop.returns() if row.id not in but]
    for row in returns:
        _assert_one(world, row)
    known = {row.id for row in world.loop.returns()}
    strays = [
        row["reference"]
        for row in world.jetti.sale_returns()
        if row["status"] != "cancelled" and row["externalId"] not in known
    ]
    assert strays == [], "live sale returns that belong to no return"


def _assert_one(world: World, row: SandboxReturn) -> None:
    live = [made for made in world.in_jetti(row.id) if made["status"] != "cancelled"]
    if row.state in ENDED:
        assert live == [], f"return {row.id} is {row.state} in Loop"
        return
    wanted = Counter(line.order_line_id for line in row.lines)
    held = [(line, units) for made in live for line, units in made["lines"].items() if units]
    assert sorted(held) == sorted(wanted.items()), f"lines of return {row.id}"
    for made in live:
        _assert_told(row, made)


def _assert_told(row: SandboxReturn, made: dict[str, Any]) -> None:
    here = {line.id for line in row.lines if made["lines"].get(line.order_line_id)}
    labels = [one for one in row.labels if len(row.labels) == 1 or here & set(one.line_ids)]
    first = min(labels, key=lambda one: one.tracking_number, default=None)
    told = (made["status"], made["tracking"], made["tracking_status"])
    assert told == (
        _status(labels),
        first.tracking_number if first else None,
        _TRACKING[first.status] if first else None,
    ), f"return {row.id}, sale return {made['id']}"
    assert row.id in made["notes"]


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
