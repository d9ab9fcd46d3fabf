"""What a report names as the next command is typed as it stands, and does what was shown."""

from __future__ import annotations

import html
import json
import re
import shlex

import pytest

from tests.support.world import Ran, World

TIGHT = {"RECONCILER_GUARD__CREATES": "1", "RECONCILER_GUARD__SHARE": "0"}


def following(text: str) -> str:
    return text.rstrip().split("\n")[-1].removeprefix("next").strip()


def stopped(world: World) -> tuple[list[str], str]:
    world.trusted()
    ones = [world.returned() for _ in range(3)]
    world.pass_time()
    ran = world.run(**TIGHT)
    assert ran.code == 7
    return ones, ran.report["run"]["digest"]


@pytest.mark.covers("P19", "R21")
@pytest.mark.parametrize("against", [(), ("--against-jetti",)], ids=["", "against-jetti"])
def test_a_dry_run_of_an_accepted_plan_names_the_command_that_carries_it_out(
    world: World, against: tuple[str, ...]
) -> None:
    ones, digest = stopped(world)

    dry = world.call("run", "--dry-run", "--accept-plan", digest, *against, **TIGHT)

    assert following(dry.stdout) == f"reconciler run --accept-plan {digest}"
    assert world.call(*shlex.split(following(dry.stdout))[1:], **TIGHT).code == 0
    assert all(world.in_jetti(one) for one in ones)


def test_a_dry_run_of_an_accepted_file_names_the_same_command(world: World) -> None:
    stopped(world)
    plan = world.directory / "plan.json"
    world.call("run", "--dry-run", "--format", "json", "--output", str(plan), **TIGHT)
    assert json.loads(plan.read_text())["run"]["dry_run"]

    dry = world.call("run", "--dry-run", "--accept-plan", str(plan), **TIGHT)

    assert following(dry.stdout) == f"reconciler run --accept-plan {plan}"


ASKED = {
    "scheduled": (),
    "sweep": ("--sweep", "30d"),
    "range": ("--from", "3d", "--by", "created"),
}
AGAINST = pytest.mark.parametrize("against", [(), ("--against-jetti",)], ids=["", "against-jetti"])


def typed(world: World, line: str | list[str], **settings: str) -> Ran:
    """What a hint or `next` names, as it stands, with its report."""
    words = shlex.split(line) if isinstance(line, str) else line
    assert words[:2] == ["reconciler", "run"]
    return world.run(*words[2:], **settings)


def dry_runs_in(hint: str) -> list[str]:
    return [one for one in hint.split("`")[1::2] if "--dry-run" in one]


@AGAINST
@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_a_stopped_dry_run_leads_to_one_that_looks_its_orders_up(
    world: World, asked: tuple[str, ...], against: tuple[str, ...]
) -> None:
    """It has looked for markers at most, and the dry run that it names must tell more."""
    ones, digest = stopped(world)
    before = world.writes()

    dry = world.run("--dry-run", *asked, *against, **TIGHT)

    assert dry.code == 7
    [line] = dry_runs_in(dry.report["run"]["failures"][0]["hint"])
    more = typed(world, line, **TIGHT)
    assert more.code == 0
    assert {one["return_id"] for one in more.report["changes"]} == set(ones)
    # Jetti tells the vendors of an order only to who looks it up.
    assert all(one["vendors"] for one in more.report["changes"])
    assert not any(one["vendors"] for one in dry.report["changes"])
    # It has accepted nothing.
    assert world.run(**TIGHT).report["run"]["digest"] == digest
    assert world.writes() == before


@AGAINST
@pytest.mark.parametrize("asked", [*ASKED.values(), ("--return",)], ids=[*ASKED, "single"])
def test_an_unknown_digest_leads_to_a_dry_run_of_the_same_returns(
    world: World, asked: tuple[str, ...], against: tuple[str, ...]
) -> None:
    world.trusted()
    ones = [world.returned() for _ in range(3)]
    world.pass_time()
    asked = (*asked, ones[1]) if asked == ("--return",) else asked
    unknown = ("--accept-plan", "0123456789abcdef")

    dry = world.run("--dry-run", *asked, *against, *unknown)

    assert dry.code == 7
    [line] = dry_runs_in(dry.report["run"]["failures"][0]["hint"])
    assert dry.report["next"] == shlex.split(line)
    shown = typed(world, line)
    assert shown.code == 0
    assert shown.outcomes.keys() == dry.outcomes.keys()
    assert all(bool(one["vendors"]) == bool(against) for one in shown.report["changes"])
    # A run that was stopped for it leads there, too.
    ran = world.run(*asked, *unknown)
    assert ran.code == 7
    assert typed(world, ran.report["next"]).outcomes.keys() == dry.outcomes.keys()


def test_a_dry_run_says_how_far_it_has_looked_for_what_is_stopped(world: World) -> None:
    stopped(world)

    looked = world.run("--dry-run", "--against-jetti", **TIGHT).report
    world.breaks("*", "503")
    failed = world.run("--dry-run", "--against-jetti", **TIGHT).report

    said = [
        [one for one in made["run"]["remarks"] if "stopped" in one] for made in (looked, failed)
    ]
    assert ["by the markers" in one for [one] in said] == [True, False]
    assert ["was not looked up" in one for [one] in said] == [False, True]


WELL, NAMELESS = "#10 4's", "#10 5's"
"""A shell would take apart what they are called, and take all of it for a comment."""


def commands_in(text: str) -> list[str]:
    """What is given to be typed: as code in a page, between backticks, or on a line of its own."""
    code = [html.unescape(one) for one in re.findall(r"<code[^>]*>([^<]*)</code>", text)]
    alone = [line.strip().removeprefix("next").strip() for line in text.splitlines()]
    found = [*code, *re.findall(r"`([^`\n]*)`", text), *alone]
    return [one for one in found if one.startswith("reconciler ")]


def test_every_command_with_the_name_of_an_order_is_typed_as_it_stands(world: World) -> None:
    world.go_live()
    order, nameless = world.order(("Acme", 2)), world.returned()
    well = [world.submit(order, 1) for _ in range(2)]
    for one in well:
        world.loop.edit(one, extra={"order_name": WELL})
    world.loop.edit(nameless, extra={"order_name": NAMELESS, "id": None})
    world.pass_time()
    ran = world.run()
    assert (ran.code, *map(world.state, well)) == (3, "synced", "synced")
    assert ran.report["next"] == ["reconciler", "show", NAMELESS]
    refused = world.call("ignore", "--reason", "x", "--yes", WELL)
    world.pass_time()

    told = [
        (WELL, refused.stderr),
        (NAMELESS, world.call("run").stdout),
        (NAMELESS, world.call("run", "--format", "html").stdout),
        (NAMELESS, world.call("status").stdout),
        (WELL, world.call("show", WELL).stdout),
    ]

    assert refused.code == 2
    for name, said in told:
        named = [shlex.split(one, comments=True) for one in commands_in(said) if "10" in one]
        assert {tuple(words[:3]) for words in named} == {("reconciler", "show", name)}, said
        assert all(world.call(*words[1:3]).code == 0 for words in named)
