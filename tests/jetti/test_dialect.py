"""Whatever Jetti does not take of its query language, what it holds is found, or not believed."""

from __future__ import annotations

import pytest

from reconciler.errors import TargetUnavailable
from reconciler.http import Refused
from reconciler.jetti.collection import FilterIgnored, QueryUnusable
from tests.jetti.workshop import shown, values_asked


@pytest.fixture
def sale_id(shop):
    return shop.world.sale_id(shop.world.order(("Acme", 2), (None, 1)))


def rows_on(shop, sale_id, count, **attributes):
    table = shop.jetti.world.table("SaleReturn")
    return [
        table.insert({"saleId": sale_id, "reference": f"R-{number}", **attributes})["id"]
        for number in range(count)
    ]


def switch(shop, **values):
    for name, value in values.items():
        assert hasattr(shop.switches, name)
        setattr(shop.switches, name, value)


# -------------------------------------------------------------------------------- several values


@pytest.mark.parametrize("status", [400, 422, 500])
def test_where_several_values_are_refused_each_is_asked_for_and_that_is_found_out_once(
    shop, sale_id, status
):
    ids = rows_on(shop, sale_id, 50)
    switch(shop, in_refused=True, query_status=status)

    assert sorted(shown(shop.reader.by_id(ids))) == ids
    assert [values_asked(query) for query in shop.asked].count(1) == 50
    assert len(shop.asked) == 53, "all together, twenty, one alone, twenty to be sure"
    assert max(shop.clock.waited) < 0.1, "no patience is spent on it"
    [remark] = shop.reader.remarks()
    assert remark.startswith("Jetti refuses `$in` (/sale-returns.json)")


def test_a_failure_is_not_taken_for_a_refusal(shop, sale_id):
    ids = rows_on(shop, sale_id, 50)
    shop.world.breaks("GET /sale-returns.json", "500", last=1)

    assert sorted(shown(shop.reader.by_id(ids))) == ids
    assert shop.reader.remarks() == ()


def test_a_list_longer_than_any_before_may_be_too_long(shop, sale_id):
    ids = rows_on(shop, sale_id, 13)
    switch(shop, array_limit=5)

    assert sorted(shown(shop.reader.by_id(ids[:4]))) == ids[:4]
    assert sorted(shown(shop.reader.by_id(ids))) == ids


def asked_together(shop):
    """How many values each query named."""
    return [values_asked(query) for query in shop.asked]


def test_many_values_take_few_queries_once_a_long_list_was_understood(shop, sale_id):
    ids = rows_on(shop, sale_id, 300)

    assert sorted(shown(shop.reader.by_id(ids))) == ids
    assert max(map(len, shop.asked)) < 4096
    assert min(asked_together(shop)[:-1]) > 60
    assert len(shop.asked) < 6


@pytest.mark.parametrize("form", ["refused", "empty"])
def test_a_list_that_is_too_long_for_the_parser_hides_nothing(shop, sale_id, form):
    ids = rows_on(shop, sale_id, 130)
    switch(shop, array_limit=20, longer_array=form)

    assert sorted(shown(shop.reader.by_id(ids))) == ids
    assert [count for count in asked_together(shop) if count > 21] == [asked_together(shop)[0]]


def test_a_long_list_that_finds_nothing_is_asked_for_again_in_short_ones(shop, sale_id):
    """Nobody knows whether it was understood."""
    assert shop.reader.by_id(range(5000, 5090)) == []

    assert asked_together(shop)[0] > 60
    assert sorted(set(asked_together(shop)[1:])) == [10, 20]


def test_what_one_field_shows_of_long_lists_holds_for_the_others(shop, sale_id):
    """A marker that nobody set is absent, as a list of that length was understood elsewhere."""
    ids = rows_on(shop, sale_id, 90)
    shop.reader.by_id(ids[:78])
    before = len(shop.asked)

    assert shop.reader.marked([str(number) for number in range(5000, 5070)]) == []
    assert asked_together(shop)[before:] == [70]


@pytest.mark.parametrize("understood", [False, True])
def test_a_server_that_ignores_the_filter_of_long_lists_is_not_believed(shop, sale_id, understood):
    ids = rows_on(shop, sale_id, 90, externalId="1")
    if understood:
        shop.reader.by_id(ids[:60])
    switch(shop, ignored_filters=("externalId",))

    assert shop.reader.marked([str(number) for number in range(5000, 5050)]) == []


def test_more_rows_than_a_page_are_asked_for_in_halves(shop):
    """Ordinary orders of six lines: nineteen of them have more rows than a page."""
    sales = [shop.world.sale_id(shop.world.order(*[("Acme", 1)] * 6)) for _ in range(19)]

    found = shop.reader.sale_items(sales)

    assert sorted(item.sale_id for item in found) == sorted([*sales * 6])
    assert asked_together(shop) == [19, 9, 9, 1]


def test_where_nothing_is_answered_it_is_an_outage(shop):
    shop.world.breaks("GET *", "500")

    for _ in range(2):
        with pytest.raises(TargetUnavailable, match="500"):
            shop.reader.by_id([1, 2])
    assert shop.reader.remarks() == ()
    assert len(shop.asked) == (1 + 2 + 4) + 4, "looked for a form that works once"


def test_where_all_is_refused_it_says_so(shop):
    shop.world.breaks("GET *", "422")

    with pytest.raises(Refused, match="422"):
        shop.reader.by_id([1, 2])


# ------------------------------------------------------------------------- order, limit and from


@pytest.mark.parametrize("status", [400, 422, 500])
@pytest.mark.parametrize(
    ("form", "refusal"),
    [
        ("order", {"order_parameter": "refused"}),
        ("limit", {"limit_parameter": "refused"}),
        ("from", {"from_means": "refused"}),
    ],
)
def test_what_is_refused_is_left_out_from_then_on(shop, sale_id, form, refusal, status):
    ids = rows_on(shop, sale_id, 33)
    switch(shop, query_status=status, **refusal)

    for _ in range(2):
        assert sorted(shown(shop.reader.by_id(ids))) == ids
    assert [f"{form}=" in query.replace("[attribute]", "") for query in shop.asked].count(True) < 8
    assert max(shop.clock.waited) < 0.1, "no patience is spent on it"
    [remark] = shop.reader.remarks()
    assert f"refuses `{form}`" in remark


@pytest.mark.parametrize("form", ["ignored", "refused"])
@pytest.mark.parametrize("size", [1, 7, 10])
def test_without_limit_pages_are_read_to_their_end(shop, sale_id, form, size):
    if (form, size) in [("ignored", 1), ("ignored", 7)]:
        pytest.skip("no page tells that it was cut there")
    ids = rows_on(shop, sale_id, 15)
    switch(shop, limit_parameter=form, default_limit=size)

    assert shown(shop.reader.on_sales([sale_id])) == ids


@pytest.mark.parametrize("rows", [5, 100, 230])
@pytest.mark.parametrize("form", ["order_descends", "none"])
def test_an_order_that_goes_downwards_hides_nothing(shop, sale_id, rows, form):
    ids = rows_on(shop, sale_id, rows)
    switch(shop, order_descends=form == "order_descends")

    assert sorted(shown(shop.reader.on_sales([sale_id]))) == ids


@pytest.mark.parametrize("form", ["ignored", "refused"])
def test_without_order_one_page_is_believed_and_no_more(shop, sale_id, form):
    ids = rows_on(shop, sale_id, 33)
    shop.world.pass_time()
    shop.jetti.edit_sale_return(ids[3], notes="changed last")
    switch(shop, order_parameter=form)

    assert sorted(shown(shop.reader.on_sales([sale_id]))) == ids
    switch(shop, max_limit=10)
    with pytest.raises(FilterIgnored, match=f"`order` is {form}"):
        shop.reader.on_sales([sale_id])


# ----------------------------------------------------------------------------- more than one page


@pytest.mark.parametrize("rows", [10, 100, 101, 199, 200, 230])
@pytest.mark.parametrize("reading", ["offset", "page"])
@pytest.mark.parametrize(
    "no_ids", [{"greater_than_ignored": True}, {"greater_than_refused": True}], ids=str
)
def test_where_there_is_no_paging_by_id_from_shows_how_it_counts(
    shop, sale_id, rows, reading, no_ids
):
    ids = rows_on(shop, sale_id, rows)
    switch(shop, from_means=reading, **no_ids)

    assert shown(shop.reader.on_sales([sale_id])) == ids
    is_cut = rows not in (10, 100)  # else the other end of the list is on the same page
    assert ["`$gt`" in remark for remark in shop.reader.remarks()] == [True] * is_cut


@pytest.mark.covers("R15")
@pytest.mark.parametrize("no_from", ["nothing", "refused"])
def test_a_cut_page_never_passes_for_all(shop, sale_id, no_from):
    rows_on(shop, sale_id, 30)
    switch(shop, max_limit=10, greater_than_ignored=True, from_means=no_from)

    with pytest.raises(FilterIgnored, match="refused or ignored"):
        shop.reader.on_sales([sale_id])


def test_rows_that_go_while_they_are_read_by_from_are_noticed(shop, sale_id):
    rows_on(shop, sale_id, 250)
    switch(shop, greater_than_ignored=True)
    body = shop.world.sandbox.jetti.handle

    def handle(request):
        if "from=100" in request.query:
            shop.jetti.delete_sale_return(5)
        return body(request)

    shop.world.sandbox.jetti.handle = handle
    with pytest.raises(FilterIgnored, match="came or went"):
        shop.reader.on_sales([sale_id])


# ------------------------------------------------------------------------------- ignored filters


@pytest.mark.parametrize("ignores", [{"where_ignored": True}, {"ignored_filters": ("saleId",)}])
@pytest.mark.parametrize("rows", [10, 99, 100, 450])
def test_a_filter_without_effect_is_replaced_by_reading_all_of_it(shop, sale_id, ignores, rows):
    other = shop.world.sale_id(shop.world.order(("Acme", 1)))
    mine, _ = rows_on(shop, sale_id, rows), rows_on(shop, other, rows)
    switch(shop, **ignores)

    assert shown(shop.reader.on_sales([sale_id])) == mine
    assert shop.reader.shows_unrequested_rows
    [remark] = [one for one in shop.reader.remarks() if "filter" in one]
    assert remark == (
        "Jetti ignores the filter by saleId (/sale-returns.json): its rows are filtered here"
    )


@pytest.mark.covers("R15")
@pytest.mark.parametrize(("rows", "fits"), [(1_999, True), (2_001, False)])
def test_twenty_pages_are_read_and_no_more(shop, sale_id, rows, fits):
    ids = rows_on(shop, sale_id, rows)
    switch(shop, ignored_filters=("externalId",))

    if fits:
        assert shop.reader.marked(["9"]) == []
    else:
        with pytest.raises(
            QueryUnusable,
            match=r"ignores the filter by externalId of /sale-returns\.json.*20 pages or more",
        ):
            shop.reader.marked(["9"])
    assert len(ids) == rows
    assert len(shop.asked) <= 2 + 1 + 20


def test_while_filters_have_no_effect_a_create_has_a_look_of_its_own(shop):
    """The answer that shows what is marked lacks its end, as it is seen for all together."""
    order = shop.world.order(("Acme", 3))
    one, other = shop.noted(order, 1), shop.noted(shop.world.order(("Bolt", 1)))
    sale, [item] = shop.world.sale_id(order), shop.world.item_ids(order)
    shop.jetti.raise_sale_return(sale, {item: 1}, externalId="5")
    shop.jetti.raise_sale_return(sale, {item: 1}, externalId=one)
    switch(shop, ignored_filters=("externalId",))
    # Both markers together, one alone, once more, and then all that there is.
    shop.world.breaks("GET /sale-returns.json", "short_page", nth=4, rows=1)

    done = shop.push()

    assert {done[made].outcome for made in (one, other)} == {"pushed"}
    assert len(shop.jetti.sale_returns()) == 3


def test_a_filter_that_failed_once_has_an_effect(shop, sale_id):
    [one] = rows_on(shop, sale_id, 1, externalId="1")
    rows_on(shop, sale_id, 3)
    shop.world.breaks("GET /sale-returns.json", "filter_ignored", last=1)

    assert shown(shop.reader.marked(["1"])) == [one]
    assert not shop.reader.shows_unrequested_rows
