"""Orders that look alike, creates that split otherwise, returns that name nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.agreement import assert_agreement, heal_and_agree
from tests.support.world import World

# ------------------------------------------------------------------------- exactly ours (F61)


@pytest.mark.covers("F61")
@pytest.mark.parametrize("form", ["0{id}", "{id}0", " {id}", "#{id}", "{id}.0"])
def test_an_order_id_that_merely_resembles_ours_is_another_order(world: World, form: str) -> None:
    world.go_live()
    order = world.order(("Acme", 1), arrives=False)
    world.jetti.import_sale(order, externalId=form.format(id=order.order_id), reference="9999")
    one = world.submit(order)
    world.pass_time()

    ran = world.run()

    assert (ran.code, ran.outcomes) == (0, {one: ("create", "waiting")})
    assert world.writes() == []
    world.jetti.import_sale(order)
    heal_and_agree(world)


@pytest.mark.covers("F61")
@pytest.mark.parametrize("twin", [{"reference": "1001"}, {"externalId": "777"}])
def test_of_two_orders_the_one_with_our_id_counts_and_only_that(
    world: World, twin: dict[str, Any]
) -> None:
    world.go_live()
    order = world.order(("Acme", 1))
    other = world.order(("Bolt", 1), arrives=False)
    world.jetti.import_sale(other, **{"reference": "7777", **twin})
    one = world.submit(order)
    world.pass_time()

    assert world.run().code == 0

    assert [made["saleId"] for made in world.jetti.sale_returns()] == [world.sale_id(order)]
    assert len(world.in_jetti(one)) == 1


@pytest.mark.covers("F61")
def test_a_server_that_answers_with_strangers_gets_nothing_created_for_them(world: World) -> None:
    world.go_live()
    for _ in range(3):
        world.returned()
    world.pass_time()
    assert world.run().code == 0
    one = world.returned()
    world.pass_time()
    before = len(world.jetti.sale_returns())
    world.breaks("GET /sales*", "filter_ignored")

    ran = world.run()

    assert (ran.code, len(world.jetti.sale_returns())) == (0, before + 1)
    heal_and_agree(world)
    assert len(world.in_jetti(one)) == 1


@pytest.mark.covers("F60")
def test_an_order_that_was_given_up_is_looked_for_again_when_the_return_changes(
    world: World,
) -> None:
    world.go_live()
    order = world.order(("Acme", 1), arrives=False)
    one = world.submit(order)
    world.pass_time()
    world.run()
    world.pass_time(days=31)
    assert (world.run().code, world.state(one)) == (3, "dead")
    world.jetti.import_sale(order)
    world.pass_time()
    assert world.run().code == 3, "nobody looks by himself any more"
    world.loop.label(one)

    heal_and_agree(world)

    assert len(world.in_jetti(one)) == 1


# ------------------------------------------------------------------------------ splits (F66)


@pytest.mark.covers("F66")
@pytest.mark.parametrize(("split", "made"), [("per_line", 3), ("single", 1), ("per_vendor", 2)])
@pytest.mark.parametrize("listed", [True, False])
def test_however_a_create_is_split_the_lines_are_returned_once(
    world: World, split: str, made: int, listed: bool
) -> None:
    switches = world.sandbox.jetti.switches
    switches.split, switches.cancel_answer_items = split, listed
    world.go_live()
    one = world.returned(("Acme", 1), ("Acme", 2), ("Bolt", 1))
    world.loop.label(one)
    world.pass_time()

    assert world.run().code == 0

    assert len(world.in_jetti(one)) == len(world.jetti.sale_returns()) == made
    assert_agreement(world)
    world.loop.set_state(one, "cancelled")
    heal_and_agree(world)


@pytest.mark.covers("F66")
@pytest.mark.parametrize("split", ["per_line", "single"])
@pytest.mark.parametrize("kind", ["applied_then_lost", "not_applied_then_lost"])
def test_an_unanswered_create_that_was_split_otherwise_is_recognised_all_the_same(
    world: World, split: str, kind: str
) -> None:
    world.sandbox.jetti.switches.split = split
    world.go_live()
    world.returned(("Acme", 1), ("Acme", 2), ("Bolt", 1))
    world.pass_time()
    world.breaks("POST *", kind, nth=1)
    assert world.run().code == 3

    heal_and_agree(world)


# --------------------------------------------------------------------- nothing to name (F73)


@pytest.mark.covers("F73")
@pytest.mark.parametrize("emptied", ["before", "after"])
def test_a_return_without_lines_asks_for_nothing(world: World, emptied: str) -> None:
    world.go_live()
    one = world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    if emptied == "after":
        assert world.run().code == 0
    world.loop.edit(one, lines=())
    world.pass_time()

    ran = world.run()

    creates = [name for name in world.writes() if name.startswith("POST")]
    assert (ran.code, len(creates)) == (0, int(emptied == "after"))
    assert {made["status"] for made in world.in_jetti(one)} <= {"cancelled"}


@pytest.mark.covers("F73")
def test_lines_that_jetti_knows_none_of_ask_for_nothing(world: World) -> None:
    world.go_live()
    one = world.returned(("Acme", 1))
    world.loop.edit_line(one, world.seen(one).lines[0].id, order_line_id="5")
    codes = []
    for _ in range(3):
        world.pass_time(hours=13)
        codes.append(world.run().code)

    assert (codes[-1], world.writes(), world.state(one)) == (3, [], "review")
