from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.core.matching.snapshot import OrderSnapshot
from reconciler.errors import KeyRefused, TargetUnavailable
from reconciler.jetti.collection import QueryUnusable
from reconciler.jetti.lookup import LookupFailed
from tests.jetti.workshop import shown
from tests.support.world import NOON


def entries(shop, count):
    ids = [shop.noted(shop.world.order(("Acme", 1), (None, 2))) for _ in range(count)]
    return shop.ledger.entries.get(ids)


def paths(shop):
    return [query.partition("?")[0] for query in shop.asked]


def test_nineteen_new_returns_are_seen_with_four_questions(shop):
    found = shop.lookup.look_up(entries(shop, 19))

    # Twenty would be a page that may have been cut, and asked for once more.
    assert paths(shop) == [
        "/sale-returns.json",
        "/sales.json",
        "/sale-items.json",
        *paths(shop)[:1],
    ]
    assert len(found) == 19
    for seen in found.values():
        assert isinstance(seen, OrderSnapshot)
        assert (len(seen.sales), len(seen.sale_items), seen.ours) == (1, 2, ())
        assert seen.sale_items[0].sale_id == seen.sales[0].id
        assert seen.asked_at == NOON


def test_each_sees_only_its_own(shop):
    one, other = entries(shop, 2)
    for entry in (one, other):
        [sale] = [s for s in shop.jetti.sales() if s["externalId"] == entry.seen.order_id]
        [first, _] = [i["id"] for i in shop.jetti.sale_items(sale["id"])]
        shop.jetti.raise_sale_return(sale["id"], {first: 1}, externalId=entry.id)

    found = shop.lookup.look_up([one, other])

    for entry in (one, other):
        assert [row.marker for row in found[entry.id].ours] == [entry.id]
        assert [len(row.items) for row in found[entry.id].ours] == [1]
        assert shown(found[entry.id].on_sale) == shown(found[entry.id].ours)


def test_what_is_unmarked_and_alive_is_seen_with_its_items_and_the_rest_without(shop):
    [entry] = entries(shop, 1)
    order = shop.world.orders[0]
    sale_id, (first, second) = shop.world.sale_id(order), shop.world.item_ids(order)
    shop.jetti.raise_sale_return(sale_id, {second: 1})
    shop.jetti.raise_sale_return(sale_id, {first: 1}, status="cancelled")
    shop.jetti.raise_sale_return(sale_id, {second: 1}, externalId="another")

    seen = shop.lookup.look_up([entry])[entry.id]

    assert [len(row.items) for row in seen.on_sale] == [1, 0, 0]


def test_what_is_known_and_covers_everything_needs_no_look_at_the_order(shop):
    one = shop.pushed()

    seen = shop.lookup.look_up([shop.entry(one)])[one]

    assert paths(shop) == ["/sale-returns.json", "/sale-return-items.json"]
    assert (len(seen.ours), seen.sales, seen.sale_items) == (1, (), ())


def test_what_lost_its_marker_is_found_by_its_id(shop):
    one = shop.pushed()
    [known] = shop.entry(one).sale_returns
    shop.jetti.edit_sale_return(known.id, externalId=None)

    assert shown(shop.lookup.look_up([shop.entry(one)])[one].ours) == [known.id]


def test_an_order_is_looked_for_by_name_only_where_no_id_finds_it(shop):
    [by_id, by_name] = entries(shop, 2)
    sale = shop.world.sale_id(shop.world.orders[1])
    shop.jetti.world.table("Sale").update(sale, {"externalId": None})

    found = shop.lookup.look_up([by_id, by_name])

    assert shown(found[by_name.id].sales) == [sale]
    [named] = [query for query in shop.asked if "where[reference]" in query]
    assert "1001" not in named
    assert "1002" in named


def test_a_clone_under_the_order_s_id_does_not_hide_the_original(shop):
    [entry] = entries(shop, 1)
    sale = shop.world.sale_id(shop.world.orders[0])
    clone = shop.jetti.clone_sale(sale, externalId=entry.seen.order_id)
    shop.jetti.world.table("Sale").update(sale, {"externalId": None})

    assert set(shown(shop.lookup.look_up([entry])[entry.id].sales)) == {clone, sale}


def test_an_item_is_gone_only_when_two_answers_lack_it(shop):
    one, other = shop.pushed(), shop.pushed()
    [gone] = [item.id for known in shop.entry(other).sale_returns for item in known.items]
    shop.jetti.world.delete("SaleReturnItem", gone)
    shop.world.breaks("GET /sale-return-items.json", "short_page", service="jetti", nth=1, rows=1)

    found = shop.lookup.look_up(shop.ledger.entries.get([one, other]))

    assert [len(row.items) for row in found[one].ours] == [1]
    assert [len(row.items) for row in found[other].ours] == [0]


# -------------------------------------------------------------------------------------- failures


def test_a_failure_of_the_group_spoils_none_of_its_members(shop):
    together = entries(shop, 3)
    shop.world.breaks("GET /sales.json", "500", last=4)  # all four tries of the group

    found = shop.lookup.look_up(together)

    assert all(isinstance(seen, OrderSnapshot) for seen in found.values())


def test_one_that_cannot_be_looked_up_spoils_no_other(shop):
    one, two, three = entries(shop, 3)
    # The group's, the same in plainer forms, and all four tries of the group and of the first.
    shop.world.breaks("GET /sales.json", "500", last=1 + 2 + 4 + 4)

    found = shop.lookup.look_up([one, two, three])

    assert isinstance(found[one.id], LookupFailed)
    assert found[one.id].is_outage
    assert isinstance(found[two.id], OrderSnapshot)
    assert isinstance(found[three.id], OrderSnapshot)


@pytest.mark.parametrize(
    "ignores", [{"where_ignored": True}, {"ignored_filters": ("externalId", "saleId")}]
)
def test_a_server_that_ignores_filters_shows_the_same_with_more_questions(shop, ignores):
    together = entries(shop, 12)
    shop.jetti.raise_sale_return(1, {1: 1})
    usual = shop.lookup.look_up(together)
    for name, value in ignores.items():
        setattr(shop.switches, name, value)

    found = shop.lookup.look_up(together)

    for one, seen in usual.items():
        assert replace(found[one], looked_at=seen.looked_at) == seen
    assert shop.lookup.shows_unrequested_rows


def test_a_server_that_ignores_filters_and_holds_too_much_ends_it_all(shop):
    together = entries(shop, 2)
    shop.switches.ignored_filters, shop.switches.max_limit = ("externalId",), 1
    shop.switches.limit_parameter, shop.switches.default_limit = "refused", 1
    for _ in range(20):
        shop.world.order(("Acme", 1))

    with pytest.raises(
        QueryUnusable, match=r"filter by externalId of /sales\.json.* 20 pages or more"
    ):
        shop.lookup.look_up(together)


def test_a_question_that_jetti_refuses_is_no_outage(shop):
    [entry] = entries(shop, 1)
    shop.world.breaks("GET /sales.json", "400")

    seen = shop.lookup.look_up([entry])[entry.id]

    assert (seen.is_outage, "400" in seen.reason) == (False, True)


def test_a_refused_key_ends_it_all(shop):
    shop.world.breaks("*", "401")

    with pytest.raises(KeyRefused):
        shop.lookup.look_up(entries(shop, 2))
    assert len(shop.asked) == 1


def test_markers_are_told_in_the_order_they_were_asked_for(shop):
    one = shop.pushed()

    assert shop.lookup.marked(["9", one, "8"]) == [one]


def test_markers_that_cannot_be_looked_up_are_an_outage(shop):
    shop.world.breaks("GET /sale-returns.json", "422")

    with pytest.raises(TargetUnavailable):
        shop.lookup.marked(["9", "8"])
