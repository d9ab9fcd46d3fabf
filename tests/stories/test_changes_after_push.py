"""What happens in Loop after a return was pushed ends up in Jetti, and nothing else does."""

from __future__ import annotations

import pytest

from tests.support.agreement import assert_agreement
from tests.support.world import World


def pushed(
    world: World, *lines: tuple[str | None, int], units: tuple[int, ...]
) -> tuple[str, tuple[str, ...]]:
    """A return that is in Jetti, and the ids of its order's lines."""
    world.go_live()
    order = world.order(*lines)
    one = world.submit(order, *units)
    world.pass_time()
    assert world.run().code == 0
    return one, tuple(line.order_line_id for line in order.lines)


def added(world: World, return_id: str, place: int) -> None:
    """One more unit of the order's line at that place comes back."""
    name = world.seen(return_id).order_name
    [order] = [order for order in world.orders if order.name == name]
    world.loop.add_line(return_id, order.lines[place])


def removed(world: World, return_id: str, order_line_id: str) -> None:
    """One unit of an order line stays with the customer."""
    line = next(x for x in world.seen(return_id).lines if x.order_line_id == order_line_id)
    world.loop.remove_line(return_id, line.id)


def lines_held(world: World, return_id: str) -> list[tuple[str, dict[str, int]]]:
    return [(made["status"], made["lines"]) for made in world.in_jetti(return_id)]


# ------------------------------------------------------------------------------ lines and units


@pytest.mark.parametrize("vendor", ["Acme", "Bolt", None])
def test_a_line_added_is_created_alone_under_the_same_marker(
    world: World, vendor: str | None
) -> None:
    one, (first, second) = pushed(world, ("Acme", 1), (vendor, 1), units=(1, 0))
    added(world, one, 1)
    world.pass_time()

    ran = world.run()

    assert (ran.code, ran.outcomes) == (0, {one: ("update", "pushed")})
    assert lines_held(world, one) == [("requested", {first: 1}), ("requested", {second: 1})]
    assert_agreement(world)


def test_a_line_added_to_two_vendors_touches_neither_of_their_sale_returns(world: World) -> None:
    one, (_, _, c) = pushed(world, ("Acme", 1), ("Bolt", 1), ("Acme", 1), units=(1, 1, 0))
    before = world.in_jetti(one)
    added(world, one, 2)
    world.pass_time()

    assert world.run().code == 0

    assert world.in_jetti(one)[:2] == before
    assert lines_held(world, one)[2:] == [("requested", {c: 1})]
    assert_agreement(world)


def test_a_line_added_after_the_scan_gets_the_status_of_the_parcel(world: World) -> None:
    one, _ = pushed(world, ("Acme", 1), ("Bolt", 1), units=(1, 0))
    world.loop.label(one, status="in_transit")
    world.pass_time()
    world.run()
    added(world, one, 1)
    world.pass_time()

    assert world.run().code == 0

    assert [made["status"] for made in world.in_jetti(one)] == ["shipped", "shipped"]
    assert_agreement(world)


@pytest.mark.parametrize("lines", [1, 2])
def test_a_unit_more_or_less_is_one_put_of_the_quantity(world: World, lines: int) -> None:
    order = [("Acme", 3), ("Bolt", 1)][:lines]
    one, (first, *_) = pushed(world, *order, units=(1, 1))
    added(world, one, 0)
    added(world, one, 0)
    world.pass_time()
    more = world.run()
    assert (more.jetti_requests[1], world.in_jetti(one)[0]["lines"]) == (1, {first: 3})
    removed(world, one, first)
    world.pass_time()

    less = world.run()

    assert (less.jetti_requests[1], world.in_jetti(one)[0]["lines"]) == (1, {first: 2})
    assert_agreement(world)


def test_a_line_removed_becomes_quantity_zero(world: World) -> None:
    one, (first, second) = pushed(world, ("Acme", 1), ("Acme", 1), units=(1, 1))
    removed(world, one, second)
    world.pass_time()

    ran = world.run()

    assert (ran.outcomes, ran.jetti_requests[1]) == ({one: ("update", "pushed")}, 1)
    assert lines_held(world, one) == [("requested", {first: 1, second: 0})]
    assert_agreement(world)


def test_a_vendor_left_without_lines_has_his_sale_return_cancelled(world: World) -> None:
    one, (first, second) = pushed(world, ("Acme", 1), ("Bolt", 1), units=(1, 1))
    removed(world, one, second)
    world.pass_time()

    assert world.run().code == 0

    assert [status for status, _ in lines_held(world, one)] == ["requested", "cancelled"]
    assert world.in_jetti(one)[0]["lines"] == {first: 1}
    assert_agreement(world)


def test_the_last_line_of_all_removed_cancels_everything(world: World) -> None:
    one, lines = pushed(world, ("Acme", 1), ("Bolt", 1), units=(1, 1))
    for line in lines:
        removed(world, one, line)
    world.pass_time()

    ran = world.run()

    assert ran.outcomes == {one: ("cancel", "pushed")}
    assert [status for status, _ in lines_held(world, one)] == ["cancelled", "cancelled"]


def test_a_line_removed_and_added_again_is_wanted_again(world: World) -> None:
    one, (first, second) = pushed(world, ("Acme", 1), ("Acme", 1), units=(1, 1))
    removed(world, one, second)
    world.pass_time()
    world.run()
    added(world, one, 1)
    world.pass_time()

    assert world.run().code == 0

    assert lines_held(world, one) == [("requested", {first: 1, second: 1})]
    assert_agreement(world)


def test_a_line_wanted_again_after_its_sale_return_was_cancelled_is_for_a_person(
    world: World,
) -> None:
    one, (_, second) = pushed(world, ("Acme", 1), ("Bolt", 1), units=(1, 1))
    removed(world, one, second)
    world.pass_time()
    world.run()
    added(world, one, 1)
    world.pass_time()

    ran = world.run()

    assert (ran.code, ran.outcomes) == (3, {one: ("update", "review")})
    assert [status for status, _ in lines_held(world, one)] == ["requested", "cancelled"]


@pytest.mark.parametrize("status", ["received", "cancelled"])
def test_a_quantity_that_changes_after_the_end_is_for_a_person(world: World, status: str) -> None:
    one, (first, _) = pushed(world, ("Acme", 2), ("Acme", 1), units=(1, 1))
    [made] = world.in_jetti(one)
    world.jetti.edit_sale_return(made["id"], status=status)
    added(world, one, 0)
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one), ran.jetti_requests[1]) == (3, "review", 0)
    assert world.in_jetti(one)[0]["lines"][first] == 1


def test_a_line_removed_after_receipt_is_for_a_person(world: World) -> None:
    one, (_, second) = pushed(world, ("Acme", 1), ("Bolt", 1), units=(1, 1))
    world.jetti.edit_sale_return(world.in_jetti(one)[1]["id"], status="received")
    removed(world, one, second)
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one), ran.jetti_requests[1]) == (3, "review", 0)


def test_content_that_changes_back_ends_at_the_newest(world: World) -> None:
    one, (first,) = pushed(world, ("Acme", 2), units=(1,))
    for units in (2, 1, 2, 1):
        if units == 2:
            added(world, one, 0)
        else:
            removed(world, one, first)
        world.pass_time()

        ran = world.run()

        assert (ran.jetti_requests[1], world.in_jetti(one)[0]["lines"]) == (1, {first: units})


def test_content_that_changes_back_between_two_runs_costs_no_write(world: World) -> None:
    one, _ = pushed(world, ("Acme", 2), units=(1,))
    world.loop.edit(one, lines=world.seen(one).lines * 2)
    world.loop.edit(one, lines=world.seen(one).lines[:1])
    world.pass_time()

    ran = world.run()

    assert (ran.code, ran.jetti_requests) == (0, (0, 0))
    assert world.state(one) == "synced"


# -------------------------------------------------------------------------- several returns


def test_two_returns_share_a_line_of_two_units(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 2))
    one = world.submit(order, 1)
    world.pass_time()
    world.run()
    two = world.submit(order, 1)
    world.pass_time()

    assert world.run().code == 0

    assert [made["marker"] for made in world.on_order(order)] == [one, two]
    assert_agreement(world)


@pytest.mark.parametrize("together", [False, True])
def test_a_second_return_of_the_last_unit_is_for_a_person(world: World, together: bool) -> None:
    world.go_live()
    order = world.order(("Acme", 1))
    one = world.submit(order)
    if not together:
        world.pass_time()
        world.run()
    two = world.submit(order)
    world.pass_time()

    ran = world.run()

    assert ran.code == 3
    assert len(world.on_order(order)) == 1
    states = sorted([world.state(one), world.state(two)])
    assert states == ["review", "synced"]


# --------------------------------------------------------------------------------- parcels


def test_several_parcels_are_paired_by_lines(world: World) -> None:
    one, _ = pushed(world, ("Acme", 1), ("Bolt", 1), units=(1, 1))
    acme, bolt = (line.id for line in world.seen(one).lines)
    world.loop.label(one, line_ids=(acme,))
    world.loop.label(one, line_ids=(bolt,))
    world.loop.move_label(one, "in_transit", parcel=1)
    world.pass_time()

    assert world.run().code == 0

    numbers = [label.tracking_number for label in world.seen(one).labels]
    assert [made["tracking"] for made in world.in_jetti(one)] == numbers
    assert [made["status"] for made in world.in_jetti(one)] == ["requested", "shipped"]
    assert_agreement(world)


def test_several_parcels_of_one_sale_return_stand_in_its_notes(world: World) -> None:
    one, _ = pushed(world, ("Acme", 1), ("Acme", 1), units=(1, 1))
    for line in world.seen(one).lines:
        world.loop.label(one, line_ids=(line.id,))
    world.loop.move_label(one, "in_transit", parcel=1)
    world.pass_time()

    assert world.run().code == 0

    [made] = world.in_jetti(one)
    assert made["status"] == "shipped", "the furthest of its parcels"
    assert all(label.tracking_number in made["notes"] for label in world.seen(one).labels)
    assert_agreement(world)


def test_a_removed_label_takes_its_tracking_along(world: World) -> None:
    one, _ = pushed(world, ("Acme", 1), units=(1,))
    world.loop.label(one)
    world.pass_time()
    world.run()
    assert world.in_jetti(one)[0]["tracking"] is not None
    world.loop.edit(one, labels=())
    world.pass_time()

    ran = world.run()

    assert ran.jetti_requests[1] == 1
    assert_agreement(world)


def test_a_failed_label_leaves_the_status(world: World) -> None:
    one, _ = pushed(world, ("Acme", 1), units=(1,))
    world.loop.label(one, status="in_transit")
    world.pass_time()
    world.run()
    world.loop.move_label(one, "failure")
    world.pass_time()

    assert world.run().code == 0

    [made] = world.in_jetti(one)
    assert (made["status"], made["tracking_status"]) == ("shipped", "failure")


def test_a_delivered_parcel_is_not_called_received(world: World) -> None:
    one, _ = pushed(world, ("Acme", 1), units=(1,))
    world.loop.label(one, status="delivered")
    world.pass_time()

    assert world.run().code == 0

    [made] = world.in_jetti(one)
    assert (made["status"], made["tracking_status"]) == ("shipped", "delivered")


# ---------------------------------------------------------------------------------- states


@pytest.mark.covers("F37")
@pytest.mark.parametrize("state", ["review", "processing"])
def test_a_return_that_is_held_is_not_created_until_it_is_released(
    world: World, state: str
) -> None:
    world.sandbox.loop.switches.unlisted_states = "with_open"
    world.go_live()
    one = world.returned()
    world.loop.set_state(one, state)
    world.pass_time()
    held = world.run()
    assert (held.code, world.in_jetti(one), world.state(one)) == (0, [], "skipped")
    world.loop.set_state(one, "open")
    world.pass_time()

    released = world.run()

    assert released.outcomes == {one: ("create", "pushed")}
    assert_agreement(world)


@pytest.mark.parametrize("state", ["review", "processing"])
def test_a_pushed_return_that_is_held_is_updated_except_its_status(
    world: World, state: str
) -> None:
    world.sandbox.loop.switches.unlisted_states = "with_open"
    one, _ = pushed(world, ("Acme", 1), units=(1,))
    world.loop.label(one, status="in_transit")
    world.loop.set_state(one, state)
    world.pass_time()

    ran = world.run()

    [made] = world.in_jetti(one)
    assert (ran.code, made["status"], made["tracking_status"]) == (0, "requested", "transit")
    world.loop.set_state(one, "open")
    world.pass_time()
    assert world.run().code == 0
    assert_agreement(world)


@pytest.mark.parametrize("state", ["expired", "cancelled"])
def test_the_end_in_loop_is_the_end_in_jetti(world: World, state: str) -> None:
    one, _ = pushed(world, ("Acme", 1), ("Bolt", 1), units=(1, 1))
    world.loop.set_state(one, state)
    world.pass_time()

    ran = world.run()

    assert (ran.code, ran.outcomes) == (0, {one: ("cancel", "pushed")})
    assert {made["status"] for made in world.in_jetti(one)} == {"cancelled"}


def test_a_cancelled_return_that_jetti_has_received_is_for_a_person(world: World) -> None:
    one, _ = pushed(world, ("Acme", 1), units=(1,))
    world.jetti.edit_sale_return(world.in_jetti(one)[0]["id"], status="received")
    world.loop.set_state(one, "cancelled")
    world.pass_time()

    ran = world.run()

    assert (ran.code, ran.outcomes) == (3, {one: ("cancel", "review")})
    assert [made["status"] for made in world.in_jetti(one)] == ["received"]


def test_a_return_alive_again_after_we_cancelled_it_is_for_a_person(world: World) -> None:
    one, _ = pushed(world, ("Acme", 1), units=(1,))
    world.loop.set_state(one, "cancelled")
    world.pass_time()
    world.run()
    world.loop.set_state(one, "open")
    world.pass_time()

    ran = world.run()
    world.pass_time()
    later = world.run()

    assert (ran.code, ran.outcomes) == (3, {one: ("update", "review")})
    assert (later.code, later.report["changes"]) == (3, [])
    assert [made["status"] for made in world.in_jetti(one)] == ["cancelled"]


def test_a_closed_return_changes_nothing(world: World) -> None:
    one, _ = pushed(world, ("Acme", 1), units=(1,))
    world.loop.set_state(one, "closed")
    world.loop.process(one)
    world.pass_time()

    ran = world.run()

    assert (ran.code, ran.jetti_requests) == (0, (0, 0))
    assert_agreement(world)
