"""A return that Loop stops listing, and what becomes of it when it is listed again."""

from __future__ import annotations

import pytest

from reconciler.sandbox.faults.registry import Fault
from reconciler.sandbox.orders import SandboxOrder
from tests.support.world import World


@pytest.fixture
def order(world: World) -> SandboxOrder:
    return world.order(("Acme", 1), arrives=False)


@pytest.fixture
def waiting(world: World, order: SandboxOrder) -> str:
    world.go_live()
    one = world.submit(order)
    world.pass_time()
    assert world.run().outcomes == {one: ("create", "waiting")}
    return one


def test_an_unfinished_return_that_is_gone_is_not_created(world: World, waiting: str) -> None:
    world.loop.set_state(waiting, "processing")
    world.pass_time()

    swept = world.run("--sweep", "10d")

    assert (swept.code, world.state(waiting)) == (0, "skipped")
    assert world.entry(waiting).reason == "held in Loop (gone)"


@pytest.mark.parametrize("again", [(), ("--sweep", "10d")])
def test_one_that_comes_back_is_created(
    world: World, order: SandboxOrder, waiting: str, again: tuple[str, ...]
) -> None:
    world.loop.set_state(waiting, "processing")
    world.pass_time()
    assert world.run("--sweep", "10d").code == 0
    world.loop.set_state(waiting, "open")
    world.jetti.import_sale(order)
    world.pass_time()

    ran = world.run(*again)

    assert ran.outcomes == {waiting: ("create", "pushed")}


def test_an_unanswered_create_of_one_that_is_gone_is_still_read_back(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1))
    one = world.submit(order)
    world.sandbox.faults.add(Fault("jetti", "not_applied_then_lost", "POST *", last=1))
    world.pass_time()
    assert world.run().code == 3
    world.loop.set_state(one, "processing")
    world.pass_time()

    swept = world.run("--sweep", "10d")

    assert (swept.code, world.state(one), world.on_order(order)) == (0, "skipped", [])
