"""A safety stop that someone has settled is not told as if it still stood."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.support.world import World

TIGHT = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}


def stopped(world: World) -> list[str]:
    """Three returns whose plan the last scheduled pass was stopped with."""
    world.trusted()
    ones = [world.returned() for _ in range(3)]
    world.pass_time()
    assert world.run(**TIGHT).code == 7
    return ones


def by_decisions(world: World, ones: list[str]) -> str:
    for one in ones:
        assert world.call("ignore", one, "--reason", "not ours", "--yes").code == 0
    return "of its returns 3 decided about"


def by_retries(world: World, ones: list[str]) -> str:
    for one in ones:
        assert world.call("retry", one, "--yes").code == 0
    return "of its returns 3 decided about"


def by_accepting_in_a_sweep(world: World, ones: list[str]) -> str:
    facts = json.loads(world.call("status", "--format", "json").stdout)["facts"]
    accepts = ("--sweep", "9d", "--accept-plan", facts["stopped"]["digest"])
    assert world.run(*accepts, **TIGHT).code == 0
    return "of its returns 3 accepted"


def by_naming_them(world: World, ones: list[str]) -> str:
    assert world.run(*(x for one in ones for x in ("--return", one))).code == 0
    return "of its returns 3 accepted"


def in_every_way(world: World, ones: list[str]) -> str:
    assert world.call("ignore", ones[0], "--reason", "not ours", "--yes").code == 0
    assert world.run("--return", ones[1]).code == 0
    world.loop.edit(ones[2], state="cancelled")
    world.pass_time()
    world.run("--sweep", "9d", **TIGHT)
    return "of its returns 1 accepted, 1 decided about, 1 changed since, or no longer to be done"


def creation_that_is_opened(world: World) -> str:
    world.go_live()
    world.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    one = world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    world.pass_time()
    assert world.run().code == 7
    world.sandbox.jetti.switches.cancel_ids_key = "ids"
    assert "creation is stopped" in reasons(world)
    assert world.call("ignore", one, "--reason", "done by hand", "--yes").code == 0
    return "creates are sent again since a decision"


def reasons(world: World) -> str:
    return world.call("status").stdout.partition("last runs")[0]


@pytest.mark.covers("R12", "R21")
@pytest.mark.parametrize(
    "settle",
    [by_decisions, by_retries, by_accepting_in_a_sweep, by_naming_them, in_every_way],
)
def test_a_settled_stop_is_told_as_settled_and_by_what(
    world: World, settle: Callable[[World, list[str]], str]
) -> None:
    ones = stopped(world)
    before = reasons(world)

    how = settle(world, ones)

    after = reasons(world)
    assert "is stopped since" in before
    assert "which is settled" not in before
    assert "it would create 3 returns" not in after
    assert f"which is settled: {how}; the next pass goes on" in after
    world.pass_time()
    assert world.run(**TIGHT).code == 0
    assert "stopped for safety" not in reasons(world)


@pytest.mark.covers("R12", "R21")
def test_creation_that_was_opened_again_is_told_as_settled(world: World) -> None:
    how = creation_that_is_opened(world)

    after = reasons(world)

    assert "creation is stopped" not in after
    assert f"which is settled: {how}" in after
    assert (
        "what stopped it is settled, so the next scheduled run goes on\nnext       reconciler run\n"
        in world.call("status").stdout
    )


@pytest.mark.covers("R12", "R21")
def test_a_stop_that_is_settled_in_part_stands(world: World) -> None:
    ones = stopped(world)
    assert world.call("ignore", ones[0], "--reason", "not ours", "--yes").code == 0

    after = reasons(world)

    assert "which is settled" not in after
    assert "is stopped since" in after
