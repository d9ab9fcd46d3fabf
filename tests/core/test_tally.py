from __future__ import annotations

from itertools import combinations

import pytest

from reconciler.core.model import State
from reconciler.core.report import ChangeKind, OutcomeKind, ReportedChange
from reconciler.core.tally import Read, Standing, count, exit_code
from reconciler.errors import PRECEDENCE, worst

IN_ORDER = (129, 130, 143, 8, 6, 7, 4, 5, 3, 10, 0)
CALM = Standing()


def told(change, outcome):
    return ReportedChange("1", "#1", None, change, outcome)


# ------------------------------------------------------------------------------------------- counts


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (ChangeKind.CREATE, "created"),
        (ChangeKind.UPDATE, "updated"),
        (ChangeKind.CANCEL, "cancelled"),
        (ChangeKind.ADOPT, "adopted"),
    ],
)
def test_what_was_pushed_counts_by_its_kind(change, name):
    counts = count(Read(0, 0, 0), [told(change, OutcomeKind.PUSHED)] * 3, CALM)

    assert getattr(counts, name) == 3


@pytest.mark.parametrize("outcome", ["skipped", "waiting", "failed", "review"])
@pytest.mark.parametrize("change", ChangeKind)
def test_what_was_not_pushed_counts_by_its_outcome(change, outcome):
    counts = count(Read(0, 0, 0), [told(change, OutcomeKind(outcome))], CALM)

    assert getattr(counts, outcome) == 1
    assert counts.created + counts.updated + counts.cancelled + counts.adopted == 0


@pytest.mark.parametrize("outcome", [OutcomeKind.PLANNED, OutcomeKind.DEFERRED])
def test_what_was_only_planned_or_put_off_counts_nowhere(outcome):
    assert count(Read(0, 0, 0), [told(ChangeKind.CREATE, outcome)], CALM) == (
        count(Read(0, 0, 0), [], CALM)
    )


def test_what_was_seen_is_new_changed_or_unchanged():
    standing = Standing(states={State.PENDING: 4, State.SYNCED: 9}, malformed=2)
    counts = count(Read(seen=10, new=3, changed=2), [], standing)

    assert (counts.seen, counts.new, counts.changed, counts.unchanged) == (10, 3, 2, 5)
    assert (counts.pending, counts.malformed) == (4, 2)
    assert count(Read(0, 0, 0), [], CALM).pending == 0


# ---------------------------------------------------------------------------------------- exit code


def test_when_several_codes_apply_the_first_of_the_design_wins():
    assert PRECEDENCE == IN_ORDER
    for one, other in list(combinations(IN_ORDER, 2)):
        assert worst({one, other}) == worst({other, one}) == one
    assert worst(set(IN_ORDER)) == 129
    assert worst(set()) == 0


def test_a_code_outside_the_order_wins_over_all():
    assert worst({1, 130, 3}) == 1


def code(*failures, pending_shows=False, **standing):
    return exit_code(failures, Standing(**standing), pending_shows=pending_shows)


def test_all_is_well():
    assert code() == 0
    assert code(states={State.PENDING: 9, State.SYNCED: 9, State.WAITING: 9, State.SKIPPED: 9}) == 0
    assert code(states={State.IGNORED: 9}) == 0


@pytest.mark.parametrize(
    "state", [State.DEAD, State.REVIEW, State.FAILED, State.UNKNOWN, State.IN_FLIGHT]
)
def test_an_entry_in_trouble_speaks_on_every_run_until_it_is_settled(state):
    assert code(states={state: 1}) == 3
    assert code(states={state: 0}) == 0


@pytest.mark.parametrize("standing", [{"overdue": 1}, {"malformed": 1}])
def test_overdue_and_malformed_ask_for_a_person(standing):
    assert code(**standing) == 3


def test_stopped_creation_is_a_safety_stop_on_every_run():
    assert code(creation_stopped="whole sale", states={State.REVIEW: 1}) == 7
    assert code(5, creation_stopped="whole sale") == 7
    assert code(6, creation_stopped="whole sale") == 6


def test_what_stopped_the_pass_goes_before_how_the_ledger_stands():
    assert code(4, states={State.DEAD: 1}) == 4
    assert code(5, overdue=1) == 5
    assert code(4, 5) == 4


def test_pending_changes_show_only_where_asked_and_where_nothing_is_worse():
    assert code(pending_shows=True) == 10
    assert code(pending_shows=True, overdue=1) == 3
