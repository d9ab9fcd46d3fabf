"""Rows that make no sense for a while: as much is told as is safe, and nothing in silence."""

from __future__ import annotations

from typing import Any

import pytest
from agreement import assert_agreement
from story_world import World

from reconciler.sandbox.loop_model import LEFT_OUT

UNREADABLE = {"provider_line_item_id": None}


def spoil(world: World, one: str, place: int = 1, **extra: Any) -> None:
    """One line of the return makes no sense any more; with nothing given, it does again."""
    world.loop.edit_line(one, world.seen(one).lines[place].id, extra=extra)
    world.pass_time()


def test_a_line_that_makes_no_sense_for_a_while_is_not_taken_off(world: World) -> None:
    """Whole, in part, whole: Jetti is asked for nothing."""
    world.go_live()
    one = world.returned(("Acme", 1), ("Bolt", 2))
    world.loop.label(one, status="in_transit")
    world.pass_time()
    assert world.run().code == 0
    before = world.in_jetti(one)

    spoil(world, one, **UNREADABLE)
    odd = world.run()

    assert (odd.code, world.in_jetti(one), odd.jetti_requests) == (3, before, (0, 0))
    assert world.state(one) == "synced"
    spoil(world, one)
    again = world.run()
    assert (again.code, again.jetti_requests, again.report["counts"]["malformed"]) == (0, (0, 0), 0)
    assert_agreement(world)


def test_a_return_that_makes_no_sense_in_part_is_told_in_part_and_then_wholly(
    world: World,
) -> None:
    """In part, whole."""
    world.go_live()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    spoil(world, one, **UNREADABLE)

    odd = world.run()

    assert (odd.code, odd.outcomes) == (3, {one: ("create", "pushed")})
    assert [len(made["lines"]) for made in world.in_jetti(one)] == [1]
    world.pass_time()
    assert world.run().code == 3, "for as long as it is so"
    spoil(world, one)
    again = world.run()
    assert (again.code, len(world.in_jetti(one))) == (0, 2)
    assert_agreement(world)


def test_what_else_happens_meanwhile_is_told(world: World) -> None:
    """One of two units makes no sense; the parcel moves; a line comes to it; it is cancelled."""
    world.go_live()
    order = world.order(("Acme", 2), ("Bolt", 1))
    one = world.submit(order, 2, 0)
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    spoil(world, one, 1, **UNREADABLE)
    world.loop.move_label(one, "in_transit")
    world.loop.add_line(one, order.lines[1])
    world.pass_time()

    assert world.run().code == 3

    acme, bolt = world.in_jetti(one)
    assert (acme["status"], list(acme["lines"].values())) == ("shipped", [2])
    assert list(bolt["lines"].values()) == [1]
    world.loop.set_state(one, "cancelled")
    world.pass_time()
    assert world.run().code == 3
    assert {made["status"] for made in world.in_jetti(one)} == {"cancelled"}


def test_a_label_that_makes_no_sense_for_a_while_takes_no_tracking_away(world: World) -> None:
    world.go_live()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    first, second = (line.id for line in world.seen(one).lines)
    world.loop.label(one, line_ids=(first,), status="in_transit")
    world.loop.label(one, line_ids=(second,))
    world.pass_time()
    assert world.run().code == 0
    before = world.in_jetti(one)
    world.loop.edit_label(one, 0, extra={"tracking_number": {}})
    world.pass_time()

    assert (world.run().code, world.in_jetti(one)) == (3, before)

    world.loop.edit_label(one, 0, extra={})
    world.pass_time()
    assert (world.run().code, world.in_jetti(one)) == (0, before)
    assert_agreement(world)


def test_what_expired_is_not_cancelled_while_a_label_makes_no_sense(world: World) -> None:
    world.go_live()
    one = world.returned()
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    world.loop.edit_label(one, extra={"status": []})
    world.loop.set_state(one, "expired")
    world.pass_time()

    assert world.run().code == 3

    assert [made["status"] for made in world.in_jetti(one)] == ["requested"]


@pytest.mark.parametrize("name", [None, "", "N/A", LEFT_OUT])
def test_an_order_without_a_name_is_found_by_its_id(world: World, name: str | None) -> None:
    world.go_live()
    one, other = world.returned(), world.returned()
    for nameless in (one, other):
        world.loop.edit(nameless, extra={"order_name": name})
    world.pass_time()

    ran = world.run()

    assert (ran.code, len(world.in_jetti(one)), len(world.in_jetti(other))) == (0, 1, 1)
    asked = [a.query for a in world.sandbox.arrivals.all() if "reference" in a.query]
    assert asked == [], "an empty name is none to look for"
    order_id = world.orders[0].order_id
    shown = world.call("show", order_id)
    assert f"Return {one} on order id {order_id}" in shown.stdout


def test_without_name_and_order_it_waits_for_the_id(world: World) -> None:
    world.go_live()
    one = world.submit(world.order(("Acme", 1), arrives=False))
    world.loop.edit(one, extra={"order_name": None})
    world.pass_time()

    ran = world.run()

    order_id = world.orders[0].order_id
    assert ran.outcomes == {one: ("create", "waiting")}
    assert ran.reason(one) == f"order id {order_id} is not in Jetti yet"
