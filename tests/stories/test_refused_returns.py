"""A return that Jetti refuses keeps the exit code at 3 until Loop shows a newer version of it."""

from __future__ import annotations

import pytest

from tests.support.agreement import assert_agreement, heal_and_agree
from tests.support.world import World

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
