"""How many sale returns a run made and cancelled is told; what it did is counted in Jetti itself.

A return may have several: an update can make another one, or cancel one of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.world import Ran, World

Scene = Callable[[World], None]


def pushed(world: World, *lines: tuple[str | None, int], units: tuple[int, ...]) -> str:
    """A return that is in Jetti."""
    world.go_live()
    one = world.submit(world.order(*lines), *units)
    world.pass_time()
    assert world.run().code == 0
    return one


def without(world: World, one: str, place: int) -> None:
    """The unit of that line stays with the customer."""
    lines = world.seen(one).lines
    world.loop.edit(one, lines=(*lines[:place], *lines[place + 1 :]))


def a_line_of_another_vendor_is_added(world: World) -> None:
    one = pushed(world, ("Acme", 1), ("Bolt", 1), units=(1, 0))
    world.loop.add_line(one, world.orders[-1].lines[1])


def lines_of_two_other_vendors_are_added(world: World) -> None:
    one = pushed(world, ("Acme", 1), ("Bolt", 1), (None, 1), units=(1, 0, 0))
    for line in world.orders[-1].lines[1:]:
        world.loop.add_line(one, line)


def all_of_one_vendor_is_kept(world: World) -> None:
    without(world, pushed(world, ("Acme", 1), ("Bolt", 1), units=(1, 1)), 1)


def one_vendor_takes_the_place_of_another(world: World) -> None:
    one = pushed(world, ("Acme", 1), ("Bolt", 1), (None, 1), units=(1, 1, 0))
    without(world, one, 0)
    world.loop.add_line(one, world.orders[-1].lines[2])


def a_return_of_two_vendors_is_cancelled(world: World) -> None:
    one = pushed(world, ("Acme", 1), ("Bolt", 1), units=(1, 1))
    world.loop.edit(one, state="cancelled")


def a_parcel_moves(world: World) -> None:
    one = pushed(world, ("Acme", 1), ("Bolt", 1), units=(1, 1))
    world.loop.label(one, status="in_transit")


def one_is_new(world: World) -> None:
    world.trusted()
    world.returned()


def one_of_two_vendors_is_new(world: World) -> None:
    world.trusted()
    world.returned(("Acme", 1), ("Bolt", 1))


def one_is_new_and_another_gets_one_more(world: World) -> None:
    a_line_of_another_vendor_is_added(world)
    world.returned()


def what_is_made_cannot_be_filled(world: World) -> None:
    one_is_new(world)
    world.breaks("PUT *", "422")


def more_comes_back_than_was_asked_for(world: World) -> None:
    world.go_live()
    world.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    world.submit(world.order(("Acme", 1), ("Bolt", 1)), 1, 0)


SCENES = [
    a_line_of_another_vendor_is_added,
    lines_of_two_other_vendors_are_added,
    all_of_one_vendor_is_kept,
    one_vendor_takes_the_place_of_another,
    a_return_of_two_vendors_is_cancelled,
    a_parcel_moves,
    one_is_new,
    one_of_two_vendors_is_new,
    one_is_new_and_another_gets_one_more,
    what_is_made_cannot_be_filled,
    more_comes_back_than_was_asked_for,
]


def statuses(world: World) -> dict[int, str]:
    return {row["id"]: row["status"] for row in world.jetti.sale_returns()}


def happened(world: World, before: dict[int, str]) -> dict[str, int]:
    """What came of it in Jetti since."""
    now = statuses(world)
    gone = [one for one in now if now[one] == "cancelled" and before.get(one) != "cancelled"]
    return {
        "sale_returns_made": len(now.keys() - before.keys()),
        "sale_returns_cancelled": len(gone),
    }


def told(report: dict[str, Any]) -> dict[str, int]:
    return {name: report[name] for name in ("sale_returns_made", "sale_returns_cancelled")}


def headline(ran: Ran) -> str:
    return ran.stdout.split("\n")[0].partition("  ")[2]


def read(text: str, what: str) -> int:
    """How many the text says, where it does."""
    found = re.search(rf"(\d+) sale returns? {what}", text)
    return int(found[1]) if found else 0


@pytest.mark.covers("R21")
@pytest.mark.parametrize("scene", SCENES)
def test_the_counts_and_the_changes_tell_of_all_that_were_made_and_cancelled(
    world: World, scene: Scene
) -> None:
    scene(world)
    world.pass_time()
    before = statuses(world)

    report = world.run().report

    truth = happened(world, before)
    assert told(report["counts"]) == truth
    assert {key: sum(one[key] for one in report["changes"]) for key in truth} == truth


@pytest.mark.covers("R21")
@pytest.mark.parametrize("scene", SCENES)
def test_a_headline_hides_no_sale_return_that_was_made_or_cancelled(
    world: World, scene: Scene
) -> None:
    """One return that was created and has one sale return needs no more words; nor one that was
    cancelled."""
    scene(world)
    world.pass_time()
    before = statuses(world)

    said = headline(world.call("-v", "run"))

    made, cancelled = happened(world, before).values()
    of_created, of_cancelled = (
        int(found[1]) if (found := re.search(rf"(\d+) {what}\b", said)) else 0
        for what in ("created", "(?<!sale return )(?<!sale returns )cancelled")
    )
    assert read(said, "made") in ({made} if made > of_created else {0, made})
    assert read(said, "cancelled") in ({cancelled} if cancelled > of_cancelled else {0, cancelled})
    assert ("nothing was pushed" not in said) or not made


def test_status_and_history_tell_of_them_too(world: World) -> None:
    one_vendor_takes_the_place_of_another(world)
    world.pass_time()
    world.run()

    status, history = world.call("status").stdout, world.call("history").stdout

    for text in (status, history):
        assert "1 updated, 1 sale return made, 1 sale return cancelled" in text
    [last, *_] = json.loads(world.call("history", "--format", "json").stdout)["runs"]
    assert told(last["counts"]) == {"sale_returns_made": 1, "sale_returns_cancelled": 1}


def test_what_was_made_by_a_create_without_an_answer_is_told_once_it_is_certain(
    world: World,
) -> None:
    world.trusted()
    world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    before = statuses(world)
    world.breaks("POST *", "applied_then_lost", nth=1)

    lost = told(world.run().report["counts"])
    world.heals()
    world.pass_time()
    later = told(world.run().report["counts"])

    assert happened(world, before)["sale_returns_made"] == 2
    assert (lost["sale_returns_made"], later["sale_returns_made"]) == (0, 2)


@pytest.mark.parametrize("scene", SCENES[:9])
@pytest.mark.parametrize("against", [(), ("--against-jetti",)], ids=["", "against-jetti"])
def test_a_dry_run_foresees_them_at_least_and_counts_none_as_made(
    world: World, scene: Scene, against: tuple[str, ...]
) -> None:
    scene(world)
    world.pass_time()

    said = headline(world.call("run", "--dry-run", *against))
    dry = world.run("--dry-run", *against).report
    before = statuses(world)
    world.run()

    made, cancelled = happened(world, before).values()
    foreseen = {
        key: sum(one[key] for one in dry["changes"])
        for key in ("sale_returns_made", "sale_returns_cancelled")
    }
    assert told(dry["counts"]) == {"sale_returns_made": 0, "sale_returns_cancelled": 0}
    assert foreseen["sale_returns_cancelled"] == cancelled
    if against:
        assert foreseen["sale_returns_made"] == made, "the sandbox splits by vendor"
    assert bool(foreseen["sale_returns_made"]) == bool(made)
    assert foreseen["sale_returns_made"] <= made
    if "update" in said and made:
        assert f"at least {foreseen['sale_returns_made']} sale return" in said
    if "update" in said and cancelled:
        assert f"{cancelled} sale return" in said


def restored(world: World) -> tuple[str, str, str]:
    """An older backup of the ledger is in place: it does not know of two sale returns in Jetti. One
    return is in Loop as it was then, the parcel of the other has moved; a third is in neither."""
    world.trusted()
    ledger = world.directory / "ledger.db"
    backup = ledger.read_bytes()
    same, moved = world.returned(), world.returned()
    world.pass_time()
    assert world.run().code == 0
    ledger.write_bytes(backup)
    world.loop.label(moved, status="in_transit")
    new = world.returned()
    world.pass_time()
    return same, moved, new


@pytest.mark.covers("P19")
def test_a_dry_run_that_looks_counts_what_is_taken_over_as_the_run_does(world: World) -> None:
    same, moved, new = restored(world)
    asked = [option for one in (same, moved, new) for option in ("--return", one)]

    text = world.call("run", *asked, "--dry-run", "--against-jetti").stdout
    dry = world.run(*asked, "--dry-run", "--against-jetti").report
    ran = world.run(*asked).report

    kinds = {one["return_id"]: one["change"] for one in ran["changes"]}
    assert kinds == {same: "adopt", moved: "adopt", new: "create"}
    assert {one["return_id"]: one["change"] for one in dry["changes"]} == kinds
    assert (ran["counts"]["created"], ran["counts"]["adopted"]) == (1, 2)
    assert "would create 1, take over 2." in text.split("\n")[0]
    assert dry["run"]["digest"] == ran["run"]["digest"]


@pytest.mark.covers("P19")
def test_a_dry_run_s_file_accepts_what_it_showed_as_taken_over(world: World) -> None:
    """The plan calls it a create, and so would one who looked by the ledger alone."""
    same, moved, new = restored(world)
    plan = world.directory / "plan.json"
    asked = ("--from", "7d")
    limits = {"RECONCILER_GUARD__CREATES": "0"}
    looked = ("--dry-run", "--against-jetti", "--format", "json", "--output", str(plan))
    assert world.call("run", *asked, *looked).code == 0
    shown = {one["return_id"]: one["change"] for one in json.loads(plan.read_text())["changes"]}
    assert shown == {same: "adopt", moved: "adopt", new: "create"}

    ran = world.run(*asked, "--accept-plan", str(plan), **limits)

    assert ran.code == 0, ran.stderr
    assert {one["outcome"] for one in ran.report["changes"]} == {"pushed"}
