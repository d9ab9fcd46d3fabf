"""A plan that one person makes and another accepts: what was reviewed is carried out, and that
alone."""

from __future__ import annotations

import getpass
import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.agreement import assert_agreement
from tests.support.world import NOON, Ran, World

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


def test_an_accepted_plan_is_known_when_it_is_accepted_again(world: World) -> None:
    """The digest of a dry run, accepted at once: no run has stopped before it."""
    world.go_live("7d")
    ids = several(world, 4)
    digest = world.run("--dry-run", "--from", "3d", **TIGHT).report["run"]["digest"]
    asked = ("--from", "3d", "--accept-plan", digest)

    first = world.run(*asked, "--max-writes", "1", **TIGHT)
    made = pushed(world, ids)
    again = world.run(*asked, **TIGHT)

    assert (first.code, again.code) == (0, 0)
    assert 0 < len(made) < 4
    assert pushed(world, ids) == set(ids)


def test_what_was_carried_out_and_has_changed_since_is_not_called_left_out(
    world: World, tmp_path: Path
) -> None:
    world.go_live("7d")
    ids = several(world, 4)
    file = reviewed(world, tmp_path)
    world.run("--accept-plan", file, **TIGHT)
    world.loop.label(ids[0], carrier="UPS")
    world.pass_time()
    assert world.run(**TIGHT).code == 0

    again = world.run("--accept-plan", file, **TIGHT)

    assert [one for one in again.report["run"]["remarks"] if "that was reviewed" in one] == []


def test_show_does_not_promise_what_a_pass_will_not_create(world: World) -> None:
    old = world.submit(world.order(("Acme", 1)), at=NOON - timedelta(days=20))
    world.go_live("7d")
    world.loop.touch(old)
    world.pass_time()
    assert world.run("--max-writes", "0").code == 0

    said = json.loads(world.call("show", old, "--format", "json").stdout)["returns"][0]

    assert said["state"] == "pending"
    assert "not created" in said["next"]
    assert world.run().code == 0
    assert world.in_jetti(old) == []


def test_before_init_nothing_is_said_that_needs_a_ledger(world: World) -> None:
    several(world, 4)

    dry = world.run("--dry-run", "--since", "7d", **TIGHT)

    assert dry.code == 7
    [failure] = dry.report["run"]["failures"]
    assert failure["command"] is None
    assert "--accept-plan" not in failure["hint"]
    assert dry.report["next"][:2] == ["reconciler", "init"]


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
