"""Readers and dry runs leave every byte where it was, even after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing

import pytest

from reconciler.core.model import State
from reconciler.core.records import Transition
from reconciler.errors import LedgerError
from reconciler.ledger import opening
from reconciler.ledger.snapshot import recover_into
from reconciler.ledger.sqlite import open_temporary
from tests.ledger.samples import BIRTH, LATER, NOON, StillClock, drained, observation

# Spills changed pages into the file before the commit, as a large window on a small machine does.
DIE_IN_THE_MIDDLE = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = TRUNCATE")
connection.execute("PRAGMA cache_size = 5")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE entries SET state = 'dead', reason = hex(randomblob(300))")
connection.execute("UPDATE meta SET shop = 'half done'")
print("spilt", flush=True)
sys.stdin.read()
"""

REPAIR = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("repairing", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def filled(url, path, clock):
    with opening.open_ledger(url, clock) as ledger:
        ledger.windows.record(drained(*(observation(str(number)) for number in range(400))), NOON)
    return path


@pytest.fixture
def crashed(filled):
    """A ledger whose writer was killed in the middle of a commit."""
    process = subprocess.Popen(
        [sys.executable, "-c", DIE_IN_THE_MIDDLE, filled],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "spilt\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    assert filled.with_name("ledger.db-journal").stat().st_size > 0
    return filled


def snapshot(path):
    return {file.name: file.read_bytes() for file in path.parent.iterdir()}


def look(url, clock):
    with opening.open_reader(url, clock) as reader:
        assert reader.entries.counts_by_state() == {State.PENDING: 400}
        assert len(list(reader.entries.due(NOON))) == 400
        assert reader.meta.read().shop is None


def play(url, clock):
    with opening.open_scratch(url, clock) as scratch:
        assert scratch.entries.counts_by_state() == {State.PENDING: 400}
        scratch.windows.record(drained(observation("new"), watermark=LATER), NOON)
        scratch.journal.apply("1", Transition(state=State.SYNCED))
        scratch.meta.pin(shop="alpha")
        assert scratch.entries.counts_by_state() == {State.PENDING: 400, State.SYNCED: 1}
        assert scratch.meta.read().watermark == LATER


@pytest.mark.parametrize("use", [look, play])
def test_the_ledger_keeps_every_byte(url, filled, clock, use):
    before = snapshot(filled)

    use(url, clock)

    assert snapshot(filled) == before


@pytest.mark.parametrize("use", [look, play])
def test_after_a_crash_the_last_commit_shows_and_every_byte_stays(url, crashed, clock, use):
    before = snapshot(crashed)

    use(url, clock)

    assert snapshot(crashed) == before


@pytest.mark.parametrize("use", [look, play])
def test_nothing_is_left_in_the_temporary_directory(
    url, crashed, clock, use, tmp_path, monkeypatch
):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    use(url, clock)

    assert list(temporary.iterdir()) == []


def test_the_next_run_undoes_what_the_crash_left(url, crashed, clock):
    with opening.open_ledger(url, clock) as ledger:
        assert ledger.entries.counts_by_state() == {State.PENDING: 400}
        assert ledger.meta.read().shop is None

    assert crashed.with_name("ledger.db-journal").stat().st_size == 0


def test_a_crashed_ledger_is_not_copied_while_somebody_mends_it(url, filled):
    clock = StillClock()
    mender = subprocess.Popen(
        [sys.executable, "-c", REPAIR, filled],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with mender, closing(open_temporary()) as target:
        assert mender.stdout.readline() == "repairing\n"

        with pytest.raises(LedgerError, match="locked by another program"):
            recover_into(filled, target, clock)

        mender.stdin.close()
    assert sum(clock.waited) == pytest.approx(30, abs=1)


def test_readers_cannot_write(url, crashed, filled, clock):
    with (
        opening.open_reader(url, clock) as reader,
        pytest.raises(LedgerError, match="read-only"),
    ):
        reader.meta.pin(shop="alpha")


def test_a_reader_does_not_see_half_a_commit(url, filled, clock):
    with opening.open_ledger(url, clock) as ledger, opening.open_reader(url, clock) as reader:
        ledger.journal.apply("1", Transition(state=State.SYNCED))

        assert reader.entries.counts_by_state() == {State.PENDING: 399, State.SYNCED: 1}


def test_a_reader_holds_up_nobody_between_two_questions(url, filled, clock):
    with (
        opening.open_reader(url, clock) as reader,
        opening.open_ledger(url, clock, busy_seconds=0.01) as ledger,
    ):
        stream = reader.entries.due(NOON)
        next(stream)
        ledger.meta.pin(shop="alpha")

        assert reader.meta.read().shop == "alpha"


def test_a_blank_ledger_knows_nothing_and_leaves_nothing(tmp_path, clock, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with opening.open_blank(BIRTH, clock) as ledger:
        ledger.windows.record(drained(observation("1")), NOON)
        assert ledger.entries.counts_by_state() == {State.PENDING: 1}
        assert ledger.meta.read().go_live == BIRTH.go_live

    assert os.listdir(tmp_path) == []
