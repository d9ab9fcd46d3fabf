"""Past runs: empty ones fold, old ones go, what `status` needs stays."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from reconciler.core.model import IntentOutcome, Malformed, Operation, State
from reconciler.core.records import Attempt, PlanMember, Run, Transition
from reconciler.core.report import STANDING
from reconciler.ledger.database import Database
from reconciler.ledger.sqlite import open_file
from reconciler.ledger.tables import windows
from tests.ledger.samples import CREATE, LATER, NOON, drained, intend, observation

DAY = timedelta(days=1)
NOTHING = {"seen": 40, "unchanged": 40, "created": 0, "waiting": 0}
MEMBER = PlanMember(return_id="1", change="create", fingerprint=b"\x00\xff")


def run(ledger, kind="scheduled", at=NOON, exit_code=0, counts=NOTHING, **fields):
    """A run that begins, reads a window and ends, all at one moment; its id."""
    begun = ledger.runs.begin(kind, at)
    ledger.windows.record(drained(run_id=begun.id), at)
    ledger.runs.finish(begun, at=at, exit_code=exit_code, counts=counts, **fields)
    return begun.id


def runs(ledger):
    return [past.id for past in ledger.runs.last(limit=100)]


def count_windows(path):
    database = Database(open_file(path, "ro"), "ledger")
    with database.reading() as connection:
        count = connection.execute(select(func.count()).select_from(windows)).scalar_one()
    database.close()
    return count


def test_a_finished_run_is_remembered_as_it_was_told(ledger, path):
    id_ = run(ledger, exit_code=7, counts={"seen": 3}, digest="abc", message="plan too large")

    (past,) = ledger.runs.last(limit=5)
    assert past == Run(id_, "scheduled", NOON, NOON, 7, {"seen": 3}, "plan too large", digest="abc")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT digest FROM runs").fetchone() == ("abc",)


def test_a_run_that_died_shows_as_unfinished(ledger):
    begun = ledger.runs.begin("scheduled", NOON)

    assert ledger.runs.last(limit=5) == [begun] == [Run(begun.id, "scheduled", NOON)]


def test_runs_are_found_by_when_they_began_the_newest_first(ledger):
    for minutes in (1, 3, 2):
        ledger.runs.begin("scheduled", NOON + timedelta(minutes=minutes))

    def since(minutes):
        return [run.id for run in ledger.runs.begun_since(NOON + timedelta(minutes=minutes))]

    assert since(0) == [3, 2, 1]
    assert since(2) == [3, 2], "at that very instant, too"
    assert since(4) == []


def test_empty_passes_fold_into_the_last_one(ledger, path):
    run(ledger)
    run(ledger, at=LATER)
    last = run(ledger, at=LATER)

    assert runs(ledger) == [last]
    assert count_windows(path) == 1


def test_empty_passes_fold_while_an_old_problem_stands(ledger):
    standing = NOTHING | dict.fromkeys(STANDING, 1)
    run(ledger, exit_code=3, counts=standing)

    last = run(ledger, exit_code=3, counts=standing)

    assert runs(ledger) == [last]


@pytest.mark.parametrize(
    "first",
    [
        {"exit_code": 3},
        {"counts": NOTHING | {"created": 1}},
        {"counts": NOTHING | {"waiting": 1}, "digest": "abc"},
        {"exit_code": 4},
        {"kind": "sweep"},
    ],
    ids=["another exit code", "pushed", "waits", "failed", "another kind"],
)
def test_anything_worth_knowing_is_not_folded(ledger, first):
    kept = run(ledger, **first)

    last = run(ledger)

    assert runs(ledger) == [last, kept]


def test_a_pass_that_found_something_replaces_nothing(ledger):
    empty = run(ledger)

    last = run(ledger, counts={"seen": 1, "new": 1})

    assert runs(ledger) == [last, empty]


def test_a_pass_that_had_a_plan_replaces_nothing(ledger):
    empty = run(ledger, counts=NOTHING | {"waiting": 1})

    last = run(ledger, counts=NOTHING | {"waiting": 1}, digest="abc")

    assert runs(ledger) == [last, empty]


def test_a_run_keeps_the_command_that_goes_on(ledger):
    run(ledger, exit_code=7, command="reconciler init --adopt")

    assert [past.command for past in ledger.runs.last(5)] == ["reconciler init --adopt"]


def test_a_run_that_died_is_not_folded(ledger):
    died = ledger.runs.begin("scheduled", NOON).id

    last = run(ledger)

    assert runs(ledger) == [last, died]


def test_the_last_complete_run_of_a_kind_is_known(ledger):
    assert ledger.runs.last_complete("sweep") is None

    run(ledger, kind="sweep")
    run(ledger, kind="scheduled", at=LATER, exit_code=3)
    run(ledger, kind="scheduled", at=LATER + DAY, exit_code=4)

    assert ledger.runs.last_complete("sweep") == NOON
    assert ledger.runs.last_complete("scheduled") == LATER


@pytest.mark.covers("P17")
def test_what_is_older_than_90_days_goes(ledger, path):
    ledger.windows.record(drained(observation("1"), observation("2")), NOON)
    attempt = Attempt(at=NOON, operation=Operation.CREATE, target_id=1, answer="applied")
    intend(ledger, "1")
    ledger.journal.apply(
        "1",
        Transition(state=State.SYNCED, intents_closed_as=IntentOutcome.APPLIED, attempt=attempt),
    )
    intend(ledger, "2")
    ledger.plans.keep("abc", [MEMBER], NOON)
    without_an_id, with_one = Malformed("ab" * 32, "id: missing"), Malformed("3", "state: 7", "3")
    ledger.windows.record(drained(malformed=(without_an_id, with_one)), NOON)
    old = run(ledger, exit_code=4)

    last_day = NOON + 90 * DAY
    kept = run(ledger, at=last_day, exit_code=4)
    assert runs(ledger) == [kept, old]
    assert ledger.journal.attempts_of("1") == [attempt]
    assert ledger.plans.kept("abc") == (MEMBER,)
    assert ledger.malformed.count() == 2

    last = run(ledger, at=last_day + timedelta(seconds=1), exit_code=4)
    assert runs(ledger) == [last, kept]
    assert ledger.journal.attempts_of("1") == []
    assert ledger.journal.writes_of("1") == []
    assert ledger.plans.kept("abc") is None
    assert [row.return_id for row in ledger.malformed.oldest()] == ["3"]
    assert count_windows(path) == 2
    assert [past.sale_item_ids for past in ledger.journal.writes_of("2")] == [CREATE.sale_item_ids]


def test_pruning_deletes_history_alone_and_says_how_much(ledger, path):
    ledger.windows.record(drained(observation("1"), observation("2")), NOON)
    attempt = Attempt(at=NOON, operation=Operation.CREATE, target_id=1, answer="applied")
    intend(ledger, "1")
    ledger.journal.apply(
        "1",
        Transition(state=State.SYNCED, intents_closed_as=IntentOutcome.APPLIED, attempt=attempt),
    )
    intend(ledger, "2")
    ledger.plans.keep("abc", [MEMBER], NOON)
    without_an_id = Malformed("ab" * 32, "id: missing")
    ledger.windows.record(drained(malformed=(without_an_id,)), NOON)
    for at in (NOON, LATER):
        run(ledger, at=at, exit_code=4)

    deleted = ledger.runs.prune(DAY, LATER + DAY)

    assert deleted == {
        "runs": 1, "windows": 3, "attempts": 1, "intents": 1, "plans": 1, "malformed": 0,
    }  # fmt: skip
    assert ledger.runs.prune(DAY, LATER + DAY) == dict.fromkeys(deleted, 0)
    assert len(ledger.entries.get(["1", "2"])) == 2
    assert [past.sale_item_ids for past in ledger.journal.writes_of("2")] == [CREATE.sale_item_ids]
    assert ledger.malformed.count() == 1, "whether Loop still shows it nobody knows"


def test_pruning_leaves_what_status_judges_by(ledger):
    complete, ended, killed = (
        run(ledger),
        run(ledger, exit_code=6),
        ledger.runs.begin("sweep", NOON),
    )
    swept = run(ledger, kind="sweep", exit_code=4)
    last = ledger.runs.begin("sweep", NOON)

    ledger.runs.prune(timedelta(seconds=1), NOON + DAY)

    assert runs(ledger) == [last.id, swept, ended, complete]
    assert killed.id not in runs(ledger)


def test_pruning_leaves_a_plan_that_waits_to_be_accepted(ledger):
    ledger.windows.record(drained(observation("1")), NOON)
    ledger.plans.stop("abc", [MEMBER], NOON)
    ledger.plans.keep("other", [MEMBER], NOON)

    ledger.runs.prune(timedelta(seconds=1), NOON + DAY)

    assert ledger.plans.kept("abc") == (MEMBER,)
    assert ledger.plans.kept("other") is None


def test_the_last_complete_sweep_is_never_forgotten(ledger):
    run(ledger, kind="sweep")

    run(ledger, at=NOON + 200 * DAY)

    assert ledger.runs.last_complete("sweep") == NOON


def test_a_kept_plan_comes_back_as_it_was(ledger):
    ledger.plans.keep("abc", [MEMBER, MEMBER], NOON)
    ledger.plans.keep("abc", [MEMBER], LATER)

    assert ledger.plans.kept("abc") == (MEMBER,)
    assert ledger.plans.kept("other") is None


def test_since_when_history_is_whole_is_noted_once_something_of_it_is_deleted(ledger):
    def since():
        return ledger.meta.read().history_since

    run(ledger, counts={"seen": 1, "new": 1})
    assert since() is None
    ledger.runs.prune(DAY, NOON + DAY)
    assert since() is None, "what is exactly as old is kept"

    ledger.runs.prune(DAY, NOON + 3 * DAY)
    assert since() == NOON + 2 * DAY

    ledger.runs.prune(5 * DAY, NOON + 4 * DAY)
    ledger.runs.prune(DAY, NOON + 9 * DAY)
    assert since() == NOON + 2 * DAY, "no later prune found anything to delete"


def test_an_earlier_prune_of_more_makes_no_history_whole_again(ledger):
    run(ledger, counts={"seen": 1, "new": 1})
    ledger.runs.prune(timedelta(0), NOON + DAY)
    run(ledger, counts={"seen": 1, "new": 1}, at=NOON - DAY)

    ledger.runs.prune(DAY, NOON + timedelta(hours=1))

    assert ledger.meta.read().history_since == NOON + DAY
