from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.matching.result import DECIDE, NotReady
from reconciler.core.model import IntentOutcome, Operation, State
from reconciler.core.records import Attempt, Transition
from reconciler.core.retry import ORDERS_ARRIVE_WITHIN, TRIES, failed, tries, waits
from tests.core.samples import DAY, HOUR, MINUTE, NOON, a_return, an_entry

ids = st.integers(1, 10**12).map(str)
NO_ORDER, NO_LINE = NotReady("no order", order_found=False), NotReady("no line", order_found=True)


def entry(return_id="7001", **changes):
    return an_entry(seen=a_return(id=return_id), **changes)


def jitter(name):
    """A quarter and no more, by a hash of the return's id and the count: no replay differs."""
    return 1 + sha256(name.encode()).digest()[0] / 1023


def pauses_after_failures(return_id="7001"):
    """Until it is given up."""
    found = []
    for attempts in range(TRIES):
        tried = entry(return_id, state=State.FAILED, attempts=attempts)
        transition = failed(tried, "x", NOON, closes=None)
        if transition.next_try_at is not None:
            found.append(transition.next_try_at - NOON)
    return found


# ----------------------------------------------------------------------------------------- failures


@given(ids)
def test_eight_tries_are_spread_over_a_day_and_little_more(return_id):
    pauses = pauses_after_failures(return_id)

    assert len(pauses) == TRIES - 1 == 7
    assert pauses == sorted(pauses)
    assert 24 * HOUR <= sum(pauses, timedelta()) <= 31 * HOUR


@given(ids)
def test_a_pause_is_never_shorter_than_said_and_a_quarter_longer_at_most(return_id):
    bases = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 8 * HOUR, 12 * HOUR]

    for pause, base in zip(pauses_after_failures(return_id), bases, strict=True):
        assert base <= pause <= base * 1.25


def test_pauses_differ_between_returns_and_are_the_same_on_every_replay():
    assert pauses_after_failures("7001") == pauses_after_failures("7001")
    assert len({pauses_after_failures(str(n))[0] for n in range(30)}) > 15


REFUSED = Attempt(NOON, Operation.CREATE, 10, "refused", 422)


def test_the_last_try_gives_up_and_says_so():
    assert failed(
        entry(attempts=TRIES - 1), "no luck", NOON, REFUSED, closes=IntentOutcome.ABSENT
    ) == Transition(
        State.DEAD,
        "no luck (given up after 8 tries)",
        attempts=TRIES,
        intents_closed_as=IntentOutcome.ABSENT,
        attempt=REFUSED,
    )


@pytest.mark.parametrize(("closes", "attempt"), [(None, None), (IntentOutcome.NOT_TAKEN, REFUSED)])
def test_a_failure_counts_one_try_and_closes_intents_as_told(closes, attempt):
    assert failed(entry(attempts=2), "no luck", NOON, attempt, closes=closes) == Transition(
        State.FAILED,
        "no luck",
        attempts=3,
        next_try_at=NOON + 15 * MINUTE * jitter("7001:3"),
        intents_closed_as=closes,
        attempt=attempt,
    )


def test_the_first_look_comes_after_a_minute():
    assert waits(entry(), NO_ORDER, NOON, DAY) == Transition(
        State.WAITING, "no order", attempts=1, next_try_at=NOON + MINUTE * jitter("7001:1")
    )


@pytest.mark.covers("R6")
def test_a_person_who_must_decide_is_told_what_there_is_instead_of_a_line():
    """Nobody else needs it: most lines that are not there yet come."""
    wait = NotReady("no line", order_found=True, found_instead="there is another")
    since = entry(state=State.WAITING, due_since=NOON)

    assert waits(since, wait, NOON + MINUTE, DAY).reason == "no line"
    assert waits(since, wait, NOON + DAY, DAY) == Transition(
        State.REVIEW, f"no line: there is another. {DECIDE}"
    )


def test_looking_for_a_missing_order_is_no_failed_try():
    waiting = entry(state=State.WAITING, attempts=40)

    assert tries(waiting) == 0
    assert failed(waiting, "x", NOON, closes=None).attempts == 1


# ----------------------------------------------------------------------------------- missing orders


def looked(attempts, wait=NO_ORDER, since=NOON, now=NOON, **changes):
    waiting = entry(state=State.WAITING, attempts=attempts, due_since=since, **changes)
    return waits(waiting, wait, now, DAY)


@given(ids, st.integers(0, 10_000))
def test_looks_double_from_a_minute_to_six_hours(return_id, attempts):
    waiting = entry(return_id, state=State.WAITING, attempts=attempts)
    pause = waits(waiting, NO_ORDER, NOON, DAY).next_try_at - NOON
    base = min(MINUTE * 2 ** min(attempts, 20), 6 * HOUR)

    assert base <= pause <= base * 1.25


def test_failed_tries_do_not_slow_the_first_look():
    transition = waits(entry(state=State.FAILED, attempts=7), NO_ORDER, NOON, DAY)

    assert transition.attempts == 1
    assert transition.next_try_at <= NOON + 1.25 * MINUTE


def test_an_order_is_looked_for_for_thirty_days():
    assert timedelta(days=30) == ORDERS_ARRIVE_WITHIN
    almost = looked(9, since=NOON, now=NOON + 30 * DAY - MINUTE)
    never = looked(9, since=NOON, now=NOON + 30 * DAY)

    assert almost.state is State.WAITING
    assert never == Transition(State.DEAD, "no order, for 30 days")


@pytest.mark.parametrize(
    ("wait", "after", "state"),
    [
        (NO_LINE, DAY - MINUTE, State.WAITING),
        (NO_LINE, DAY, State.REVIEW),
        (NO_ORDER, DAY, State.WAITING),
        (NO_LINE, 31 * DAY, State.REVIEW),
    ],
)
def test_a_line_missing_from_its_order_is_a_person_s_after_the_patience(wait, after, state):
    transition = looked(3, wait, now=NOON + after)

    told = f"{wait.reason}. {DECIDE}"
    assert (transition.state, transition.reason) == (
        state,
        wait.reason if state is State.WAITING else told,
    )
    assert state is State.WAITING or transition == Transition(state, told)


@pytest.mark.parametrize(
    ("after", "state"), [(timedelta(0), State.WAITING), (timedelta(hours=1), State.REVIEW)]
)
def test_without_patience_a_line_may_still_follow_its_order(after, state):
    """Told at once, but only a person leads out of a review."""
    waiting = entry(state=State.WAITING, attempts=3, due_since=NOON)

    assert waits(waiting, NO_LINE, NOON + after, timedelta(0)).state is state


def test_patience_counts_from_now_where_nothing_was_due():
    assert looked(0, NO_LINE, since=None, now=NOON + 99 * DAY).state is State.WAITING
