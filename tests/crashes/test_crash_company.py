"""Not alone: runs beside each other, and two ledgers for one Jetti account."""

from __future__ import annotations

import os
import random
import signal

import pytest
from agreement import assert_agreement
from crash_course import Course
from crash_scenarios import named
from figures import Figures
from mortal_world import Death, Life, MortalWorld
from zygote import Zygote

AT_ONCE = 20.0
"""Seconds, on a crowded machine; a third of one is usual. Who waited for the lock would wait for
ever, and who waited for the ledger thirty seconds."""
OTHERS = 9
[SPLIT] = named("split create")


@pytest.mark.parametrize("point", ["INTENT_COMMITTED", "LOCK_LET_GO"])
def test_while_one_run_stands_still_with_the_lock_all_others_leave(
    world: MortalWorld, figures: Figures, point: str
) -> None:
    course = Course(SPLIT, world)
    others: list[Life] = []

    def come(pid: int) -> None:
        with Zygote() as second:
            beside = world.beside(second)
            beside.lives("--version")
            others.extend(beside.lives("run") for _ in range(OTHERS))
            others.append(beside.lives("run", "--dry-run"))
            others.append(beside.lives("status"))
        os.kill(pid, signal.SIGCONT)

    life = course.begin(Death(course.points.index(point) + 1, "stop"), stopped=come)

    assert [one.code for one in others[:OTHERS]] == [75] * OTHERS
    assert {one.code for one in others[OTHERS:]} <= {0, 3}, "looking works meanwhile"
    assert max(one.seconds for one in others) < AT_ONCE
    assert life.code == 0
    course.ends_as_if_nothing_had_happened()
    figures.add("crashes", "runs turned away by a lock", OTHERS)


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
