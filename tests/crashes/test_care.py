"""Care of the ledger cut off at any point: every backup is whole, and nothing is half forgotten."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.crashes.crash_course import Course
from tests.crashes.crash_scenarios import named
from tests.crashes.mortal_world import Death, MortalWorld
from tests.crashes.test_disk import small_disk
from tests.crashes.zygote_process import fill_the_disk
from tests.support.figures import Figures

RETURN = "31000001"


def backups(world: MortalWorld) -> list[Path]:
    return sorted(world.directory.glob("*.backup"))


def partial(world: MortalWorld) -> bool:
    return any("partial" in file.name for file in world.directory.iterdir())


def assert_whole(file: Path) -> None:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("SELECT count(*) FROM entries").fetchone() == (2,)


def holds_it(file: Path) -> bool:
    return RETURN.encode() in file.read_bytes()


@pytest.mark.covers("F81", "P1")
def test_killed_at_any_point_every_backup_is_whole_and_the_next_tidies_up(
    world: MortalWorld, figures: Figures
) -> None:
    [scenario] = named("backup")
    course = Course(scenario, world)
    assert len(backups(world)) == 1
    for at in range(1, len(course.points) + 1):
        course.dies(Death(at))

        assert backups(world)
        for file in backups(world):
            assert_whole(file)
        world.pass_time(seconds=2)
        assert world.lives("ledger", "backup", "--keep", "1").code == 0
        assert (len(backups(world)), partial(world)) == (1, False)
        assert_whole(backups(world)[0])
        figures.add("crashes", "kill -9 at a point of a backup")


@pytest.mark.covers("P1", "P17")
def test_killed_at_any_point_a_return_is_there_or_repeating_it_leaves_no_trace(
    world: MortalWorld, figures: Figures
) -> None:
    [scenario] = named("forget")
    course = Course(scenario, world)
    ledger = world.directory / "ledger.db"
    for at in range(1, len(course.points) + 1):
        course.dies(Death(at))

        committed = "FORGOTTEN" in course.points[:at]
        assert world.lives("ledger", "check").code == 0
        assert (world.lives("show", RETURN).code == 0) is not committed
        assert world.lives("ledger", "forget", RETURN, "--yes").code == 0
        assert not any(holds_it(file) for file in world.directory.iterdir() if file.is_file())
        assert world.lives("run").code == 0
        assert not holds_it(ledger)
        figures.add("crashes", "kill -9 at a point of forgetting")


def test_on_a_full_disk_no_backup_is_made_and_none_is_lost(
    world: MortalWorld, figures: Figures
) -> None:
    with small_disk(world.directory):
        world.go_live()
        world.returned()
        world.returned()
        world.pass_time()
        assert world.run().code == 0
        assert world.lives("ledger", "backup", "--keep", "9").code == 0
        before = backups(world)
        fill_the_disk(world.directory)

        life = world.lives("ledger", "backup", "--keep", "1")

        assert (life.code, backups(world), partial(world)) == (8, before, False)
        assert "full" in life.stderr or "No space left" in life.stderr
        assert_whole(before[0])
        told = world.lives("status")
        assert told.code == 3
        assert "failed: the backup" in told.stdout
        (world.directory / "filler").unlink()
        world.pass_time(seconds=2)
        assert world.lives("ledger", "backup", "--keep", "1").code == 0
        assert world.lives("status").code == 0
        assert world.run().code == 0
        figures.add("crashes", "a file system filled before a backup")


def test_on_a_full_disk_a_return_is_forgotten_wholly_or_that_is_told(
    world: MortalWorld, figures: Figures
) -> None:
    with small_disk(world.directory):
        world.go_live()
        world.returned()
        world.returned()
        world.pass_time()
        assert world.run().code == 0
        fill_the_disk(world.directory)

        life = world.lives("ledger", "forget", RETURN, "--yes")

        assert life.code in (0, 8)
        told = "may still show it" in life.stderr
        assert (world.lives("show", RETURN).code == 0) is (life.code == 8 and not told)
        (world.directory / "filler").unlink()
        assert world.lives("ledger", "check").code == 0
        assert world.lives("ledger", "forget", RETURN, "--yes").code == 0
        assert not holds_it(world.directory / "ledger.db")
        figures.add("crashes", "a file system filled before forgetting")
