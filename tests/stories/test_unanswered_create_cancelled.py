"""What a person cancelled before we could read it back is not made again."""

from __future__ import annotations

import pytest

from reconciler.sandbox.faults.registry import Fault
from tests.support.world import World


@pytest.mark.parametrize("cancelled", [1, 2])
def test_a_person_who_cancels_what_an_unanswered_create_made_is_not_overruled(
    world: World, cancelled: int
) -> None:
    world.go_live()
    order = world.order(("Acme", 1), (None, 1))
    one = world.submit(order)
    world.sandbox.faults.add(Fault("jetti", "applied_then_lost", "POST *", last=1))
    world.pass_time()
    assert world.run().code == 3
    for row in world.on_order(order)[:cancelled]:
        world.jetti.edit_sale_return(row["id"], status="cancelled")
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one)) == (3, "review")
    assert len(world.on_order(order)) == 2
    assert "is cancelled, but its lines are wanted" in ran.reason(one)


def test_one_that_was_cancelled_in_loop_too_is_settled(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1))
    one = world.submit(order)
    world.sandbox.faults.add(Fault("jetti", "applied_then_lost", "POST *", last=1))
    world.pass_time()
    assert world.run().code == 3
    [row] = world.on_order(order)
    world.jetti.edit_sale_return(row["id"], status="cancelled")
    world.loop.set_state(one, "cancelled")
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one), len(world.on_order(order))) == (0, "synced", 1)
