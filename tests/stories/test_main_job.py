"""The main job, told as stories; each ends with the state of the world on both sides."""

from __future__ import annotations

import pytest

from tests.support.world import World


@pytest.mark.covers("P8")
@pytest.mark.sockets
def test_a_new_return_is_created_and_the_next_run_is_silent(world: World) -> None:
    world.go_live()
    one = world.returned(("Acme", 2))
    world.pass_time()

    first = world.run()
    world.pass_time()
    second = world.run()

    assert (first.code, first.outcomes) == (0, {one: ("create", "pushed")})
    [made] = world.in_jetti(one)
    assert made["status"] == "requested"
    assert list(made["lines"].values()) == [1]
    assert world.state(one) == "synced"
    assert (second.code, second.report["changes"], second.jetti_requests) == (0, [], (0, 0))


def test_a_scanned_label_pushes_one_put(world: World) -> None:
    world.go_live()
    one = world.returned()
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    world.loop.move_label(one, "in_transit")
    world.pass_time()

    ran = world.run()

    assert ran.outcomes == {one: ("update", "pushed")}
    assert ran.jetti_requests[1] == 1
    [made] = world.in_jetti(one)
    assert (made["status"], made["tracking_status"]) == ("shipped", "transit")


def test_two_vendors_make_two_sale_returns_with_their_own_items(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1), ("Bolt", 3), ("Acme", 1), (None, 1))
    one = world.submit(order, 1, 2, 1, 0)
    world.pass_time()

    assert world.run().code == 0

    lines = [line.order_line_id for line in order.lines]
    assert [made["lines"] for made in world.in_jetti(one)] == [
        {lines[0]: 1, lines[2]: 1},
        {lines[1]: 2},
    ]


@pytest.mark.covers("F72")
def test_cancelled_before_the_push_is_skipped_and_after_it_cancels(world: World) -> None:
    world.go_live()
    before, after = world.returned(), world.returned()
    world.loop.set_state(before, "cancelled")
    world.pass_time()
    assert world.run().code == 0
    world.loop.set_state(after, "cancelled")
    world.pass_time()

    ran = world.run()

    assert ran.outcomes == {after: ("cancel", "pushed")}
    assert (world.in_jetti(before), world.state(before)) == ([], "skipped")
    assert [made["status"] for made in world.in_jetti(after)] == ["cancelled"]
    assert ran.jetti_requests[1] == 1


@pytest.mark.covers("F60")
def test_an_order_that_arrives_late_is_waited_for(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1), arrives=False)
    one = world.submit(order)
    world.pass_time()
    first = world.run()
    assert (first.code, first.outcomes) == (0, {one: ("create", "waiting")})
    world.jetti.import_sale(order)
    world.pass_time()

    second = world.run()

    assert second.outcomes == {one: ("create", "pushed")}
    assert [made["status"] for made in world.in_jetti(one)] == ["requested"]
