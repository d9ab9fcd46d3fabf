"""`show` calls only that "last pushed" which was sent; the sandbox tells what arrived."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.support.world import World

FOUND, PUSHED = "as found when it was adopted", "as last pushed"


def shown(world: World, one: str, *options: str) -> str:
    ran = world.call("show", one, *options)
    assert ran.code == 0, ran.stderr
    return " ".join(ran.stdout.split())


Scene = Callable[[World], tuple[str, int]]
"""Answers a return, and how many writes had been sent before this ledger knew of it."""


def lost_and_adopted(world: World) -> tuple[str, int]:
    world.go_live()
    one = world.returned()
    world.pass_time()
    assert world.run().code == 0
    (world.directory / "ledger.db").unlink()
    world.go_live("7d", "--adopt")
    return one, len(world.writes())


def raised_by_hand(world: World) -> tuple[str, int]:
    """With exactly what is wanted, but for the marker, which the run sets."""
    world.go_live()
    order = world.order(("Acme", 1))
    one = world.submit(order)
    world.jetti.raise_sale_return(world.sale_id(order), {world.item_ids(order)[0]: 1})
    world.pass_time()
    assert world.run().code == 0
    return one, 0


def created(world: World) -> tuple[str, int]:
    world.go_live()
    one = world.returned()
    world.pass_time()
    assert world.run().code == 0
    return one, 0


def created_without_an_answer(world: World) -> tuple[str, int]:
    world.trusted()
    sent_before = len(world.writes())
    one = world.returned()
    world.breaks("POST *", "applied_then_lost", nth=1)
    world.pass_time()
    world.run()
    world.heals()
    world.pass_time()
    assert world.run().code == 0
    return one, sent_before


def adopted_and_updated(world: World) -> tuple[str, int]:
    one, sent_before = lost_and_adopted(world)
    world.loop.label(one, status="in_transit")
    world.pass_time()
    assert world.run().code == 0
    return one, sent_before


@pytest.mark.covers("R21")
@pytest.mark.parametrize(
    "scene",
    [lost_and_adopted, raised_by_hand, created, created_without_an_answer, adopted_and_updated],
)
def test_what_was_never_sent_is_not_called_pushed(world: World, scene: Scene) -> None:
    one, sent_before = scene(world)
    is_pushed = len(world.writes()) > sent_before

    text, live = shown(world, one), shown(world, one, "--against-jetti")

    for said in (text, live):
        assert (FOUND in said) == (not is_pushed)
        assert (PUSHED in said.replace("as last pushed or", "")) == is_pushed
    [detail] = json.loads(world.call("show", one, "--format", "json").stdout)["returns"]
    [made] = world.in_jetti(one)
    assert detail["never_pushed"] == ([] if is_pushed else [made["id"]])


def test_of_several_only_what_was_adopted_is_called_found(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1), ("Bolt", 1))
    one = world.submit(order, 1, 0)
    world.pass_time()
    assert world.run().code == 0
    [first] = world.in_jetti(one)
    (world.directory / "ledger.db").unlink()
    world.go_live("7d", "--adopt")
    world.loop.add_line(one, order.lines[1])
    world.pass_time()
    assert world.run().code == 0

    [detail] = json.loads(world.call("show", one, "--format", "json").stdout)["returns"]

    assert len(world.in_jetti(one)) == 2
    assert detail["never_pushed"] == [first["id"]]
    assert f"{FOUND}, and never pushed: sale return" in shown(world, one)


@pytest.mark.parametrize(("days", "certain"), [(80, True), (100, False)])
def test_after_three_months_nobody_can_tell_since_writes_are_pruned(
    world: World, days: int, certain: bool
) -> None:
    one, _ = lost_and_adopted(world)
    world.pass_time(days=days)

    said = shown(world, one)

    assert (f"{FOUND}, and never pushed" in said) == certain
    assert ("as last pushed or, if it was adopted, as found then" in said) == (not certain)
