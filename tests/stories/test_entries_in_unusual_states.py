"""Steps that the ledger would refuse, met by entries in unusual states."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.sandbox.faults.registry import Fault
from reconciler.sandbox.orders import SandboxOrder
from tests.support.world import World


@pytest.fixture
def order(world: World) -> SandboxOrder:
    """In a ledger that has pushed before."""
    world.go_live("1h")
    world.returned()
    world.pass_time()
    assert world.run().code == 0
    return world.order(("Acme", 1))


def skipped(world: World, order: SandboxOrder) -> str:
    one = world.submit(order, created_at=world.clock.now() - timedelta(days=3))
    world.pass_time()
    world.run()
    assert world.state(one) == "skipped"
    return one


def test_a_skipped_return_that_a_person_names_while_jetti_is_down(
    world: World, order: SandboxOrder
) -> None:
    one = skipped(world, order)
    world.sandbox.faults.add(Fault("jetti", "503"))

    ran = world.run("--return", one)

    assert (ran.code, world.state(one)) == (5, "pending")


def test_a_skipped_return_that_is_found_as_wanted_is_taken_over(
    world: World, order: SandboxOrder
) -> None:
    one = skipped(world, order)
    world.loop.set_state(one, "cancelled")
    world.pass_time()
    assert world.run().code == 0
    sale_id = world.sale_id(order)
    [line] = world.jetti.sale_items(sale_id)
    world.jetti.raise_sale_return(sale_id, {line["id"]: 1}, externalId=one, status="cancelled")

    ran = world.call("init", "--since", "7d", "--adopt")

    assert (ran.code, world.state(one)) == (0, "synced")


def test_a_lost_put_is_read_back_although_a_new_line_is_missing(
    world: World, order: SandboxOrder
) -> None:
    one = world.submit(order)
    world.pass_time()
    assert world.run().code == 0
    world.sandbox.faults.add(Fault("jetti", "applied_then_lost", "PUT *", last=1))
    world.loop.label(one, status="in_transit")
    world.pass_time()
    assert world.run().code == 3
    world.loop.add_line(one, replace(order.lines[0], order_line_id="999999"))
    world.pass_time()

    waiting = world.run()
    world.pass_time(hours=25)
    late = world.run()

    assert (waiting.code, waiting.outcomes[one][1]) == (0, "waiting")
    assert (late.code, world.state(one)) == (3, "review")


def test_an_unanswered_create_whose_order_lacks_another_line_reaches_a_person(
    world: World, order: SandboxOrder
) -> None:
    one = world.submit(order)
    world.sandbox.faults.add(Fault("jetti", "applied_then_lost", "POST *", last=1))
    world.pass_time()
    assert world.run().code == 3
    world.loop.add_line(one, replace(order.lines[0], order_line_id="999999"))
    world.pass_time()

    unread = world.run()
    world.pass_time(hours=25)
    late = world.run()

    assert (unread.code, late.code, world.state(one)) == (3, 3, "review")
