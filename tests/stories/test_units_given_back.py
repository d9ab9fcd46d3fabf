"""What one return gives back, another may take: also when both are read in one pass."""

from __future__ import annotations

from tests.support.agreement import assert_agreement, heal_and_agree
from tests.support.world import World


def cancelled_and_submitted_anew(world: World) -> tuple[str, str]:
    """A pushed return of the only unit, then cancelled in Loop, then another of the same unit."""
    world.go_live()
    order = world.order(("Acme", 1))
    first = world.submit(order)
    world.pass_time()
    assert world.run().code == 0
    world.loop.set_state(first, "cancelled")
    world.pass_time(seconds=20)
    second = world.submit(order)
    world.pass_time()
    return first, second


def test_a_return_cancelled_and_submitted_anew_is_cancelled_and_created(world: World) -> None:
    first, second = cancelled_and_submitted_anew(world)

    ran = world.run()

    assert (ran.code, ran.outcomes) == (
        0,
        {first: ("cancel", "pushed"), second: ("create", "pushed")},
    )
    assert_agreement(world)


def test_a_unit_taken_off_one_return_and_put_on_another_arrives_there(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 3))
    first, second = world.submit(order, 2), world.submit(order, 1)
    world.pass_time()
    assert world.run().code == 0
    world.loop.remove_line(first, world.seen(first).lines[0].id)
    world.pass_time(seconds=20)
    world.loop.add_line(second, order.lines[0])
    world.pass_time()

    assert world.run().code == 0

    assert_agreement(world)


def test_it_waits_while_the_other_cannot_be_cancelled(world: World) -> None:
    first, second = cancelled_and_submitted_anew(world)
    world.breaks("PUT *", "not_applied_then_lost")

    ran = world.run()

    assert ran.outcomes == {first: ("cancel", "failed"), second: ("create", "deferred")}
    assert world.state(second) == "pending"
    assert f"still taken up by return {first}" in ran.reason(second)
    heal_and_agree(world, minutes=10)


def test_what_nobody_gives_back_is_for_a_person(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1))
    world.submit(order)
    world.pass_time()
    assert world.run().code == 0
    second = world.submit(order)
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.state(second)) == (3, "review")
    assert "only 0 of 1" in ran.reason(second)
