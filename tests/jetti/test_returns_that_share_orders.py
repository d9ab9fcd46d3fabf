"""Returns of one order are looked up together, and again only after something was written."""

from __future__ import annotations

import pytest


def looks(shop):
    """Questions for sales, one for each look at orders; not those for what a page may lack."""
    asked = [query for query in shop.asked if query.startswith("/sales.json")]
    return len([query for query in asked if "[$gt]" not in query and "descending" not in query])


def noted(shop, orders, each):
    """Returns of one unit, those of one order next to each other."""
    made = [shop.world.order(("Acme", each)) for _ in range(orders)]
    return [shop.noted(order, 1) for order in made for _ in range(each)]


@pytest.mark.covers("R16")
@pytest.mark.parametrize(("orders", "each", "most"), [(40, 1, 2), (20, 2, 4), (8, 5, 10)])
def test_forty_returns_cost_few_looks_however_they_share_orders(shop, orders, each, most):
    """Two batches of twenty: one look each, and one for each further return of an order."""
    shop.ledger.meta.prove_create("ids")
    ones = noted(shop, orders, each)

    done = shop.push()

    assert {done[one].outcome for one in ones} == {"pushed"}
    assert len(shop.jetti.sale_returns()) == 40
    assert looks(shop) == most


def test_where_nothing_is_written_nobody_looks_again(shop):
    ones = noted(shop, 10, 2)

    done = list(shop.parts.preview().push(shop.plan()))

    assert {change.return_id for change in done} == set(ones)
    assert looks(shop) == 1


def test_returns_that_are_as_wanted_already_cause_no_look_for_others(shop):
    """Another pass wrote them and died before it could say so."""
    ones = noted(shop, 10, 2)
    shop.push()
    for one in ones:
        shop.changed(one, type="warranty")
    news = [shop.noted(order, 1) for order in [shop.world.order(("Acme", 9))] * 3]
    shop.forget()

    shop.push()

    assert len(shop.jetti.sale_returns()) == 23
    assert looks(shop) == len(news), "each of the three was written for"


@pytest.mark.covers("R16")
def test_the_last_unit_of_a_line_is_given_once(shop):
    """What the look behind a write protects."""
    orders = [shop.world.order(("Acme", 1)) for _ in range(5)]
    ones = [shop.noted(order, 1) for order in orders for _ in range(2)]

    done = shop.push()

    outcomes = sorted(done[one].outcome for one in ones)
    assert outcomes == ["pushed"] * 5 + ["review"] * 5
    assert len(shop.jetti.sale_returns()) == 5


def test_a_write_without_an_answer_counts_as_one(shop):
    order = shop.world.order(("Acme", 1))
    ones = [shop.noted(order, 1) for _ in range(2)]
    shop.world.breaks("POST *", "applied_then_lost", nth=1)

    done = shop.push()

    assert "pushed" not in {done[one].outcome for one in ones}
    assert len(shop.jetti.sale_returns()) == 1


def test_each_return_has_its_turn_and_keeps_it_among_those_of_its_order(shop):
    ones = noted(shop, 3, 3)
    plan = shop.plan()
    planned = [change.return_id for change in plan]
    turns = [matched.change.return_id for matched in shop.parts.matcher.match(plan)]

    assert sorted(turns) == sorted(ones)
    for first in range(0, 9, 3):
        of_order = set(ones[first : first + 3])
        assert [one for one in turns if one in of_order] == [
            one for one in planned if one in of_order
        ]
    orders = [(int(one) - 7001) // 3 for one in turns]
    assert [sorted(orders[at : at + 3]) for at in (0, 3, 6)] == [[0, 1, 2]] * 3
