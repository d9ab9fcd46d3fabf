"""What the ledger knows as one return's is never claimed for another on the same order."""

from __future__ import annotations

from reconciler.sandbox.faults.registry import Fault
from tests.support.world import World


def test_an_unmarked_sale_return_of_another_return_is_not_adopted_by_meaning(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 2))
    older = world.submit(order, 1)
    world.pass_time(seconds=10)
    newer = world.submit(order, 1)
    world.pass_time()
    number = world.sandbox.faults.add(Fault("jetti", "429", "PUT /sale-returns/*"))
    world.run("--return", newer)
    world.sandbox.faults.remove(number)
    assert [made["marker"] for made in world.on_order(order)] == [None]
    world.pass_time()

    ran = world.run()

    assert ran.code == 0, ran.report["run"]["failures"]
    assert sorted(made["marker"] for made in world.on_order(order)) == [older, newer]


def test_a_marker_moved_from_one_return_to_another_is_for_a_person(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 2))
    one = world.submit(order, 1)
    world.pass_time()
    assert world.run().code == 0
    two = world.submit(order, 1)
    [made] = world.in_jetti(one)
    world.jetti.edit_sale_return(made["id"], externalId=two)
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(two)) == (3, "review")
    assert f"belongs to return {one}" in ran.reason(two)
