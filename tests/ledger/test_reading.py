"""What a pass and a person can ask."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model import IntentOutcome, State
from reconciler.core.records import StoredVersion, Transition
from reconciler.core.states import OPEN
from reconciler.ledger import opening
from tests.ledger.samples import (
    BIRTH,
    LATER,
    MINUTE,
    NOON,
    StillClock,
    bring_to,
    drained,
    fingerprint,
    observation,
    sale_return,
)


def ids(entries):
    return [entry.id for entry in entries]


def test_known_tells_enough_to_compare(ledger):
    news = observation("1")
    ledger.windows.record(drained(news, observation("2")), NOON)

    assert ledger.entries.versions(["1", "99"]) == {
        "1": StoredVersion(
            updated_at=NOON,
            content=news.content,
            fingerprint=news.fingerprint,
            state=State.PENDING,
        )
    }
    assert ledger.entries.versions([]) == {}


def test_a_whole_page_can_be_asked_for(ledger):
    page = [str(number) for number in range(750)]
    ledger.windows.record(drained(*map(observation, page)), NOON)

    assert ledger.entries.versions(page).keys() == set(page)


def test_entries_come_in_the_order_asked_for(ledger):
    ledger.windows.record(drained(*map(observation, "123")), NOON)

    assert ids(ledger.entries.get(["3", "99", "1"])) == ["3", "1"]


def test_entries_of_an_order_are_found_by_id_or_by_name_where_one_has_no_id(ledger):
    ledger.windows.record(
        drained(
            observation("1", order_id="o", order_name="#7"),
            observation("2", order_id=None, order_name="#7"),
            observation("3", order_id="other", order_name="#7"),
            observation("4", order_id="o", order_name="#renamed"),
            observation("5", order_id=None, order_name="#8"),
        ),
        NOON,
    )

    assert ids(ledger.entries.on_order("o", "#7")) == ["1", "2", "4"]
    assert ids(ledger.entries.on_order(None, "#7")) == ["1", "2", "3"]


def test_two_orders_without_a_name_have_nothing_in_common(ledger):
    nameless = [observation(id_, order_id=f"o{id_}", order_name="") for id_ in "12"]
    ledger.windows.record(drained(*nameless), NOON)

    assert ids(ledger.entries.on_order("o1", "")) == ["1"]
    assert ids(ledger.entries.on_order(None, "")) == []
    assert ids(ledger.entries.find("o2")) == ["2"]
    assert ids(ledger.entries.find("#")) == []


ORDERS = st.tuples(st.sampled_from([None, "o1", "o2"]), st.sampled_from(["", "#7", "#8"]))


@given(st.lists(ORDERS, max_size=7))
def test_entries_share_an_order_where_one_is_on_the_order_of_the_other(orders):
    returns = [
        observation(str(number), order_id=order_id, order_name=name)
        for number, (order_id, name) in enumerate(orders)
    ]
    with opening.open_blank(BIRTH, StillClock()) as ledger:
        ledger.windows.record(drained(*returns), NOON)

        sharing = ledger.entries.sharing_an_order([one.seen.id for one in returns])

        assert sharing == {
            one.seen.id
            for one in returns
            if ledger.entries.on_order(one.seen.order_id, one.seen.order_name, besides=one.seen.id)
        }


def test_spans_include_both_ends(ledger):
    times = [NOON - MINUTE, NOON, LATER, LATER + MINUTE]
    ledger.windows.record(
        drained(*(observation(str(n), at=at, created_at=at) for n, at in enumerate(times))), NOON
    )

    assert ledger.entries.ids_updated_between(NOON, LATER) == {"1", "2"}
    assert ledger.entries.open_ids_created_between(NOON, LATER) == {"1", "2"}


@pytest.mark.parametrize("state", sorted(State))
def test_unfinished_entries_of_a_span_are_the_open_ones(ledger, state):
    ledger.windows.record(drained(observation("1")), NOON)
    bring_to(ledger, "1", state)

    assert ledger.entries.open_ids_created_between(NOON, NOON) == (
        {"1"} if state in OPEN else set()
    )


@pytest.mark.parametrize(
    ("state", "due_at_once", "due_later"),
    [
        (State.PENDING, True, True),
        (State.WAITING, False, True),
        (State.FAILED, False, True),
        (State.IN_FLIGHT, False, True),
        (State.UNKNOWN, False, True),
        (State.SYNCED, False, False),
        (State.DEAD, False, False),
        (State.SKIPPED, False, False),
        (State.REVIEW, False, False),
        (State.IGNORED, False, False),
    ],
)
def test_due_is_what_can_be_done_now(ledger, state, due_at_once, due_later):
    three_minutes = NOON + 3 * MINUTE  # when an intent of these tests has settled
    ledger.windows.record(drained(observation("1")), NOON)
    bring_to(ledger, "1", state)
    if state in (State.WAITING, State.FAILED):
        ledger.journal.apply("1", Transition(state=state, next_try_at=three_minutes))

    assert bool(ids(ledger.entries.due(three_minutes - MINUTE / 60))) is due_at_once
    assert bool(ids(ledger.entries.due(three_minutes))) is due_later


def test_in_flight_without_an_intent_is_due(ledger):
    ledger.windows.record(drained(observation("1")), NOON)
    bring_to(ledger, "1", State.UNKNOWN)
    ledger.journal.apply(
        "1", Transition(state=State.UNKNOWN, intents_closed_as=IntentOutcome.APPLIED)
    )

    assert ids(ledger.entries.due(NOON)) == ["1"]


def test_due_streams_in_order_of_id_while_the_caller_works(ledger):
    names = [f"{number:04}" for number in range(1200)]
    ledger.windows.record(drained(*map(observation, reversed(names))), NOON)

    seen = []
    for entry in ledger.entries.due(NOON):
        seen.append(entry.id)
        if entry.id == names[0]:  # settled by the caller before the stream comes to them
            ledger.journal.apply(names[0], Transition(state=State.SYNCED))
            ledger.journal.apply(names[-1], Transition(state=State.SKIPPED))

    assert seen == names[:-1]


def test_entries_bring_along_what_is_theirs_in_every_batch(ledger):
    names = [f"{number:04}" for number in range(600)]
    ledger.windows.record(drained(*map(observation, names)), NOON)
    for number in (0, 599):
        bring_to(ledger, names[number], State.UNKNOWN)
        ours = (sale_return(number),)
        ledger.journal.apply(names[number], Transition(state=State.UNKNOWN, sale_returns=ours))

    with_sale_returns = [entry for entry in ledger.entries.get(names) if entry.sale_returns]

    assert ids(with_sale_returns) == ["0000", "0599"]
    assert [entry.intents[0].return_id for entry in with_sale_returns] == ["0000", "0599"]
    assert [entry.sale_returns[0].id for entry in with_sale_returns] == [0, 599]


def test_changes_in_loop_are_counted_by_loop_s_own_times(ledger):
    ledger.windows.record(
        drained(observation("1", at=NOON), observation("2", at=LATER)), LATER + MINUTE
    )

    assert ledger.entries.count_updated_since(NOON) == 2
    assert ledger.entries.count_updated_since(LATER) == 1
    assert ledger.entries.count_updated_since(LATER + MINUTE) == 0


def test_overdue_is_open_and_left_since_then_or_longer(ledger):
    ledger.windows.record(drained(observation("1"), observation("2")), NOON)
    ledger.journal.apply("2", Transition(state=State.DEAD))

    assert ledger.entries.count_overdue(NOON - MINUTE) == 0
    assert ledger.entries.count_overdue(NOON) == 1


def test_a_person_finds_returns_by_id_and_by_order(ledger):
    ledger.windows.record(
        drained(observation("1", order_name="#1001"), observation("2", order_name="1001")), NOON
    )

    assert ids(ledger.entries.find("2")) == ["2"]
    assert ids(ledger.entries.find("1001")) == ["1", "2"]
    assert ids(ledger.entries.find("#1001")) == ["1", "2"]
    assert ledger.entries.find("nothing") == []


def test_the_oldest_problem_is_the_one_that_waits_the_longest(ledger):
    for id_, at in (("1", NOON), ("2", NOON + MINUTE), ("3", LATER)):
        ledger.windows.record(drained(observation(id_)), at)
    before = NOON - MINUTE
    assert ledger.entries.oldest_problem(before) is None

    ledger.journal.apply("3", Transition(state=State.DEAD))
    assert ledger.entries.oldest_problem(before).id == "3"

    ledger.journal.apply("2", Transition(state=State.FAILED))
    assert ledger.entries.oldest_problem(before).id == "2"
    assert ids(ledger.entries.problems(before, limit=5)) == ["2", "3"]
    assert ids(ledger.entries.problems(before, limit=1)) == ["2"]
    assert ledger.entries.oldest_problem(NOON).id == "1"

    ledger.journal.apply("1", Transition(state=State.SYNCED, pushed_fingerprint=fingerprint("a")))
    assert ledger.entries.oldest_problem(LATER).id == "2"
