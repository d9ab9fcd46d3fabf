"""`list` shows every return once, with its state, since when, why, and what happens next."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from typing import Any

import pytest

from reconciler.core.model import State
from tests.support.beginnings import played
from tests.support.world import Ran, World


@pytest.fixture
def shop(world: World) -> World:
    """With returns that are synced, waiting, in review, skipped and not understood."""
    played(world, _opens)
    return world


def _opens(world: World) -> None:
    world.trusted()
    world.submit(world.order(("Acme", 1), arrives=False))
    held = world.returned()
    world.loop.set_state(held, "review")
    doubtful = world.order(("Acme", 1))
    twin = world.sale_id(doubtful)
    world.jetti.import_sale(doubtful)
    assert twin
    world.submit(doubtful)
    world.pass_time(hours=3)
    world.run()


def listed(world: World, *options: str) -> dict[str, Any]:
    """The JSON of `list`."""
    ran = world.call("list", "--format", "json", *options)
    assert ran.code == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def in_the_file(world: World) -> dict[str, tuple[str, str | None]]:
    """State and reason of each return, as the file has them."""
    with sqlite3.connect(world.directory / "ledger.db") as ledger:
        rows = ledger.execute("SELECT return_id, state, reason FROM entries").fetchall()
    return {id_: (state, reason) for id_, state, reason in rows}


def as_listed(found: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    return {one["return_id"]: (one["state"], one["reason"]) for one in found["returns"]}


def test_every_return_is_listed_once_as_it_is(shop: World) -> None:
    found = listed(shop)

    truth = in_the_file(shop)
    assert as_listed(found) == truth
    assert len(found["returns"]) == len(truth)
    assert {"synced", "waiting", "review", "skipped"} <= {state for state, _ in truth.values()}


def test_the_sums_are_those_of_what_is_listed(shop: World) -> None:
    found = listed(shop)

    states = Counter(state for state, _ in in_the_file(shop).values())
    reasons = Counter(reason for _, reason in in_the_file(shop).values() if reason)
    assert {one["what"]: one["count"] for one in found["by_state"]} == states
    assert {one["what"]: one["count"] for one in found["by_reason"]} == reasons


@pytest.mark.parametrize("state", sorted(one.value for one in State))
def test_one_state_is_listed_alone(shop: World, state: str) -> None:
    truth = {id_: both for id_, both in in_the_file(shop).items() if both[0] == state}

    assert as_listed(listed(shop, "--state", state)) == truth


def test_several_states_are_listed_together(shop: World) -> None:
    truth = {
        id_: both for id_, both in in_the_file(shop).items() if both[0] in ("review", "waiting")
    }

    assert as_listed(listed(shop, "--state", "review", "--state", "waiting")) == truth
    assert len(truth) == 2


def test_a_part_of_the_reason_chooses_and_no_character_of_it_is_special(shop: World) -> None:
    truth = {
        id_: both
        for id_, both in in_the_file(shop).items()
        if both[1] and "not in jetti" in both[1].lower()
    }

    assert as_listed(listed(shop, "--reason", "NOT in Jetti")) == truth
    assert len(truth) == 1
    assert listed(shop, "--reason", "%")["returns"] == []
    assert listed(shop, "--reason", "_")["returns"] == []


def test_what_has_been_so_for_longer_is_left_out(shop: World) -> None:
    before = set(as_listed(listed(shop)))
    shop.pass_time(days=2)
    young = shop.returned()
    shop.pass_time()
    shop.run()

    assert set(as_listed(listed(shop, "--since", "1d"))) == {young}
    assert set(as_listed(listed(shop, "--since", "9d"))) == before | {young}


def test_the_longest_waiting_come_first(shop: World) -> None:
    shop.pass_time(days=1)
    shop.submit(shop.order(("Acme", 1), arrives=False))
    shop.pass_time()
    shop.run()

    since = [one["since"] for one in listed(shop)["returns"]]

    assert since == sorted(since)


def test_what_happens_next_is_what_show_says_too(shop: World) -> None:
    for one in listed(shop)["returns"]:
        shown = json.loads(shop.call("show", one["return_id"], "--format", "json").stdout)
        assert one["next"] == shown["returns"][0]["next"]


def test_a_pending_one_waits_for_its_turn(world: World) -> None:
    """Where its place is, only `show` says."""
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.run("--max-writes", "0")

    [pending] = listed(world, "--state", "pending")["returns"]

    assert pending["return_id"] == one
    assert "when its turn comes" in pending["next"]
    world.run()
    assert listed(world, "--state", "pending")["returns"] == []


def test_what_is_stopped_says_how_it_goes_on(world: World) -> None:
    world.trusted()
    for _ in range(30):
        world.returned()
    world.pass_time()
    stopped = world.run()
    assert stopped.code == 7

    found = listed(world, "--state", "pending")["returns"]

    digest = stopped.report["run"]["digest"]
    assert len(found) == 30
    assert all(f"reconciler run --accept-plan {digest}" in one["next"] for one in found)


def test_a_row_that_is_not_understood_is_listed_as_malformed(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.loop.edit(one, extra={"line_items": 7})
    world.pass_time()
    world.run()

    found = listed(world)["returns"]
    [row] = listed(world, "--state", "malformed")["returns"]

    assert (row["return_id"], row["state"]) == (one, "malformed")
    assert "line_items" in row["reason"]
    assert [other for other in found if other["return_id"] == one] == [row]
    assert listed(world, "--state", "malformed", "--reason", "zebra")["returns"] == []
    assert listed(world, "--state", "malformed", "--since", "1m")["returns"] == [row]


def test_the_text_names_all_of_it(shop: World) -> None:
    told = shop.call("list").stdout

    for id_, (_, reason) in in_the_file(shop).items():
        assert f"return {id_}" in told
        assert not reason or reason in told
    assert told.startswith(f"{len(in_the_file(shop))} returns: ")


def test_nothing_is_said_to_be_nothing(world: World) -> None:
    world.go_live()

    assert world.call("list").stdout == "No return is like that.\n"


@pytest.mark.parametrize(
    ("options", "code"),
    [(("--state", "zebra"), 2), (("--since", "yesterday"), 2), (("--output", "/nowhere/x"), 2)],
)
def test_what_makes_no_sense_is_refused(world: World, options: tuple[str, ...], code: int) -> None:
    world.go_live()

    assert world.call("list", *options).code == code


def test_without_a_ledger_there_is_nothing_to_list(world: World) -> None:
    ran: Ran = world.call("list")

    assert ran.code == 7
    assert "there is no ledger" in ran.stderr


def test_the_ledger_is_left_byte_for_byte(shop: World) -> None:
    path = shop.directory / "ledger.db"
    before = path.read_bytes(), sorted(one.name for one in shop.directory.iterdir())

    shop.call("list")

    assert (path.read_bytes(), sorted(one.name for one in shop.directory.iterdir())) == before
