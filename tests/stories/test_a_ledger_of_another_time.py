"""A ledger from a backup, or none at all: nothing is done twice and no status moves back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.agreement import assert_agreement
from tests.support.world import World

PAST = range(5)


class Past:
    """A merchant's week with a backup before each day, and Jetti as it was after each."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.file = world.directory / "ledger.db"
        self.copies: list[bytes] = []

    def pass_by(self) -> None:
        """Creates, splits, updates, edits, cancellations, one a day, each pushed."""
        world = self.world
        world.go_live()
        world.returned()
        self._day()
        first = world.returned(("Acme", 1), ("Bolt", 3))
        second = world.returned()
        self._day()
        world.loop.label(first, status="new")
        world.loop.set_state(second, "cancelled")
        world.returned((None, 2))
        self._day()
        world.loop.move_label(first, "in_transit")
        world.loop.add_line(first, world.orders[1].lines[1])
        self._day()
        world.loop.move_label(first, "delivered")
        world.returned(("Acme", 1), (None, 1), ("Bolt", 1))
        self._day()

    def _day(self) -> None:
        self.copies.append(self.file.read_bytes())
        self.world.pass_time(hours=1)
        assert self.world.run().code == 0


@pytest.fixture
def past(world: World) -> Past:
    past = Past(world)
    past.pass_by()
    assert_agreement(world)
    return past


def goes_on(world: World) -> int:
    """The next run after a restore; a ledger from before its first push is adopted first."""
    ran = world.run()
    if ran.code == 7:
        assert "init --adopt" in ran.stdout
        assert world.call("init", "--adopt").code in (0, 3)
        world.pass_time()
        ran = world.run()
    return ran.code


def standing(world: World) -> list[dict[str, Any]]:
    return [world.described(made) for made in world.jetti.sale_returns()]


@pytest.mark.covers("F90")
@pytest.mark.parametrize("back", PAST)
def test_a_ledger_restored_from_any_day_creates_nothing_twice(
    world: World, past: Past, back: int
) -> None:
    before, mails = standing(world), len(world.jetti.notifications())
    past.file.write_bytes(past.copies[back])
    world.pass_time()

    assert goes_on(world) == 0

    assert standing(world) == before, "Jetti is as it was, every status too"
    assert len(world.jetti.notifications()) == mails
    assert_agreement(world)
    world.pass_time()
    assert world.run().jetti_requests == (0, 0)


@pytest.mark.covers("F90")
@pytest.mark.parametrize("back", PAST)
def test_a_restored_ledger_that_learns_of_changes_at_once_pushes_just_these(
    world: World, past: Past, back: int
) -> None:
    count = len(world.jetti.sale_returns())
    past.file.write_bytes(past.copies[back])
    for seen in world.loop.returns():
        if seen.state == "open" and not seen.labels:
            world.loop.label(seen.id, status="in_transit")
    new = world.returned()
    world.pass_time()

    assert goes_on(world) == 0

    assert len(world.jetti.sale_returns()) == count + 1
    assert len(world.in_jetti(new)) == 1
    assert_agreement(world)


@pytest.mark.covers("F90")
@pytest.mark.parametrize(("back", "seconds"), [(0, 170), (2, 100), (4, 170)])
def test_a_create_still_on_its_way_when_the_ledger_is_restored_is_not_made_twice(
    world: World, past: Past, back: int, seconds: int
) -> None:
    """It is half made and nobody's by any proof, so a person decides."""
    one = world.returned()
    world.pass_time()
    world.breaks("POST *", "applied_later", nth=1, seconds=seconds)
    assert world.run().code == 3
    world.heals()
    past.file.write_bytes(past.copies[back])
    world.pass_time(minutes=3)

    assert goes_on(world) == 3

    assert (len(world.on_order(world.orders[-1])), world.state(one)) == (1, "review")


@pytest.mark.parametrize("back", [1, 3])
def test_a_restored_ledger_and_a_deleted_sale_return_lead_to_a_person_or_to_one_set(
    world: World, past: Past, back: int
) -> None:
    """What the older ledger knew is not made again; what it never knew of is new to it."""
    gone = world.jetti.sale_returns()[0]
    one = gone["externalId"]
    world.jetti.delete_sale_return(gone["id"])
    past.file.write_bytes(past.copies[back])
    world.loop.label(one, status="in_transit")
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.in_jetti(one), world.state(one)) == (3, [], "review")


@pytest.mark.covers("F91")
def test_a_lost_ledger_creates_only_after_settle(world: World, past: Past) -> None:
    one = world.returned()
    world.pass_time()
    world.breaks("POST *", "applied_later", nth=1, seconds=170)
    assert world.run().code == 3
    world.heals()
    for file in world.directory.iterdir():
        file.unlink()

    began = world.clock.now()
    adopted = world.call("init", "--since", "7d", "--adopt")
    ended = world.clock.now()

    assert (adopted.code, (ended - began).total_seconds() >= 180) == (0, True)
    world.pass_time()
    assert world.run().code == 3, "it is half made, and nobody's by any proof"
    assert (len(world.on_order(world.orders[-1])), world.state(one)) == (1, "review")


@pytest.mark.covers("F82")
@pytest.mark.parametrize("turns", [4])
def test_two_ledgers_of_one_account_that_take_turns_make_no_duplicate(
    world: World, turns: int
) -> None:
    other = f"sqlite:///{world.directory}/other.db"
    world.go_live()
    assert world.call("init", "--since", "7d", RECONCILER_LEDGER=other).code == 0
    for turn in range(turns):
        world.returned(("Acme", 1), ("Bolt", 1))
        world.pass_time()
        ledgers = [{}, {"RECONCILER_LEDGER": other}]
        if turn == 0:
            # A ledger that never pushed stops where Jetti is marked already; init --adopt mends it.
            assert world.run().code == 0
            assert world.call("init", "--adopt", RECONCILER_LEDGER=other).code == 0
            continue
        for environ in ledgers if turn % 2 else reversed(ledgers):
            assert world.run(**environ).code == 0

    assert len(world.jetti.sale_returns()) == len(world.jetti.notifications()) == 2 * turns
    assert_agreement(world)
