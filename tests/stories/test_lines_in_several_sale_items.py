"""One line of the shop's that Jetti holds as several sale items: two vendors, split quantities."""

from __future__ import annotations

from collections import Counter

import pytest

from reconciler.sandbox.orders import SandboxOrder
from tests.support.world import World

Parts = tuple[tuple[str | None, int], ...]


def split(world: World, *parts: tuple[str | None, int]) -> SandboxOrder:
    return world.order(("Acme", sum(units for _, units in parts)), parts=parts)


def units(world: World, return_id: str) -> list[int]:
    """Of each living sale return item of a return, in Jetti's order."""
    living = [made["id"] for made in world.in_jetti(return_id) if made["status"] != "cancelled"]
    return [item["quantity"] for made in living for item in world.jetti.items_of(made)]


@pytest.mark.covers("F66", "R6")
@pytest.mark.parametrize(
    "parts",
    [(("Acme", 2), ("Bolt", 1)), (("Acme", 1), ("Acme", 2)), ((None, 1), ("Bolt", 1))],
    ids=["two vendors", "split quantities", "in-house and a vendor"],
)
@pytest.mark.parametrize("lost", ["no", "applied_then_lost", "not_applied_then_lost"])
def test_a_return_of_all_units_goes_its_whole_way(world: World, parts: Parts, lost: str) -> None:
    world.go_live()
    order = split(world, *parts)
    one = world.submit(order, sum(count for _, count in parts))
    world.loop.label(one)
    world.pass_time()
    if lost != "no":
        world.breaks("POST *", lost, nth=1)
        world.run()
        world.heals()
        world.pass_time()

    assert world.run().code == 0

    assert Counter(units(world, one)) == Counter(count for _, count in parts)
    world.loop.move_label(one, "in_transit")
    world.pass_time()
    assert world.run().code == 0
    assert {made["status"] for made in world.in_jetti(one)} == {"shipped"}
    world.loop.set_state(one, "cancelled")
    world.pass_time()
    assert world.run().code == 0
    assert units(world, one) == []
    world.pass_time()
    assert world.run().jetti_requests == (0, 0)


def test_a_pass_that_ends_between_the_two_quantities_goes_on_where_it_was(world: World) -> None:
    world.go_live()
    one = world.submit(split(world, ("Acme", 2), ("Bolt", 1)), 3)
    world.pass_time()
    world.breaks("PUT /sale-return-items/2.json", "500", nth=1)
    assert world.run().code == 3
    world.heals()
    world.pass_time()

    assert world.run().code == 0

    assert units(world, one) == [2, 1]


@pytest.mark.covers("F66", "R6")
def test_of_some_units_a_person_says_which_and_is_believed(world: World) -> None:
    world.go_live()
    order = split(world, ("Acme", 2), ("Bolt", 1))
    one = world.submit(order, 1)
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one), world.jetti.sale_returns()) == (3, "review", [])
    assert "order line" in ran.reason(one)
    assert "is 2 sale items in Jetti, and 1 of its 3 units comes back" in ran.reason(one)
    two = world.submit(order, 2)
    world.jetti.raise_sale_return(
        world.sale_id(order), {world.item_ids(order)[1]: 1}, externalId="5"
    )
    world.pass_time()
    assert world.run().outcomes[two] == ("create", "pushed"), "only one vendor has any left"
    assert units(world, two) == [2]


def test_a_quantity_that_changes_afterwards_is_for_a_person(world: World) -> None:
    world.go_live()
    order = split(world, ("Acme", 2), ("Bolt", 1))
    one = world.submit(order, 3)
    world.pass_time()
    assert world.run().code == 0
    world.loop.edit(one, lines=world.seen(one).lines[:2])
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one), units(world, one)) == (3, "review", [2, 1])
    assert ran.jetti_requests[1] == 0
