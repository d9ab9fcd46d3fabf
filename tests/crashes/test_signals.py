"""Asked to stop at any point, a run begins no new write and goes; the next one puts it right."""

from __future__ import annotations

import os
import random
import signal

import pytest

from tests.crashes.crash_course import Course, chosen, writes_of
from tests.crashes.crash_scenarios import SCENARIOS, Scenario, named
from tests.crashes.mortal_world import Death, MortalWorld
from tests.support.figures import Figures

AT_ONCE = 10.0
"""Seconds of the machine's time; 30 are allowed, and nothing here is slow to answer."""
ASLEEP = 6
"""Hours for which the machine is suspended."""
WRITING = named("split create", "read back and absent")


def assert_stops(course: Course, at: int, what: str, code: int) -> None:
    life = course.begin(Death(at, what))

    assert life.seconds < AT_ONCE
    if life.code != code:  # it came too late: everything was done by then
        assert (life.code, life.points) == (course.code, course.points), life.stderr
    assert [sent for _, sent in writes_of(life.points) if sent > at] == []
    course.ends_as_if_nothing_had_happened()


@pytest.mark.covers("F6", "P14")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_after_sigterm_at_any_point_no_write_begins(
    world: MortalWorld, scenario: Scenario, figures: Figures, long: bool
) -> None:
    if not long and scenario not in WRITING:
        pytest.skip("only in the long form")
    course = Course(scenario, world, long=long)

    for at in chosen(course.points, one=not long):
        assert_stops(course, at, "term", 143)
        figures.add("crashes", "SIGTERM at a point")
        figures.note("crashes", "points covered by SIGTERM", course.points[at - 1])


@pytest.mark.covers("F6", "P14")
def test_after_sigterm_between_several_creates_no_further_one_begins(
    world: MortalWorld, figures: Figures
) -> None:
    [scenario] = named("several creates")
    course = Course(scenario, world)
    creates = writes_of(course.points)[3:6]

    for intended, sent in creates:
        for at in (intended, sent):
            assert_stops(course, at, "term", 143)
            figures.add("crashes", "SIGTERM between several creates")


@pytest.mark.covers("F6")
@pytest.mark.parametrize("scenario", WRITING, ids=str)
def test_after_sigint_no_write_begins_either(
    world: MortalWorld, scenario: Scenario, figures: Figures, long: bool
) -> None:
    course, chance = Course(scenario, world, long=long), random.Random(2)

    for at in chance.sample(range(1, len(course.points) + 1), 25 if long else 3):
        assert_stops(course, at, "int", 130)
        figures.add("crashes", "SIGINT at a point")


@pytest.mark.covers("F7")
@pytest.mark.parametrize("scenario", WRITING, ids=str)
def test_a_machine_that_sleeps_for_hours_wakes_up_to_agreement(
    world: MortalWorld, scenario: Scenario, figures: Figures, long: bool
) -> None:
    course, chance = Course(scenario, world, long=long), random.Random(7)

    def sleeps(pid: int) -> None:
        world.pass_time(hours=ASLEEP)
        os.kill(pid, signal.SIGCONT)

    for at in chance.sample(range(1, len(course.points) + 1), 25 if long else 4):
        life = course.begin(Death(at, "stop"), stopped=sleeps)

        assert life.code in (0, 3), life.stderr
        course.ends_as_if_nothing_had_happened(hours=2 * ASLEEP)
        figures.add("crashes", "SIGSTOP for hours")
