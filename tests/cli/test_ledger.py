"""`reconciler ledger …` and `reconciler history` as processes."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.ledger.schema import Schema
from tests.cli.program import bare, reconciler
from tests.ledger.files import older_ledger
from tests.support.process_world import RealWorld, on_the_machine_s_clock
from tests.support.terminal import answered


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RealWorld]:
    with on_the_machine_s_clock(tmp_path) as made:
        made.live()
        yield made


@pytest.fixture
def pushed(world: RealWorld) -> str:
    one = world.born()
    assert world.does("run") == 0
    return one


def says(world: RealWorld, *arguments: str) -> tuple[int, str, str]:
    return world.end(world.start(*arguments))


def file_of(world: RealWorld) -> Path:
    return Path(world.ledger.removeprefix("sqlite:///"))


def backups(world: RealWorld) -> list[Path]:
    return sorted(file_of(world).parent.glob("*.backup"))


def test_a_backup_says_what_it_made_and_quietly_nothing(world: RealWorld, pushed: str) -> None:
    code, told, _ = says(world, "ledger", "backup", "--keep", "3")
    quiet = says(world, "-q", "ledger", "backup", "--keep", "1")

    [left] = backups(world)
    assert code == 0
    assert f"ledger     {file_of(world)}\n" in told
    assert "1 return, checked" in told
    assert quiet == (0, "", "")
    assert str(left) not in told, "the first one is gone"
    assert left.stat().st_mode & 0o777 == 0o600


def test_a_backup_goes_where_it_is_told(world: RealWorld, pushed: str, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()

    assert says(world, "ledger", "backup", "--to", str(place))[0] == 0
    code, _, complaint = says(world, "ledger", "backup", "--to", str(tmp_path / "nowhere"))

    [made] = place.iterdir()
    assert backups(world) == []
    assert (code, "is not a directory" in complaint) == (2, True)
    restored = world.start("status", RECONCILER_LEDGER=f"sqlite:///{made}")
    assert world.end(restored)[0] == 0


def test_a_daily_backup_that_failed_is_a_reason_of_status_until_one_is_made(
    world: RealWorld, pushed: str
) -> None:
    in_the_way = file_of(world).with_name("ledger.db.backup.partial")
    in_the_way.symlink_to("away")
    assert says(world, "-q", "ledger", "backup", "--keep", "14")[0] == 8

    code, told, _ = says(world, "status")

    assert code == 3
    assert "failed: the backup " in told
    assert told.endswith("\nnext       reconciler ledger backup --keep 14\n")
    in_the_way.unlink()
    assert says(world, "-q", "ledger", "backup", "--keep", "14") == (0, "", "")
    assert says(world, "-q", "status") == (0, "", "")


def test_a_backup_is_made_while_a_run_stands_still_in_the_middle(
    world: RealWorld, pushed: str
) -> None:
    one = world.born()
    world.breaks("POST *", "delay", seconds=2.0)
    before = len(world.writes())
    running = world.start("run")
    world.until(lambda: len(world.writes()) > before)
    running.send_signal(signal.SIGSTOP)
    try:
        code, told, complaint = says(world, "ledger", "backup")
        locked = says(world, "ledger", "prune", "--older-than", "1d", "--wait", "0s")
        checked = says(world, "ledger", "check")
    finally:
        running.send_signal(signal.SIGCONT)
    ended = world.end(running)

    assert (code, complaint) == (0, "")
    assert "checked" in told
    assert (locked[0], checked[0]) == (75, 0)
    assert f"{file_of(world)}.lock" in locked[2]
    assert "reconciler ledger prune --older-than 1d --wait 2m" in locked[2]
    assert ended[0] in (0, 3)
    assert one


def _holds_lock(world: RealWorld) -> bool:
    from reconciler.ledger.lock import is_locked

    return is_locked(file_of(world)) is True


@pytest.mark.covers("8")
def test_a_damaged_ledger_is_told_and_not_backed_up(world: RealWorld, pushed: str) -> None:
    with closing(sqlite3.connect(file_of(world))) as raw:
        raw.execute("PRAGMA writable_schema = ON")
        raw.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'order_id)', 'order_name)')"
            " WHERE name = 'ix_entries_order_id'"
        )
        raw.commit()

    checked = says(world, "ledger", "check")
    backed_up = says(world, "-q", "ledger", "backup", "--keep", "14")

    assert (checked[0], backed_up[0]) == (8, 8)
    assert "DAMAGE     the file is damaged" in checked[1]
    assert "is not a sound copy of the ledger" in backed_up[2]
    assert backups(world) == []


def test_check_says_that_all_is_well_or_what_needs_a_look(world: RealWorld, pushed: str) -> None:
    sound = says(world, "ledger", "check")
    quiet = says(world, "-q", "ledger", "check")
    with closing(sqlite3.connect(file_of(world))) as raw:
        raw.execute("UPDATE entries SET pushed_fingerprint = NULL")
        raw.commit()
    odd = says(world, "ledger", "check")

    assert (sound[0], sound[1].splitlines()[-1]) == (0, "sound      1 return")
    assert quiet == (0, "", "")
    assert odd[0] == 3
    assert f"LOOK AT    return {pushed} (synced) counts as pushed" in odd[1]


def test_an_older_ledger_is_upgraded_once_and_says_from_where_to_where(tmp_path: Path) -> None:
    path = tmp_path / "first.db"
    older_ledger(path, "0002")
    before = path.read_bytes()

    first = reconciler("ledger", "upgrade", cwd=tmp_path, RECONCILER_LEDGER=str(path))
    upgraded = path.read_bytes()
    second = reconciler("ledger", "upgrade", cwd=tmp_path, RECONCILER_LEDGER=str(path))

    backup = tmp_path / "first.db.schema-0002.backup"
    assert (first.returncode, first.stderr) == (0, "")
    assert f"schema     from 0002 to {Schema().head}\nbackup     {backup}\n" in first.stdout
    with closing(sqlite3.connect(backup)) as old, closing(sqlite3.connect(":memory:")) as was:
        was.deserialize(before)
        assert list(old.iterdump()) == list(was.iterdump())
    assert (second.returncode, "there is nothing to do" in second.stdout) == (0, True)
    assert path.read_bytes() == upgraded


def test_pruning_says_how_much_it_has_deleted(world: RealWorld, pushed: str) -> None:
    with closing(sqlite3.connect(file_of(world))) as raw:
        raw.execute("UPDATE attempts SET at = '2020-01-01T00:00:00.000000Z'")
        (count,) = raw.execute("SELECT count(*) FROM attempts").fetchone()
        raw.commit()

    code, told, _ = says(world, "ledger", "prune", "--older-than", "30d")

    assert count
    assert (code, f"deleted    {count} attempts\n" in told) == (0, True)
    assert "deleted    nothing" in says(world, "ledger", "prune", "--older-than", "30d")[1]
    assert says(world, "ledger", "prune")[0] == 2
    assert says(world, "ledger", "prune", "--older-than", "0")[0] == 2


@pytest.mark.parametrize(
    ("answer", "code", "left"),
    [(b"y\n", 0, 0), (b"n\n", 7, 1), (b"\n", 7, 1), (signal.SIGINT, 130, 1)],
    ids=["yes", "no", "nothing", "interrupt"],
)
def test_whoever_forgets_a_return_is_shown_it_and_asked(
    world: RealWorld, pushed: str, answer: bytes | signal.Signals, code: int, left: int
) -> None:
    ended, shown = answered(world, answer, "ledger", "forget", pushed)

    with closing(sqlite3.connect(file_of(world))) as raw:
        (there,) = raw.execute("SELECT count(*) FROM entries").fetchone()
    assert (ended, there) == (code, left)
    for told in (str(file_of(world)), f"return {pushed} on {world.orders[-1].name}", "synced"):
        assert told in shown
    assert "in Jetti   sale return" in shown
    assert len(world.in_jetti(pushed)) == 1


def test_with_yes_nobody_is_asked(world: RealWorld, pushed: str) -> None:
    code, told, complaint = says(world, "ledger", "forget", pushed, "--yes")

    assert (code, complaint) == (0, "")
    assert f"return     {pushed} is forgotten; the file was rewritten" in told
    assert says(world, "ledger", "forget", pushed)[0] == 0
    assert world.does("run") == 0
    assert says(world, "show", pushed)[0] == 2


@pytest.mark.parametrize("command", ["backup", "check", "upgrade", "prune --older-than 1d"])
def test_where_there_is_no_ledger_none_is_made(tmp_path: Path, command: str) -> None:
    done = reconciler("ledger", *command.split(), cwd=tmp_path)

    assert (done.returncode, "there is no ledger at" in done.stderr) == (7, True)
    assert not list(tmp_path.rglob("*.db*"))


@pytest.mark.parametrize("command", ["backup", "check", "forget", "prune", "upgrade"])
def test_each_explains_itself(tmp_path: Path, command: str) -> None:
    done = reconciler("ledger", command, "--help", cwd=tmp_path, COLUMNS="80")

    assert done.returncode == 0
    assert f"  reconciler ledger {command}" in done.stdout
    assert "Exit codes:" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "..." not in done.stdout


def test_history_tells_the_last_runs_and_why_they_ended_so(world: RealWorld, pushed: str) -> None:
    world.breaks("*", "401", service="loop")
    assert world.does("run") == 6
    world.heals()
    killed = world.start("run")
    world.until(lambda: _holds_lock(world))
    killed.kill()
    world.end(killed)
    assert world.does("run", "--sweep", "30d") == 0

    code, text, _ = says(world, "history")
    listed = json.loads(says(world, "history", "--format", "json")[1])["runs"]
    last = json.loads(says(world, "history", "--limit", "1", "--format", "json")[1])["runs"]

    with closing(sqlite3.connect(file_of(world))) as raw:
        rows = raw.execute("SELECT id, kind, exit_code FROM runs ORDER BY id DESC").fetchall()
    assert code == 0
    assert [(run["id"], run["kind"], run["exit_code"]) for run in listed] == rows
    assert last == listed[:1]
    assert listed[0]["kind"] == "sweep"
    [refused] = [run for run in listed if run["exit_code"] == 6]
    assert refused["message"] in text
    assert listed[-1]["counts"]["created"] == 1
    for run in listed:
        assert run["fate"] == ("killed" if run["finished_at"] is None else "ended")


def test_history_tells_a_run_that_goes_on_from_one_that_was_killed(
    world: RealWorld, pushed: str
) -> None:
    world.breaks("*", "delay", service="loop", seconds=5.0)
    running = world.start("run")
    world.until(lambda: _rows(world) == 2)

    going = json.loads(says(world, "history", "--format", "json")[1])["runs"][0]
    running.kill()
    world.end(running)
    gone = json.loads(says(world, "history", "--format", "json")[1])["runs"][0]

    assert (going["fate"], gone["fate"]) == ("going on", "killed")
    assert "was killed" in says(world, "history")[1]


def _rows(world: RealWorld) -> int:
    with closing(sqlite3.connect(f"file:{file_of(world)}?mode=ro", uri=True)) as raw:
        return int(raw.execute("SELECT count(*) FROM runs").fetchone()[0])


def test_history_goes_to_a_file_and_says_where_there_is_none(tmp_path: Path) -> None:
    none = reconciler("history", cwd=tmp_path)
    reconciler("init", cwd=tmp_path)
    empty = reconciler("history", "--output", "runs.txt", cwd=tmp_path)

    assert none.returncode == 7
    assert (empty.returncode, empty.stdout) == (0, "")
    assert (tmp_path / "runs.txt").read_text() == "no run yet\n"


def test_care_loads_nothing_that_speaks_http(tmp_path: Path) -> None:
    """A backup that cron calls each day."""
    reconciler("init", cwd=tmp_path)
    program = """
import atexit, sys
from reconciler.cli import main
heavy = {"httpx", "apscheduler", "alembic", "rich", "reconciler.app", "reconciler.sandbox"}
atexit.register(lambda: print("loaded", *sorted(heavy & set(sys.modules))))
sys.argv = ["reconciler", "ledger", "backup"]
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=bare(tmp_path), capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert done.stdout.splitlines()[-1] == "loaded"
