"""An order that is in Jetti twice, and a person has returned all of one by hand.

Nothing is left of it, so it is no candidate any more; but what used it up may be this very return.
"""

from __future__ import annotations

import pytest


def twins(shop):
    """Both sales of an order of one line."""
    order = shop.world.order(("Acme", 1))
    [item] = shop.world.item_ids(order)
    return order, shop.world.sale_id(order), item


@pytest.mark.covers("R6")
def test_what_a_person_raised_there_since_is_not_created_once_more_on_the_other(shop):
    order, first, item = twins(shop)
    one = shop.noted(order)
    [by_hand] = shop.jetti.raise_sale_return(first, {item: 1})
    shop.jetti.import_sale(order)

    done = shop.push()[one]

    assert (done.outcome, len(shop.jetti.sale_returns())) == ("review", 1)
    assert f"1001-01 ({by_hand}) with 1 of order line" in done.reason
    assert f"on sale {first} (1001), cancelled or wholly returned" in done.reason


@pytest.mark.parametrize("whose", [{"externalId": "another"}, {"status": "cancelled"}])
def test_what_is_another_s_or_was_cancelled_is_no_obstacle(shop, whose):
    order, first, item = twins(shop)
    one = shop.noted(order)
    shop.jetti.raise_sale_return(first, {item: 1}, **whose)
    shop.jetti.world.table("Sale").update(first, {"cancellationStatus": "full"})
    second = shop.jetti.import_sale(order)

    assert shop.push()[one].outcome == "pushed"
    assert [row["externalId"] for row in shop.jetti.sale_returns(second)] == [one]


def test_nor_what_is_older_than_the_return(shop):
    order, first, item = twins(shop)
    shop.jetti.raise_sale_return(first, {item: 1})
    shop.world.pass_time()
    one = shop.noted(order)
    second = shop.jetti.import_sale(order)

    assert shop.push()[one].outcome == "pushed"
    assert [row["externalId"] for row in shop.jetti.sale_returns(second)] == [one]
