"""A return that is held, or told otherwise, and then is what it was before."""

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
