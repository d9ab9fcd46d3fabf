"""`ledger check` finds what is wrong with a ledger, and nothing where nothing is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from reconciler.errors import LedgerError, LedgerMissing
from reconciler.ledger import opening
from reconciler.ledger.checking import check
from reconciler.ledger.forgotten import hash_of
from reconciler.ledger.schema import CURRENT
from tests.ledger.files import older_ledger, with_half_a_commit
from tests.ledger.samples import CREATE, LATER, NOON, StillClock, drained, observation

LATE = StillClock(LATER + timedelta(days=1))


@pytest.fixture
def filled(url, path, clock):
    with opening.open_ledger(url, clock) as ledger:
        run = ledger.runs.begin("scheduled", NOON)
        ledger.windows.record(drained(*(observation(str(n)) for n in range(30))), NOON)
        ledger.journal.intend("1", CREATE, (), NOON, NOON)
        ledger.runs.finish(run, at=NOON, exit_code=0, counts={"seen": 30})
    return path


def told(url):
    found = check(url, LATE)
    return found.exit_code, [one.what for one in found.findings]


def edit(path, *statements):
    with closing(sqlite3.connect(path)) as raw:
        for statement in statements:
            raw.execute(statement)
        raw.commit()


def test_a_sound_one_is_sound_and_keeps_every_byte(url, filled):
    before = {file.name: file.read_bytes() for file in filled.parent.iterdir()}

    found = check(url, LATE)

    assert (found.exit_code, found.findings, found.entries) == (0, (), 30)
    assert found.schema == CURRENT.head
    assert {file.name: file.read_bytes() for file in filled.parent.iterdir()} == before


def test_it_works_while_a_run_goes_on(url, filled, clock):
    with opening.open_ledger(url, clock) as ledger:
        assert told(url) == (0, [])
        ledger.windows.record(drained(observation("new")), NOON)
        assert told(url) == (0, [])


DAMAGE = {
    "an index is of another column": (
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'order_id)', 'order_name)')"
        " WHERE name = 'ix_entries_order_id'",
    ),
    "a row refers to nothing": ("DELETE FROM entries WHERE return_id = '1'",),
    "a table is missing": ("DROP TABLE stopped",),
    "a column is missing": ("ALTER TABLE runs DROP COLUMN command",),
    "a check is gone": (
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'attempts >= 0', 'attempts >= -9')"
        " WHERE name = 'entries'",
    ),
    "versions differ": ("PRAGMA user_version = 3",),
    "a structure is no structure": ("UPDATE entries SET wanted = '[]' WHERE return_id = '3'",),
    "a time is no time": ("UPDATE windows SET ends_at = 'noon'",),
    "it knows nothing of itself": ("DELETE FROM meta",),
}


@pytest.mark.covers("F87")
@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found(url, filled, damage):
    edit(filled, *DAMAGE[damage])

    code, what = told(url)

    assert code == 8
    assert what


def test_bytes_that_were_changed_are_found_wherever_they_matter(url, filled):
    """Every page once: what SQLite itself can still make sense of need not be found."""
    content = filled.read_bytes()
    missed = []
    for page in range(1, len(content) // 4096):
        spoiled = bytearray(content)
        spoiled[page * 4096 : page * 4096 + 200] = b"\xa5" * 200
        filled.write_bytes(spoiled)
        try:
            code, _ = told(url)
        except LedgerError as error:
            code = error.exit_code
        if code != 8:
            missed.append(page)

    assert missed == []


LOOKS = {
    "an index is missing": (
        ("DROP INDEX ix_entries_order_id",),
        ["index ix_entries_order_id is missing"],
    ),
    "a table of somebody else": (
        ("CREATE TABLE notes (text)",),
        ["table notes is not this program's"],
    ),
    "a trigger": (
        ("CREATE TRIGGER undo AFTER UPDATE ON meta BEGIN SELECT 1; END",),
        ["trigger undo is not this program's"],
    ),
    "awaited without a write": (
        ("UPDATE intents SET closed_as = 'applied'",),
        ["return 1 (in flight) waits for the answer to a write, but no write is open"],
    ),
    "a write nobody waits for": (
        ("UPDATE entries SET state = 'skipped' WHERE return_id = '1'",),
        ["return 1 (skipped) is done with, but a write of it has no answer"],
    ),
    "pushed otherwise": (
        ("UPDATE entries SET state = 'synced', pushed_fingerprint = x'00' WHERE return_id = '2'",),
        ["return 2 (synced) counts as pushed, but something else was pushed last"],
    ),
    "due without a time": (
        ("UPDATE entries SET due_since = NULL WHERE return_id = '2'",),
        ["return 2 (pending) is to be pushed, but not since when"],
    ),
    "a time ahead": (
        ("UPDATE runs SET finished_at = '2029-01-01T00:00:00.000000Z'",),
        ["a run ended at 2029-01-01 00:00:00Z, which is ahead of this machine's clock"],
    ),
}


@pytest.mark.parametrize("contradiction", LOOKS)
def test_what_contradicts_itself_needs_a_look(url, filled, contradiction):
    statements, expected = LOOKS[contradiction]
    edit(filled, *statements)

    assert told(url) == (3, expected)


def test_many_are_counted(url, filled):
    edit(filled, "UPDATE entries SET due_since = NULL WHERE return_id != '1'")

    code, what = told(url)

    assert (code, len(what)) == (3, 11)
    assert what[-1] == "19 more returns: is to be pushed, but not since when"


def test_one_that_was_forgotten_and_is_here_again_needs_a_look(url, filled):
    with closing(sqlite3.connect(filled)) as raw:
        at = "2026-07-01T12:00:00.000000Z"
        raw.execute("INSERT INTO forgotten VALUES (?, ?)", (hash_of("7"), at))
        raw.commit()

    assert told(url) == (3, ["return 7 was forgotten and is here again"])


def test_an_older_schema_is_checked_as_it_will_be(tmp_path, clock):
    path = tmp_path / "first.db"
    older_ledger(path, "0001")
    before = path.read_bytes()

    found = check(f"sqlite:///{path}", LATE)

    assert (found.exit_code, found.schema, found.findings) == (0, "0001", ())
    assert path.read_bytes() == before


def test_one_that_a_killed_run_has_left_is_checked_as_it_was_committed(url, filled):
    crash = with_half_a_commit(filled, "crashed.db", "wanted")

    assert told(f"sqlite:///{crash}") == (0, [])


def test_what_is_no_ledger_is_refused(url, filled):
    edit(filled, "PRAGMA application_id = 7")
    with pytest.raises(LedgerMissing):
        check(url, LATE)
    filled.write_bytes(b"<html>")
    with pytest.raises(LedgerError, match="is not a database"):
        check(url, LATE)
