"""A plan that one person makes and another accepts: what was reviewed is carried out, and that
alone."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import pytest

from tests.support.agreement import assert_agreement
from tests.support.world import Ran, World

TIGHT = {"RECONCILER_GUARD__CREATES": "2", "RECONCILER_GUARD__UPDATES": "2"}


def several(world: World, count: int) -> list[str]:
    made = [world.returned() for _ in range(count)]
    world.pass_time()
    return made


def reviewed(world: World, where: Path) -> str:
    """The file of a dry run."""
    file = str(where / "plan.json")
    world.run("--dry-run", "--output", file, **TIGHT)
    return file


def pushed(world: World, ids: list[str]) -> set[str]:
    """Those of which Jetti has something."""
    return {one for one in ids if world.in_jetti(one)}


def stopped(ran: Ran) -> set[str]:
    return {change["return_id"] for change in ran.report["changes"] if change["stopped"]}


@pytest.mark.covers("R8")
def test_what_has_changed_since_it_was_reviewed_is_named_and_stopped(
    world: World, tmp_path: Path
) -> None:
    world.go_live("7d")
    ids = several(world, 4)
    file = reviewed(world, tmp_path)
    moved = ids[1]
    world.loop.label(moved, carrier="UPS")
    world.pass_time()

    ran = world.run("--accept-plan", file, **TIGHT)

    assert ran.code == 7
    assert pushed(world, ids) == set(ids) - {moved}
    assert stopped(ran) == {moved}
    message = ran.report["run"]["message"]
    assert f"1 return has changed since the plan was reviewed: {moved} (#" in message
    # It waits, until somebody accepts it as it is now.
    assert world.run(**TIGHT).code == 7
    again = world.run("--accept-plan", ran.report["run"]["digest"], **TIGHT)
    assert again.code == 0
    assert_agreement(world)


@pytest.mark.covers("R8")
def test_a_digest_of_a_stopped_plan_carries_out_what_it_named_alone(world: World) -> None:
    world.go_live("7d")
    ids = several(world, 4)
    first = world.run(**TIGHT)
    assert first.code == 7
    moved = ids[2]
    world.loop.label(moved, carrier="UPS")
    world.pass_time()

    ran = world.run("--accept-plan", first.report["run"]["digest"], **TIGHT)

    assert ran.code == 7
    assert pushed(world, ids) == set(ids) - {moved}
    assert stopped(ran) == {moved}


@pytest.mark.covers("R8")
def test_what_was_reviewed_and_is_not_to_be_pushed_any_more_is_named(
    world: World, tmp_path: Path
) -> None:
    world.go_live("7d")
    ids = several(world, 4)
    file = reviewed(world, tmp_path)
    gone = ids[3]
    world.loop.set_state(gone, "cancelled")
    world.pass_time()

    ran = world.run("--accept-plan", file, **TIGHT)

    assert ran.code == 0
    assert pushed(world, ids) == set(ids) - {gone}
    [remark] = [one for one in ran.report["run"]["remarks"] if "that was reviewed" in one]
    assert [one for one in ids if one in remark] == [gone]


def test_who_accepted_a_plan_is_kept_and_reported(world: World, tmp_path: Path) -> None:
    world.go_live("7d")
    several(world, 4)
    file = reviewed(world, tmp_path)

    shown = world.run("--dry-run", "--accept-plan", file, **TIGHT)
    ran = world.run("--accept-plan", file, **TIGHT, SUDO_USER="mara")
    after = world.run(**TIGHT)

    by = f"mara as {getpass.getuser()}"
    assert ran.code == 0
    assert [one.report["run"]["accepted_by"] for one in (shown, ran, after)] == [None, by, None]
    past = json.loads(world.call("history", "--format", "json").stdout)["runs"]
    assert {one["accepted_by"] for one in past} == {None, by}
    assert f"its plan was accepted by {by}" in world.call("history").stdout


def test_nobody_accepted_what_no_guard_kept_back(world: World) -> None:
    world.go_live("7d")
    several(world, 1)
    plain = world.run(**TIGHT)

    assert (plain.code, plain.report["run"]["accepted_by"]) == (0, None)


def test_a_plan_in_which_nothing_moved_is_carried_out_whole(world: World, tmp_path: Path) -> None:
    world.go_live("7d")
    ids = several(world, 4)
    file = reviewed(world, tmp_path)
    world.pass_time(hours=1)

    assert world.run("--accept-plan", file, **TIGHT).code == 0
    assert pushed(world, ids) == set(ids)
