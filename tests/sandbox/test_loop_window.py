"""Window, state and size of the list (loop.md#detailed-returns-list, #response-envelope)."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from tests.sandbox.loop_shop import NOON, loop_time

DAY = 24 * 60


def test_without_paginate_the_answer_is_a_bare_array_of_the_whole_window(shop):
    ids = [shop.submit(minutes_ago=minute).id for minute in range(1, 6)]

    answer = shop.list(pageSize=2)

    assert isinstance(answer.json, list)
    assert answer.ids == ids


@pytest.mark.parametrize("spelling", ["true", "True", "1"])
def test_paginate_gives_an_envelope(shop, spelling):
    one = shop.submit()

    assert shop.list(paginate=spelling).json["returns"][0]["id"] == one.id


@pytest.mark.parametrize("spelling", ["false", "0", "yes", ""])
def test_other_spellings_do_not_paginate(shop, spelling):
    assert shop.list(paginate=spelling).json == []


def test_the_default_window_is_the_last_24_hours(shop):
    shop.submit(minutes_ago=DAY + 1)
    inside = shop.submit(minutes_ago=DAY - 1)

    assert shop.list().ids == [inside.id]


def test_from_alone_means_the_24_hours_after_it(shop):
    inside = shop.submit(minutes_ago=2.5 * DAY)
    shop.submit(minutes_ago=1.5 * DAY)

    assert shop.list(from_=loop_time(NOON - timedelta(days=3))).ids == [inside.id]


def test_to_alone_is_ignored(shop):
    shop.submit(minutes_ago=5 * DAY)
    recent = shop.submit(minutes_ago=5)

    assert shop.list(to=loop_time(NOON - timedelta(days=4))).ids == [recent.id]


def test_a_bare_date_as_to_excludes_that_day(shop):
    yesterday = shop.submit(minutes_ago=13 * 60)
    shop.submit(minutes_ago=11 * 60)

    assert shop.list(from_="2026-02-28", to="2026-03-01").ids == [yesterday.id]


def test_an_empty_parameter_is_an_absent_one(shop):
    recent = shop.submit()

    assert shop.list(from_="", to="", state="", filter="").ids == [recent.id]


@pytest.mark.parametrize(
    "parameters",
    [
        {"from_": "2025-10-31 11:59:59", "to": "2026-03-01 00:00:00"},
        {"from_": "2026-03-01", "to": "2026-02-28"},
        {"from_": "yesterday", "to": "2026-03-01"},
        {"from_": "2026-03-01", "to": "2026-02-30"},
        {"state": "processing"},
        {"state": "open,closed"},
        {"filter": "edited_at"},
        {"pageSize": "many"},
    ],
)
def test_what_makes_no_sense_gets_422_in_laravels_form(shop, parameters):
    answer = shop.list(**parameters)

    assert answer.status == 422
    assert set(answer.json) == {"message", "errors"}
    (problems,) = answer.json["errors"].values()
    assert problems == [answer.json["message"]]


def test_exactly_120_days_are_taken(shop):
    answer = shop.list(from_="2025-11-01", to="2026-03-01")

    assert answer.status == 200


def test_the_longest_window_can_be_shorter(shop):
    shop.switches.longest_window_days = 90

    assert shop.list(from_="2025-11-30", to="2026-03-01").status == 422
    assert shop.list(from_="2025-12-01", to="2026-03-01").status == 200


@pytest.mark.parametrize(
    "form",
    [
        "2026-03-01",
        "2026-03-01 00:00:00",
        "2026-03-01 00:00:00Z",
        "2026-03-01T00:00:00",
        "2026-03-01T00:00:00.000Z",
        "2026-03-01T02:00:00+02:00",
    ],
)
def test_a_bound_may_have_any_form_that_clients_are_known_to_send(shop, form):
    at_midnight = shop.submit(minutes_ago=12 * 60)
    shop.submit(minutes_ago=12 * 60 + 1)

    assert shop.list(from_=form).ids == [at_midnight.id]


def test_an_offset_whose_plus_was_not_encoded_is_no_date(shop):
    assert shop.get(query="from=2026-03-01T00:00:00+00:00").status == 422
    assert shop.get(query=urlencode({"from": "2026-03-01T00:00:00+00:00"})).status == 200


def test_filter_chooses_the_column_of_the_window(shop):
    old = shop.submit(minutes_ago=3 * DAY)
    shop.store.touch(old.id, NOON - timedelta(minutes=5))

    assert shop.list(filter="updated_at").ids == [old.id]
    assert shop.list(filter="created_at").ids == []
    assert shop.list().ids == []


def test_both_ends_of_a_window_count_unless_the_switch_says_no(shop):
    shop.submit(minutes_ago=20)
    shop.submit(minutes_ago=10)
    span = {
        "from_": loop_time(NOON - timedelta(minutes=20)),
        "to": loop_time(NOON - timedelta(minutes=10)),
    }
    assert len(shop.list(**span).ids) == len(shop.page(**span).ids) == 2

    shop.switches.window_ends = "exclusive"

    assert shop.list(**span).ids == shop.page(**span).ids == []


def test_ends_count_too_when_order_and_window_go_by_different_columns(shop):
    shop.submit(minutes_ago=20)
    shop.switches.cursor_column = "created_at"
    instant = loop_time(NOON - timedelta(minutes=20))
    span = {"from_": instant, "to": instant, "filter": "updated_at"}
    assert len(shop.page(**span).ids) == 1

    shop.switches.window_ends = "exclusive"

    assert shop.page(**span).ids == []


STATES = ("open", "closed", "expired", "cancelled", "review")


def test_cancelled_and_held_returns_are_absent_unless_asked_for(shop):
    ids = {state: shop.submit(state=state).id for state in STATES}

    assert set(shop.list().ids) == {ids["open"], ids["closed"], ids["expired"]}
    for state in STATES:
        assert shop.list(state=state).ids == [ids[state]]


@pytest.mark.parametrize("state", ["cancelled", "review"])
def test_cancelling_or_flagging_makes_a_return_vanish_from_a_default_list(shop, state):
    one = shop.submit()
    assert shop.list().ids == [one.id]

    shop.store.set_state(one.id, state)

    assert shop.list().ids == []


def test_a_return_in_an_unknown_state_is_hidden_or_rides_along_with_open(shop):
    one = shop.submit(state="processing")
    assert shop.list().ids == shop.list(state="open").ids == []

    shop.switches.unlisted_states = "with_open"

    assert shop.list(state="open").rows[0]["state"] == "processing"
    assert shop.list().ids == [one.id]
    assert shop.list(state="closed").ids == []


def test_a_page_holds_100_rows_unless_asked_otherwise_and_750_at_most(shop):
    order = shop.order()
    for _ in range(760):
        shop.store.add_return(order)

    assert len(shop.list(paginate="true").ids) == 100
    assert len(shop.list(paginate="true", pageSize=7).ids) == 7
    assert len(shop.list(paginate="true", pageSize=10_000).ids) == 750
    assert len(shop.list(paginate="true", pageSize=0).ids) == 1


def test_a_size_out_of_bounds_may_be_refused(shop):
    shop.switches.page_size_beyond = "refuse"

    assert shop.list(pageSize=751).status == shop.list(pageSize=0).status == 422
    assert shop.list(pageSize=750).status == shop.list(pageSize=1).status == 200


def test_page_and_limit_are_no_parameters(shop):
    shop.submit()
    shop.submit()

    assert len(shop.list(page=2, limit=1).ids) == 2
