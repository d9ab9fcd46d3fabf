from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import timedelta

import pytest

from reconciler.errors import KeyRefused, TargetUnavailable
from reconciler.http import Refused
from reconciler.jetti.collection import FilterIgnored
from tests.jetti.workshop import Workshop, shown, values_asked
from tests.support.world import NOON, a_world


def rows_on(shop, sale_id, count, **attributes):
    """So many sale returns, straight into Jetti's table."""
    table = shop.jetti.world.table("SaleReturn")
    return [
        table.insert({"saleId": sale_id, "reference": f"R-{number}", **attributes})["id"]
        for number in range(count)
    ]


@pytest.fixture
def sale_id(shop):
    return shop.world.sale_id(shop.world.order(("Acme", 2), (None, 1)))


# ------------------------------------------------------------------------------------------ groups


def test_behind_a_page_that_may_have_been_cut_stands_another_question(shop, sale_id):
    ids = rows_on(shop, sale_id, 40)

    for count in (39, 40):
        assert sorted(shown(shop.reader.by_id(ids[:count]))) == ids[:count]

    # The page of forty is read from its other end, too: rows are sorted, and it holds the same.
    assert [values_asked(query) for query in shop.asked] == [39, 40, 40]


def test_a_value_asked_for_twice_is_asked_for_once(shop, sale_id):
    [one] = rows_on(shop, sale_id, 1)

    assert shown(shop.reader.by_id([one, one])) == [one]
    assert shop.asked == [
        f"/sale-returns.json?where[id]={one}&order[attribute]=id&limit=100&from=0"
    ]


def test_nothing_is_asked_for_nothing(shop):
    assert shop.reader.by_id([]) == shop.reader.marked([]) == []
    assert shop.asked == []


def test_a_stranger_among_the_rows_means_one_by_one(shop, sale_id):
    ids = rows_on(shop, sale_id, 4)
    shop.world.breaks("GET /sale-returns.json", "filter_ignored", last=1)

    assert shown(shop.reader.by_id(ids[:3])) == ids[:3]
    assert [values_asked(query) for query in shop.asked] == [3, 1, 1, 1]


def test_a_full_page_means_one_by_one(shop, sale_id):
    other = shop.world.sale_id(shop.world.order(("Acme", 1)))
    mine, theirs = rows_on(shop, sale_id, 61), rows_on(shop, other, 61)

    assert sorted(shown(shop.reader.on_sales([sale_id, other]))) == sorted(mine + theirs)
    assert [values_asked(query) for query in shop.asked] == [2, 1, 1]


@pytest.mark.parametrize("largest", [10, 20, 25, 50, 75])
def test_a_server_that_cuts_pages_shorter_than_asked_hides_nothing(shop, sale_id, largest):
    shop.switches.max_limit = largest
    ids = rows_on(shop, sale_id, 101)

    assert shown(shop.reader.on_sales([sale_id])) == ids


@pytest.mark.parametrize("ids", [["1"], ["1", "2"], ["absent"], ["absent", "too"]])
def test_a_server_without_filters_is_not_believed(shop, sale_id, ids):
    [mine, _] = rows_on(shop, sale_id, 1, externalId="1") + rows_on(shop, sale_id, 1)
    shop.switches.where_ignored = True

    assert shown(shop.reader.marked(ids)) == [mine] * ("1" in ids)
    assert shop.reader.shows_unrequested_rows


# ------------------------------------------------------------------------------------------- pages


@pytest.mark.parametrize(("rows", "pages"), [(99, 1), (100, 1), (150, 2), (201, 3)])
def test_a_full_page_is_followed_by_id_to_the_end(shop, sale_id, rows, pages):
    """Behind the first one stands a look from the other end, whether rows are sorted at all."""
    ids = rows_on(shop, sale_id, rows)

    assert shown(shop.reader.on_sales([sale_id])) == ids
    upwards = [query for query in shop.asked if "[descending]" not in query]
    assert (len(upwards), len(shop.asked)) == (pages, pages + (rows >= 100))
    for page, query in enumerate(upwards):
        assert "from=0" in query
        assert (f"where[id][$gt]={ids[100 * page - 1]}" in query) is (page > 0)


def test_a_server_that_does_not_page_by_id_is_not_believed(shop, sale_id):
    rows_on(shop, sale_id, 150)
    shop.switches.greater_than_ignored, shop.switches.from_means = True, "nothing"

    with pytest.raises(FilterIgnored, match=r"`\$gt` and `from`"):
        shop.reader.on_sales([sale_id])


# -------------------------------------------------------------------------- what the rows look like


@pytest.mark.parametrize("form", ["bare", "hash"])
def test_an_order_is_found_by_name_in_either_spelling(shop, form):
    shop.switches.reference_form = form
    order = shop.world.order(("Acme", 1))

    [found] = shop.reader.sales_named([order.name])

    assert found.reference == ("1001" if form == "bare" else "#1001")
    assert values_asked(shop.asked[0]) == 2


@pytest.mark.parametrize(
    ("form", "account"), [("integer", "41"), ("string", "41"), ("absent", None)]
)
def test_the_account_is_a_text_however_it_is_told(shop, sale_id, form, account):
    shop.switches.company_id_form = form
    [one] = rows_on(shop, sale_id, 1)

    assert shop.reader.by_id([one])[0].account == account
    assert shop.reader.sales([shop.world.orders[0].order_id])[0].account == account


@pytest.mark.parametrize("as_number", [False, True])
def test_external_ids_are_texts_even_where_jetti_sends_numbers(shop, as_number):
    marker = 7001 if as_number else "7001"
    row = {
        "id": 5,
        "saleId": 3,
        "reference": 1001 if as_number else "1001",
        "createdAt": "2026-03-01T12:00:00.000Z",
        "status": "invented",
        "externalId": marker,
        "trackingNumber": 94 if as_number else "94",
        "somethingNew": {"a": [1]},
    }
    shop.world.breaks("GET /sale-returns.json", "raw", body=json.dumps([row]))

    [found] = shop.reader.marked(["7001"])

    assert (found.marker, found.reference) == ("7001", str(row["reference"]))
    assert (found.fields["trackingNumber"], found.status) == ("94", "invented")
    assert found.created_at == NOON


def test_an_empty_marker_is_none(shop, sale_id):
    [one] = rows_on(shop, sale_id, 1, externalId="")

    assert shop.reader.by_id([one])[0].marker is None


def test_sale_items_tell_line_units_vendor_and_bundles(shop):
    order = shop.world.order(("Acme", 3), (None, 1), bundle=True)
    sale_id = shop.world.sale_id(order)
    first, second = shop.world.item_ids(order)
    shop.jetti.raise_sale_return(sale_id, {first: 2})

    items = {item.id: item for item in shop.reader.sale_items([sale_id])}

    assert (items[first].order_line_id, items[first].sale_id) == (
        order.lines[0].order_line_id,
        sale_id,
    )
    assert (items[first].quantity, items[first].returned, items[first].available) == (3, 2, 1)
    assert items[first].is_bundle
    assert (items[first].vendor_id is None, items[second].vendor_id) == (False, None)


def test_a_clone_is_told_from_an_original(shop, sale_id):
    shop.jetti.clone_sale(sale_id, externalId=shop.world.orders[0].order_id)

    found = shop.reader.sales([shop.world.orders[0].order_id])

    assert [sale.is_clone for sale in found] == [False, True]


def test_what_is_gone_is_left_out_of_a_list_and_refused_alone(shop, sale_id):
    one, other = rows_on(shop, sale_id, 2)
    shop.jetti.delete_sale_return(one)

    assert shown(shop.reader.by_id([one, other])) == [other]
    assert shop.reader.sale_return(other).id == other
    with pytest.raises(Refused, match="404"):
        shop.reader.sale_return(one)


def test_reasons_are_told_by_code(shop):
    assert shop.reader.reasons()["too_small"] == 2


# --------------------------------------------------------------------------------- answers that lie


@pytest.mark.parametrize(
    "body",
    ['{"rows": []}', "null", '[{"id": 1}]', '[{"id": "one", "saleId": 1}]', "[1]", "[", "", "<p>"],
)
def test_an_answer_that_is_no_list_of_such_rows_is_asked_for_again_and_then_given_up(shop, body):
    shop.world.breaks("GET /sale-items.json", "raw", body=body)

    with pytest.raises(TargetUnavailable, match=r"GET /sale-items\.json"):
        shop.reader.sale_items([1])
    assert len(shop.asked) == 4


def test_a_refused_key_is_one(shop):
    shop.switches.forbidden = "everything"

    with pytest.raises(KeyRefused, match="403"):
        shop.reader.reasons()
    assert len(shop.asked) == 1


# ------------------------------------------------------------------------------------- Jetti's time


def test_now_is_the_date_of_the_latest_answer(shop):
    shop.reader.reasons()
    shop.world.pass_time(minutes=3)
    before = shop.reader.now()
    shop.reader.reasons()

    assert (before, shop.reader.now()) == (NOON, NOON + timedelta(minutes=3))


def test_without_dates_now_is_our_clock_less_what_it_may_be_ahead(directory):
    with ExitStack() as stack:
        world = stack.enter_context(a_world(directory, dates=False))
        reader = Workshop(world, stack).reader
        reader.reasons()

        assert reader.now() == world.clock.now() - timedelta(minutes=5)
