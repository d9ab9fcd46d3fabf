"""What proves the name of the id list, and what is sent while nothing has.

A whole sale asked for and a whole sale returned look alike, whether Jetti read the list or not.
"""

from __future__ import annotations

import pytest

WRONG_KEY = "saleItemIds"


def creates(shop):
    return [body["ids"] for operation, body in shop.written if operation.startswith("POST")]


def proven(shop):
    return shop.ledger.meta.read().proven_ids_key


def whole(shop):
    """A return of all there is on its order."""
    return shop.noted(shop.world.order(("Acme", 1)))


def part(shop, *others):
    """A return of one line of an order of more."""
    return shop.noted(shop.world.order(("Acme", 1), *(others or (("Bolt", 1),))), 1, 0)


# ------------------------------------------------------------------------------------- what proves


@pytest.mark.covers("F66", "R1")
def test_a_create_of_the_whole_sale_proves_nothing(shop):
    one = whole(shop)

    assert shop.push()[one].outcome == "pushed"

    assert proven(shop) is None


@pytest.mark.covers("R1")
def test_a_create_of_a_part_that_made_just_that_part_proves_it(shop):
    one = part(shop)

    assert shop.push()[one].outcome == "pushed"

    assert proven(shop) == "ids"


def test_a_line_with_nothing_left_would_not_have_come_back_either(shop):
    order = shop.world.order(("Acme", 1), ("Bolt", 1))
    sale, (_, bolt) = shop.world.sale_id(order), shop.world.item_ids(order)
    shop.jetti.raise_sale_return(sale, {bolt: 1}, externalId="another")
    shop.noted(order, 1, 0)

    shop.push()

    assert proven(shop) is None


@pytest.mark.parametrize("units", [0, 1])
def test_nor_would_one_that_stands_on_a_living_sale_return_perhaps(shop, units):
    order = shop.world.order(("Acme", 1), ("Bolt", 2))
    sale, (_, bolt) = shop.world.sale_id(order), shop.world.item_ids(order)
    shop.jetti.raise_sale_return(sale, {bolt: units}, externalId="another")
    shop.noted(order, 1, 0)

    shop.push()

    assert proven(shop) is None


def test_a_sale_return_that_is_cancelled_keeps_no_line_back(shop):
    order = shop.world.order(("Acme", 1), ("Bolt", 1))
    sale, (_, bolt) = shop.world.sale_id(order), shop.world.item_ids(order)
    shop.jetti.raise_sale_return(sale, {bolt: 1}, externalId="another", status="cancelled")
    shop.noted(order, 1, 0)

    shop.push()

    assert proven(shop) == "ids"


@pytest.mark.covers("R1")
@pytest.mark.parametrize("units", [1, 0])
def test_a_person_who_returns_the_other_line_meanwhile_spoils_the_proof(shop, units):
    """Just so looks what Jetti made of a line that nobody asked for: with no unit in it yet."""
    order = shop.world.order(("Acme", 1), ("Bolt", 1))
    sale, (_, bolt) = shop.world.sale_id(order), shop.world.item_ids(order)
    one = shop.noted(order, 1, 0)

    def by_hand(request):
        if request.method == "POST":
            shop.jetti.raise_sale_return(sale, {bolt: units}, externalId="another")

    shop.world.sandbox.on_write = by_hand

    assert shop.push()[one].outcome == "pushed"
    assert proven(shop) is None


@pytest.mark.parametrize("path", ["GET /sale-items.json", "GET /sale-returns.json"])
def test_where_jetti_cannot_be_asked_again_nothing_is_proven_and_the_return_is_pushed(shop, path):
    one = part(shop)

    def fails(request):
        if request.method == "POST":
            shop.world.breaks(path, "500")

    shop.world.sandbox.on_write = fails
    shop.push()
    shop.world.heals()
    shop.world.pass_time()
    shop.push()

    assert (shop.state(one), proven(shop)) == ("synced", None)


def test_a_proven_list_costs_no_further_reads(shop):
    part(shop)
    shop.push()
    shop.forget()
    part(shop)

    shop.push()

    sale_items = [query for query in shop.asked if query.startswith("/sale-items.json")]
    assert len(sale_items) == 1


# ------------------------------------------------------------------------------- until it is proven


def test_a_verified_create_lets_the_next_one_follow_although_it_proved_nothing(shop):
    ids = [whole(shop) for _ in range(3)]

    done = shop.push()

    assert {done[one].outcome for one in ids} == {"pushed"}
    assert proven(shop) is None


@pytest.mark.covers("F66", "R1")
def test_after_creates_of_whole_sales_a_lost_one_that_overreached_stops_creation(shop):
    shop.switches.cancel_ids_key = WRONG_KEY
    whole(shop)
    shop.push()
    one = part(shop)
    shop.world.breaks("POST *", "applied_then_lost", last=1)
    shop.push()
    shop.world.heals()
    shop.world.pass_time()

    assert shop.push()[one].outcome == "review"
    assert f"return {one}: " in (shop.ledger.meta.read().creation_stopped or "")


@pytest.mark.covers("R1")
def test_nothing_is_created_while_an_unproven_create_has_no_answer(shop):
    lost = whole(shop)
    shop.world.breaks("POST *", "applied_then_lost", last=1)
    shop.push()
    shop.world.heals()
    other = whole(shop)
    shop.forget()

    done = shop.push()

    assert creates(shop) == []
    assert (done[other].outcome, shop.state(other)) == ("deferred", "pending")
    assert f"the one for return {lost} has no answer yet" in done[other].reason
    shop.world.pass_time()
    done = shop.push()
    assert (done[lost].outcome, done[other].outcome) == ("pushed", "pushed")


def test_a_create_that_was_never_made_is_sent_again_before_the_others_in_one_pass(shop):
    lost = whole(shop)
    shop.world.breaks("POST *", "not_applied_then_lost", last=1)
    shop.push()
    shop.world.heals()
    others = [whole(shop) for _ in range(2)]
    shop.world.pass_time()

    done = shop.push()

    assert [one for one in done if done[one].outcome == "pushed"] == [lost, *others[::-1]]


def test_once_proven_a_create_without_an_answer_holds_back_no_other_order(shop):
    part(shop)
    shop.push()
    whole(shop)
    shop.world.breaks("POST *", "applied_then_lost", last=1)
    shop.push()
    shop.world.heals()
    other = whole(shop)

    assert shop.push()[other].outcome == "pushed"


def test_what_a_person_must_decide_holds_back_no_other_order(shop):
    order = shop.world.order(("Acme", 1), ("Bolt", 1))
    one = shop.noted(order)
    shop.world.breaks("POST *", "applied_then_lost", last=1)
    shop.push()
    shop.world.heals()
    # Only part of it is left to be seen: nobody can tell what it was.
    shop.jetti.delete_sale_return(shop.world.on_order(order)[0]["id"])
    shop.world.pass_time()
    other = whole(shop)

    done = shop.push()

    assert (done[one].outcome, done[other].outcome) == ("review", "pushed")
    assert shop.entry(one).intents != ()


@pytest.mark.covers("R1")
def test_a_refused_create_is_the_only_one_of_its_pass(shop):
    for _ in range(3):
        whole(shop)
    shop.world.breaks("POST *", "400")

    done = shop.push()

    assert sorted(change.outcome for change in done.values()) == ["deferred", "deferred", "failed"]
    assert len(creates(shop)) == 1


# ------------------------------------------------------------------------- which one is sent first


@pytest.mark.covers("F66", "R1")
def test_a_return_that_can_prove_it_goes_first(shop):
    order = shop.world.order(("Acme", 1), ("Bolt", 1))
    able = shop.noted(order, 1, 0)
    shop.world.pass_time()
    for _ in range(3):
        whole(shop)
    assert [change.return_id for change in shop.plan()].index(able) == 3

    done = shop.push()

    assert next(iter(done)) == able
    assert {change.outcome for change in done.values()} == {"pushed"}


@pytest.mark.covers("R1")
def test_it_is_found_beyond_those_that_are_looked_up_together(shop):
    able = part(shop)
    shop.world.pass_time()
    for _ in range(41):
        whole(shop)
    assert [change.return_id for change in shop.plan()].index(able) == 41

    done = list(shop.parts.pusher().push(shop.plan()))

    assert done[0].return_id == able
    assert len(done) == len({one.return_id for one in done}) == 42
    assert {one.outcome for one in done} == {"pushed"}


def test_what_must_be_read_back_goes_before_it(shop):
    lost = whole(shop)
    shop.world.breaks("POST *", "applied_then_lost", last=1)
    shop.push()
    shop.world.heals()
    shop.world.pass_time()
    whole(shop)
    able = part(shop)

    assert list(shop.push())[:2] == [lost, able]


def test_once_proven_the_plan_stands_as_it_is(shop):
    part(shop)
    shop.push()
    able = part(shop)
    shop.world.pass_time()
    other = whole(shop)

    assert list(shop.push()) == [other, able]


def test_a_dry_run_says_which_return_can_prove_it(shop):
    able, other = part(shop), whole(shop)

    def foreseen():
        return {done.return_id: done for done in shop.parts.preview().push(shop.plan())}

    done = foreseen()
    assert done[able].remarks == (
        "can prove jetti.cancel_ids_key: only some of its order's lines come back",
    )
    assert done[other].remarks == ()
    shop.ledger.meta.prove_create("ids")
    assert foreseen()[able].remarks == ()
