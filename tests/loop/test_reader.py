"""Whatever Loop's list does at the edges of its pages, a drained window is complete."""

from __future__ import annotations

import itertools
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from reconciler.core.model import Window
from reconciler.core.records import By
from reconciler.errors import KeyRefused, SourceError
from reconciler.sandbox.faults.registry import Fault
from reconciler.sandbox.sandbox import SandboxOptions
from tests.loop.samples import DAY, NOON, read_all, row

HOUR = timedelta(hours=1)
STATES = ("open", "closed", "cancelled", "expired", "review")


def put(sandbox, *rows):
    for one in rows:
        sandbox.loop.store.put(one)


def a_busy_day(sandbox):
    """Eight seconds of one to thirteen returns, in all states, created in another order."""
    number = itertools.count(1)
    for second, ties in enumerate((1, 2, 13, 1, 5, 6, 3, 9)):
        for _ in range(ties):
            this = next(number)
            updated = NOON - HOUR + timedelta(seconds=second)
            created = NOON - 20 * HOUR - timedelta(seconds=7 * (this % 5))
            put(sandbox, row(this, updated, STATES[this % 2], created_at=created))
    return {one.id for one in sandbox.loop.store.returns()}


@pytest.mark.parametrize("by", By)
@pytest.mark.parametrize("link", ["documented", "complete"])
@pytest.mark.parametrize("column", ["filtered", "created_at"])
@pytest.mark.parametrize("order", ["newest_first", "oldest_first"])
@pytest.mark.parametrize("ties", ["stable", "unordered"])
def test_nothing_is_lost_at_the_edge_of_a_page(sandbox, reader, by, link, column, order, ties):
    everything = a_busy_day(sandbox)
    switches = sandbox.loop.switches
    switches.next_page_link, switches.cursor_column = link, column
    switches.order, switches.ties = order, ties

    found, malformed = read_all(reader(), by=by)

    assert set(found) == everything
    assert malformed == []


@pytest.mark.parametrize(
    ("switch", "value"),
    [
        ("tie_breaker", True),
        ("window_ends", "exclusive"),
        ("cursor_implies_paginate", True),
        ("cursor_without_from", "last_day"),
        ("extra_fields", True),
        ("created_at_form", "offset"),
        ("page_size_beyond", "refuse"),
    ],
)
def test_the_other_guesses_about_loop_make_no_difference(sandbox, reader, switch, value):
    everything = a_busy_day(sandbox)
    setattr(sandbox.loop.switches, switch, value)

    found, _ = read_all(reader())

    assert set(found) == everything


@pytest.mark.parametrize("ties", [1, 2, 4, 5, 6, 10, 11, 749, 750, 751, 2000])
@pytest.mark.parametrize("page_size", [5, 750])
def test_a_second_of_any_density_is_read_whole(sandbox, reader, ties, page_size):
    put(sandbox, row(1, NOON - 2 * HOUR), row(2, NOON - HOUR + timedelta(seconds=1)))
    put(sandbox, *(row(number, NOON - HOUR) for number in range(10, 10 + ties)))

    found, _ = read_all(reader(page_size))

    assert len(found) == ties + 2


@pytest.mark.covers("F37")
@pytest.mark.parametrize("state", STATES)
def test_every_state_is_asked_for_by_name(sandbox, reader, state):
    put(sandbox, row(7, NOON - HOUR, state))

    found, _ = read_all(reader())

    assert found["7"].state == state


def test_both_ends_of_a_window_belong_to_it(sandbox, reader):
    edges = [DAY.start, DAY.end]
    outside = [DAY.start - timedelta(seconds=1), DAY.end + timedelta(seconds=1)]
    put(sandbox, *(row(number, moment) for number, moment in enumerate(edges + outside, 1)))

    found, _ = read_all(reader())

    assert set(found) == {"1", "2"}


def test_an_empty_window_takes_one_request_a_state(sandbox, reader):
    assert read_all(reader()) == ({}, [])

    asked = [parse_qs(arrival.query)["state"][0] for arrival in sandbox.request_log.all()]
    assert asked == list(STATES)


def test_every_request_carries_all_parameters(sandbox, reader):
    a_busy_day(sandbox)

    read_all(reader())

    for arrival in sandbox.request_log.all():
        assert arrival.method == "GET"
        assert {"from", "to", "filter", "state", "paginate", "pageSize"} <= set(
            parse_qs(arrival.query)
        ) or "paginate" not in arrival.query


def test_a_second_that_was_read_whole_is_not_read_again(sandbox, reader):
    sandbox.loop.switches.tie_breaker = True
    put(sandbox, *(row(number, NOON - HOUR) for number in range(10, 40)))

    read_all(reader(page_size=5))

    probes = [one for one in sandbox.request_log.all() if one.operation == "list.probe"]
    assert len(probes) == 2  # one page, found too small, and the bare array


def test_a_malformed_row_spoils_nothing_else(sandbox, reader):
    put(sandbox, row(1, NOON - HOUR), row(2, NOON - HOUR, extra={"line_items": None}))
    put(sandbox, row(3, NOON - HOUR))

    found, malformed = read_all(reader())

    assert set(found) == {"1", "3"}
    assert [one.key for one in malformed] == ["2"]


def test_a_malformed_row_at_the_end_of_a_page_is_no_obstacle(sandbox, reader):
    for number in range(1, 13):
        changes = {"extra": {"line_items": None}} if number % 2 else {}
        put(sandbox, row(number, NOON - HOUR - timedelta(minutes=number), **changes))

    found, malformed = read_all(reader(page_size=1))

    assert len(found) == len({one.key for one in malformed}) == 6


def test_a_row_that_changes_before_its_second_is_read_again_is_no_obstacle(sandbox, reader):
    put(sandbox, *(row(number, NOON - HOUR - timedelta(minutes=number)) for number in range(1, 8)))
    pages = reader(page_size=3).read(DAY, By.UPDATED)
    first = next(pages)

    sandbox.loop.store.edit(first.returns[-1].id, at=NOON + HOUR, outcome="credit")
    found = {one.id: one for page in (first, *pages) for one in page.returns}

    assert len(found) == 7
    assert found[first.returns[-1].id].outcomes == ("credit",)


def test_also_when_it_changes_its_state(sandbox, reader):
    put(sandbox, *(row(number, NOON - HOUR - timedelta(minutes=number)) for number in range(1, 8)))
    pages = reader(page_size=3).read(DAY, By.UPDATED)
    first = next(pages)

    sandbox.loop.store.set_state(first.returns[-1].id, "cancelled", at=NOON + HOUR)
    found = {one.id: one for page in (first, *pages) for one in page.returns}

    assert found[first.returns[-1].id].state == "cancelled"


def test_a_window_longer_than_loop_takes_is_refused_with_its_reason(sandbox, reader):
    with pytest.raises(SourceError, match=r"answered 422: The date range"):
        read_all(reader(), Window(NOON - timedelta(days=121), NOON))


def test_a_refused_key_is_not_an_unreadable_list(sandbox, reader):
    with pytest.raises(KeyRefused):
        read_all(reader(key="sandbox-loop-key-without-scope"))


# ------------------------------------------------------------------ listings that never end


@pytest.mark.covers("F29")
@pytest.mark.parametrize(
    ("cursor", "problem"),
    [
        ("repeated", "goes in circles"),
        ("cycle", "goes in circles"),
        ("ever_fresh", "nothing new"),
        ("absent", "no usable cursor"),
    ],
)
def test_a_listing_that_leads_nowhere_is_not_drained(sandbox, reader, cursor, problem):
    a_busy_day(sandbox)
    sandbox.loop.switches.next_page_cursor = cursor

    with pytest.raises(SourceError, match=problem):
        read_all(reader())

    assert len(sandbox.request_log.all()) < 24  # with the first pages of the four other states


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://user@127.0.0.1", "http://127.0.0.1:1", "//evil"]
)
def test_a_next_link_to_another_host_is_not_followed(sandbox, reader, origin):
    a_busy_day(sandbox)
    sandbox.loop.switches.next_page_origin = origin

    with pytest.raises(SourceError, match="leads away"):
        read_all(reader())


@pytest.mark.covers("F27")
def test_a_relative_next_link_is_followed(sandbox, reader):
    everything = a_busy_day(sandbox)
    sandbox.loop.switches.next_page_origin = ""

    found, _ = read_all(reader())

    assert set(found) == everything


@pytest.mark.covers("R18")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_next_link_home_is_read_by_either_scheme_and_goes_where_we_go(sandbox, reader, scheme):
    everything = a_busy_day(sandbox)
    home = sandbox.urls.loop.split("/")[2]
    sandbox.loop.switches.next_page_origin = f"{scheme}://{home}"

    found, _ = read_all(reader())

    assert set(found) == everything


# ------------------------------------------------------------------------ answers that are none


@pytest.mark.covers("F23", "F24")
@pytest.mark.parametrize("operation", ["list.first", "list.next", "list.probe"])
@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("html_200", {}),
        ("empty_200", {}),
        ("error_200", {}),
        ("raw", {"body": "[]"}),
        ("raw", {"body": '{"returns":[]}'}),
        ("raw", {"body": '{"returns":null,"nextPageUrl":null}'}),
        ("raw", {"body": '{"returns":[],"nextPageUrl":null,"errors":"x"}'}),
        ("raw", {"body": '{"returns":[NaN],"nextPageUrl":null}'}),
        ("truncated", {"at": 40}),
        ("500", {}),
        ("503", {"as_html": True}),
        ("redirect", {}),
        ("gzip_bomb", {"megabytes": 1}),
        ("reset_mid_body", {}),
    ],
)
def test_an_answer_that_is_no_page_never_passes_for_an_empty_one(
    sandbox, reader, operation, kind, parameters
):
    a_busy_day(sandbox)
    sandbox.faults.add(Fault("loop", kind, operation, parameters=parameters))

    with pytest.raises(SourceError):
        read_all(reader())


@pytest.mark.parametrize("operation", ["list.first", "list.next", "list.probe"])
@pytest.mark.parametrize("kind", ["html_200", "empty_200", "error_200", "502", "429", "silence"])
def test_a_passing_trouble_is_outlived(sandbox, reader, operation, kind):
    everything = a_busy_day(sandbox)
    ending = "reset_before_headers" if kind == "silence" else kind
    sandbox.faults.add(Fault("loop", ending, operation, nth=1))

    found, _ = read_all(reader())

    assert set(found) == everything


def test_a_page_that_lost_its_end_is_noticed_by_its_cursor(sandbox, reader):
    put(sandbox, *(row(number, NOON - HOUR - timedelta(minutes=number)) for number in range(1, 9)))
    sandbox.faults.add(Fault("loop", "short_page", "list.first", nth=1, parameters={"rows": 2}))

    found, _ = read_all(reader())

    assert len(found) == 8


def test_a_dense_second_without_a_bare_array_is_not_drained(sandbox, reader):
    put(sandbox, *(row(number, NOON - HOUR) for number in range(10, 30)))
    sandbox.faults.add(Fault("loop", "raw", "list.probe", first=2, parameters={"body": "{}"}))

    with pytest.raises(SourceError):
        read_all(reader())


def test_a_bare_array_that_is_cut_short_is_not_believed(sandbox, reader):
    later = (row(number, NOON - HOUR + timedelta(minutes=number)) for number in (1, 2))
    put(sandbox, *later, *(row(number, NOON - HOUR) for number in range(10, 30)))
    sandbox.faults.add(Fault("loop", "short_page", "list.probe", nth=2, parameters={"rows": 16}))

    with pytest.raises(SourceError, match="fewer rows"):
        read_all(reader(page_size=5))


def test_a_last_row_that_does_not_reappear_proves_nothing(sandbox, reader):
    put(sandbox, *(row(number, NOON - HOUR - timedelta(minutes=number)) for number in range(1, 9)))
    empty = '{"returns":[],"nextPageUrl":null,"previousPageUrl":null}'
    sandbox.faults.add(Fault("loop", "raw", "list.probe", nth=1, parameters={"body": empty}))

    with pytest.raises(SourceError, match="does not show"):
        read_all(reader())


def test_server_time_is_loops(sandbox, reader):
    sandbox.clock.advance(3600)

    assert reader().server_time() == NOON + HOUR


def test_the_first_pages_of_a_window_tell_the_time_and_are_not_asked_for_again(sandbox, reader):
    everything = a_busy_day(sandbox)
    one = reader(750)

    told = one.server_time(DAY)
    asked = [parse_qs(arrival.query)["state"][0] for arrival in sandbox.request_log.all()]
    found, _ = read_all(one)

    assert told == NOON
    assert asked == list(STATES)
    assert set(found) == everything
    assert len(sandbox.request_log.all()) == 5


@pytest.mark.covers("P4")
def test_of_several_answers_the_earliest_tells_the_time(sandbox, reader, network):
    seconds = iter((7, 3, 5, 2, 9))
    network.before = lambda *_: sandbox.clock.set(NOON + timedelta(seconds=next(seconds)))

    assert reader().server_time(DAY) == NOON + timedelta(seconds=2)


@pytest.mark.parametrize("silent", [0, 3])
def test_an_answer_without_a_date_leaves_it_to_the_others(sandbox, reader, network, silent):
    seconds = iter((7, 3, 5, 2, 9))

    def before(*_):
        second = next(seconds)
        sandbox.clock.set(NOON + timedelta(seconds=second))
        sandbox.options = SandboxOptions(dates=second != (7, 3, 5, 2, 9)[silent])

    network.before = before

    assert reader().server_time(DAY) == NOON + timedelta(seconds=3 if silent else 2)


def test_a_first_page_that_fails_once_tells_the_time_at_the_second_attempt(sandbox, reader):
    sandbox.faults.add(Fault("loop", "503", "list.*", nth=1))
    sandbox.faults.add(Fault("loop", "html_200", "list.*", nth=3))
    everything = a_busy_day(sandbox)
    one = reader(750)

    assert one.server_time(DAY) == NOON
    assert set(read_all(one)[0]) == everything
    assert len(sandbox.request_log.all()) == 7


def test_a_first_page_that_cannot_be_read_tells_no_time(sandbox, reader):
    sandbox.faults.add(Fault("loop", "503", "list.*"))

    with pytest.raises(SourceError, match="answered 503"):
        reader().server_time(DAY)


def test_of_a_window_that_ends_earlier_than_what_was_asked_for_nothing_later_shows(sandbox, reader):
    for number, hours in enumerate((3, 2, 1), 1):
        put(sandbox, row(number, NOON - hours * HOUR))
    put(sandbox, row(4, NOON - HOUR, extra={"line_items": None}))
    one = reader()
    one.server_time(DAY)

    found, malformed = read_all(one, Window(DAY.start, NOON - 2 * HOUR))

    assert set(found) == {"1", "2"}
    assert [set_aside.key for set_aside in malformed] == ["4"]  # nobody knows its time
    assert len(sandbox.request_log.all()) == 5


@pytest.mark.parametrize(
    ("window", "by"),
    [
        (Window(DAY.start, DAY.end + HOUR), By.UPDATED),
        (Window(DAY.start - HOUR, DAY.end), By.UPDATED),
        (Window(DAY.start + HOUR, DAY.end), By.UPDATED),
        (DAY, By.CREATED),
    ],
)
def test_another_window_than_the_one_asked_for_is_asked_for_anew(sandbox, reader, window, by):
    put(sandbox, row(1, window.start), row(2, window.end))
    one = reader()
    one.server_time(DAY)

    found, _ = read_all(one, window, by)

    assert set(found) == {"1", "2"}
    assert len(sandbox.request_log.all()) == 10


def test_a_window_is_read_again_only_by_asking_again(sandbox, reader):
    one = reader()
    one.server_time(DAY)
    read_all(one)
    put(sandbox, row(1, NOON - HOUR))

    assert set(read_all(one)[0]) == {"1"}


@pytest.mark.parametrize("by", By)
def test_the_first_pages_of_all_states_are_asked_for_before_a_second_page(sandbox, reader, by):
    a_busy_day(sandbox)

    read_all(reader(), by=by)

    asked = [parse_qs(arrival.query) for arrival in sandbox.request_log.all()]
    assert [query["state"][0] for query in asked[:5]] == list(STATES)
    assert not any("cursor" in query for query in asked[:5])
    assert len(asked) > 10


def test_the_next_window_is_asked_for_at_the_end_of_one(reader, sandbox):
    then = Window(NOON - 6 * HOUR, NOON)
    first = Window(then.start - 24 * HOUR, then.start)
    put(sandbox, row(1, first.end - HOUR), row(2, then.end - HOUR))
    reading = reader()

    early = [row.id for page in reading.read(first, By.UPDATED, then) for row in page.returns]
    asked = len(sandbox.request_log.all())
    late = [row.id for page in reading.read(then, By.UPDATED) for row in page.returns]

    assert (early, late) == (["1"], ["2"])
    assert asked == 10
    assert len(sandbox.request_log.all()) == 10


@pytest.mark.parametrize("ahead", [None, DAY])
def test_without_a_date_our_own_clock_is_distrusted_by_five_minutes(reader, sandbox, ahead):
    sandbox.faults.add(
        Fault("loop", "raw", parameters={"body": '{"returns":[],"nextPageUrl":null}'})
    )
    sandbox.options = SandboxOptions(dates=False)

    assert reader().server_time(ahead) == NOON - timedelta(minutes=5)
