"""A disk that fills, a stranger's lock: all or nothing, and nothing afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from reconciler.errors import LedgerError
from reconciler.ledger import opening
from reconciler.ledger.database import Database
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.sqlite import open_file
from tests.ledger.samples import LATER, NOON, drained, observation
from tests.support.golden import as_shown, by_name

MANY = [observation(str(number)) for number in range(1500)]


@pytest.fixture
def database(url, path):
    database = Database(open_file(path, "rw", busy_seconds=0.01), str(path))
    yield database
    database.close()


@pytest.fixture
def stranger(url, path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def fill_disk(database, spare):
    """Let the file grow by that many pages and no further."""
    (pages,) = database.raw.execute("PRAGMA page_count").fetchone()
    database.raw.execute(f"PRAGMA max_page_count = {pages + spare}")


@pytest.mark.covers("F83")
@pytest.mark.parametrize("spare", [0, 1, 2, 5, 20, 60, 150, 300])
def test_a_full_disk_undoes_the_whole_window(database, clock, url, path, spare, golden):
    ledger = SqlLedger(database, clock)
    fill_disk(database, spare)

    with pytest.raises(LedgerError, match="disk") as caught:
        ledger.windows.record(drained(*MANY, watermark=LATER), NOON)

    golden(by_name(as_shown(caught.value), [(path, "LEDGER"), (path.parent, "DIRECTORY")]))
    with opening.open_ledger(url, clock) as after:
        assert after.entries.counts_by_state() == {}
        assert after.meta.read().watermark == NOON


@pytest.mark.covers("F83")
def test_after_an_error_nothing_more_is_executed(database, clock, url, path, golden):
    ledger = SqlLedger(database, clock)
    fill_disk(database, 5)
    with pytest.raises(LedgerError):
        ledger.windows.record(drained(*MANY), NOON)

    told = set()
    for use in (lambda: ledger.meta.pin(shop="alpha"), ledger.meta.read):
        with pytest.raises(LedgerError) as caught:
            use()
        told.add(as_shown(caught.value))

    with opening.open_reader(url, clock) as reader:
        assert reader.meta.read().shop is None
    [once] = told
    golden(by_name(once, [(path, "LEDGER")]))


def test_a_stranger_who_writes_is_named_as_the_obstacle(database, stranger, path, clock, golden):
    stranger.execute("BEGIN IMMEDIATE")

    with pytest.raises(LedgerError, match="locked by another program") as caught:
        SqlLedger(database, clock).meta.pin(shop="alpha")

    golden(by_name(as_shown(caught.value), [(path, "LEDGER")]))
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)


def test_a_stranger_who_reads_holds_up_the_commit_and_nothing_is_kept(
    database, stranger, clock, url
):
    stranger.execute("BEGIN")
    stranger.execute("SELECT * FROM meta").fetchall()

    with pytest.raises(LedgerError, match="locked by another program"):
        SqlLedger(database, clock).meta.pin(shop="alpha")

    stranger.execute("COMMIT")
    with opening.open_reader(url, clock) as reader:
        assert reader.meta.read().shop is None


def test_a_locked_ledger_is_refused_at_the_door(url, stranger, clock):
    stranger.execute("BEGIN EXCLUSIVE")

    with (
        pytest.raises(LedgerError, match="locked by another program"),
        opening.open_ledger(url, clock, busy_seconds=0.01),
    ):
        pass


def test_a_ledger_in_another_journal_mode_is_brought_back(url, path, clock, stranger):
    stranger.execute("PRAGMA journal_mode = WAL")
    stranger.close()

    with opening.open_ledger(url, clock) as ledger:
        ledger.meta.pin(shop="alpha")

    assert not path.with_name("ledger.db-wal").exists()


def test_the_connection_keeps_its_promises(database):
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "trusted_schema")

    found = [database.raw.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]

    assert found == ["truncate", 2, 1, 0]
    with closing(open_file_of(database)) as as_usual:
        assert as_usual.execute("PRAGMA busy_timeout").fetchone() == (30_000,)


def open_file_of(database):
    (_, _, name) = database.raw.execute("PRAGMA database_list").fetchone()
    return open_file(name, "rw")


def test_a_write_begins_by_taking_the_write_lock(database, stranger):
    stranger.execute("PRAGMA busy_timeout = 0")

    with database.writing(), pytest.raises(sqlite3.OperationalError, match="locked"):
        stranger.execute("BEGIN IMMEDIATE")


def test_a_transaction_inside_another_is_a_bug(database):
    with database.writing(), pytest.raises(RuntimeError), database.writing():
        pass


def test_an_unknown_state_cannot_be_stored(ledger, stranger):
    ledger.windows.record(drained(observation("1")), NOON)

    with pytest.raises(sqlite3.IntegrityError, match="known_state"):
        stranger.execute("UPDATE entries SET state = 'dancing'")
