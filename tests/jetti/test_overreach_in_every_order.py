"""An unanswered create that returned more than it asked for stops creation, whatever happens next.

And what became of a create is looked for on the sale that it was sent to.
"""

from __future__ import annotations

import pytest

from reconciler.core.model import Line

WRONG_KEY = "saleItemIds"


def lose(shop, creates=1):
    """A push whose creates take effect and have no answer; time passes until they can be read."""
    shop.world.breaks("POST *", "applied_then_lost", last=creates)
    shop.push()
    shop.world.heals()
    shop.world.pass_time()


def stopped_for(shop, return_id):
    return f"return {return_id}: " in (shop.ledger.meta.read().creation_stopped or "")


def two_lines(shop):
    return shop.world.order(("Acme", 3), ("Bolt", 1))


@pytest.mark.covers("R1")
@pytest.mark.parametrize("attributes", ["applied", "ignored"])
def test_somebody_cancelled_what_nobody_asked_for(shop, attributes):
    shop.switches.cancel_ids_key = WRONG_KEY
    shop.switches.cancel_attributes = attributes
    order = two_lines(shop)
    one = shop.noted(order, 1, 0)
    lose(shop)
    shop.jetti.edit_sale_return(shop.world.on_order(order)[1]["id"], status="cancelled")

    assert shop.push()[one].outcome == "review"
    assert stopped_for(shop, one)


@pytest.mark.covers("R1")
@pytest.mark.parametrize("attributes", ["applied", "ignored"])
@pytest.mark.parametrize("doubt", ["stands twice", "was deleted"])
def test_the_return_stood_in_part_before_and_another_doubt_comes_first(shop, attributes, doubt):
    shop.switches.cancel_attributes = attributes
    order = shop.world.order(("Acme", 3), ("Acme", 1))
    one = shop.noted(order, 1, 0)
    shop.push()
    shop.settings.cancel_ids_key = WRONG_KEY  # a new key, which nothing has proven
    added = Line("99", order.lines[1].order_line_id, order.lines[1].sku)
    shop.changed(one, lines=(*shop.entry(one).seen.lines, added))
    lose(shop)
    first, _ = shop.world.on_order(order)
    if doubt == "was deleted":
        shop.jetti.delete_sale_return(first["id"])

    assert shop.push()[one].outcome == "review"
    assert stopped_for(shop, one)


def test_the_return_was_cancelled_in_loop(shop):
    shop.switches.cancel_ids_key = WRONG_KEY
    one = shop.noted(two_lines(shop), 1, 0)
    lose(shop)
    shop.changed(one, state="cancelled")

    assert shop.push()[one].outcome == "review"
    assert stopped_for(shop, one)


@pytest.mark.covers("R1")
def test_the_order_was_imported_once_more(shop):
    shop.switches.cancel_ids_key = WRONG_KEY
    order = two_lines(shop)
    one = shop.noted(order, 1, 0)
    lose(shop)
    shop.jetti.import_sale(order)

    assert shop.push()[one].outcome == "review"
    assert stopped_for(shop, one)


# ------------------------------------------------------------------ which sale, and which return


def test_what_a_create_made_is_found_on_its_sale_although_the_order_was_imported_once_more(shop):
    order = two_lines(shop)
    one = shop.noted(order, 1, 0)
    lose(shop)
    shop.jetti.import_sale(order)

    assert shop.push()[one].outcome == "pushed"
    assert len(shop.jetti.sale_returns()) == 1


def test_a_create_without_answer_is_not_repeated_on_a_sale_that_came_with_the_order_s_id(shop):
    order = shop.world.order(("Acme", 1), ("Bolt", 1), arrives=False)
    by_name = shop.jetti.import_sale(order, externalId=None)
    one = shop.noted(order, 1, 0)
    lose(shop)
    shop.jetti.import_sale(order)

    assert shop.push()[one].outcome == "pushed"
    assert [row["saleId"] for row in shop.jetti.sale_returns()] == [by_name]


def test_nor_where_the_sale_that_it_was_sent_to_is_not_the_order_any_more(shop):
    order = shop.world.order(("Acme", 1), ("Bolt", 1), arrives=False)
    by_name = shop.jetti.import_sale(order, externalId=None)
    one = shop.noted(order, 1, 0)
    lose(shop)
    shop.jetti.world.table("Sale").update(by_name, {"reference": "other"})
    shop.jetti.import_sale(order)

    done = shop.push()[one]

    assert (done.outcome, len(shop.jetti.sale_returns())) == ("review", 1)
    assert f"was sent to sale {by_name}" in done.reason


@pytest.mark.parametrize("first", [0, 1])
def test_two_creates_without_answer_on_one_order_are_told_apart(shop, first):
    shop.ledger.meta.prove_create("ids")
    order = two_lines(shop)
    ids = [shop.noted(order, 1, 0), shop.noted(order, 0, 1)]
    shop.world.pass_time()
    shop.changed(ids[first])
    lose(shop, creates=2)

    done = shop.push()

    assert {done[one].outcome for one in ids} == {"pushed"}
    assert len(shop.jetti.sale_returns()) == 2


def test_where_an_unanswered_create_was_never_made_the_order_is_looked_at_anew(shop):
    """What a person raised on the sale that is the order by now is taken over, not doubled."""
    order = shop.world.order(("Acme", 1), ("Bolt", 1), arrives=False)
    shop.jetti.import_sale(order, externalId=None)
    one = shop.noted(order, 1, 0)
    shop.world.breaks("POST *", "not_applied_then_lost", last=1)
    shop.push()
    shop.world.heals()
    shop.world.pass_time()
    by_id = shop.jetti.import_sale(order)
    acme, _ = shop.world.item_ids(order)
    shop.jetti.raise_sale_return(by_id, {acme: 1})

    assert shop.push()[one].outcome == "pushed"
    assert [row["saleId"] for row in shop.jetti.sale_returns()] == [by_id]
