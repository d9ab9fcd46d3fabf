"""What a pass may spend, and whose it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.budget import Budget, Spent, backlog_seconds

SCHEDULED = Budget(max_seconds=600.0, backlog_seconds=270.0)
ONE = Spent(3, 3.25)


@pytest.mark.parametrize(("interval", "seconds"), [(300, 270), (60, 54), (600, 540), (7200, 540)])
def test_the_backlog_has_nine_tenths_of_the_interval_but_never_a_whole_pass(interval, seconds):
    assert backlog_seconds(interval) == seconds
    assert backlog_seconds() == 270


def test_a_pass_ends_at_its_budgets_and_says_at_which():
    both = Budget(max_writes=10, max_seconds=60.0)

    assert Budget().why_spent(Spent(10**6, 1e6)) is None
    assert both.why_spent(Spent(9, 59.9)) is None
    assert both.why_spent(Spent(10, 0)) == "the budget of 10 writes is spent"
    assert both.why_spent(Spent(9, 60.0)) == "the time limit of 60 s is reached"


@pytest.mark.parametrize(
    ("fresh", "until"),
    [(0.0, 270.0), (120.0, 270.0), (121.0, 271.0), (260.0, 410.0), (450.0, 600.0)],
)
def test_the_backlog_ends_before_the_next_pass_but_has_a_quarter_of_each(fresh, until):
    assert not SCHEDULED.leaves_the_backlog(Spent(0, until - 0.1), Spent(0, fresh))
    assert SCHEDULED.leaves_the_backlog(Spent(0, until), Spent(0, fresh))


def test_without_a_share_the_backlog_goes_on():
    assert not Budget(max_seconds=600.0).leaves_the_backlog(Spent(0, 599.0), Spent())
    assert Budget(backlog_seconds=270.0).leaves_the_backlog(Spent(0, 270.0), Spent(0, 200.0))


@pytest.mark.parametrize(("most", "until"), [(400, 300), (12, 9), (8, 5), (5, 2), (4, 1)])
def test_fresh_changes_leave_a_quarter_of_the_writes_and_room_for_one_change(most, until):
    budget = Budget(max_writes=most)

    assert not budget.leaves_fresh_changes(Spent(until - 1, 1e6), ONE)
    assert budget.leaves_fresh_changes(Spent(until, 0), ONE)


@pytest.mark.parametrize(("most", "until"), [(600.0, 450.0), (13.0, 9.75), (8.0, 4.75)])
def test_they_leave_as_much_of_the_time(most, until):
    budget = Budget(max_seconds=most)

    assert not budget.leaves_fresh_changes(Spent(10**6, until - 0.1), ONE)
    assert budget.leaves_fresh_changes(Spent(0, until), ONE)


@given(st.integers(4, 500), st.integers(1, 60))
def test_whatever_the_budget_a_change_of_each_fits_in(most, fresh):
    """Of three writes each, where the budget lets more than one begin."""
    budget, spent, done = Budget(max_writes=most), 0, 0
    while done < fresh and not budget.why_spent(Spent(spent)):
        if done and budget.leaves_fresh_changes(Spent(spent), ONE):
            break
        spent, done = spent + 3, done + 1

    assert done
    assert budget.why_spent(Spent(spent)) is None or done == fresh
