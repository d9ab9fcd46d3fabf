"""Details: another shape of the same return (loop.md#get-return-details,
#differences-from-the-list-row)."""

from __future__ import annotations


def test_ids_are_numbers_and_times_are_bare(shop):
    one = shop.submit(minutes_ago=0, lines=2)
    shop.store.label(one.id)
    shop.store.edit(one.id)
    shown = shop.details(return_id=one.id).json

    for name in ("id", "order_id", "provider_order_id", "provider_order_number"):
        assert isinstance(shown[name], int)
    for name in ("line_item_id", "provider_line_item_id", "product_id", "variant_id"):
        assert isinstance(shown["line_items"][0][name], int)
    for name in ("created_at", "updated_at", "edited_at", "label_updated_at"):
        assert shown[name] == "2026-03-01 12:00:00"


def test_it_has_fields_that_the_list_lacks(shop):
    one = shop.submit(lines=2, outcome="exchange+refund")
    shop.store.process(one.id)
    shown, listed = shop.details(return_id=one.id).json, shop.list().rows[0]

    assert set(shown) - set(listed) == {
        *("exchange", "exchange_order_name", "exchange_order_id", "refunds"),
    }
    assert set(shown["line_items"][0]) - set(listed["line_items"][0]) == {
        *("line_item_title", "variant_title", "image"),
    }
    assert shown["line_items"][0]["line_item_title"] == "Thing 0"
    assert shown["line_items"][0]["variant_title"] == "M / Moss"
    assert (shown["exchange"], shown["exchange_order_name"]) == (True, "EXC-1042-1")
    assert shown["refunds"][0]["amount"] == listed["refund"]


def test_a_plain_refund_has_no_exchange_and_before_processing_no_refunds(shop):
    one = shop.submit()
    shown = shop.details(return_id=one.id).json

    assert (shown["exchange"], shown["exchange_order_id"], shown["refunds"]) == (False, None, [])


def test_no_match_is_an_error_with_status_200(shop):
    shop.submit()

    for parameters in ({"return_id": 1}, {"order_id": 1}, {"order_name": "9"}):
        answer = shop.details(**parameters)
        assert answer.status == 200
        assert answer.json == {"error": {"message": "No return found with this ID."}}


def test_it_shows_every_state(shop):
    for state in ("cancelled", "review", "processing"):
        one = shop.submit(state=state)
        assert shop.details(return_id=one.id).json["state"] == state


def test_the_order_is_found_by_the_providers_id_and_by_name_with_or_without_hash(shop):
    one = shop.submit()

    for parameters in (
        {"order_id": one.provider_order_id},
        {"order_name": "1042"},
        {"order_name": "#1042"},
    ):
        assert shop.details(**parameters).json["id"] == int(one.id)
    assert "error" in shop.details(order_id=one.order_id).json


def test_an_order_with_several_returns_answers_the_newest_or_all(shop):
    order = shop.order(lines=2)
    first = shop.store.add_return(order, {order.lines[0].order_line_id: 1})
    shop.clock.advance(60)
    second = shop.store.add_return(order, {order.lines[1].order_line_id: 1})
    assert shop.details(order_name="1042").json["id"] == int(second.id)

    shop.switches.details_of_order = "list"

    answer = shop.details(order_name="1042").json
    assert [shown["id"] for shown in answer] == [int(first.id), int(second.id)]
    assert shop.details(return_id=first.id).json["id"] == int(first.id)


def test_one_of_the_three_identifiers_is_needed(shop):
    assert shop.details().status == 422
    assert shop.details(return_id="").status == 422


def test_only_two_currency_types_are_taken(shop):
    one = shop.submit()

    assert shop.details(return_id=one.id, currency_type="presentment").status == 200
    assert shop.details(return_id=one.id, currency_type="euro").status == 422


def test_the_newest_label_can_be_the_one_at_the_top(shop):
    one = shop.submit()
    shop.store.label(one.id)
    shop.clock.advance(60)
    shop.store.label(one.id)
    assert shop.details(return_id=one.id).json["label_updated_at"] == "2026-03-01 12:00:00"

    shop.switches.top_level_label = "newest"

    assert shop.details(return_id=one.id).json["label_updated_at"] == "2026-03-01 12:01:00"
