"""One run at a time, and nobody ever has to clean up after a dead one."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from reconciler.clock import SystemClock
from reconciler.core.model import State
from reconciler.errors import Interrupted, LedgerError, LedgerLocked, LedgerMissing
from reconciler.ledger import location, opening
from reconciler.ledger.database import Database
from reconciler.ledger.lock import is_locked, lock_path, run_lock
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.sqlite import open_file
from tests.ledger.samples import CREATE, LATER, NOON, StillClock, drained, observation
from tests.support.golden import as_shown, by_name

HOLD = """
import sys
from reconciler.clock import SystemClock
from reconciler.ledger import opening
with opening.open_ledger(sys.argv[1], SystemClock()):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_run(url):
    """A real process that holds the lock until it is killed or its stdin ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_a_look_at_the_lock_turns_no_run_away(url):
    """Whoever looks holds it for a moment, too; a run that begins then begins all the same."""
    path = location.path_of(url)
    with opening.open_ledger(url, StillClock()):
        assert is_locked(path) is True
    assert is_locked(path) is False

    with open(lock_path(path), "rb") as looked_at:

        class LooksMeanwhile(StillClock):
            def wait(self, seconds):
                super().wait(seconds)
                fcntl.flock(looked_at, fcntl.LOCK_UN)

        fcntl.flock(looked_at, fcntl.LOCK_SH)
        with opening.open_ledger(url, LooksMeanwhile()) as ledger:
            assert ledger.meta.read().watermark == NOON


def test_of_a_lock_that_is_not_there_nothing_is_known(tmp_path):
    assert is_locked(tmp_path / "ledger.db") is None


def test_a_second_run_is_turned_away_and_told_who_is_first(url, path, clock, golden):
    with (
        another_run(url) as first,
        pytest.raises(LedgerLocked, match=f"process {first.pid}, since 20") as caught,
        opening.open_ledger(url, clock),
    ):
        pass

    assert sum(clock.waited) <= 0.5
    holder = (f"process {first.pid}", "process N")
    said = by_name(as_shown(caught.value), [(path, "LEDGER"), holder])
    golden(re.sub(r"since [^)]+", "since NOW", said))


def test_looking_goes_on_while_a_run_holds_the_lock(url, clock):
    with another_run(url):
        for door in (opening.open_reader, opening.open_scratch):
            with door(url, clock) as ledger:
                assert ledger.meta.read().watermark == NOON


@pytest.mark.covers("F81")
def test_a_killed_holder_frees_the_lock_at_once(url, clock):
    with another_run(url) as first:
        first.send_signal(signal.SIGKILL)
        first.wait()

        with opening.open_ledger(url, clock) as ledger:
            assert ledger.meta.read().watermark == NOON


def test_the_lock_file_outlives_the_run(url, path, clock):
    before = os.stat(lock_path(path)).st_ino

    with opening.open_ledger(url, clock):
        pass

    assert os.stat(lock_path(path)).st_ino == before


def test_waiting_ends_when_the_time_is_up(url, clock):
    with (
        another_run(url),
        pytest.raises(LedgerLocked),
        opening.open_ledger(url, clock, wait=120),
    ):
        pass

    assert sum(clock.waited) == pytest.approx(120)


def test_waiting_ends_when_the_holder_does(url, path):
    class Patient(StillClock):
        def wait(self, seconds):
            super().wait(seconds)
            holder.stdin.close()
            holder.wait()

    with another_run(url) as holder, opening.open_ledger(url, Patient(), wait=120) as ledger:
        assert ledger.meta.read().watermark == NOON


def test_waiting_can_be_interrupted(url):
    clock = SystemClock()
    clock.stop(signal.SIGTERM)

    with another_run(url), pytest.raises(Interrupted), opening.open_ledger(url, clock, wait=120):
        pass


SHOW_FILES = """
import os
for name in os.listdir("/proc/self/fd"):
    if os.path.exists(f"/proc/self/fd/{name}"):
        print(os.readlink(f"/proc/self/fd/{name}"))
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs Linux's /proc")
def test_child_processes_do_not_inherit_the_lock(path, clock):
    path.parent.mkdir()
    command = [sys.executable, "-c", SHOW_FILES]

    with run_lock(path, clock):
        child = subprocess.run(
            command, close_fds=False, stdout=subprocess.PIPE, text=True, check=True
        )

    assert "/dev/null" in child.stdout or "pipe:" in child.stdout
    assert str(lock_path(path)) not in child.stdout


def test_no_lock_is_left_where_there_is_no_ledger(path, clock):
    path.parent.mkdir()
    with (
        pytest.raises(LedgerMissing),
        opening.open_ledger(f"sqlite:///{path}", clock),
    ):
        pass

    assert list(path.parent.iterdir()) == []


def test_two_ledgers_are_never_created_at_once(path, clock):
    path.parent.mkdir()
    with run_lock(path, clock), pytest.raises(LedgerLocked):
        opening.create(f"sqlite:///{path}", opening.InitialState(NOON, NOON, "m1"), clock)

    assert not path.exists()


def taken_over(path, clock):
    """A ledger opened behind the lock's back, as a process on a shared mount might."""
    database = Database(open_file(path, "rw"), str(path))
    database.take_over()
    return database, SqlLedger(database, clock)


@pytest.mark.parametrize(
    "write",
    [
        lambda ledger: ledger.windows.record(drained(observation("2")), LATER),
        lambda ledger: ledger.journal.intend("1", CREATE, (), NOON, LATER),
        lambda ledger: ledger.runs.begin("scheduled", NOON),
        lambda ledger: ledger.meta.pin(shop="alpha"),
    ],
    ids=["a window", "an intent", "a run", "the shop"],
)
def test_a_run_that_lost_the_ledger_may_not_write(ledger, path, clock, write, golden):
    ledger.windows.record(drained(observation("1")), NOON)
    database, other = taken_over(path, clock)

    with pytest.raises(LedgerError, match="another run") as caught:
        write(ledger)

    assert other.entries.counts_by_state() == {State.PENDING: 1}
    assert other.meta.read().shop is None
    database.close()
    golden(by_name(as_shown(caught.value), [(path, "LEDGER")]))


def test_whoever_took_over_may_write(ledger, path, clock):
    database, other = taken_over(path, clock)

    other.meta.pin(shop="alpha")

    assert ledger.meta.read().shop == "alpha"
    database.close()
