"""What a report names as the next command is typed as it stands, and does what was shown."""

from __future__ import annotations

import json
import shlex

import pytest

from tests.support.world import World

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
