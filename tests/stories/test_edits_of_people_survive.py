"""What people do in Jetti, at any moment and in any order with what Loop says, is theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stories.between_requests import Asked, once
from tests.support.agreement import assert_agreement
from tests.support.world import World

RANK = ("draft", "requested", "finalized", "shipped", "received")

OWNED: list[tuple[str, Any]] = [
    ("trackingNumber", "MINE-1"),
    ("trackingCompany", "Courier of ours"),
    ("trackingUrl", "https://courier.example/MINE-1"),
    ("trackingStatus", "failure"),
    ("notes", "Customer will call on Monday"),
]
NOT_OURS: list[tuple[str, Any]] = [("adminNotes", "on the phone"), ("paymentStatus", "paid")]


def pushed(world: World, *, label: bool = True) -> tuple[str, int]:
    world.go_live()
    one = world.submit(world.order(("Acme", 4)), 2)
    if label:
        world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    [made] = world.in_jetti(one)
    return one, made["id"]


def row(world: World, sale_return_id: int) -> dict[str, Any]:
    [found] = [row for row in world.jetti.sale_returns() if row["id"] == sale_return_id]
    return found


# ------------------------------------------------------------------------- whatever comes after


def scan(world: World, one: str) -> None:
    world.loop.move_label(one, "in_transit")


def another_label(world: World, one: str) -> None:
    world.loop.edit(one, labels=())
    world.loop.label(one, carrier="UPS", status="in_transit")


def one_more_unit(world: World, one: str) -> None:
    world.loop.add_line(one, world.orders[0].lines[0])


def flagged_and_back(world: World, one: str) -> None:
    world.loop.set_state(one, "review")
    world.pass_time()
    world.run()
    world.loop.set_state(one, "open")
    world.loop.move_label(one, "in_transit")


LATER = [
    *[(name, value, scan) for name, value in (*OWNED, *NOT_OURS)],
    *[(name, value, another_label) for name, value in OWNED],
    *[(name, value, one_more_unit) for name, value in OWNED[::4]],
    *[(name, value, flagged_and_back) for name, value in OWNED[::2]],
]


@pytest.mark.covers("P10")
@pytest.mark.parametrize(("name", "value", "after"), LATER)
def test_a_field_that_a_person_set_stays_through_everything_that_loop_says_later(
    world: World, name: str, value: Any, after: Callable[[World, str], None]
) -> None:
    one, made = pushed(world)
    world.jetti.edit_sale_return(made, **{name: value})
    after(world, one)
    world.pass_time()

    assert world.run().code == 0

    assert row(world, made)[name] == value
    world.pass_time()
    assert world.run().jetti_requests == (0, 0), "and nobody goes on about it"


@pytest.mark.parametrize("options", [("--from", "7d"), ("--sweep", "120d"), ("--order", "#1001")])
def test_no_kind_of_run_takes_back_what_a_person_set(
    world: World, options: tuple[str, ...]
) -> None:
    one, made = pushed(world)
    world.jetti.edit_sale_return(made, trackingNumber="MINE-1")
    before = row(world, made)

    assert world.run(*options).code == 0
    assert row(world, made) == before
    scan(world, one)
    world.pass_time()
    assert world.run(*options).code == 0
    assert (row(world, made)["trackingNumber"], row(world, made)["status"]) == ("MINE-1", "shipped")


# ------------------------------------------------------------------------------ statuses (F65)


@pytest.mark.covers("F65", "P10")
@pytest.mark.parametrize("held", [*RANK, "cancelled"])
@pytest.mark.parametrize("wanted", ["requested", "shipped", "cancelled"])
def test_a_status_moves_forward_only_from_wherever_a_person_put_it(
    world: World, held: str, wanted: str
) -> None:
    one, made = pushed(world, label=False)
    world.jetti.edit_sale_return(made, status=held)
    if wanted == "cancelled":
        world.loop.set_state(one, "cancelled")
    else:
        world.loop.label(one, status="in_transit" if wanted == "shipped" else "new")
    world.pass_time()

    ran = world.run()

    after = row(world, made)["status"]
    if held in ("cancelled", "received"):
        assert after == held, "nothing follows these two"
        assert ran.code == (3 if (held, wanted) == ("received", "cancelled") else 0)
    elif wanted == "cancelled":
        assert (ran.code, after) == (0, "cancelled")
    else:
        # Wanted was `requested` all along, so only `shipped` is news.
        news = wanted == "shipped" and RANK.index(held) < RANK.index("shipped")
        assert (ran.code, after) == (0, "shipped" if news else held)


@pytest.mark.covers("F65", "P10")
@pytest.mark.parametrize("held", [*RANK, "cancelled"])
def test_a_parcel_that_starts_anew_takes_no_status_back(world: World, held: str) -> None:
    one, made = pushed(world)
    scan(world, one)
    world.pass_time()
    assert world.run().code == 0
    world.jetti.edit_sale_return(made, status=held)
    world.loop.edit(one, labels=())
    world.loop.label(one)
    world.pass_time()

    assert world.run().code == 0

    assert row(world, made)["status"] == ("requested" if held == "draft" else held)


# ------------------------------------------------------------- in the middle of a push (F64)

STEPS = range(1, 6)
"""Every write that pushes two sale returns: a create, two quantities, two of the rest."""


@pytest.mark.parametrize("number", STEPS)
def test_a_person_who_writes_in_the_middle_of_a_push_is_not_overruled(
    world: World, number: int
) -> None:
    world.go_live()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    world.loop.label(one)
    world.pass_time()
    writes = 0

    def is_it(asked: Asked) -> bool:
        nonlocal writes
        writes += asked.method in ("POST", "PUT")
        return writes == number

    edited: list[int] = []

    def edit() -> None:
        for made in world.in_jetti(one):
            world.jetti.edit_sale_return(made["id"], adminNotes="mine", status="finalized")
            edited.append(made["id"])

    struck = once(world, is_it, edit)
    first = world.run()
    world.loop.move_label(one, "in_transit")
    world.pass_time()

    assert (first.code, world.run().code) == (0, 0)

    assert struck
    assert {row(world, made)["adminNotes"] for made in edited} <= {"mine"}
    assert {made["status"] for made in world.in_jetti(one)} == {"shipped"}
    assert len(world.jetti.sale_returns()) == 2
    assert_agreement(world)


@pytest.mark.covers("F64")
@pytest.mark.parametrize("number", range(8))
def test_a_person_who_raises_the_same_return_in_the_middle_of_a_run_leads_to_no_second_set(
    world: World, number: int
) -> None:
    world.go_live()
    world.returned()
    world.pass_time()
    assert world.run().code == 0
    order = world.order(("Acme", 3))
    one = world.submit(order, 1)
    world.pass_time()
    [item] = world.item_ids(order)

    def raise_it() -> None:
        world.jetti.raise_sale_return(world.sale_id(order), {item: 1})

    looks = -1

    def is_it(asked: Asked) -> bool:
        nonlocal looks
        looks += asked.service == "jetti"
        return looks == number

    struck = once(world, is_it, raise_it)

    ran = world.run()

    live = world.on_order(order)
    if len(live) == 1:
        assert (ran.code, live[0]["marker"], world.state(one)) == (0, one, "synced")
    else:
        # Raised after our look: theirs stays as it is, ours is whole, and nothing is merged.
        assert sorted(made["marker"] or "" for made in live) == ["", one]
        assert len(struck) == 1
    assert [list(made["lines"].values()) for made in live] == [[1]] * len(live)
    world.pass_time()
    assert world.run().jetti_requests == (0, 0)


# ---------------------------------------------------------------- while an answer is missing


@pytest.mark.covers("P10")
@pytest.mark.parametrize(("name", "value"), OWNED)
def test_what_a_person_sets_while_a_create_has_no_answer_stays(
    world: World, name: str, value: Any
) -> None:
    world.go_live()
    one = world.returned()
    world.loop.label(one)
    world.pass_time()
    world.breaks("POST *", "applied_then_lost", nth=1)
    assert world.run().code == 3
    [made] = world.jetti.sale_returns()
    world.jetti.edit_sale_return(made["id"], **{name: value})
    world.heals()
    world.pass_time()

    assert world.run().code == 0

    assert (row(world, made["id"])[name], world.state(one)) == (value, "synced")


# --------------------------------------------------------------------- an older ledger, or none


@pytest.mark.parametrize(("name", "value"), OWNED[::2])
def test_what_a_person_set_survives_the_ledger_s_going_back_in_time(
    world: World, name: str, value: Any
) -> None:
    one, made = pushed(world, label=False)
    path = world.directory / "ledger.db"
    copy = path.read_bytes()
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    world.jetti.edit_sale_return(made, **{name: value})
    path.write_bytes(copy)
    scan(world, one)
    world.pass_time()

    assert world.run().code == 0

    assert row(world, made)[name] == value
    assert row(world, made)["status"] == "shipped"


def test_what_a_person_corrected_before_the_ledger_was_lost_is_shown_before_it_is_touched(
    world: World,
) -> None:
    """Nobody knows any more whose value it is; README says to look at the dry run."""
    one, made = pushed(world)
    [item] = world.jetti.items_of(made)
    world.jetti.edit_item(item["id"], quantity=1)
    for file in world.directory.iterdir():
        file.unlink()
    before = world.in_jetti(one)

    assert world.call("init", "--since", "7d", "--adopt").code == 0
    shown = world.run("--dry-run")

    assert world.in_jetti(one) == before
    [change] = shown.report["changes"]
    assert [(told["before"], told["after"]) for told in change["fields"]] == [(1, 2)]
