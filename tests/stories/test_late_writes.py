"""Writes that land late, returns that change meanwhile, services that fail for one or for all."""

from __future__ import annotations

import pytest

from tests.stories.between_requests import Asked, once
from tests.support.agreement import assert_agreement, heal_and_agree
from tests.support.world import World


def pushed(world: World, *lines: tuple[str | None, int], units: tuple[int, ...] = (1,)) -> str:
    world.go_live()
    one = world.submit(world.order(*(lines or (("Acme", 3),))), *units)
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    return one


# ------------------------------------------------------------------- later than settle (F53)


def lands_late(world: World) -> str:
    """A return whose first create landed long after it was made again."""
    world.go_live()
    one = world.submit(world.order(("Acme", 3)), 1)
    world.pass_time()
    world.breaks("POST *", "applied_later", nth=1, seconds=1200)
    world.run()
    world.pass_time()
    assert world.run().code == 0, "absent twice, and made again: all that can be known"
    world.pass_time(minutes=30)
    assert len(world.jetti.sale_returns()) == 2, "now the late one is there as well"
    return one


@pytest.mark.covers("F53")
def test_a_create_that_lands_after_settle_is_outside_the_promise_but_made_no_worse(
    world: World,
) -> None:
    one = lands_late(world)

    world.loop.label(one, status="in_transit")
    world.pass_time()
    world.run()
    world.loop.move_label(one, "delivered")
    world.pass_time()
    world.run()

    units = sum(sum(made["lines"].values()) for made in world.on_order(world.orders[0]))
    assert (len(world.jetti.sale_returns()), units) == (2, 1)


def made_twice(world: World) -> str:
    """One that landed late, and both that were made carry the marker."""
    world.sandbox.jetti.switches.cancel_attributes = "applied"
    one = lands_late(world)
    assert len(world.in_jetti(one)) == 2
    return one


@pytest.mark.covers("F53")
@pytest.mark.parametrize("done", ["scan", "cancel"])
def test_a_late_duplicate_that_carries_the_marker_is_never_filled_with_units(
    world: World, done: str
) -> None:
    one = made_twice(world)
    if done == "scan":
        world.loop.label(one, status="in_transit")
    else:
        world.loop.set_state(one, "cancelled")
    world.pass_time()

    ran = world.run()

    live = [made for made in world.in_jetti(one) if made["status"] != "cancelled"]
    units = sum(sum(made["lines"].values()) for made in live)
    if done == "scan":
        assert (ran.code, world.state(one), units) == (3, "review", 1)
        assert "2 sale returns for this return" in ran.reason(one)
    else:
        assert (ran.code, live) == (0, [])


@pytest.mark.covers("R6")
@pytest.mark.parametrize("which", [0, 1])
def test_whoever_cancels_either_of_the_two_has_settled_it(world: World, which: int) -> None:
    """The one that the ledger knows or the late one, before a pass has met both."""
    one = made_twice(world)
    twins = world.in_jetti(one)
    world.jetti.edit_sale_return(twins[which]["id"], status="cancelled")
    world.loop.label(one, status="in_transit")
    world.pass_time()

    ran = world.run()

    assert ran.code == 0, ran.reason(one)
    [left] = [made for made in world.in_jetti(one) if made["status"] != "cancelled"]
    assert (ran.code, world.state(one), left["status"]) == (0, "synced", "shipped")
    assert [item["quantity"] for item in world.jetti.items_of(left["id"])] == [1]


# -------------------------------------------------------------------- a PUT that is late (F54)


@pytest.mark.covers("F54")
@pytest.mark.parametrize("seconds", [1, 60, 179])
def test_a_second_put_waits_until_the_first_has_landed_or_never_will(
    world: World, seconds: int
) -> None:
    one = pushed(world)
    world.loop.move_label(one, "in_transit")
    world.pass_time()
    world.breaks("PUT *", "applied_later", nth=1, seconds=seconds)
    assert world.run().code == 3
    sent = len(world.writes())
    world.loop.move_label(one, "delivered")
    world.loop.add_line(one, world.orders[0].lines[0])
    world.pass_time(seconds=125)

    early = world.run()

    assert (early.code, len(world.writes())) == (3, sent), "v2 stands behind v1"
    heal_and_agree(world)


@pytest.mark.covers("F54")
def test_a_put_that_lands_after_settle_is_outside_the_promise_and_a_person_is_asked_in_time(
    world: World,
) -> None:
    """It looks like a person's value: other fields go on, that one is nobody's to overwrite."""
    one = pushed(world)
    [line] = [line.order_line_id for line in world.orders[0].lines]
    world.loop.add_line(one, world.orders[0].lines[0])
    world.pass_time()
    world.breaks("PUT *", "applied_later", nth=1, seconds=2000)
    assert world.run().code == 3
    world.loop.remove_line(one, world.seen(one).lines[-1].id)
    world.pass_time()
    assert world.run().code == 0
    world.pass_time(hours=1)
    assert world.in_jetti(one)[0]["lines"] == {line: 2}, "v1 has landed over v2"

    world.loop.move_label(one, "in_transit")
    world.pass_time()
    other = world.run()
    world.loop.add_line(one, world.orders[0].lines[0])
    world.loop.add_line(one, world.orders[0].lines[0])
    world.pass_time()
    same = world.run()

    assert (other.code, world.in_jetti(one)[0]["status"]) == (0, "shipped")
    assert (same.code, world.state(one), same.jetti_requests[1]) == (3, "review", 0)
    assert "set 2 in Jetti" in same.reason(one)


# -------------------------------------------------------- changes between plan and push (F71)


@pytest.mark.covers("F71")
@pytest.mark.parametrize("before", ["a look", "the create", "a put"])
def test_a_return_that_changes_while_it_is_pushed_ends_at_the_newest(
    world: World, before: str
) -> None:
    world.go_live()
    one = world.submit(world.order(("Acme", 3)), 1)
    world.loop.label(one)
    world.pass_time()
    method = {"a look": "GET", "the create": "POST", "a put": "PUT"}[before]

    def change() -> None:
        world.loop.move_label(one, "in_transit")
        world.loop.add_line(one, world.orders[0].lines[0])

    struck = once(world, lambda asked: (asked.service, asked.method) == ("jetti", method), change)

    first = world.run()

    assert (struck != [], first.code, first.outcomes) == (True, 0, {one: ("create", "pushed")})
    world.pass_time()
    second = world.run()
    assert second.outcomes == {one: ("update", "pushed")}
    assert_agreement(world)


@pytest.mark.covers("F71")
def test_a_return_cancelled_between_plan_and_create_is_cancelled_by_the_next_run(
    world: World,
) -> None:
    world.go_live()
    one = world.returned()
    world.pass_time()
    struck = once(world, _creates, lambda: world.loop.set_state(one, "cancelled"))
    world.run()
    world.pass_time()

    ran = world.run()

    assert (struck != [], ran.outcomes) == (True, {one: ("cancel", "pushed")})
    assert_agreement(world)


def _creates(asked: Asked) -> bool:
    return asked.method == "POST"


# -------------------------------------------------------------------------- one of many (F69)


@pytest.mark.covers("F69", "P9")
def test_one_poisoned_return_among_many_delays_none_of_them(world: World, long: bool) -> None:
    count = 100 if long else 20
    world.trusted()
    before = [world.returned() for _ in range(count // 2)]
    poisoned = world.returned()
    after = [world.returned() for _ in range(count - count // 2)]
    world.breaks(f"POST /sales/{world.sale_id(world.orders[-1 - len(after)])}/*", "500")
    world.pass_time()

    ran = world.run(RECONCILER_GUARD__CREATES=str(2 * count))

    struck = [arrival for arrival in world.sandbox.request_log.all() if arrival.fault]
    assert {world.state(one) for one in (*before, *after)} == {"synced"}
    assert (ran.code, world.state(poisoned), len(struck)) == (3, "unknown", 1)
    assert_agreement(world, but=[poisoned])


# ------------------------------------------------------------------------ all of them (F70)


@pytest.mark.covers("F70")
@pytest.mark.parametrize(
    ("operation", "most", "count"), [("POST *", 5, 40), ("PUT *", 6, 6), ("GET *", 20, 6)]
)
def test_when_everything_fails_few_requests_are_made_and_no_try_is_spent(
    world: World, operation: str, most: int, count: int
) -> None:
    world.trusted()
    several = [world.returned() for _ in range(count)]
    world.pass_time()
    world.breaks(operation, "500")
    before = len(world.sandbox.request_log.all())

    ran = world.run(RECONCILER_GUARD__CREATES="100")

    failed = [one for one in world.sandbox.request_log.all()[before:] if one.fault == "500"]
    assert (ran.code, max(world.entry(one).attempts for one in several)) == (5, 0)
    assert len(failed) <= most, "five in a row open the breaker; reads have four tries each"
    heal_and_agree_within(world, count)


def heal_and_agree_within(world: World, count: int) -> None:
    world.heals()
    world.pass_time(hours=1)
    ran = world.run(RECONCILER_GUARD__CREATES=str(10 * count))
    assert ran.code == 0, ran.report["problems"]
    assert_agreement(world)
