"""One return, or those of one order: details finds it, the list row tells it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.core.model import Malformed
from reconciler.errors import SourceError
from reconciler.sandbox.faults.registry import Fault
from tests.loop.samples import NOON, row

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("state", ["open", "closed", "cancelled", "expired", "review"])
def test_a_return_is_fetched_from_its_list_row_in_any_state(sandbox, reader, state):
    created = NOON - timedelta(days=400)
    sandbox.loop.store.put(row(7, NOON - HOUR, state, created_at=created))

    found = reader().fetch("7")

    assert (found.id, found.state, found.created_at) == ("7", state, created)
    assert found.lines


def test_what_loop_does_not_know_is_none(reader):
    assert reader().fetch("7") is None


@pytest.mark.covers("F104")
@pytest.mark.parametrize("return_id", ["", "x", "7&order_name=1", "../7", "7" * 21])
def test_what_cannot_be_an_id_is_not_even_asked_for(sandbox, reader, return_id):
    assert reader().fetch(return_id) is None
    assert sandbox.request_log.all() == []


def test_a_state_that_the_list_cannot_be_asked_for_is_none(sandbox, reader):
    sandbox.loop.store.put(row(7, NOON - HOUR, "processing"))

    assert reader().fetch("7") is None


def test_a_return_is_found_in_a_crowded_second(sandbox, reader):
    for number in range(1, 40):
        sandbox.loop.store.put(row(number, NOON - HOUR))

    assert reader(page_size=5).fetch("23").id == "23"


def test_a_return_that_changed_state_since_details_is_found_where_it_went(sandbox, reader):
    sandbox.loop.store.put(row(7, NOON - HOUR, "cancelled"))
    stale = '{"id":7,"state":"open","created_at":"2026-03-01 11:00:00"}'
    sandbox.faults.add(Fault("loop", "raw", "details", parameters={"body": stale}))

    assert reader().fetch("7").state == "cancelled"


def test_a_malformed_row_is_fetched_as_such(sandbox, reader):
    sandbox.loop.store.put(row(7, NOON - HOUR, extra={"outcome": []}))

    assert isinstance(reader().fetch("7"), Malformed)


def test_a_return_that_the_list_does_not_show_yet_is_not_taken_for_gone(sandbox, reader):
    sandbox.loop.switches.visible_after = 3600
    sandbox.loop.store.put(row(7, NOON))

    with pytest.raises(SourceError, match="does not show it"):
        reader().fetch("7")


@pytest.mark.covers("F46")
@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("error_200", {}),
        ("raw", {"body": '{"errors":"Something went wrong."}'}),
        ("raw", {"body": '{"message":"Server Error"}'}),
        ("raw", {"body": "[]x"}),
        ("raw", {"body": '{"id":8,"state":"open","created_at":"2026-03-01 11:00:00"}'}),
        ("raw", {"body": '{"id":"seven","state":"open","created_at":"2026-03-01 11:00:00"}'}),
        ("404", {}),
        ("422", {}),
        ("html_200", {}),
    ],
)
def test_no_other_answer_means_that_there_is_no_such_return(sandbox, reader, kind, parameters):
    sandbox.loop.store.put(row(7, NOON - HOUR))
    sandbox.loop.store.put(row(8, NOON - HOUR))
    sandbox.faults.add(Fault("loop", kind, "details", parameters=parameters))

    with pytest.raises(SourceError):
        reader().fetch("7")


@pytest.mark.covers("R9")
@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('{"id":7,"state":"open","created_at":"soon"}', "created_at: not a time"),
        ('{"id":"7","state":7,"created_at":"soon"}', "state: expected text, found number"),
        ('[{"id":7,"state":" ","created_at":"2026-03-01 11:00:00"}]', "state: absent"),
        ('{"id":7}', "state: missing"),
    ],
)
def test_details_that_make_no_sense_of_a_return_are_kept_aside(sandbox, reader, body, problem):
    sandbox.loop.store.put(row(7, NOON - HOUR))
    sandbox.faults.add(Fault("loop", "raw", "details", parameters={"body": body}))

    assert reader().fetch("7") == Malformed("7", problem, return_id="7")
    assert tuple(reader().fetch_order("1007")) == (Malformed("7", problem, return_id="7"),)


@pytest.mark.parametrize("code", [200, 404])
def test_not_found_is_believed_with_either_status(sandbox, reader, code):
    body = '{"error":{"message":"No return found with this ID."}}'
    sandbox.faults.add(Fault("loop", "raw", "details", parameters={"body": body, "code": code}))

    assert reader().fetch("7") is None


def of_one_order(sandbox, *numbers):
    for number in numbers:
        sandbox.loop.store.put(row(number, NOON - number * HOUR, order_name="#1042"))


@pytest.mark.parametrize("name", ["#1042", "1042", " 1042 "])
def test_an_order_is_found_with_and_without_its_sign(sandbox, reader, name):
    of_one_order(sandbox, 7)

    assert [one.id for one in reader().fetch_order(name)] == ["7"]


def test_all_returns_of_an_order_are_taken_where_details_lists_them(sandbox, reader):
    sandbox.loop.switches.details_of_order = "list"
    of_one_order(sandbox, 7, 8, 9)

    assert {one.id for one in reader().fetch_order("#1042")} == {"7", "8", "9"}


def test_where_details_names_one_of_several_it_is_that_one(sandbox, reader):
    of_one_order(sandbox, 7, 8)

    assert [one.id for one in reader().fetch_order("#1042")] == ["7"]


@pytest.mark.parametrize("name", ["", "#", " # "])
def test_no_name_is_no_order(sandbox, reader, name):
    assert tuple(reader().fetch_order(name)) == ()
    assert sandbox.request_log.all() == []


def test_an_order_without_returns_is_asked_for_in_both_spellings(sandbox, reader):
    assert tuple(reader().fetch_order("1042")) == ()

    assert [one.query for one in sandbox.request_log.all()] == [
        "order_name=1042",
        "order_name=%231042",
    ]


def test_a_return_of_another_order_is_not_handed_on(sandbox, reader):
    sandbox.loop.store.put(row(7, NOON - HOUR, order_name="#9999"))
    other = '{"id":7,"state":"open","created_at":"2026-03-01 11:00:00"}'
    sandbox.faults.add(Fault("loop", "raw", "details", parameters={"body": other}))

    assert tuple(reader().fetch_order("1042")) == ()
