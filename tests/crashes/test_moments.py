"""Killed from outside at a random moment, with no regard for points."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress

import pytest

from tests.crashes.crash_course import Course
from tests.crashes.crash_scenarios import Scenario, named
from tests.crashes.mortal_world import MortalWorld
from tests.support.figures import Figures

MOMENTS, MOMENTS_LONG = 3, 250
"""Per scenario."""


@pytest.mark.covers("F1", "P1")
@pytest.mark.parametrize(
    "scenario", named("split create", "update", "backfill", "read back and absent"), ids=str
)
def test_killed_at_a_random_moment(
    world: MortalWorld, scenario: Scenario, figures: Figures, long: bool
) -> None:
    course, chance = Course(scenario, world, long=long), random.Random(f"moments of {scenario}")
    for _ in range(MOMENTS_LONG if long else MOMENTS):
        delay = chance.uniform(0, course.seconds)
        while not killed_after(delay, course):
            delay = chance.uniform(0, delay)  # this run was quicker than the measured one
        figures.add("crashes", "kill -9 at a random moment")


def killed_after(delay: float, course: Course) -> bool:
    """Whether the run was killed, that many seconds after its birth, before it had ended."""

    def kills(pid: int) -> None:
        with suppress(ProcessLookupError):  # it was quicker
            process = os.pidfd_open(pid)
            time.sleep(delay)
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, signal.SIGKILL)
            os.close(process)

    life = course.begin(born=kills)

    assert life.code in (-signal.SIGKILL, course.code), life.stderr
    course.ends_as_if_nothing_had_happened()
    return life.code == -signal.SIGKILL
