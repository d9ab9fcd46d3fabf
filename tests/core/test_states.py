from __future__ import annotations

import pytest

from reconciler.core.model import State
from reconciler.core.states import (
    NEEDS_A_PERSON,
    OPEN,
    REARMED_BY_CHANGE,
    TROUBLED,
    predecessors,
)

# One row per state: what may follow it, besides itself (architecture.md#states-of-an-entry).
LEGAL = {
    "pending": "in_flight synced waiting failed dead skipped review ignored",
    "in_flight": "pending synced unknown failed dead review",
    "unknown": "pending synced dead review",
    "synced": "pending review ignored",
    "waiting": "pending in_flight synced failed dead skipped review ignored",
    "failed": "pending in_flight synced waiting dead skipped review ignored",
    "dead": "pending ignored",
    "skipped": "pending review",
    "review": "pending unknown ignored",
    "ignored": "pending",
}


def test_the_table_names_every_state():
    assert LEGAL.keys() == {state.value for state in State}


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_a_step_is_legal_exactly_when_the_table_says_so(before, after):
    legal = after is before or after.value in LEGAL[before.value].split()

    assert (before in predecessors(after)) is legal


def test_an_unanswered_write_never_leads_to_another_write_unread():
    assert State.UNKNOWN not in predecessors(State.IN_FLIGHT)
    assert State.UNKNOWN not in predecessors(State.FAILED)
    assert State.UNKNOWN not in predecessors(State.SKIPPED)


def test_only_a_person_leads_out_of_review_and_ignored():
    assert not {State.REVIEW, State.IGNORED} & REARMED_BY_CHANGE
    assert {after for after in State if State.IGNORED in predecessors(after)} == {
        State.PENDING,
        State.IGNORED,
    }


def test_a_change_re_arms_what_is_done_or_stuck_and_nothing_that_is_in_the_air():
    assert {
        State.SYNCED,
        State.WAITING,
        State.FAILED,
        State.DEAD,
        State.SKIPPED,
    } == REARMED_BY_CHANGE
    assert predecessors(State.PENDING) >= REARMED_BY_CHANGE


def test_every_state_is_open_or_a_person_s_or_at_rest():
    at_rest = {State.SYNCED, State.SKIPPED, State.IGNORED}

    assert set(State) == OPEN | NEEDS_A_PERSON | at_rest
    assert not OPEN & NEEDS_A_PERSON
    assert {State.DEAD, State.REVIEW, State.FAILED, State.UNKNOWN, State.IN_FLIGHT} == TROUBLED
