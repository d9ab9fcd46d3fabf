"""The world goes on when the clock does (loop.md#label-progress, #expiry)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.sandbox.messages import Request
from reconciler.sandbox.orders import example_order
from reconciler.sandbox.sandbox import Sandbox, SandboxOptions
from reconciler.sandbox.world.events import Event
from tests.sandbox.loop_shop import NOON

DAY = 86_400


@pytest.fixture
def world():
    """Empty, frozen at noon."""
    return Sandbox(SandboxOptions(returns=0, start=NOON, frozen=True))


@pytest.fixture
def one(world):
    """A return of two units, with a label."""
    order = example_order(1042, NOON - timedelta(days=9), ("Alder Goods", None))
    world.jetti.store.import_sale(order)
    row = world.loop.store.add_return(order)
    return world.loop.store.label(row.id)


def happen(world, *moves, **arguments):
    """Let moves happen one hour from now, one second apart."""
    at = world.clock.now() + timedelta(hours=1)
    world.scenario.plan(
        Event(at + timedelta(seconds=place), move, arguments) for place, move in enumerate(moves)
    )
    world.advance(3600 + len(moves))


def test_events_happen_in_the_order_of_their_times_and_with_the_clock_at_each(world, one):
    for hours, status in ((3, "delivered"), (1, "in_transit"), (2, "out_for_delivery")):
        arguments = {"return_id": one.id, "status": status, "parcel": 0}
        world.scenario.plan([Event(NOON + timedelta(hours=hours), "move_label", arguments)])

    assert world.play(NOON + timedelta(hours=2)) == 2

    now = world.loop.store.get(one.id)
    assert now.labels[0].status == "out_for_delivery"
    assert now.updated_at == NOON + timedelta(hours=2)
    assert world.clock.now() == NOON + timedelta(hours=2)
    assert [event.at for event in world.scenario.coming()] == [NOON + timedelta(hours=3)]


def test_playing_to_a_time_gone_by_does_not_set_the_clock_back(world):
    world.play(NOON - timedelta(hours=1))

    assert world.clock.now() == NOON


def test_an_unknown_move_cannot_be_planned(world):
    with pytest.raises(KeyError):
        world.scenario.plan([Event(NOON, "explode", {})])


@pytest.mark.parametrize(
    ("move", "state"),
    [("close", "closed"), ("cancel", "cancelled"), ("expire", "expired"), ("flag", "review")],
)
def test_an_open_return_can_end_in_each_way(world, one, move, state):
    happen(world, move, return_id=one.id)

    assert world.loop.store.get(one.id).state == state


def test_a_flagged_return_is_neither_closed_nor_cancelled_until_it_is_unflagged(world, one):
    happen(world, "flag", "close", "cancel", "expire", return_id=one.id)
    assert world.loop.store.get(one.id).state == "review"

    happen(world, "unflag", "close", return_id=one.id)

    assert world.loop.store.get(one.id).state == "closed"


@pytest.mark.parametrize("status", ["in_transit", "delivered"])
def test_a_return_whose_parcel_left_does_not_expire(world, one, status):
    world.loop.store.move_label(one.id, status)

    happen(world, "expire", return_id=one.id)

    assert world.loop.store.get(one.id).state == "open"


@pytest.mark.parametrize("status", ["new", "pre_transit"])
def test_a_return_that_was_never_sent_expires(world, one, status):
    world.loop.store.move_label(one.id, status)

    happen(world, "expire", return_id=one.id)

    assert world.loop.store.get(one.id).state == "expired"


@pytest.mark.parametrize("state", ["cancelled", "expired"])
def test_nothing_happens_any_more_to_a_return_that_ended(world, one, state):
    before = world.loop.store.set_state(one.id, state)

    happen(world, "close", "process", "flag", "unflag", "remove_line", return_id=one.id)

    assert world.loop.store.get(one.id) == before


def test_nothing_happens_to_a_return_that_is_gone(world, one):
    world.loop.store.remove(one.id)

    happen(world, "close", "process", "expire", return_id=one.id)

    assert world.loop.store.returns() == []


def test_only_a_closed_return_is_processed(world, one):
    happen(world, "process", return_id=one.id)
    assert world.loop.store.get(one.id).processed_at is None

    happen(world, "close", "process", return_id=one.id)

    assert world.loop.store.get(one.id).processed_at is not None


def test_a_line_is_taken_off_but_never_the_last(world, one):
    happen(world, "remove_line", "remove_line", return_id=one.id)

    assert len(world.loop.store.get(one.id).lines) == 1


def test_a_line_is_added(world, one):
    more = example_order(1042, NOON, ("Alder Goods", None)).lines[0]

    happen(world, "add_line", return_id=one.id, order_line=more)

    assert len(world.loop.store.get(one.id).lines) == 3


def test_a_label_without_a_parcel_cannot_move(world, one):
    happen(world, "move_label", return_id=one.id, status="delivered", parcel=1)

    assert [label.status for label in world.loop.store.get(one.id).labels] == ["new"]


def test_a_late_order_arrives_and_staff_raise_and_edit_its_return(world):
    order = example_order(1043, NOON - timedelta(days=2), ("Alder Goods", None))
    quantities = {order.lines[0].order_line_id: 1}
    happen(world, "raise_by_hand", order_id=order.order_id, quantities=quantities)
    assert world.jetti.store.sale_returns() == []

    happen(world, "arrive", order=order)
    happen(world, "raise_by_hand", order_id=order.order_id, quantities=quantities)
    happen(world, "edit_by_hand", order_id=order.order_id, changes={"status": "received"})

    (row,) = world.jetti.store.sale_returns()
    assert (row["status"], row["externalId"]) == ("received", None)


def test_new_returns_come_in_as_time_passes():
    world = Sandbox(SandboxOptions(seed=3, returns=200, start=NOON, frozen=True))
    before = {row.id: row for row in world.loop.store.returns()}

    assert world.advance(10 * DAY) > 0

    after = {row.id: row for row in world.loop.store.returns()}
    changed = [row for row in before.values() if after[row.id] != row]
    assert len(after) > len(before)
    assert changed
    assert all(after[row.id].updated_at > NOON for row in changed)


def test_a_parcel_moves_through_all_its_stations_in_order():
    world = Sandbox(SandboxOptions(seed=3, returns=60, start=NOON, frozen=True))
    seen: dict[str, list[str]] = {}
    for _ in range(24 * 15):
        world.advance(3600)
        for row in world.loop.store.returns():
            if len(row.labels) == 1:
                stations = seen.setdefault(row.id, [])
                if row.labels[0].status not in stations:
                    stations.append(row.labels[0].status)

    assert ["new", "pre_transit", "in_transit", "out_for_delivery", "delivered"] in seen.values()


def test_a_living_world_goes_on_by_itself_and_another_waits():
    for alive in (True, False):
        world = Sandbox(SandboxOptions(seed=3, returns=60, start=NOON, frozen=True, alive=alive))
        before = world.loop.store.returns()
        world.clock.advance(5 * DAY)
        world.exchange("loop", Request("GET", "/api/v1/warehouse/return/list"))
        assert (world.loop.store.returns() != before) == alive


def test_a_label_is_regenerated_only_while_nobody_has_used_it(world, one):
    happen(world, "regenerate_label", return_id=one.id, parcel=0)
    assert [label.status for label in world.loop.store.get(one.id).labels] == ["new", "new"]
    world.loop.store.move_label(one.id, "in_transit", parcel=1)

    happen(world, "regenerate_label", return_id=one.id, parcel=1)
    happen(world, "regenerate_label", return_id=one.id, parcel=7)

    assert len(world.loop.store.get(one.id).labels) == 2
