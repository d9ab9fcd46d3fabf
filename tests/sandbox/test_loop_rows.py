"""The shape of a row (loop.md#return-object, #identifier-types)."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from reconciler.sandbox.loop.changes import processed
from reconciler.sandbox.loop.details import details_row
from reconciler.sandbox.loop.model import LEFT_OUT
from tests.sandbox.loop_shop import NOON

MONEY = re.compile(r"-?\d+\.\d\d")


def row_of(shop, return_id):
    """The row as the list shows it, whatever its state."""
    state = shop.store.get(return_id).state
    return next(row for row in shop.page(750, state=state).rows if row["id"] == return_id)


def full(shop, outcome="exchange+refund"):
    """A closed and processed return with two labels."""
    one = shop.submit(lines=4, outcome=outcome, state="closed")
    lines = tuple(line.id for line in one.lines)
    shop.store.label(one.id, line_ids=lines[:2])
    shop.store.label(one.id, carrier="UPS", line_ids=lines[2:])
    shop.store.process(one.id)
    return row_of(shop, one.id)


def test_ids_are_strings_but_for_the_known_exceptions(shop):
    row = full(shop)
    line, exchange = row["line_items"][0], row["exchanges"][0]

    for value in (row["id"], row["order_id"], row["provider_order_id"], exchange["exchange_id"]):
        assert isinstance(value, str)
    for name in ("line_item_id", "provider_line_item_id", "product_id", "variant_id"):
        assert isinstance(line[name], str)
    assert isinstance(row["destination_id"], int)
    assert isinstance(exchange["exchange_order_id"], int)
    assert row["labels"][0]["line_items"] == [
        int(row["line_items"][i]["line_item_id"]) for i in (0, 1)
    ]
    refund = row["shopify_refund_object"][0]
    assert all(isinstance(refund[name], int) for name in ("id", "return_id", "provider_refund_id"))


def test_money_is_text_with_two_decimals_and_a_rate_is_a_number(shop):
    row = full(shop)

    for name in ("total", "return_total", "refund", "gift_card", "upsell", "handling_fee"):
        assert MONEY.fullmatch(row[name])
        assert "-" not in row[name]
    for name in ("price", "discount", "tax", "refund", "refund_item", "refund_tax"):
        assert MONEY.fullmatch(row["line_items"][0][name])
    assert row["label_rate"] == row["labels"][0]["rate"] == 5.95


def test_every_row_has_the_same_keys(shop):
    full(shop)
    shop.submit()
    shop.submit(state="closed")

    keys = {frozenset(row) for row in shop.list().rows}

    assert len(keys) == 1


def test_nothing_is_spelled_in_three_ways(shop):
    rows = [row_of(shop, shop.submit().id) for _ in range(2)]

    assert [row["label_updated_at"] for row in rows] == ["N/A", "N/A"]
    assert [row["carrier"] for row in rows] == ["N/A", ""]
    assert [row["label_url"] for row in rows] == [None, ""]
    assert [row["line_items"][0]["barcode"] for row in rows] == ["N/A", ""]
    assert [row["line_items"][0]["return_comment"] for row in rows] == [None, "N/A"]
    assert {row["tracking_number"] for row in rows} == {"N/A"}


def test_the_same_instant_comes_in_three_forms(shop):
    one = shop.submit(minutes_ago=0)
    shop.store.process(one.id)
    row = row_of(shop, one.id)

    assert row["created_at"] == "2026-03-01T12:00:00.000Z"
    assert row["line_items"][0]["returned_at"] == "2026-03-01 12:00:00"
    assert row["outcomes_processed_at"]["refund_processed"] == {
        "date": "2026-03-01 12:00:00.000000",
        "timezone_type": 3,
        "timezone": "UTC",
    }


def test_the_returns_own_times_may_carry_an_offset(shop):
    shop.switches.created_at_form = "offset"
    one = shop.submit(minutes_ago=0)
    shop.store.edit(one.id)

    row = row_of(shop, one.id)

    for name in ("created_at", "updated_at", "edited_at"):
        assert row[name] == "2026-03-01T12:00:00+00:00"


def test_a_switch_shows_on_rows_that_were_served_before(shop):
    one = shop.submit(minutes_ago=0)
    row_of(shop, one.id)

    shop.switches.created_at_form = "offset"

    assert row_of(shop, one.id)["created_at"].endswith("+00:00")


def test_order_number_is_1000_below_the_name(shop):
    row = row_of(shop, shop.submit().id)

    assert (row["order_name"], row["order_number"]) == ("#1042", "42")
    assert row["provider_order_number"] == "1042"


def test_an_order_name_without_a_number_has_no_order_number(shop):
    one = shop.submit(order_name="EXC-1042-1")

    assert row_of(shop, one.id)["order_number"] is None


def test_two_units_are_two_lines_without_a_quantity(shop):
    one = shop.store.add_return(shop.order(quantity=2))
    lines = row_of(shop, one.id)["line_items"]

    assert len({line["line_item_id"] for line in lines}) == 2
    assert len({line["provider_line_item_id"] for line in lines}) == 1
    assert "quantity" not in lines[0]


OUTCOMES = ("refund", "credit", "exchange", "upsell", "exchange+refund", "exchange+credit")


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_sums_of_money_hold(shop, outcome):
    row = full(shop, outcome)
    money = {name: Decimal(value) for name, value in row.items() if name in SUMS}
    lines = row["line_items"]

    assert money["return_total"] == (
        money["return_product_total"] - money["return_discount_total"] + money["return_tax_total"]
    )
    assert money["refund"] + money["return_credit_total"] == money["return_total"] > 0
    assert money["exchange_credit_total"] + money["gift_card"] == money["return_credit_total"]
    assert money["exchange_credit_total"] + money["upsell"] == money["exchange_total"]
    assert sum(Decimal(line["refund"]) for line in lines) == money["refund"]
    for line in lines:
        parts = Decimal(line["refund_item"]) + Decimal(line["refund_tax"])
        assert parts == Decimal(line["refund"])
        assert line["refund_tax"] in (line["tax"], "0.00")
        assert (line["refund_tax"] == "0.00") == (line["refund"] == "0.00")
    assert (money["refund"] > 0) == ("refund" in outcome)
    assert (money["gift_card"] > 0) == ("credit" in outcome)
    assert (money["exchange_total"] > 0) == ("exchange" in outcome or outcome == "upsell")
    assert (money["upsell"] > 0) == (outcome == "upsell")


SUMS = {
    *("return_product_total", "return_discount_total", "return_tax_total", "return_total"),
    *("refund", "return_credit_total", "gift_card", "upsell"),
    *("exchange_total", "exchange_credit_total"),
}


def test_a_line_price_may_be_negative_while_the_totals_are_not(shop):
    one = shop.submit()
    shop.store.edit_line(one.id, one.lines[0].id, negative_price=True)

    row = row_of(shop, one.id)

    assert row["line_items"][0]["price"] == "-25.00"
    assert row["return_product_total"] == "25.00"


def test_processing_fills_its_fields_and_only_those_of_the_outcome(shop):
    one = shop.submit(lines=2, outcome="exchange+credit")
    before = row_of(shop, one.id)
    assert before["was_processed"] is False
    assert set(before["outcomes_processed_at"].values()) == {None}
    assert before["exchanges"][0]["exchange_order_id"] is None

    shop.store.process(one.id)

    after = row_of(shop, one.id)
    done = {name for name, value in after["outcomes_processed_at"].items() if value}
    assert after["was_processed"] is True
    assert done == {"return_processed", "exchange_processed", "gift_card_processed"}
    assert after["exchanges"][0]["exchange_order_name"] == "EXC-1042-1"
    assert (before["gift_card_order_name"], before["gift_card_order_id"]) == (None, None)
    assert after["gift_card_order_name"] == "GC-1042"
    assert after["gift_card_order_id"].isdecimal()
    assert after["shopify_refund_object"] == []


def test_processing_numbers_every_exchange_order(shop):
    one = processed(shop.submit(lines=2, outcome="exchange"), NOON)

    assert [exchange.order_name for exchange in one.exchanges] == ["EXC-1042-1", "EXC-1042-2"]


def test_one_of_several_labels_feeds_the_returns_own_label_fields(shop):
    one = shop.submit()
    shop.store.label(one.id, carrier="USPS")
    shop.store.label(one.id, carrier="UPS")
    assert row_of(shop, one.id)["carrier"] == "USPS"
    assert [label["carrier"] for label in row_of(shop, one.id)["labels"]] == ["USPS", "UPS"]

    shop.switches.top_level_label = "newest"

    row = row_of(shop, one.id)
    assert row["carrier"] == "UPS"
    assert row["tracking_number"] == row["labels"][1]["tracking_number"]


def test_rows_may_carry_fields_that_nobody_documented(shop):
    one = shop.submit()
    known = set(row_of(shop, one.id))

    shop.switches.extra_fields = True

    assert set(row_of(shop, one.id)) > known


def test_any_field_can_be_overlaid_with_any_value(shop):
    one = shop.submit(extra={"return_method": "mail", "line_items": None, "new": 1})
    row = row_of(shop, one.id)

    assert (row["return_method"], row["line_items"], row["new"]) == ("mail", None, 1)


def test_so_can_any_field_of_a_line_and_of_a_label_and_it_can_be_left_out(shop):
    one = shop.submit()
    shop.store.label(one.id)
    shop.store.edit_line(one.id, one.lines[0].id, extra={"provider_line_item_id": None})
    shop.store.edit_label(one.id, extra={"carrier": [], "status": LEFT_OUT})
    shop.store.edit(one.id, extra={"order_name": LEFT_OUT})
    row = row_of(shop, one.id)

    assert row["line_items"][0]["provider_line_item_id"] is None
    assert row["labels"][0]["carrier"] == []
    assert "status" not in row["labels"][0]
    assert "order_name" not in row
    assert "order_name" not in details_row(shop.store.get(one.id), shop.switches, "shop")


def test_the_status_page_names_the_shop(shop):
    one = shop.submit()
    row_of(shop, one.id)

    shop.store.shop = "other-shop"

    assert row_of(shop, one.id)["status_page_url"].startswith(
        "https://other-shop.loopreturns.com/#"
    )


def test_whatever_is_personal_contains_the_canary(shop):
    one = shop.submit()
    shop.store.label(one.id)
    row = row_of(shop, one.id)

    for name in ("customer", "label_url", "status_page_url"):
        assert "canary" in row[name]


def test_times_have_whole_seconds(shop):
    shop.clock.set(NOON + timedelta(microseconds=999_999))

    assert row_of(shop, shop.submit(minutes_ago=0).id)["created_at"].endswith(":00.000Z")
