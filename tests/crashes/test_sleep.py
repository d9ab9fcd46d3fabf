"""A machine that slept in the middle of a return looks again before it goes on writing."""

from __future__ import annotations

import os
import signal

import pytest

from tests.crashes.crash_course import Course
from tests.crashes.crash_scenarios import named
from tests.crashes.mortal_world import Death, MortalWorld
from tests.support.agreement import assert_agreement

ASLEEP = 6
"""Hours."""
[SPLIT] = named("split create")
DECIDE = {"trackingNumber": "by hand", "status": "received"}


@pytest.mark.covers("F7")
@pytest.mark.parametrize("point", ["CREATED", "PUT_DONE"])
def test_what_a_person_did_while_it_slept_is_not_written_over(
    world: MortalWorld, point: str
) -> None:
    course = Course(SPLIT, world)

    def sleeps(pid: int) -> None:
        world.pass_time(hours=ASLEEP)
        for row in world.jetti.sale_returns():
            world.jetti.edit_sale_return(row["id"], **DECIDE)
        os.kill(pid, signal.SIGCONT)

    life = course.begin(Death(course.points.index(point) + 1, "stop"), stopped=sleeps)

    assert life.code == 0, life.stderr
    made = world.jetti.sale_returns()
    assert len(made) == 3
    assert [(row["trackingNumber"], row["status"]) for row in made] == [tuple(DECIDE.values())] * 3


@pytest.mark.covers("F7")
def test_what_it_had_begun_is_finished_in_the_same_run(world: MortalWorld) -> None:
    course = Course(SPLIT, world)

    def sleeps(pid: int) -> None:
        world.pass_time(hours=ASLEEP)
        os.kill(pid, signal.SIGCONT)

    life = course.begin(Death(course.points.index("PUT_DONE") + 1, "stop"), stopped=sleeps)

    assert life.code == 0, life.stderr
    assert_agreement(world)
