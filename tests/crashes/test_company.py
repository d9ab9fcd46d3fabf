"""Not alone: runs beside each other, and two ledgers for one Jetti account."""

from __future__ import annotations

import os
import random
import signal
from datetime import datetime, timedelta

import pytest

from tests.crashes.crash_course import Course
from tests.crashes.crash_scenarios import named
from tests.crashes.mortal_world import Death, Life, MortalWorld
from tests.crashes.zygote import Zygote
from tests.support.agreement import assert_agreement
from tests.support.figures import Figures

AT_ONCE = 1.0
"""Seconds that a run may take to be turned away, beside what any start costs just then."""
STARTS = 5
"""So many times what is usual: a crowded machine is slow at everything, but not evenly."""
OTHERS = 9
[SPLIT] = named("split create")


@pytest.mark.covers("F80")
@pytest.mark.parametrize("point", ["INTENT_COMMITTED", "LOCK_LET_GO"])
def test_while_one_run_stands_still_with_the_lock_all_others_leave(
    world: MortalWorld, figures: Figures, point: str
) -> None:
    course = Course(SPLIT, world)
    starts: list[Life] = []
    others: list[Life] = []
    looks: list[Life] = []
    moments: list[datetime] = []

    def come(pid: int) -> None:
        with Zygote() as second:
            beside = world.beside(second)
            beside.lives("--version")
            moments.append(world.clock.now())
            for _ in range(OTHERS):
                starts.append(beside.lives("--version"))
                others.append(beside.lives("run"))
            moments.append(world.clock.now())
            looks.extend(beside.lives(*look) for look in (("run", "--dry-run"), ("status",)))
        os.kill(pid, signal.SIGCONT)

    life = course.begin(Death(course.points.index(point) + 1, "stop"), stopped=come)

    assert [one.code for one in others] == [75] * OTHERS
    assert {one.code for one in looks} <= {0, 3}, "looking works meanwhile"
    # Each has another look, in case the first met somebody who only looked at the lock.
    passed = moments[1] - moments[0]
    assert passed <= OTHERS * timedelta(seconds=0.5), "who waits for the lock lets time pass"
    # All of them together, because a crowded machine may hold up any single one.
    assert sum(one.seconds for one in others) < sum(
        AT_ONCE + STARTS * one.seconds for one in starts
    )
    assert max(one.seconds for one in looks) < AT_ONCE + STARTS * course.seconds
    assert life.code == 0
    course.ends_as_if_nothing_had_happened()
    figures.add("crashes", "runs turned away by a lock", OTHERS)


@pytest.mark.covers("F82")
def test_two_ledgers_that_take_turns_on_one_account_make_no_duplicate(
    world: MortalWorld, figures: Figures, long: bool
) -> None:
    """Not promised for runs in the same seconds, but with settle between them, deaths included.

    What one of them left half made is for a person to the other, which cannot know whose it is.
    """
    chance = random.Random(82)
    world.go_live()
    world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    assert world.run().code == 0
    other = {"RECONCILER_LEDGER": f"sqlite:///{world.directory}/other.db"}
    assert world.call("init", "--since", "7d", "--adopt", **other).code == 0

    for turn in range(120 if long else 10):
        if turn % 2 == 0:
            world.returned(("Acme", 2), ("Bolt", 1))
            world.pass_time()
        whose = other if chance.random() < 0.5 else {}
        world.lives("run", death=Death(chance.randint(1, 120)), **whose)
        world.pass_time()
        figures.add("crashes", "turns of two ledgers on one account")

    _take_turns(world, other)
    assert_agreement(world)
    sets = 2 * len(world.loop.returns())
    assert len(world.jetti.sale_returns()) == len(world.jetti.notifications()) == sets
    writes = len(world.writes())
    _take_turns(world, other)
    assert len(world.writes()) == writes


def _take_turns(world: MortalWorld, other: dict[str, str]) -> None:
    for environ in (other, {}):
        world.pass_time(hours=2)
        assert world.call("run", **environ).code in (0, 3)
