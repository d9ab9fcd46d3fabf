"""Every question carries all of its parameters; of a next link only the cursor is believed."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model import Window
from reconciler.core.records import By
from reconciler.loop.query import ListQuery, around, cursor_columns, next_cursor

HOME = "https://api.loopreturns.com/api/2026-07"
LINK = "https://api.loopreturns.com/api/v1/warehouse/return/list?to=2022-08-01&filter=created_at"
# The documented example (loop.md#next-page-link, #cursor-format).
DOCUMENTED = base64.urlsafe_b64encode(
    b'{"created_at":"2022-06-27 16:25:01","_pointsToNextItems":true}'
).decode()
SPAN = Window(
    datetime(2026, 3, 1, 10, 0, 0, 500, tzinfo=UTC),
    datetime(2026, 3, 2, 12, 0, 0, 500, tzinfo=timezone(timedelta(hours=2))),
)


@pytest.mark.covers("F36")
def test_bounds_are_utc_without_offset_and_rounded_outwards():
    query = ListQuery(SPAN, By.UPDATED, "review", 750)

    assert query.page() == (
        "from=2026-03-01%2010%3A00%3A00&to=2026-03-02%2010%3A00%3A01"
        "&filter=updated_at&state=review&paginate=true&pageSize=750"
    )


def test_a_later_page_sends_all_of_it_again():
    query = ListQuery(SPAN, By.CREATED, "open", 5)

    assert query.page("a+/=&x") == query.page() + "&cursor=a%2B%2F%3D%26x"
    assert "filter=created_at" in query.page()


def test_a_bare_array_is_asked_for_without_paging():
    assert "pag" not in ListQuery(SPAN, By.CREATED, "open", 5).unpaged()


def test_around_a_moment_is_a_second_on_both_sides_of_its_second():
    query = around([datetime(2026, 3, 1, 10, 0, 0, 999_999, tzinfo=UTC)], By.CREATED, "open", 5)

    assert "from=2026-03-01%2009%3A59%3A59&to=2026-03-01%2010%3A00%3A01&" in query.page()


@pytest.mark.parametrize("absent", [None, ""])
def test_no_link_means_the_last_page(absent):
    assert next_cursor(absent, HOME) is None


@pytest.mark.covers("R18")
@pytest.mark.parametrize(
    "link",
    [
        f"{LINK}&pageSize=5&cursor=abc",
        "https://api.loopreturns.com:443/elsewhere?cursor=abc",
        "http://api.loopreturns.com/list?cursor=abc",
        "http://api.loopreturns.com:80/list?cursor=abc",
        "//api.loopreturns.com/list?cursor=abc",
        "HTTP://API.loopreturns.com/list?cursor=abc",
        "/api/v1/warehouse/return/list?cursor=abc",
        "?cursor=abc",
    ],
)
def test_only_the_cursor_is_taken_from_a_link(link):
    assert next_cursor(link, HOME) == "abc"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/list?cursor=abc",
        "http://evil.example/list?cursor=abc",
        "ftp://api.loopreturns.com/list?cursor=abc",
        "https://api.loopreturns.com:8443/list?cursor=abc",
        "https://user@api.loopreturns.com/list?cursor=abc",
        "https://api.loopreturns.com@evil.example/list?cursor=abc",
        "https://api.loopreturns.com.evil.example/list?cursor=abc",
        "//evil.example/list?cursor=abc",
        "javascript:alert(1)?cursor=abc",
        "https://api.loopreturns.com:x/list?cursor=abc",
        "https://[::1/list?cursor=abc",
    ],
)
def test_a_link_to_another_host_is_a_failure(link):
    with pytest.raises(ValueError):
        next_cursor(link, HOME)


@pytest.mark.parametrize(
    "link", [LINK, f"{LINK}&cursor=", f"{LINK}&cursor=a&cursor=b", f"{LINK}&cursor={'a' * 10**6}"]
)
def test_a_link_without_one_usable_cursor_is_not_the_end(link):
    with pytest.raises(ValueError, match="no usable cursor"):
        next_cursor(link, HOME)


@given(st.text(min_size=1, max_size=300))
def test_any_cursor_goes_round_unchanged(cursor):
    try:
        quoted = quote(cursor, safe="")
    except UnicodeEncodeError:
        return
    again = ListQuery(SPAN, By.UPDATED, "open", 5).page(
        next_cursor(f"{LINK}&cursor={quoted}", HOME)
    )

    assert parse_qs(again)["cursor"] == [cursor]


@given(st.text(max_size=200))
def test_no_link_breaks_the_parser(link):
    with suppress(ValueError):
        next_cursor(link, HOME)


def encoded(fields) -> str:
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("cursor", "by"),
    [
        (DOCUMENTED, {By.CREATED: datetime(2022, 6, 27, 16, 25, 1, tzinfo=UTC)}),
        (
            encoded({"updated_at": "2022-06-27 16:25:01", "id": 7, "_pointsToNextItems": True}),
            {By.UPDATED: datetime(2022, 6, 27, 16, 25, 1, tzinfo=UTC)},
        ),
    ],
)
def test_a_cursor_names_the_column_that_orders_the_pages(cursor, by):
    assert cursor_columns(cursor) == by


@pytest.mark.parametrize(
    "cursor",
    ["opaque", "", "====", "é", encoded([1]), encoded({"id": 7}), encoded({"updated_at": "soon"})],
)
def test_when_in_doubt_it_may_be_both(cursor):
    assert cursor_columns(cursor) == {By.UPDATED: None, By.CREATED: None}


@given(
    st.text(max_size=100) | st.binary(max_size=60).map(lambda raw: base64.b64encode(raw).decode())
)
def test_no_cursor_breaks_the_reading_of_cursors(cursor):
    assert cursor_columns(cursor)
