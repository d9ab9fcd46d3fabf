"""Killed at any point of any run, the next one leads to where an uninterrupted one would have."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from reconciler.failpoints import Failpoint
from tests.crashes.crash_course import Course, chosen, writes_of
from tests.crashes.crash_scenarios import SCENARIOS, Scenario, named
from tests.crashes.mortal_world import Death, MortalWorld, mortal_world
from tests.crashes.zygote import Zygote
from tests.support.figures import Figures

PAIRS, PAIRS_LONG = 1, 12
"""Per scenario."""
UNCHECKED = 8
"""Points of the short form at which creates have no checked answer."""


@pytest.fixture(scope="module")
def shared(request: pytest.FixtureRequest, zygote: Zygote) -> Iterator[Course]:
    """Made once for both tests of a scenario: each death begins in the world as it was."""
    with mortal_world(zygote) as world:
        yield Course(request.param, world, long=bool(request.config.getoption("long")))


@pytest.fixture
def course(shared: Course) -> Course:
    shared.look_as_at_first()
    return shared


def each(*scenarios: Scenario) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("shared", scenarios, ids=str, indirect=True)


def sample(course: Course) -> list[int]:
    """Every third point or, of a scenario that is much like others, every tenth; the long form has
    each."""
    every = chosen(course.points, one=True)
    step = 10 if course.scenario.alike else 3
    return every[random.Random(str(course.scenario)).randrange(step) :: step] or every[-1:]


@pytest.mark.covers("F1", "F2", "F3", "F4", "F81", "F89", "P1")
@each(*SCENARIOS)
def test_killed_at_any_point_the_next_run_puts_it_right(
    course: Course, figures: Figures, long: bool
) -> None:
    for at in range(1, len(course.points) + 1) if long else sample(course):
        course.dies(Death(at))
        course.ends_as_if_nothing_had_happened()
        figures.add("crashes", "kill -9 at a point")
        figures.add("crashes", f"kill -9: {course.scenario}")
        figures.note("crashes", "points covered", course.points[at - 1])


@pytest.mark.covers("F1", "P1")
def test_killed_while_several_creates_are_unchecked_the_next_run_puts_it_right(
    world: MortalWorld, figures: Figures, long: bool
) -> None:
    """At any point from the first of them to the record of the last."""
    [scenario] = named("several creates")
    course = Course(scenario, world, long=long)
    second_create = writes_of(course.points)[3]  # behind the first one and its two PUTs
    begin, *_, end = (at for at, point in enumerate(course.points, 1) if point == "CREATED")
    assert [begin < at < end for at in second_create] == [True, True]
    unchecked = range(second_create[0], end + 1)
    assert len(writes_of(course.points[unchecked.start - 1 : unchecked.stop - 1])) == 3

    for at in unchecked if long else random.Random(9).sample(unchecked, UNCHECKED):
        course.dies(Death(at))
        course.ends_as_if_nothing_had_happened()
        figures.add("crashes", "kill -9 while several creates are unchecked")


@pytest.mark.covers("F1", "P1")
@each(*SCENARIOS)
def test_killed_again_while_it_is_put_right(course: Course, figures: Figures, long: bool) -> None:
    if course.scenario.alike and not long:
        pytest.skip("its way is much like another's")
    chance = random.Random(str(course.scenario))
    for _ in range(PAIRS_LONG if long else PAIRS):
        first, second = (Death(chance.randint(1, len(course.points))) for _ in range(2))
        course.dies(first, second)
        course.ends_as_if_nothing_had_happened(hours=2)
        figures.add("crashes", "pairs of kill -9")


def test_every_point_lies_on_the_way_of_some_scenario(zygote: Zygote, figures: Figures) -> None:
    reached: set[str] = set()
    for scenario in SCENARIOS:
        with mortal_world(zygote) as world:
            reached.update(Course(scenario, world, judged=False).points)
    figures.note("crashes", "points existing", *Failpoint.__members__)

    assert reached == set(Failpoint.__members__)
