"""Order, cursor and links of the list (loop.md#pagination, #cursor-format)."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from tests.sandbox.loop_shop import NOON, loop_time


def decoded(cursor):
    return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))


def test_a_cursor_is_unpadded_base64url_of_one_second(shop):
    shop.submit(minutes_ago=1)
    last = shop.submit(minutes_ago=2)
    shop.submit(minutes_ago=3)

    cursor = shop.page(2).next_parameters["cursor"]

    assert "=" not in cursor
    assert decoded(cursor) == {
        "created_at": loop_time(last.created_at),
        "_pointsToNextItems": True,
    }


def test_newest_come_first_and_oldest_with_the_switch(shop):
    ids = [shop.submit(minutes_ago=minute).id for minute in range(1, 8)]
    assert shop.walk(3) == shop.list().ids == ids

    shop.switches.order = "oldest_first"

    assert shop.walk(3) == shop.list().ids == ids[::-1]


@pytest.mark.parametrize("order", ["newest_first", "oldest_first"])
def test_rows_of_one_second_are_lost_at_the_edge_of_a_page(shop, order):
    shop.switches.order = order
    for _ in range(5):
        shop.submit(minutes_ago=5)
    shop.submit(minutes_ago=6 if order == "newest_first" else 4)

    assert len(shop.walk(2)) == 3
    assert len(shop.walk(6)) == 6


@pytest.mark.parametrize("order", ["newest_first", "oldest_first"])
def test_a_tie_breaker_loses_none(shop, order):
    shop.switches.order = order
    shop.switches.tie_breaker = True
    ids = {shop.submit(minutes_ago=5).id for _ in range(5)}

    found = shop.walk(2)

    assert len(found) == 5
    assert set(found) == ids
    assert "id" in decoded(shop.page(2).next_parameters["cursor"])


def test_rows_of_one_second_may_come_in_another_order_each_time(shop):
    ids = {shop.submit(minutes_ago=5).id for _ in range(30)}
    newer = shop.submit(minutes_ago=4).id
    assert shop.list().ids == shop.list().ids

    shop.switches.ties = "unordered"

    orders = {tuple(shop.page(50).ids) for _ in range(3)}
    assert len(orders) == 3
    assert all(order[0] == newer and set(order[1:]) == ids for order in orders)


def test_a_full_last_page_has_no_next_link(shop):
    for minute in range(4):
        shop.submit(minutes_ago=minute + 1)

    first = shop.page(2)
    second = shop.page_after(first, 2)

    assert first.next_link is not None
    assert second.next_link is None
    assert len(second.ids) == 2


def test_the_previous_link_is_null_on_page_one_and_leads_back_afterwards(shop):
    for minute in range(5):
        shop.submit(minutes_ago=minute + 1)
    first = shop.page(2)
    second = shop.page_after(first, 2)
    third = shop.page_after(second, 2)

    assert first.json["previousPageUrl"] is None
    cursor = third.json["previousPageUrl"].partition("cursor=")[2]
    back = shop.page(2, cursor=cursor)
    assert back.ids == second.ids
    assert back.next_parameters["cursor"] == second.next_parameters["cursor"]
    assert back.json["previousPageUrl"] is not None
    again = shop.page(2, cursor=back.json["previousPageUrl"].partition("cursor=")[2])
    assert again.ids == first.ids
    assert again.json["previousPageUrl"] is None


def test_the_documented_next_link_carries_only_four_parameters(shop):
    for minute in range(3):
        shop.submit(minutes_ago=minute + 1)

    answer = shop.page(2, state="open", filter="updated_at")

    assert set(answer.next_parameters) == {"to", "filter", "pageSize", "cursor"}
    assert answer.next_parameters["filter"] == "updated_at"
    assert answer.next_link.startswith("http://127.0.0.1:7000/api/2026-07/warehouse/return/list?")


def test_the_complete_next_link_carries_all_that_was_sent(shop):
    shop.switches.next_page_link = "complete"
    for minute in range(3):
        shop.submit(minutes_ago=minute + 1)

    answer = shop.page(2, state="open", filter="updated_at")

    assert set(answer.next_parameters) == {
        *("from", "to", "filter", "state", "paginate", "pageSize", "cursor"),
    }
    assert shop.get(query=urlsplit(answer.next_link).query).ids == [shop.store.returns()[2].id]


def test_following_the_documented_link_verbatim_gets_a_bare_array_of_the_last_day(shop):
    for day in range(4):
        shop.submit(minutes_ago=day * 1440 + 1)

    answer = shop.get(query=urlsplit(shop.page(2).next_link).query)

    assert isinstance(answer.json, list)
    assert answer.ids == [shop.store.returns()[0].id]


def test_following_it_verbatim_can_walk_back_beyond_from_and_into_other_states(shop):
    shop.switches.cursor_implies_paginate = True
    shop.submit(minutes_ago=1)
    shop.submit(minutes_ago=2)
    older = shop.submit(minutes_ago=5 * 1440, state="closed")
    link = shop.page(1, from_=loop_time(NOON - timedelta(days=1)), state="open").next_link

    answer = shop.get(query=urlsplit(link).query.replace("pageSize=1", "pageSize=9"))

    assert answer.ids[-1] == older.id
    assert set(answer.json) == {"returns", "nextPageUrl", "previousPageUrl"}


def test_a_cursor_without_from_may_also_mean_the_last_day(shop):
    shop.submit(minutes_ago=1)
    second = shop.submit(minutes_ago=2)
    older = shop.submit(minutes_ago=5 * 1440)
    cursor = shop.page(1).next_parameters["cursor"]
    assert shop.list(paginate="true", cursor=cursor).ids == [second.id, older.id]

    shop.switches.cursor_without_from = "last_day"

    assert shop.list(paginate="true", cursor=cursor).ids == [second.id]


@pytest.mark.parametrize("cursor", ["!!!", "aGVsbG8", "e30", "WzFd"])
def test_a_cursor_that_cannot_be_decoded_is_page_one_or_refused(shop, cursor):
    shop.submit()
    assert shop.page(5, cursor=cursor).ids == shop.page(5).ids != []

    shop.switches.undecodable_cursor = "refuse"

    assert shop.page(5, cursor=cursor).status == 422


def test_a_cursor_of_another_column_crashes_laravel(shop):
    for minute in range(3):
        shop.submit(minutes_ago=minute + 1)
    cursor = shop.page(2, filter="created_at").next_parameters["cursor"]

    answer = shop.page(2, filter="updated_at", cursor=cursor)

    assert (answer.status, answer.json) == (500, {"message": "Server Error"})


def test_order_and_cursor_go_by_the_filtered_column_or_always_by_creation(shop):
    first = shop.submit(minutes_ago=30)
    second = shop.submit(minutes_ago=20)
    third = shop.submit(minutes_ago=10)
    shop.store.touch(first.id)
    assert shop.walk(1, filter="updated_at") == [first.id, third.id, second.id]

    shop.switches.cursor_column = "created_at"

    assert shop.walk(1, filter="updated_at") == [third.id, second.id, first.id]
    assert "created_at" in decoded(shop.page(1, filter="updated_at").next_parameters["cursor"])


def test_a_row_updated_between_two_pages_is_missed(shop):
    ids = [shop.submit(minutes_ago=minute).id for minute in (1, 2, 3, 4)]
    first = shop.page(2, filter="updated_at")

    shop.store.touch(ids[3])

    rest = shop.page_after(first, 2, filter="updated_at")
    assert first.ids + rest.ids == ids[:3]


def test_a_row_updated_between_two_pages_comes_twice_when_oldest_come_first(shop):
    shop.switches.order = "oldest_first"
    ids = [shop.submit(minutes_ago=minute).id for minute in (4, 3, 2, 1)]
    first = shop.page(2, filter="updated_at")

    shop.store.touch(ids[0])

    rest = shop.page_after(first, 2, filter="updated_at")
    assert rest.ids + shop.page_after(rest, 2, filter="updated_at").ids == [*ids[2:], ids[0]]


def test_a_next_link_may_lack_its_cursor(shop):
    shop.switches.next_page_cursor = "absent"
    shop.submit()
    shop.submit(minutes_ago=5)

    answer = shop.page(1)

    assert "cursor" not in answer.next_parameters
    assert shop.page(2).next_link is None


@pytest.mark.parametrize(("mode", "distinct"), [("repeated", 1), ("cycle", 2), ("ever_fresh", 6)])
def test_a_next_link_may_lead_round_in_circles(shop, mode, distinct):
    shop.switches.next_page_cursor = mode
    one = shop.submit()
    cursors = []
    answer = shop.page(1)

    for _ in range(6):
        cursors.append(answer.next_parameters["cursor"])
        answer = shop.page_after(answer, 1)

        assert answer.ids == [one.id]
    assert len(set(cursors)) == distinct


@pytest.mark.parametrize("origin", ["https://evil.test", "", "http://api@evil.test:81"])
def test_a_next_link_may_point_elsewhere(shop, origin):
    shop.switches.next_page_origin = origin
    shop.submit()
    shop.submit(minutes_ago=5)

    assert shop.page(1).next_link.startswith(f"{origin}/api/2026-07/warehouse/return/list?")


def test_changes_become_visible_in_the_list_only_after_the_delay(shop):
    shop.switches.visible_after = 60
    one = shop.submit(minutes_ago=0)
    assert shop.list().ids == []
    assert shop.details(return_id=one.id).json["id"] == int(one.id)

    shop.clock.advance(60)
    shop.store.set_state(one.id, "closed")
    assert [row["state"] for row in shop.list().rows] == ["open"]

    shop.clock.advance(60)
    assert [row["state"] for row in shop.list().rows] == ["closed"]


def test_a_row_that_shows_late_keeps_its_old_time(shop):
    shop.switches.visible_after = 600
    one = shop.submit(minutes_ago=0)

    shop.clock.advance(600)

    assert shop.list().rows[0]["created_at"] == "2026-03-01T12:00:00.000Z"
    assert shop.list().ids == [one.id]
