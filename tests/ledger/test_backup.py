"""Backups: whole or not at all, verified, private, and nothing else is ever removed."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import sys
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler import failpoints
from reconciler.errors import LedgerError, LedgerLocked, LedgerMissing
from reconciler.failpoints import Failpoint
from reconciler.ledger import opening
from reconciler.ledger.backup import back_up, backups_beside
from reconciler.ledger.lock import run_lock
from tests.ledger.files import with_half_a_commit
from tests.ledger.samples import NOON, StillClock, drained, observation


@pytest.fixture
def filled(url, path, clock):
    with opening.open_ledger(url, clock) as ledger:
        ledger.windows.record(drained(*(observation(str(n)) for n in range(200))), NOON)
    return path


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as raw:
        return list(raw.iterdump())


def names(place: Path) -> list[str]:
    return sorted(file.name for file in place.iterdir())


def test_a_backup_holds_all_of_it_under_the_name_of_its_time(url, filled, clock):
    made = back_up(url, clock)

    assert made.path == filled.with_name("ledger.db.20260701T120000Z.backup")
    assert dump(made.path) == dump(filled)
    assert (made.entries, made.size) == (200, made.path.stat().st_size)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    with opening.open_ledger(f"sqlite:///{made.path}", clock) as restored:
        assert len(restored.entries.get(["7"])) == 1


def test_nothing_of_the_ledger_is_touched(url, filled, clock, tmp_path):
    before = {file.name: file.read_bytes() for file in filled.parent.iterdir()}

    back_up(url, clock, into=tmp_path)

    assert {file.name: file.read_bytes() for file in filled.parent.iterdir()} == before


def test_two_of_the_same_second_have_two_names(url, filled, clock):
    first, second = back_up(url, clock), back_up(url, clock)

    assert first.path != second.path
    assert backups_beside(filled) == [first.path, second.path]


def test_a_run_goes_on_meanwhile(url, filled, clock):
    with opening.open_ledger(url, clock) as ledger:
        made = back_up(url, clock)
        ledger.windows.record(drained(observation("new")), NOON)

        assert "new" in str(ledger.entries.get(["new"]))

    assert made.entries == 200


def test_it_is_one_view_although_a_run_commits_meanwhile(url, filled, clock):
    """A run that commits while it is checked, copied or named; the backup has all of one moment."""
    wrote = []

    def writes(point: Failpoint) -> None:
        if point is Failpoint.FILE_MADE:
            with opening.open_ledger(url, clock) as ledger, failpoints.watched(lambda _: None):
                ledger.windows.record(drained(observation("new")), NOON)
            wrote.append(point)

    with failpoints.watched(writes):
        made = back_up(url, clock)

    assert (wrote, made.entries) == ([Failpoint.FILE_MADE], 200)


def test_a_commit_that_was_cut_off_is_undone_first(url, filled, clock):
    crash = with_half_a_commit(filled, "crashed.db", "reason")

    made = back_up(f"sqlite:///{crash}", clock)

    assert dump(made.path) == dump(filled)


def test_where_a_run_holds_the_lock_such_a_commit_is_waited_for(url, filled, clock):
    crash = with_half_a_commit(filled, "crashed.db", "reason")

    with run_lock(crash, clock), pytest.raises(LedgerLocked):
        back_up(f"sqlite:///{crash}", clock)


def test_so_many_are_kept_and_only_backups_of_this_ledger_go(url, filled, clock):
    for _ in range(5):
        back_up(url, clock)
        clock.time += timedelta(days=1)
    place = filled.parent
    strangers = {
        "ledger.db.20250101T000000Z.backup": b"notes of a person",
        "ledger.db.20250101T000000Z.backup.txt": b"SQLite format 3\x00",
        "other.db.20250101T000000Z.backup": filled.read_bytes(),
        "ledger.db.schema-0001.backup": filled.read_bytes(),
        "ledger.db.2025.backup": filled.read_bytes(),
    }
    for name, content in strangers.items():
        (place / name).write_bytes(content)
    (place / "ledger.db.20250102T000000Z.backup").symlink_to(filled)
    (place / "ledger.db.20250103T000000Z.backup").mkdir()
    before = set(names(place))

    made = back_up(url, clock, keep=2)

    gone = before - set(names(place))
    assert gone == {f"ledger.db.2026070{day}T120000Z.backup" for day in (1, 2, 3, 4)}
    assert {file.name for file in made.removed} == gone
    assert all((place / name).read_bytes() == content for name, content in strangers.items())


def test_one_of_a_time_that_is_still_to_come_goes_first_and_the_new_one_stays(url, filled, clock):
    ahead = StillClock(NOON + timedelta(days=400))
    first, second = back_up(url, clock), back_up(url, ahead)
    clock.time += timedelta(days=1)

    made = back_up(url, clock, keep=2)

    assert made.removed == (second.path,)
    assert backups_beside(filled) == [first.path, made.path]


def test_a_clock_that_fell_back_removes_one_for_one(url, filled, clock):
    made = [back_up(url, clock)]
    clock.time += timedelta(days=1)
    made.append(back_up(url, clock))
    clock.time -= timedelta(days=9000)

    last = back_up(url, clock, keep=2)

    assert last.removed == (made[0].path,)
    assert sorted(backups_beside(filled)) == sorted([made[1].path, last.path])


@pytest.mark.parametrize("damage", ["index", "page"])
def test_of_a_damaged_ledger_none_is_kept_and_no_older_one_goes(url, filled, clock, damage):
    for _ in range(3):
        back_up(url, clock)
    before = backups_beside(filled)
    content = bytearray(filled.read_bytes())
    if damage == "page":
        content[4096 * 8 : 4096 * 9] = os.urandom(4096)
        filled.write_bytes(content)
    else:
        with closing(sqlite3.connect(filled)) as raw:
            raw.execute("PRAGMA writable_schema = ON")
            raw.execute("DELETE FROM sqlite_master WHERE name = 'ix_entries_order_id'")
            raw.execute("PRAGMA writable_schema = OFF")
            raw.commit()

    with pytest.raises(LedgerError) as caught:
        back_up(url, clock, keep=1)

    assert "the backup" in str(caught.value)
    assert backups_beside(filled) == before
    assert not any("partial" in name for name in names(filled.parent))


@pytest.mark.parametrize("there", [b"", b"<html>"])
def test_what_is_no_ledger_is_not_backed_up(url, filled, clock, there):
    filled.write_bytes(there)

    with pytest.raises((LedgerError, LedgerMissing)):
        back_up(url, clock)

    assert backups_beside(filled) == []


def test_a_foreign_database_is_not_backed_up(url, filled, clock):
    with closing(sqlite3.connect(filled)) as raw:
        raw.execute("PRAGMA application_id = 7")

    with pytest.raises(LedgerMissing, match="not a ledger"):
        back_up(url, clock)

    assert not list(filled.parent.glob("*.backup*"))


def test_what_a_killed_backup_has_left_is_used_again(url, filled, clock):
    partial = filled.with_name("ledger.db.backup.partial")
    partial.write_bytes(filled.read_bytes() * 2)
    partial.chmod(0o644)
    partial.with_name(partial.name + "-journal").write_bytes(b"\xd9\xd5\x05\xf9 \xa1c\xd7" * 64)

    made = back_up(url, clock)

    assert dump(made.path) == dump(filled)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert not any("partial" in name for name in names(filled.parent))


def test_two_backups_at_once_do_not_share_a_file(url, filled, clock):
    """The second one waits, and then makes its own."""
    seen = []

    def begins_another(point: Failpoint) -> None:
        if point is Failpoint.FILE_MADE and not seen:
            seen.append(point)
            with pytest.raises(LedgerLocked, match="another backup is being written"):
                back_up(url, clock)

    with failpoints.watched(begins_another):
        first = back_up(url, clock)
    second = back_up(url, clock)

    assert dump(first.path) == dump(second.path) == dump(filled)


def test_one_that_waits_is_not_given_the_file_of_the_one_before(url, filled, clock):
    """It opens the half-made file, which has its name by the time that it is locked."""
    done = []
    half_made, opened = threading.Event(), threading.Event()

    def make_the_second() -> None:
        half_made.wait(9)
        sys.setprofile(between_opening_and_locking)
        done.append(back_up(url, StillClock(NOON + timedelta(days=1)), wait=9.0))

    def between_opening_and_locking(frame: object, event: str, called: object) -> None:
        if event == "c_call" and called is fcntl.flock:
            sys.setprofile(None)
            opened.set()
            first.join(9)

    def until_the_second_has_opened_it(point: Failpoint) -> None:
        if point is Failpoint.FILE_MADE and threading.current_thread() is first:
            half_made.set()
            opened.wait(9)

    first = threading.Thread(target=lambda: done.append(back_up(url, StillClock(), wait=9.0)))
    second = threading.Thread(target=make_the_second)
    with failpoints.watched(until_the_second_has_opened_it):
        second.start()
        first.start()
        first.join(30)
        second.join(30)

    assert len({made.path for made in done}) == 2
    assert [dump(made.path) == dump(filled) for made in done] == [True, True]


@pytest.mark.parametrize("how", ["symlink", "second name"])
def test_what_somebody_else_has_put_there_is_not_written_to(url, filled, clock, tmp_path, how):
    place = tmp_path / "shared"
    place.mkdir()
    theirs = tmp_path / "theirs"
    theirs.write_bytes(b"")
    partial = place / "ledger.db.backup.partial"
    partial.symlink_to(theirs) if how == "symlink" else os.link(theirs, partial)

    with pytest.raises(LedgerError):
        back_up(url, clock, into=place)

    assert theirs.read_bytes() == b""
    assert names(place) == ["ledger.db.backup.partial"]


def test_one_that_exists_is_never_replaced(url, filled, clock):
    taken = filled.with_name("ledger.db.20260701T120000Z.backup")
    taken.write_bytes(b"notes")

    made = back_up(url, clock)

    assert made.path != taken
    assert taken.read_bytes() == b"notes"
