"""Retry-After in every form is honoured, bounded, and never crashes anything."""

from __future__ import annotations

import time
from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import SourceError
from reconciler.http.retry import parse_retry_after
from tests.http.peers import NOON, answer


def in_seconds(seconds: float) -> str:
    return format_datetime(NOON + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("2.0", 2),
        (in_seconds(90), 90),
        (in_seconds(1), 1),
        ("Sun, 01 Mar 2026 12:00:10 -0000", 10),
        ("Sun, 01 Mar 2026 14:00:10 +0200", 10),
        ("0", None),
        ("-5", None),
        (in_seconds(0), None),
        (in_seconds(-90), None),
        ("soon", None),
        ("", None),
        (None, None),
        ("1e3", None),
        ("nan", None),
        ("٣", None),
        ("9" * 5000, None),
        ("Sun, 99 Mar 2026 12:00:10 GMT", None),
    ],
)
def test_seconds_and_dates_are_read_and_nothing_else(text, seconds):
    assert parse_retry_after(text, NOON) == seconds


@pytest.fixture
def in_new_york(monkeypatch):
    with monkeypatch.context() as there:
        there.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_new_york")
@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000"])
def test_a_date_is_read_alike_wherever_the_machine_is(zone):
    assert parse_retry_after(f"Sun, 01 Mar 2026 12:00:10 {zone}", NOON) == 10


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text):
    found = parse_retry_after(text, NOON)

    assert found is None or 0 < found < 10**13


@given(st.integers(1, 10**9))
def test_whole_seconds_are_taken_exactly(seconds):
    assert parse_retry_after(str(seconds), NOON) == seconds


@given(st.integers(1, 10**8))
def test_a_date_means_as_many_seconds_as_it_is_ahead(seconds):
    assert parse_retry_after(in_seconds(seconds), NOON) == seconds


@pytest.mark.covers("F20")
@pytest.mark.parametrize("text", ["30", "30.0", in_seconds(30)])
@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_is_what_was_asked_for_and_up_to_a_second_more(peer, service, clock, status, text):
    server = peer(answer(status, Retry_After=text), answer(body=b"1"))

    service(server.url).get("/x", "", lambda got: got.body)

    waits = [wait for wait in clock.waits if wait > 5]
    assert len(waits) == 1
    assert 30 <= waits[0] <= 31


def test_a_date_counts_from_the_servers_own_clock(peer, service, clock):
    theirs = format_datetime(NOON + timedelta(hours=1), usegmt=True)
    asked = format_datetime(NOON + timedelta(hours=1, seconds=30), usegmt=True)
    server = peer(answer(429, Retry_After=asked, Date=theirs), answer(body=b"1"))

    service(server.url).get("/x", "", lambda got: got.body)

    assert 30 <= clock.elapsed < 33


@pytest.mark.covers("F20")
@pytest.mark.parametrize(
    ("text", "seconds"), [("301", 301), ("315360000", 315360000), (in_seconds(86400), 86400)]
)
def test_a_longer_wait_than_a_run_has_ends_it_and_says_so(peer, service, clock, text, seconds):
    server = peer(answer(429, Retry_After=text))
    loop = service(server.url)

    with pytest.raises(SourceError) as caught:
        loop.get("/x", "", lambda got: got.body)
    assert str(caught.value) == f"Loop answered 429 and asks to wait {seconds} s (GET /x)"
    with pytest.raises(SourceError) as caught:
        loop.get("/x", "", lambda got: got.body)
    assert str(caught.value) == f"Loop answered 429 and asks to wait {seconds} s"

    assert len(server.requests) == 1
    assert clock.elapsed < 1


@pytest.mark.parametrize("text", ["-5", "soon", ""])
def test_an_unreadable_wait_after_429_is_a_second_at_least(peer, service, clock, text):
    server = peer(answer(429, Retry_After=text), answer(body=b"1"))

    service(server.url).get("/x", "", lambda got: got.body)

    assert 1 <= clock.elapsed < 4
