"""`history` names a command only where following it lets something go on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from tests.support.world import Ran, World

TIGHT = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}


def returned(world: World, count: int = 3) -> list[str]:
    ones = [world.returned() for _ in range(count)]
    world.pass_time()
    return ones


def a_pass(world: World) -> Ran:
    return world.run(**TIGHT)


def a_range(world: World, start: str = "2d", *more: str) -> Ran:
    return world.run("--from", start, *more, **TIGHT)


def accept(world: World, stopped: Ran) -> Ran:
    """What the report of the run that was stopped says to type."""
    return world.run(*stopped.report["next"][2:], **TIGHT)


def named(world: World) -> dict[int, str]:
    """The commands that `history` names, by run; its two forms agree."""
    listed = json.loads(world.call("history", "--format", "json").stdout)["runs"]
    text = world.call("history", COLUMNS="300").stdout
    told = {}
    for block in re.split(r"\n(?= {1,6}\d+  \w)", text)[1:]:
        if found := re.search(r"go on with:\n +(.+)", block):
            told[int(block.split()[0])] = found[1]
    assert told == {one["id"]: one["command"] for one in listed if one["command"]}
    return told


def follow(world: World, command: str) -> int:
    """How many writes to Jetti come of it."""
    words = command.split()
    assert words[:2] == ["reconciler", "run"]
    return world.run(*words[2:], **TIGHT).jetti_requests[1]


def helps(world: World, *stopped: Ran) -> None:
    """Just these runs have a command, the one that they named, and each lets something go on."""
    told = named(world)
    assert told == {one.report["run"]["id"]: " ".join(one.report["next"]) for one in stopped}
    assert all(follow(world, command) > 0 for command in told.values())
    assert named(world) == {}


def is_over(world: World, *stopped: Ran) -> None:
    """No run has a command, and those that these named would let nothing go on."""
    assert named(world) == {}
    assert [follow(world, " ".join(one.report["next"])) for one in stopped] == [0] * len(stopped)


# ----------------------------------------------------------------------- what is still stopped


def test_a_plan_that_is_stopped_again_and_again_is_named_once(world: World) -> None:
    world.trusted()
    returned(world)
    first = a_pass(world)
    world.pass_time()
    second = a_pass(world)

    assert [first.code, second.code] == [7, 7]
    helps(world, second)


def test_of_a_plan_that_grows_only_the_newest_is_named(world: World) -> None:
    world.trusted()
    returned(world)
    a_pass(world)
    returned(world, 1)
    second = a_pass(world)

    helps(world, second)


def test_a_laxer_setting_opens_nothing_so_the_command_stays(world: World) -> None:
    world.trusted()
    returned(world)
    a_pass(world)
    world.pass_time()
    lax = world.run()

    assert lax.code == 7
    helps(world, lax)


def test_a_run_that_fails_later_hides_no_command(world: World) -> None:
    world.trusted()
    returned(world)
    stopped = a_pass(world)
    world.breaks("*", "401", service="loop")
    world.pass_time()
    assert a_pass(world).code == 6
    world.heals()

    helps(world, stopped)


def test_a_sweep_and_a_pass_stop_the_same_so_the_newest_is_named(world: World) -> None:
    world.trusted()
    returned(world)
    swept = world.run("--sweep", "9d", **TIGHT)
    world.pass_time()
    passed = a_pass(world)

    assert [swept.code, passed.code] == [7, 7]
    helps(world, passed)


@pytest.mark.parametrize("first", ["repair", "pass"])
def test_what_a_repair_and_a_pass_stop_is_one_plan(world: World, first: str) -> None:
    world.trusted()
    pushed = returned(world, 2)
    assert world.run().code == 0
    world.pass_time(minutes=30)
    if first == "pass":
        returned(world)
        assert a_pass(world).code == 7
    for one in pushed:
        [made] = world.in_jetti(one)
        world.jetti.edit_sale_return(made["id"], notes="")
    tight = TIGHT | {"RECONCILER_GUARD__UPDATES": "1"}
    repaired = world.call("verify", "--repair", "--format", "json", **tight)
    assert repaired.code == 7
    if first == "repair":
        world.pass_time()
        assert world.run(**tight).code == 7

    [command] = named(world).values()
    accepted = world.run(*command.split()[2:], **tight)

    assert (accepted.code, named(world)) == (0, {})
    assert accepted.report["counts"]["created"] == (3 if first == "pass" else 0)
    assert accepted.report["counts"]["updated"] == 2


def test_what_is_accepted_in_part_is_still_named(world: World) -> None:
    world.trusted()
    ones = returned(world)
    stopped = a_pass(world)
    assert world.run("--return", ones[0]).code == 0

    helps(world, stopped)


def test_a_range_is_named_until_it_is_accepted(world: World) -> None:
    world.trusted()
    returned(world)
    stopped = a_range(world)
    world.pass_time()
    same = stopped.report["next"][2:-2]
    again = world.run(*same, **TIGHT)

    assert [stopped.code, again.code] == [7, 7]
    assert stopped.report["next"] == again.report["next"]
    helps(world, again)


def test_two_ranges_are_two_questions(world: World) -> None:
    world.trusted()
    returned(world)
    early = a_range(world, "2d", "--to", "1m")
    world.pass_time(hours=2)
    returned(world)
    late = a_range(world, "1h")

    helps(world, late, early)


@pytest.mark.parametrize("options", [(), ("--from", "1d")])
def test_after_an_unknown_digest_no_dry_run_goes_on(world: World, options: tuple[str, ...]) -> None:
    """What was stopped before it stays named, and what was not waits for nobody."""
    world.go_live()
    returned(world)
    unknown = world.run(*options, "--accept-plan", "0123456789abcdef")
    assert (unknown.code, unknown.report["next"][-1]) == (7, "--dry-run")
    assert named(world) == {}

    stopped = a_range(world)
    world.pass_time()
    again = world.run(*stopped.report["next"][2:-1], "0123456789abcdef", **TIGHT)
    assert (stopped.code, again.code) == (7, 7)
    helps(world, stopped)


def test_a_range_back_to_what_was_pushed_once_is_named_until_it_is_accepted(world: World) -> None:
    """Written before, that is no sign that anybody has accepted it now."""
    world.trusted()
    for one in returned(world):
        world.loop.label(one, status="in_transit")
    world.pass_time()
    assert world.run().code == 0
    for_a_while = {"RECONCILER_MAPPING__TRACKING__IN_TRANSIT": "delivered"}
    world.pass_time(minutes=30)
    changed = world.run(**for_a_while)
    assert changed.code == 7
    assert world.run(*changed.report["next"][2:], **for_a_while).code == 0
    assert world.run(**for_a_while).code == 0
    world.pass_time(minutes=30)

    back = world.run("--from", "1d")

    assert (back.code, world.call("status").code) == (7, 3)
    helps(world, back)


# ----------------------------------------------------------------------------- what is settled


def by_its_command(world: World, ones: list[str], stopped: Ran) -> None:
    assert accept(world, stopped).code == 0


def by_a_sweep(world: World, ones: list[str], stopped: Ran) -> None:
    digest = stopped.report["next"][-1]
    assert world.run("--sweep", "9d", "--accept-plan", digest, **TIGHT).code == 0


def by_another_range(world: World, ones: list[str], stopped: Ran) -> None:
    assert a_range(world, "3d", "--yes").code == 0


def by_a_laxer_range(world: World, ones: list[str], stopped: Ran) -> None:
    """Nothing is asked, so nobody accepts anything."""
    assert world.run("--from", "3d").code == 0


def by_naming_them(world: World, ones: list[str], stopped: Ran) -> None:
    assert world.run(*(word for one in ones for word in ("--return", one))).code == 0


def by_changes_in_loop(world: World, ones: list[str], stopped: Ran) -> None:
    for one in ones:
        world.loop.edit(one, state="cancelled")
    world.pass_time()
    a_pass(world)


def by_decisions(world: World, ones: list[str], stopped: Ran) -> None:
    for one in ones:
        assert world.call("ignore", one, "--reason", "not ours", "--yes").code == 0


WAYS = [
    by_its_command, by_a_sweep, by_another_range, by_a_laxer_range, by_naming_them,
    by_changes_in_loop, by_decisions,
]  # fmt: skip


@pytest.mark.parametrize("stop", [a_pass, a_range])
@pytest.mark.parametrize("settle", WAYS)
def test_what_is_settled_has_no_command(
    world: World, stop: Callable[[World], Ran], settle: Callable[[World, list[str], Ran], None]
) -> None:
    world.trusted()
    ones = returned(world)
    stopped = stop(world)
    assert (stopped.code, list(named(world))) == (7, [stopped.report["run"]["id"]])

    settle(world, ones, stopped)

    is_over(world, stopped)


def test_what_is_accepted_but_left_by_a_budget_has_no_command(world: World) -> None:
    """Passes go on with it by themselves."""
    world.trusted()
    returned(world)
    stopped = a_range(world)
    left = world.run(*stopped.report["next"][2:], "--max-writes", "0", **TIGHT)

    assert left.jetti_requests[1] == 0
    assert named(world) == {}
    world.pass_time()
    assert a_pass(world).jetti_requests[1] > 0


def test_stopped_accepted_and_stopped_again_names_the_new_one(world: World) -> None:
    world.trusted()
    returned(world)
    accept(world, a_pass(world))
    returned(world)
    second = a_pass(world)

    helps(world, second)


def test_where_creation_is_stopped_accepting_creates_is_not_proposed(world: World) -> None:
    world.go_live()
    world.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    world.pass_time()
    assert a_pass(world).code == 7
    returned(world)
    stopped = a_range(world)

    assert stopped.code == 7
    assert stopped.report["next"] == ["reconciler", "show", "31000001"]
    [failure] = stopped.report["run"]["failures"]
    assert named(world) == {}
    assert follow(world, failure["command"]) == 0


def test_a_ledger_that_may_be_lost_names_its_command_until_a_pass_comes_through(
    world: World,
) -> None:
    world.trusted()
    for file in world.directory.glob("ledger.db*"):
        file.unlink()
    world.go_live()
    stopped = a_pass(world)
    assert (stopped.code, named(world)) == (
        7, {stopped.report["run"]["id"]: "reconciler init --adopt --since DATE"}
    )  # fmt: skip

    assert world.call("init", "--adopt", "--since", "7d").code == 0
    world.pass_time()
    assert a_pass(world).code == 0

    assert named(world) == {}
