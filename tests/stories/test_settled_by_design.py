"""What was decided once and for all, each decision told as a story with its worst turns."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.agreement import assert_agreement, heal_and_agree
from tests.support.world import World


def pushed(world: World, *lines: tuple[str | None, int]) -> str:
    """A return with a label that Jetti knows of."""
    world.go_live()
    one = world.returned(*(lines or (("Acme", 3), ("Bolt", 1))))
    world.loop.label(one)
    world.pass_time()
    assert world.run().code == 0
    return one


# --------------------------------------------------------------- back to an earlier content


def leave(world: World, one: str) -> None:
    """Loop flags the return, and while it is flagged everything about it changes."""
    world.loop.set_state(one, "review")
    world.loop.add_line(one, world.orders[0].lines[0])
    world.loop.move_label(one, "in_transit")


def come_back(world: World, one: str) -> None:
    """Content as it was at first, byte for byte, only later."""
    row = world.seen(one)
    first = row.lines[: len(world.orders[0].lines)]
    [label] = row.labels
    world.loop.edit(one, lines=first, labels=(label.__class__(**_as_new(label)),))
    world.loop.set_state(one, "open")


def _as_new(label: Any) -> dict[str, Any]:
    return {name: getattr(label, name) for name in label.__struct_fields__} | {"status": "new"}


@pytest.mark.parametrize("seen", ["never", "once", "at every turn"])
def test_open_then_review_then_open_ends_at_the_newest_content(world: World, seen: str) -> None:
    one = pushed(world)
    for turn in range(3):
        leave(world, one)
        world.pass_time()
        if seen == "at every turn" or (seen == "once" and turn == 1):
            assert world.run().code == 0
        world.loop.set_state(one, "open")
        world.pass_time()
        if seen == "at every turn":
            assert world.run().code == 0
            assert_agreement(world)
        if turn < 1:
            world.loop.remove_line(one, world.seen(one).lines[-1].id)

    heal_and_agree(world)

    assert len(world.in_jetti(one)) == 2


@pytest.mark.parametrize("seen", [False, True])
def test_the_very_same_content_again_takes_back_what_was_told_in_between(
    world: World, seen: bool
) -> None:
    one = pushed(world)
    before = [(made["lines"], made["tracking_status"]) for made in world.in_jetti(one)]
    world.loop.set_state(one, "review")
    world.loop.add_line(one, world.orders[0].lines[0])
    world.pass_time()
    if seen:
        assert world.run().code == 0
        assert [made["lines"] for made in world.in_jetti(one)] != [lines for lines, _ in before]
    come_back(world, one)
    world.pass_time()

    ran = world.run()

    assert ran.code == 0
    assert [(made["lines"], made["tracking_status"]) for made in world.in_jetti(one)] == before
    assert_agreement(world)
    world.pass_time()
    assert world.run().jetti_requests == (0, 0)


@pytest.mark.parametrize("kind", ["applied_then_lost", "not_applied_then_lost", "503"])
def test_the_same_when_the_answer_to_what_was_told_in_between_is_lost(
    world: World, kind: str
) -> None:
    one = pushed(world)
    world.loop.add_line(one, world.orders[0].lines[0])
    world.pass_time()
    world.breaks("PUT *", kind, nth=1)
    assert world.run().code == 3
    come_back(world, one)

    heal_and_agree(world)


def test_held_before_it_ever_existed_and_open_again_is_created_as_it_is_by_then(
    world: World,
) -> None:
    world.go_live()
    one = world.returned(("Acme", 3))
    world.loop.set_state(one, "review")
    world.pass_time()
    assert (world.run().code, world.in_jetti(one)) == (0, [])
    world.loop.add_line(one, world.orders[0].lines[0])
    world.loop.set_state(one, "open")

    heal_and_agree(world)

    assert [list(made["lines"].values()) for made in world.in_jetti(one)] == [[2]]


# --------------------------------------------------------------------------- a refused return

KINDS_OF_RUNS: list[tuple[str, ...]] = [
    (),
    ("--sweep", "120d"),
    ("--from", "7d"),
    ("--max-writes", "0"),
    ("--dry-run",),
]


@pytest.mark.covers("F58", "P13")
@pytest.mark.parametrize("operation", ["POST *", "PUT *"])
def test_a_refused_return_keeps_the_exit_code_at_3_until_loop_shows_a_newer_version(
    world: World, operation: str
) -> None:
    world.go_live()
    one = world.returned()
    world.pass_time()
    world.breaks(operation, "422", nth=1)
    assert world.run().code == 3
    world.heals()
    told = len(world.writes())

    for options in KINDS_OF_RUNS * 2:
        world.pass_time(hours=13)
        ran = world.run(*options)
        assert (ran.code, world.call("status").code) == (3, 3), options
        assert [problem["return_id"] for problem in ran.report["problems"]] == [one]
    assert (world.state(one), len(world.writes())) == ("dead", told), "nobody tries it again"

    world.loop.label(one)
    heal_and_agree(world)
    assert world.call("status").code == 0


def test_a_touch_is_no_newer_version_of_a_refused_return(world: World) -> None:
    world.go_live()
    one = world.returned()
    world.pass_time()
    world.breaks("POST *", "422", nth=1)
    world.run()
    world.heals()
    told = len(world.writes())
    world.loop.touch(one)
    world.pass_time()

    assert (world.run().code, world.state(one), len(world.writes())) == (3, "dead", told)


@pytest.mark.covers("P9")
@pytest.mark.parametrize("what", ["refused", "in review"])
def test_other_returns_go_on_while_one_keeps_the_exit_code_at_3(world: World, what: str) -> None:
    world.go_live()
    if what == "refused":
        one = world.returned()
        world.breaks("POST *", "422", nth=1)
    else:
        one = world.submit(world.order(("Acme", 1), bundle=True))
    world.pass_time()
    assert world.run().code == 3
    other = world.returned()
    world.pass_time()

    ran = world.run()

    assert (ran.code, ran.outcomes) == (3, {other: ("create", "pushed")})
    assert_agreement(world, but=[one])


# ------------------------------------------------------------------------------------- outages

OUTAGES: list[tuple[str, dict[str, Any]]] = [
    ("refuse", {}),
    ("503", {}),
    # The end of a silence, when the client has given up: what it knows then is the same.
    ("not_applied_then_lost", {"ending": "close"}),
]
_KINDS = [kind for kind, _ in OUTAGES]
TWO_DAYS = 9
"""Passes in two days: one more than a return has tries."""


def in_every_stage(world: World) -> dict[str, str]:
    """Returns that are new, changed, cancelled, waiting and unanswered, by what they are."""
    world.trusted()
    stages = {name: world.returned() for name in ("changed", "cancelled", "calm", "unanswered")}
    world.pass_time()
    world.breaks("POST *", "not_applied_then_lost", nth=4)
    world.run()
    world.heals()
    stages["late"] = world.submit(world.order(("Acme", 1), arrives=False))
    world.loop.label(stages["changed"], status="in_transit")
    world.loop.set_state(stages["cancelled"], "cancelled")
    stages |= {f"new {number}": world.returned() for number in range(3)}
    return stages


@pytest.mark.covers("F56")
@pytest.mark.parametrize(("kind", "parameters"), OUTAGES, ids=_KINDS)
def test_two_days_without_jetti_burn_no_attempt_of_any_return(
    world: World, kind: str, parameters: dict[str, Any]
) -> None:
    stages = in_every_stage(world)
    spent = world.entry(stages["unanswered"]).attempts
    world.breaks("*", kind, **parameters)

    for _ in range(TWO_DAYS):
        world.pass_time(hours=48 / TWO_DAYS)
        assert world.run().code == 5

    entries = [world.entry(one) for one in stages.values()]
    assert {entry.attempts for entry in entries} <= {0, spent}
    assert {entry.state.value for entry in entries} <= {"synced", "pending", "unknown"}
    world.jetti.import_sale(world.orders[5])
    heal_and_agree(world, hours=7)


@pytest.mark.covers("F22")
@pytest.mark.parametrize(("kind", "parameters"), OUTAGES, ids=_KINDS)
def test_two_days_without_loop_burn_no_attempt_and_hold_back_no_backlog(
    world: World, kind: str, parameters: dict[str, Any]
) -> None:
    world.go_live()
    backlog = [world.returned() for _ in range(3)]
    world.pass_time()
    assert world.run("--max-writes", "0").code == 0
    unread = world.returned()
    world.breaks("*", kind, service="loop", **parameters)
    before = world.watermark()

    for _ in range(TWO_DAYS):
        world.pass_time(hours=48 / TWO_DAYS)
        assert world.run().code == 4

    assert world.watermark() == before
    assert {world.state(one) for one in backlog} == {"synced"}
    assert [world.entry(one).attempts for one in backlog] == [0, 0, 0]
    assert world.in_jetti(unread) == []
    heal_and_agree(world)


def test_an_outage_of_both_is_loops_to_tell_and_nothing_is_lost_by_it(world: World) -> None:
    stages = in_every_stage(world)
    world.breaks("*", "503", service="loop")
    world.breaks("*", "503")

    for _ in range(TWO_DAYS):
        world.pass_time(hours=48 / TWO_DAYS)
        assert world.run().code == 4

    assert max(world.entry(stages[name]).attempts for name in ("changed", "calm")) == 0
    world.jetti.import_sale(world.orders[5])
    heal_and_agree(world, hours=7)


def test_an_outage_of_the_writes_alone_burns_no_attempt(world: World) -> None:
    stages = in_every_stage(world)
    world.jetti.import_sale(world.orders[5])
    world.breaks("POST *", "503")
    world.breaks("PUT *", "503")

    codes = set()
    for _ in range(TWO_DAYS):
        world.pass_time(hours=48 / TWO_DAYS)
        codes.add(world.run().code)

    assert codes == {5}
    assert {world.entry(one).state.value for one in stages.values()} & {"dead", "review"} == set()
    heal_and_agree(world, hours=13)
