"""Loop spells times, ids and nothing in several ways; inside there is one."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.loop.values import Unreadable, read_id, read_shop, read_text, read_time

EXACT = datetime(2023, 1, 1, 22, 27, 15, tzinfo=UTC)
moments = st.datetimes(
    min_value=EXACT.replace(year=2, tzinfo=None),
    max_value=EXACT.replace(year=9998, tzinfo=None),
    timezones=st.just(UTC),
)
offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.covers("F35")
@pytest.mark.parametrize(
    "text",
    [
        "2023-01-01T22:27:15.000Z",
        "2023-01-01T22:27:15Z",
        "2023-01-01T22:27:15+00:00",
        "2023-01-01T22:27:15-00:00",
        "2023-01-01T22:27:15",
        "2023-01-01 22:27:15",
        "2023-01-01 22:27:15Z",
        "2023-01-01 22:27:15.000000",
        "2023-01-01 22:27:15.0000001",
        "2023-01-02T00:27:15+02:00",
        "2023-01-01T17:57:15-0430",
        "2023-01-02 00:27:15 +02:00",
    ],
)
def test_every_form_of_a_time_is_the_same_instant(text):
    assert read_time(text) == EXACT
    assert read_time(text).utcoffset() == timedelta(0)


@pytest.mark.covers("F11")
@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2024-02-29 00:00:00", datetime(2024, 2, 29, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2023-01-01T22:27:15.123456789Z", EXACT.replace(microsecond=123456)),
    ],
)
def test_odd_times_are_exact(text, instant):
    assert read_time(text) == instant


@pytest.mark.covers("F11")
@pytest.mark.parametrize(
    "text",
    [
        "", "N/A", "now", "0000-00-00 00:00:00", "2023-02-29T00:00:00Z", "2023-13-01 00:00:00",
        "2023-01-01", "20230101T222715Z", "2023-W01-1T00:00:00", "2023-01-01T24:00:00Z",
        "1672612035", "2023-01-01T22:27Z", "2023-01-01T22:27:61Z", "2023-01-01T22:27:15+25:00",
        "2023-01-01T22:27:15 Europe/Berlin", "٢٠٢٣-01-01T22:27:15Z", "2023-01-01T22:27:15Z\n",
        "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused_without_being_quoted(text):
    with pytest.raises(Unreadable, match=r"^updated_at: not a time") as caught:
        read_time(text, "updated_at")

    assert len(text) < 3 or text not in str(caught.value)


@given(moments, offsets, st.sampled_from("T "))
def test_a_written_time_is_read_back_whatever_its_offset(moment, zone, separator):
    assert read_time(moment.astimezone(zone).isoformat(separator)) == moment


@pytest.mark.covers("F35")
@given(st.text(max_size=40))
def test_no_text_breaks_the_parser_of_times(text):
    with suppress(Unreadable):
        assert read_time(text).utcoffset() == timedelta(0)


@pytest.mark.covers("F46")
@pytest.mark.parametrize("value", ["7", 7, "12345678901234567890", 2**63])
def test_an_id_is_one_to_twenty_digits_as_text_or_number(value):
    assert read_id(value, "id") == str(value)


@pytest.mark.parametrize(
    "value", ["", "N/A", "-1", -1, "1.0", "1" * 21, "../1", "1?x", "1 ", "%31", "٧", "0x1", "1\n"]
)
def test_anything_else_is_no_id(value):
    with pytest.raises(Unreadable, match=r"^id: not an id"):
        read_id(value, "id")


@pytest.mark.covers("F46")
@pytest.mark.parametrize("value", [None, "", "N/A", "n/a", " ", " N/A "])
def test_nothing_has_three_spellings(value):
    assert read_text(value, "sku") is None


@pytest.mark.parametrize(("value", "text"), [("a", "a"), (" a ", "a"), (0, "0"), (17, "17")])
def test_a_text_may_come_as_a_number(value, text):
    assert read_text(value, "sku") == text


@pytest.mark.parametrize(
    ("url", "shop"),
    [
        ("https://canary-market.loopreturns.com/#/return/0a1b", "canary-market"),
        ("https://Canary-Market.loopreturns.com", "canary-market"),
        ("https://returns.example.test/#/return/0a1b", "returns.example.test"),
        ("https://[::1/#/return/0a1b", None),
        ("not a link", None),
        ("", None),
        (None, None),
    ],
)
def test_of_the_status_page_only_the_shop_is_kept(url, shop):
    assert read_shop(url) == shop
