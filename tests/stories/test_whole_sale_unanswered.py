"""The whole sale came back and the answer was lost: found out when it is read back."""

from __future__ import annotations

import pytest

from reconciler.sandbox.faults.registry import Fault
from tests.support.world import World


@pytest.mark.parametrize("attributes", ["applied", "ignored"])
def test_an_unanswered_create_that_returned_the_whole_sale_stops_creation(
    world: World, attributes: str
) -> None:
    world.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    world.sandbox.jetti.switches.cancel_attributes = attributes  # type: ignore[assignment]
    world.go_live()
    ids = [world.submit(world.order(("Acme", 1), ("Acme", 1)), 1, 0) for _ in range(4)]
    world.sandbox.faults.add(Fault("jetti", "applied_then_lost", "POST *"))
    codes = []
    for _ in range(4):
        world.pass_time()
        codes.append(world.run().code)

    assert codes == [3, 7, 7, 7]
    assert sorted(map(world.state, ids)) == ["pending", "pending", "pending", "review"]
    assert len(world.jetti.sale_returns()) == 1


def test_once_a_create_has_proven_the_list_the_rest_is_a_person_s_doing(world: World) -> None:
    world.go_live()
    world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    world.pass_time()
    assert world.run().code == 0
    order = world.order(("Acme", 1), ("Acme", 1))
    one = world.submit(order, 1, 0)
    world.sandbox.faults.add(Fault("jetti", "not_applied_then_lost", "POST *", last=1))
    world.pass_time()
    assert world.run().code == 3
    sale_id = world.sale_id(order)
    lines = {item["id"]: 1 for item in world.jetti.sale_items(sale_id)}
    world.jetti.raise_sale_return(sale_id, lines)
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one)) == (3, "review")


def test_another_vendors_part_of_the_whole_sale_is_noticed_too(world: World) -> None:
    world.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    world.go_live()
    one = world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    world.sandbox.faults.add(Fault("jetti", "applied_then_lost", "POST *", last=1))
    world.pass_time()
    assert world.run().code == 3
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one)) == (7, "review")
    assert "did not ask for" in ran.reason(one)
