"""A daily backup that fails, or does not come any more, and who learns of it."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.ears import Ears, listening
from tests.support.world import World


@pytest.fixture
def ears() -> Iterator[Ears]:
    with listening() as made:
        yield made


@pytest.fixture
def live(world: World) -> World:
    world.trusted()
    return world


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory elsewhere: a disk that is mounted, or not."""
    return tmp_path / "my disk"


def status(world: World) -> tuple[int, list[str], dict[str, object] | None]:
    """Its exit code, its reasons, and what it says of backups."""
    ran = world.call("status", "--format", "json")
    told = json.loads(ran.stdout)
    return ran.code, told["reasons"], told["facts"]["backup"]


def daily(world: World, *options: str) -> int:
    return world.call("ledger", "backup", "--keep", "3", *options).code


def spoil(world: World) -> Path:
    """Make that no backup can be made beside the ledger."""
    partial = world.directory / "ledger.db.backup.partial"
    partial.symlink_to(world.directory / "away")
    return partial


def outcome(world: World) -> Path:
    return world.directory / "ledger.db.backup.json"


def test_without_any_daily_backup_none_is_missed(live: World) -> None:
    assert live.call("ledger", "backup").code == 0
    live.pass_time(days=9)
    live.run()

    assert status(live) == (0, [], None)
    assert not outcome(live).exists()


def test_one_that_fails_is_told_until_one_is_made(live: World) -> None:
    assert daily(live) == 0
    live.pass_time(hours=24)
    in_the_way = spoil(live)
    assert daily(live) == 8
    live.run()

    code, [reason], told = status(live)
    assert code == 3
    assert reason.startswith("the backup of 2026-03-02 12:05Z failed: the backup ")
    assert "could not be made" in reason
    assert "make one with `reconciler ledger backup --keep 3`" in reason
    assert told is not None
    assert str(told["made_at"]).startswith("2026-03-01T12:05:00")
    assert Path(str(told["path"])).exists()
    shown = live.call("status").stdout
    assert "\nbackup     FAILED 2026-03-02 12:05:00Z" in shown
    assert shown.rstrip().endswith("reconciler ledger backup --keep 3")
    in_the_way.unlink()
    assert live.call("ledger", "backup").code == 0
    assert status(live)[0] == 3, "one by hand does not tell that the daily one comes"

    assert daily(live) == 0

    assert status(live)[:2] == (0, [])
    assert "\nbackup     2026-03-02 12:" in live.call("status").stdout


def test_one_that_does_not_come_any_more_is_told_after_two_days(live: World) -> None:
    assert daily(live) == 0
    live.pass_time(hours=47)
    live.run()
    assert status(live)[0] == 0
    live.pass_time(hours=2)
    live.run()

    code, [reason], _ = status(live)

    assert code == 3
    assert "the last daily backup was made 2d ago" in reason or "49h ago" in reason
    outcome(live).unlink()
    assert status(live) == (0, [], None), "nobody wants any more"


def test_a_directory_elsewhere_that_is_not_there(live: World, place: Path) -> None:
    """The disk is not mounted. What is told to make one goes there, too."""
    assert daily(live, "--to", str(place)) == 2

    code, [reason], told = status(live)
    assert code == 3
    assert f"--to {place}: is not a directory" in reason
    assert f"`reconciler ledger backup --keep 3 --to '{place}'`" in reason
    assert told is not None
    assert told["made_at"] is None
    place.mkdir()
    assert daily(live, "--to", str(place)) == 0
    assert status(live)[0] == 0
    assert [file.suffix for file in place.iterdir()] == [".backup"], "the outcome is elsewhere"


def test_people_are_told_once_reminded_daily_and_told_when_it_is_well(
    live: World, ears: Ears
) -> None:
    live.environ["RECONCILER_OPERATIONS__NOTIFY"] = ears.apprise_url
    in_the_way = spoil(live)
    assert daily(live) == 8

    # What OnFailure= of the unit starts, then the next passes and the watchman.
    assert live.call("status", "--notify").code == 3
    live.run()
    live.call("status", "--notify")
    [first] = ears.messages
    assert first.startswith("reconciler: 1 new problem\n")
    assert "the backup of 2026-03-01 12:05Z failed" in first
    assert "    reconciler ledger backup --keep 3\n" in first
    live.pass_time(hours=24, minutes=1)
    live.run()
    assert len(ears.messages) == 2
    assert ears.messages[1].startswith("reconciler: still 1 problem\n")
    in_the_way.unlink()
    assert daily(live) == 0
    live.run()
    live.pass_time(hours=1, minutes=1)
    live.run()

    [_, _, well] = ears.messages
    assert well.startswith("reconciler: well again\n")
    assert "- backup" in well


def test_one_that_finds_another_being_made_has_not_failed(live: World) -> None:
    partial = live.directory / "ledger.db.backup.partial"
    with partial.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert daily(live, "--wait", "0") == 75

    assert status(live) == (0, [], None)


@contextmanager
def busy(file: Path) -> Iterator[None]:
    """Nobody may remove it: something is mounted on it."""
    try:
        done = subprocess.run(["mount", "--bind", file, file], check=False, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip(f"nothing may be mounted here: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", file], check=True)


def test_where_an_older_one_cannot_be_removed_it_was_made_and_has_failed(live: World) -> None:
    assert daily(live) == 0
    [old] = live.directory.glob("*.backup")
    live.pass_time(hours=24)

    with busy(old):
        assert live.call("ledger", "backup", "--keep", "1").code == 8

    code, reasons, told = status(live)
    assert code == 3
    assert "is made, but an older one could not be removed" in reasons[-1]
    assert told is not None
    assert str(told["made_at"]).startswith("2026-03-02T12:05:00")


def test_a_file_that_is_not_the_program_s_is_told_and_replaced(live: World) -> None:
    outcome(live).write_text("notes of a person")

    code, [reason], told = status(live)

    assert (code, told) == (3, None)
    assert f"is not known: {outcome(live)} is not what this program writes there" in reason
    assert live.call("status").code == 3
    assert daily(live) == 0
    assert status(live)[0] == 0


@pytest.mark.parametrize("spoilt", [False, True])
def test_where_the_outcome_cannot_be_kept_the_backup_is_as_it_was(
    live: World, caplog: pytest.LogCaptureFixture, spoilt: bool
) -> None:
    outcome(live).mkdir()
    if spoilt:
        spoil(live)

    assert daily(live) == (8 if spoilt else 0)

    assert len(list(live.directory.glob("*.backup"))) == (0 if spoilt else 1)
    [warning] = [one for one in caplog.records if getattr(one, "event", "") == "backup-not-noted"]
    assert str(outcome(live)) in warning.getMessage()
    assert [file for file in os.listdir(live.directory) if file.startswith(".")] == []


def test_a_lost_ledger_leaves_nothing_in_its_place(live: World) -> None:
    ledger = live.directory / "ledger.db"
    ledger.rename(live.directory / "elsewhere.db")

    assert daily(live) == 7
    ledger.touch()
    assert daily(live) == 7

    assert not outcome(live).exists()


def test_two_ledgers_in_one_directory_are_told_apart(live: World) -> None:
    other = {"RECONCILER_LEDGER": f"sqlite:///{live.directory}/other.db"}
    assert live.call("init", **other).code == 0
    spoil(live)

    assert live.call("ledger", "backup", "--keep", "3", **other).code == 0
    assert daily(live) == 8

    assert status(live)[0] == 3
    assert live.call("status", **other).code == 0


def test_an_older_ledger_put_back_keeps_what_is_known(live: World) -> None:
    assert daily(live) == 0
    [backup] = live.directory.glob("*.backup")
    live.pass_time(hours=24)
    assert daily(live) == 0

    (live.directory / "ledger.db").write_bytes(backup.read_bytes())
    live.run()

    code, _, told = status(live)
    assert code == 0
    assert told is not None
    assert str(told["made_at"]).startswith("2026-03-02T12:05:00")


def test_doctor_advises_one_and_tells_how_old_the_last_is(live: World) -> None:
    def of_backups() -> list[tuple[str, str, str]]:
        found = json.loads(live.call("doctor", "--format", "json").stdout)["findings"]
        return [(f["level"], f["name"], f["text"]) for f in found if "backup" in f["text"]]

    [(level, name, _)] = of_backups()
    assert (level, name) == ("advice", "no-backup")
    assert daily(live) == 0
    live.pass_time(hours=5)
    [(level, name, text)] = of_backups()
    assert (level, name) == ("ok", "last-backup")
    assert "was made 5h ago: /" in text
    live.clock.ahead = -24 * 3600.0
    [(level, name, text)] = of_backups()
    assert re.search(r"was made at 2026-\d\d-\d\d \d\d:\d\d:\d\dZ: /", text), "no age of 0s"
    live.clock.ahead = 0.0
    spoil(live)
    assert daily(live) == 8

    told = of_backups()

    assert [(level, name) for level, name, _ in told] == [
        ("ok", "last-backup"),
        ("problem", "not-healthy"),
    ]
