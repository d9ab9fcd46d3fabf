"""An older copy of the ledger knows less than Jetti: what both agree on is taken up again, and what
was only begun is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.agreement import assert_agreement
from tests.support.world import World


@pytest.mark.covers("F90")
def test_what_was_told_after_the_copy_is_not_taken_for_a_person_s_for_ever(world: World) -> None:
    world.go_live()
    one = world.returned(("Acme", 2))
    world.pass_time()
    assert world.run().code == 0
    copy = world.directory / "copy"
    shutil.copyfile(world.directory / "ledger.db", copy)
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    shutil.copyfile(copy, world.directory / "ledger.db")
    world.pass_time()
    assert world.run().jetti_requests[1] == 0

    world.loop.move_label(one, "in_transit")
    world.pass_time()
    ran = world.run()

    assert (ran.code, ran.reason(one)) == (0, "")
    assert_agreement(world)


@pytest.mark.covers("F90")
@pytest.mark.parametrize("notes", ["by hand", "Loop return 31000002, call them", "Loop return"])
@pytest.mark.parametrize("how", ["restored", "lost"])
def test_notes_that_are_not_as_we_write_them_stay_when_a_sale_return_is_taken_over(
    world: World, how: str, notes: str
) -> None:
    world.trusted()
    copy = _copied(world)
    one = world.returned(("Acme", 1))
    world.pass_time()
    assert world.run().code == 0
    [made] = world.in_jetti(one)
    if how == "restored":
        _put_back(world, copy)
    world.jetti.edit_sale_return(made["id"], notes=notes)
    if how == "lost":
        (world.directory / "ledger.db").unlink()
        assert world.call("init", "--since", "7d", "--adopt").code == 0

    ran = world.run()
    world.loop.label(one)
    world.pass_time()
    later = world.run()

    [left] = world.in_jetti(one)
    assert (ran.code, later.code) == (0, 0)
    assert (left["notes"], left["tracking"]) == (notes, world.seen(one).labels[0].tracking_number)
    assert "left as someone set it: notes of" in later.reason(one)


@pytest.mark.covers("F90")
def test_notes_that_we_have_written_go_on_when_a_sale_return_is_taken_over(world: World) -> None:
    world.trusted()
    copy = _copied(world)
    one = world.submit(world.order(("Acme", 2)), 2)
    first, second = (line.id for line in world.seen(one).lines)
    world.loop.label(one, line_ids=(first,))
    world.loop.label(one, line_ids=(second,))
    world.pass_time()
    assert world.run().code == 0
    [before] = world.in_jetti(one)
    _put_back(world, copy)
    world.loop.number_label(one, "1Z999")

    world.pass_time()
    assert world.run().code == 0

    [after] = world.in_jetti(one)
    assert "; parcels: " in before["notes"]
    assert after["notes"] != before["notes"]
    assert_agreement(world)


ENDINGS: dict[str, Callable[[World, str], object]] = {
    "cancelled": lambda world, one: world.loop.set_state(one, "cancelled"),
    "expired": lambda world, one: world.loop.set_state(one, "expired"),
    "emptied": lambda world, one: world.loop.remove_line(one, world.seen(one).lines[0].id),
}


def _begin_again(world: World, one: str, ending: str) -> None:
    if ending == "emptied":
        world.loop.add_line(one, world.orders[-1].lines[0])
    else:
        world.loop.set_state(one, "open")


@pytest.mark.covers("F90")
@pytest.mark.parametrize("who", ["we", "we, after the copy", "staff"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_whoever_cancelled_what_ended_a_return_that_is_alive_again_is_decided_about(
    world: World, ending: str, who: str
) -> None:
    world.trusted()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    assert world.run().code == 0
    copy = _copied(world)
    first = _with_the_first_line(world, one)
    if who == "staff":
        world.jetti.edit_sale_return(first["id"], status="cancelled")
    ENDINGS[ending](world, one)
    world.pass_time()
    assert world.run().code == 0
    if who == "we, after the copy":
        _put_back(world, copy)
        assert world.run().code == 0
    assert _with_the_first_line(world, one)["status"] == "cancelled"

    _begin_again(world, one, ending)
    world.pass_time()
    ran = world.run()

    assert (ran.code, world.state(one)) == (3, "review")
    assert "is cancelled, but its lines are wanted" in ran.reason(one)


@pytest.mark.parametrize("ending", ["cancelled", "expired"])
def test_where_no_pass_saw_that_it_had_ended_verify_finds_what_is_missing(
    world: World, ending: str
) -> None:
    """The restored ledger, Loop and its listing are as they were before: only Jetti is not."""
    world.trusted()
    one = world.returned(("Acme", 1))
    world.pass_time()
    assert world.run().code == 0
    copy = _copied(world)
    ENDINGS[ending](world, one)
    world.pass_time()
    assert world.run().code == 0
    _put_back(world, copy)
    _begin_again(world, one, ending)
    world.pass_time()
    assert (world.run().code, world.state(one)) == (0, "synced")

    found = world.call("verify", "--format", "json")

    listed = [one["return_id"] for one in json.loads(found.stdout)["differences"]]
    assert (found.code, listed) == (3, [one])


def test_what_staff_set_back_after_it_had_ended_is_told_as_it_is(world: World) -> None:
    world.trusted()
    one = world.returned(("Acme", 1))
    world.pass_time()
    assert world.run().code == 0
    world.loop.set_state(one, "cancelled")
    world.pass_time()
    assert world.run().code == 0
    [made] = world.in_jetti(one)
    world.jetti.edit_sale_return(made["id"], status="requested")
    world.loop.set_state(one, "open")
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one)) == (3, "review")
    assert "was cancelled and is requested in Jetti again" in ran.reason(one)
    advised = ("resolve", one, "--adopt", str(made["id"]), "--yes")
    assert world.call(*advised).code == 0
    world.pass_time()
    assert (world.run().code, world.state(one)) == (0, "synced")
    assert_agreement(world)


@pytest.mark.parametrize("how", ["restored", "lost"])
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("writes", "units"), [(1, 0), (2, 1)], ids=["created", "counted"])
def test_what_was_begun_for_a_return_that_has_ended_since_is_told(
    world: World, writes: int, units: int, ending: str, how: str
) -> None:
    world.trusted()
    copy = _copied(world)
    order = world.order(("Acme", 1), ("Acme", 1))
    one = world.submit(order, 1, 0)
    _cut_short(world, writes)
    ENDINGS[ending](world, one)

    if how == "restored":
        _put_back(world, copy)
    else:
        (world.directory / "ledger.db").unlink()
        world.pass_time()
        assert world.call("init", "--since", "7d", "--adopt").code == 0
    world.pass_time()
    ran = world.run()

    [left] = world.on_order(order)
    assert (left["marker"], left["status"]) == (None, "requested")
    assert (ran.code, world.state(one)) == (3, "review")
    assert ran.reason(one) == (
        f"unmarked sale return 1002-01 (2) with {units} of order line "
        f"{order.lines[0].order_line_id} looks like what an interrupted create has left, and may"
        f" belong to this return, which is {world.seen(one).state} in Loop. Cancel in Jetti "
        "what does. Decide with `reconciler retry`, `resolve` or `ignore`"
    )


def test_what_is_marked_of_it_is_told_along(world: World) -> None:
    world.trusted()
    copy = _copied(world)
    order = world.order(("Acme", 1), ("Bolt", 1), ("Acme", 1))
    one = world.submit(order, 1, 1, 0)
    _cut_short(world, 3)
    [marked] = world.in_jetti(one)
    world.loop.set_state(one, "cancelled")

    _put_back(world, copy)
    ran = world.run()

    assert (ran.code, world.state(one)) == (3, "review")
    assert f"does, and sale return 1002-01 ({marked['id']}), which is marked." in ran.reason(one)


def test_the_return_that_took_its_place_is_asked_about(world: World) -> None:
    world.trusted()
    copy = _copied(world)
    order = world.order(("Acme", 1), ("Acme", 1))
    one = world.submit(order, 1, 0)
    _cut_short(world, 1)
    world.loop.set_state(one, "cancelled")
    another = world.submit(order, 1, 0)

    _put_back(world, copy)
    ran = world.run()

    assert ran.code == 3
    assert (world.state(one), world.state(another)) == ("skipped", "review")
    assert ran.reason(another).startswith("unmarked sale return 1002-01 (2) with 0 of order line")


@pytest.mark.parametrize("order_is", ["there", "late", "there twice"])
def test_of_a_return_that_never_was_in_jetti_nobody_is_asked(world: World, order_is: str) -> None:
    world.trusted()
    order = world.order(("Acme", 1), ("Acme", 1), arrives=order_is != "late")
    one = world.submit(order, 1, 0)
    if order_is != "late":
        [item, _] = world.item_ids(order)
        world.jetti.raise_sale_return(world.sale_id(order), {item: 1})
    if order_is == "there twice":
        world.jetti.import_sale(order)
    world.loop.set_state(one, "cancelled")
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(one)) == (0, "skipped")
    assert ran.reason(one) == "cancelled in Loop before it existed in Jetti"


def _with_the_first_line(world: World, one: str) -> dict[str, Any]:
    [line, _] = world.orders[-1].lines
    [found] = [row for row in world.in_jetti(one) if line.order_line_id in row["lines"]]
    return found


def _copied(world: World) -> Path:
    copy = world.directory / "copy"
    shutil.copyfile(world.directory / "ledger.db", copy)
    return copy


def _put_back(world: World, copy: Path) -> None:
    shutil.copyfile(copy, world.directory / "ledger.db")
    world.pass_time()


def _cut_short(world: World, writes: int) -> None:
    """A run in which a signal comes once so many writes have reached Jetti."""
    world.pass_time()
    world.clock.stop_after_writes = len(world.writes()) + writes
    assert world.run().code == 130
    world.clock.stop_after_writes = None
