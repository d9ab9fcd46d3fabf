"""However long a service is out, no return loses one of its tries by that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.agreement import heal_and_agree
from tests.support.world import World

OUTAGES: list[tuple[str, dict[str, Any]]] = [
    ("refuse", {}),
    ("503", {}),
    # The end of a silence, when the client has given up: what it knows then is the same.
    ("not_applied_then_lost", {"ending": "close"}),
]
_KINDS = [kind for kind, _ in OUTAGES]
TWO_DAYS = 9
"""Passes in two days: one more than a return has tries."""


def in_every_stage(world: World) -> dict[str, str]:
    """Returns that are new, changed, cancelled, waiting and unanswered, by what they are."""
    world.trusted()
    stages = {name: world.returned() for name in ("changed", "cancelled", "calm", "unanswered")}
    world.pass_time()
    world.breaks("POST *", "not_applied_then_lost", nth=4)
    world.run()
    world.heals()
    stages["late"] = world.submit(world.order(("Acme", 1), arrives=False))
    world.loop.label(stages["changed"], status="in_transit")
    world.loop.set_state(stages["cancelled"], "cancelled")
    stages |= {f"new {number}": world.returned() for number in range(3)}
    return stages


@pytest.mark.covers("F56")
@pytest.mark.parametrize(("kind", "parameters"), OUTAGES, ids=_KINDS)
def test_two_days_without_jetti_burn_no_attempt_of_any_return(
    world: World, kind: str, parameters: dict[str, Any]
) -> None:
    stages = in_every_stage(world)
    spent = world.entry(stages["unanswered"]).attempts
    world.breaks("*", kind, **parameters)

    for _ in range(TWO_DAYS):
        world.pass_time(hours=48 / TWO_DAYS)
        assert world.run().code == 5

    entries = [world.entry(one) for one in stages.values()]
    assert {entry.attempts for entry in entries} <= {0, spent}
    assert {entry.state.value for entry in entries} <= {"synced", "pending", "unknown"}
    world.jetti.import_sale(world.orders[5])
    heal_and_agree(world, hours=7)


@pytest.mark.covers("F22")
@pytest.mark.parametrize(("kind", "parameters"), OUTAGES, ids=_KINDS)
def test_two_days_without_loop_burn_no_attempt_and_hold_back_no_backlog(
    world: World, kind: str, parameters: dict[str, Any]
) -> None:
    world.go_live()
    backlog = [world.returned() for _ in range(3)]
    world.pass_time()
    assert world.run("--max-writes", "0").code == 0
    unread = world.returned()
    world.breaks("*", kind, service="loop", **parameters)
    before = world.watermark()

    for _ in range(TWO_DAYS):
        world.pass_time(hours=48 / TWO_DAYS)
        assert world.run().code == 4

    assert world.watermark() == before
    assert {world.state(one) for one in backlog} == {"synced"}
    assert [world.entry(one).attempts for one in backlog] == [0, 0, 0]
    assert world.in_jetti(unread) == []
    heal_and_agree(world)


def test_an_outage_of_both_is_loops_to_tell_and_nothing_is_lost_by_it(world: World) -> None:
    stages = in_every_stage(world)
    world.breaks("*", "503", service="loop")
    world.breaks("*", "503")

    for _ in range(TWO_DAYS):
        world.pass_time(hours=48 / TWO_DAYS)
        assert world.run().code == 4

    assert max(world.entry(stages[name]).attempts for name in ("changed", "calm")) == 0
    world.jetti.import_sale(world.orders[5])
    heal_and_agree(world, hours=7)


def test_an_outage_of_the_writes_alone_burns_no_attempt(world: World) -> None:
    stages = in_every_stage(world)
    world.jetti.import_sale(world.orders[5])
    world.breaks("POST *", "503")
    world.breaks("PUT *", "503")

    codes = set()
    for _ in range(TWO_DAYS):
        world.pass_time(hours=48 / TWO_DAYS)
        codes.add(world.run().code)

    assert codes == {5}
    assert {world.entry(one).state.value for one in stages.values()} & {"dead", "review"} == set()
    heal_and_agree(world, hours=13)
