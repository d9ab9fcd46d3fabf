"""A disk that is full from some point on: the run stops, and with room again nothing is missing."""

from __future__ import annotations

import random
import sqlite3
import subprocess
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from tests.crashes.crash_course import Course, chosen, writes_of
from tests.crashes.crash_scenarios import CROWD, SCENARIOS, Scenario, named
from tests.crashes.mortal_world import Death, MortalWorld
from tests.crashes.zygote_process import fill_the_disk
from tests.support.figures import Figures

FULL = 8
STEPS = 3
"""By so many pages at least the ledger of `CROWD` grows."""
WRITING = named("split create", "migration")


def of_small_pages(scenario: Scenario) -> Scenario:
    """The same, but with no room in the ledger: most of what is told to it makes it grow."""

    def prepare(world: MortalWorld) -> Collection[str] | None:
        left = scenario.prepare(world)
        for ledger in world.directory.glob("*.db"):
            with closing(sqlite3.connect(ledger)) as raw:
                raw.execute("PRAGMA page_size = 512")
                raw.execute("VACUUM")
        return left

    return replace(scenario, prepare=prepare)


def sample(points: Sequence[str], scenario: Scenario, long: bool) -> list[int]:
    """Each point once; in the short form one by chance, and of some scenarios the first too."""
    every = chosen(points, one=True)
    if long:
        return every
    by_chance = random.Random(str(scenario)).choice(every[1:])
    return [by_chance] if scenario.alike else [every[0], by_chance]


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """A file system of its own, of one megabyte."""
    place.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def on_a_small_disk(world: MortalWorld) -> Iterator[MortalWorld]:
    with small_disk(world.directory):
        yield world


@pytest.mark.covers("F83", "F84")
def test_a_ledger_that_cannot_grow_any_further_stops_the_run_at_every_step_of_growth(
    world: MortalWorld, figures: Figures
) -> None:
    course = Course(CROWD, world)
    opened = course.points.index("LEDGER_OPENED") + 1
    for pages in count():
        life = course.begin(Death(opened, "full", pages))
        if life.code != FULL:
            break
        course.ends_as_if_nothing_had_happened()
        figures.add("crashes", "SQLite's page limit at a step of growth")

    assert (life.code, life.points) == (course.code, course.points), life.stderr
    assert pages >= STEPS


@pytest.mark.covers("F83", "F84")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_ledger_that_may_not_grow_from_any_point_on_loses_nothing(
    world: MortalWorld, scenario: Scenario, figures: Figures, long: bool
) -> None:
    course = Course(of_small_pages(scenario), world, long=long)
    for at in sample(course.points, scenario, long):
        life = course.begin(Death(at, "full"))

        assert life.points[:at] == course.points[:at], life.stderr
        if life.code != FULL:  # what it still had to tell found room
            # Deleting and backing up need no room in it, and one decision may find some.
            needs_none = scenario.arguments[0] in ("ledger", "ignore")
            assert "RUN_BEGUN" in life.points[:at] or needs_none
            assert (life.code, life.points) == (course.code, course.points), life.stderr
        course.ends_as_if_nothing_had_happened()
        figures.add("crashes", "SQLite's page limit at a point")
        figures.add("crashes", "SQLite's page limit at a point: runs stopped", life.code == FULL)


@pytest.mark.covers("F84")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_after_a_full_disk_no_write_begins(
    on_a_small_disk: MortalWorld, scenario: Scenario, figures: Figures, long: bool
) -> None:
    if not long and scenario not in WRITING:
        pytest.skip("only in the long form")
    course = Course(scenario, on_a_small_disk, long=long)
    for at in chosen(course.points, one=not long):
        life = course.begin(Death(at, "filled"))
        (on_a_small_disk.directory / "filler").unlink()

        assert [intended for intended, _ in writes_of(life.points) if intended > at] == []
        if life.code != FULL:  # its last transaction had its room already
            assert scenario.migrates or "PRUNING" in life.points[:at]
            unwritten = "the report could not be written" in life.stderr
            assert life.code == (3 if unwritten else course.code), life.stderr
            assert unwritten or life.points == course.points
        course.ends_as_if_nothing_had_happened()
        figures.add("crashes", "a file system filled at a point")


@pytest.mark.covers("F95")
def test_a_full_disk_for_the_report_undoes_nothing(world: MortalWorld, figures: Figures) -> None:
    reports = world.place / "reports"
    with small_disk(reports):
        world.go_live()
        one = world.returned()
        world.pass_time()
        fill_the_disk(reports)

        life = world.lives("run", "--format", "json", "--output", str(reports / "report.json"))

        assert (life.code, world.state(one)) == (3, "synced")
        assert "could not be written: No space left" in life.stderr
        assert sorted(path.name for path in reports.iterdir()) == ["filler"]
        figures.add("crashes", "a file system filled for the report")
