"""What was told is remembered by channel, beside a run, and forgotten with its return."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from reconciler.core.records import Told
from reconciler.errors import LedgerError, LedgerMissing
from reconciler.ledger import opening
from tests.ledger.samples import NOON, drained, observation

LATER = NOON + timedelta(hours=1)
PASS = Told("pass", "", "pass", NOON, LATER, well_since=LATER)


def of_return(return_id):
    return Told(
        f"return {return_id}", "review", f"#1, return {return_id}", NOON, NOON, None, return_id
    )


def test_what_is_remembered_comes_back_by_channel(ledger):
    ledger.windows.record(drained(observation("1")), NOON)
    both = [PASS, of_return("1")]

    ledger.told.replace("sent", both)
    ledger.told.replace("printed", [PASS])

    assert ledger.told.read("sent") == both
    assert ledger.told.read("printed") == [PASS]
    ledger.told.replace("sent", [])
    assert ledger.told.read("sent") == []
    assert ledger.told.read("printed") == [PASS]


def test_thousands_are_remembered(ledger):
    many = [Told(f"trouble {n:05}", "", "a trouble", NOON, NOON) for n in range(3000)]

    ledger.told.replace("sent", many)

    assert ledger.told.read("sent") == many


def test_nothing_is_remembered_of_a_return_that_is_not_there(ledger):
    ledger.told.replace("sent", [PASS, of_return("404")])

    assert ledger.told.read("sent") == [PASS]


def test_it_is_written_while_a_run_goes_on_which_goes_on(url, ledger, clock):
    """The run's own transactions before and after are none the worse."""
    run = ledger.runs.begin("scheduled", NOON)
    with opening.open_beside_runs(url, clock) as beside:
        beside.told.replace("sent", [PASS])
    ledger.runs.finish(run, at=LATER, exit_code=0, counts={})

    assert ledger.told.read("sent") == [PASS]


def test_it_waits_shortly_for_another_program(url, ledger, clock):
    path = opening.path_of(url)
    with closing(sqlite3.connect(path, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        with (
            pytest.raises(LedgerError, match="locked"),
            opening.open_beside_runs(url, clock) as beside,
        ):
            beside.told.replace("sent", [PASS])


def test_a_ledger_that_is_not_there_is_not_made(tmp_path, clock):
    with pytest.raises(LedgerMissing), opening.open_beside_runs(f"sqlite:///{tmp_path}/x", clock):
        pass
    assert list(tmp_path.iterdir()) == []
