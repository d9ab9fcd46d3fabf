"""A name that Loop does not know holds up nothing else that was asked for, and is reported."""

from __future__ import annotations

import pytest

from tests.support.agreement import assert_agreement
from tests.support.world import World


@pytest.mark.parametrize("first", [True, False])
def test_an_unknown_return_holds_up_no_other(world: World, first: bool) -> None:
    world.go_live()
    good = [world.returned(), world.returned()]
    world.pass_time()
    asked = ["999", *good, "998"] if first else [*good, "999", "998"]

    ran = world.run("--return", *asked)
    text = world.call("run", "--return", *asked).stdout

    assert (ran.code, [len(world.in_jetti(one)) for one in good]) == (2, [1, 1])
    [failure] = ran.report["run"]["failures"]
    assert failure["message"].startswith("--return 999 998: Loop knows no such returns")
    assert ran.report["run"]["message"] == failure["message"]
    assert "  Run 2 (single): --return 999 998: Loop knows no such returns" in text
    assert "[exit 2]" in text
    assert_agreement(world)
    world.pass_time()
    assert world.run().code == 0, "the last scheduled pass is not concerned"


def test_an_unknown_order_holds_up_no_other(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1))
    one = world.submit(order)
    other = world.returned()
    world.pass_time()

    ran = world.run("--order", "#9", order.name)
    also = world.run("--return", other, "--order", "#9")

    assert (ran.code, also.code) == (2, 2)
    assert "--order #9: Loop knows no return of this order" in ran.report["run"]["message"]
    assert [len(world.in_jetti(each)) for each in (one, other)] == [1, 1]
    assert_agreement(world)


def test_a_return_that_is_gone_from_an_order_holds_up_no_other(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1), ("Bolt", 1))
    gone = world.submit(order, 1, 0)
    world.pass_time()
    assert world.run().code == 0
    stays = world.submit(order, 0, 1)
    world.loop.remove(gone)
    world.pass_time()

    ran = world.run("--order", order.name)

    assert ran.code == 2
    assert f"Loop no longer knows return {gone}" in ran.report["run"]["message"]
    assert len(world.in_jetti(stays)) == 1


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_where_nothing_that_was_asked_for_is_known_nothing_is_done(
    world: World, options: tuple[str, ...]
) -> None:
    world.go_live()
    waiting = world.returned()
    world.pass_time()

    ran = world.run("--return", "999", *options)

    assert (ran.code, ran.report["changes"], world.writes()) == (2, [], [])
    assert world.in_jetti(waiting) == []
