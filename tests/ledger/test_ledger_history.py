"""Past runs: empty ones fold, old ones go, what `status` needs stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from reconciler.core.model import IntentOutcome, Malformed, Operation, State
from reconciler.core.ports import Attempt, PlanMember, RunSummary, Transition
from reconciler.ledger.database import Store
from reconciler.ledger.sqlite import open_file
from reconciler.ledger.tables import windows
from tests.ledger.samples import CREATE, LATER, NOON, drained, intend, observation

DAY = timedelta(days=1)
NOTHING = {"seen": 40, "unchanged": 40, "created": 0, "waiting": 0}
MEMBER = PlanMember(return_id="1", change="create", fingerprint=b"\x00\xff")


def summary(kind="scheduled", at=NOON, exit_code=0, counts=NOTHING, **fields):
    return RunSummary(
        kind=kind, started_at=at, finished_at=at, exit_code=exit_code, counts=counts, **fields
    )


def run(ledger, told):
    id_ = ledger.begin_run(told.kind, told.started_at)
    ledger.record(drained(), told.started_at)
    ledger.finish_run(id_, told)
    return id_


def runs(ledger):
    return [past.id for past in ledger.past_runs(limit=100)]


def count_windows(path):
    store = Store(open_file(path, "ro"), "ledger")
    with store.reading() as connection:
        count = connection.execute(select(func.count()).select_from(windows)).scalar_one()
    store.close()
    return count


def test_a_finished_run_is_remembered_as_it_was_told(ledger):
    told = summary(exit_code=7, counts={"seen": 3}, digest="abc", message="plan too large")

    id_ = run(ledger, told)

    (past,) = ledger.past_runs(limit=5)
    assert (past.id, past.summary) == (id_, told)


def test_a_run_that_died_shows_as_unfinished(ledger):
    id_ = ledger.begin_run("scheduled", NOON)

    (past,) = ledger.past_runs(limit=5)
    assert (past.id, past.kind, past.started_at, past.summary) == (id_, "scheduled", NOON, None)


def test_empty_passes_fold_into_the_last_one(ledger, path):
    run(ledger, summary())
    run(ledger, summary(at=LATER))
    last = run(ledger, summary(at=LATER))

    assert runs(ledger) == [last]
    assert count_windows(path) == 1


def test_empty_passes_fold_while_an_old_problem_stands(ledger):
    standing = NOTHING | {"malformed": 1, "pending": 2}
    run(ledger, summary(exit_code=3, counts=standing))

    last = run(ledger, summary(exit_code=3, counts=standing))

    assert runs(ledger) == [last]


@pytest.mark.parametrize(
    "first",
    [
        summary(exit_code=3),
        summary(counts=NOTHING | {"created": 1}),
        summary(counts=NOTHING | {"waiting": 1}),
        summary(exit_code=4),
        summary(kind="sweep"),
    ],
    ids=["another verdict", "pushed", "waits", "failed", "another kind"],
)
def test_anything_worth_knowing_is_not_folded(ledger, first):
    kept = run(ledger, first)

    last = run(ledger, summary())

    assert runs(ledger) == [last, kept]


def test_a_pass_that_found_something_replaces_nothing(ledger):
    empty = run(ledger, summary())

    last = run(ledger, summary(counts={"seen": 1, "new": 1}))

    assert runs(ledger) == [last, empty]


def test_a_run_that_died_is_not_folded(ledger):
    died = ledger.begin_run("scheduled", NOON)

    last = run(ledger, summary())

    assert runs(ledger) == [last, died]


def test_the_last_complete_run_of_a_kind_is_known(ledger):
    assert ledger.last_complete("sweep") is None

    run(ledger, summary(kind="sweep"))
    run(ledger, summary(kind="scheduled", at=LATER, exit_code=3))
    run(ledger, summary(kind="scheduled", at=LATER + DAY, exit_code=4))

    assert ledger.last_complete("sweep") == NOON
    assert ledger.last_complete("scheduled") == LATER


@pytest.mark.covers("P17")
def test_what_is_older_than_90_days_goes(ledger, path):
    ledger.record(drained(observation("1"), observation("2")), NOON)
    attempt = Attempt(at=NOON, operation=Operation.CREATE, target_id=1, answer="applied")
    intend(ledger, "1")
    ledger.apply(
        "1",
        Transition(state=State.SYNCED, intents_closed_as=IntentOutcome.APPLIED, attempt=attempt),
    )
    intend(ledger, "2")
    ledger.keep_plan("abc", [MEMBER], NOON)
    without_an_id, with_one = Malformed("ab" * 32, "id: missing"), Malformed("3", "state: 7", "3")
    ledger.record(drained(malformed=(without_an_id, with_one)), NOON)
    old = run(ledger, summary(exit_code=4))

    last_day = NOON + 90 * DAY
    kept = run(ledger, summary(at=last_day, exit_code=4))
    assert runs(ledger) == [kept, old]
    assert ledger.attempts_of("1") == [attempt]
    assert ledger.kept_plan("abc") == (MEMBER,)
    assert ledger.count_malformed() == 2

    last = run(ledger, summary(at=last_day + timedelta(seconds=1), exit_code=4))
    assert runs(ledger) == [last, kept]
    assert ledger.attempts_of("1") == []
    assert ledger.intents_of("1") == []
    assert ledger.kept_plan("abc") is None
    assert [row.return_id for row in ledger.malformed_rows()] == ["3"]
    assert count_windows(path) == 2
    assert [past.intent.write for past in ledger.intents_of("2")] == [CREATE]


def test_the_last_complete_sweep_is_never_forgotten(ledger):
    run(ledger, summary(kind="sweep"))

    run(ledger, summary(at=NOON + 200 * DAY))

    assert ledger.last_complete("sweep") == NOON


def test_a_kept_plan_comes_back_as_it_was(ledger):
    ledger.keep_plan("abc", [MEMBER, MEMBER], NOON)
    ledger.keep_plan("abc", [MEMBER], LATER)

    assert ledger.kept_plan("abc") == (MEMBER,)
    assert ledger.kept_plan("other") is None
