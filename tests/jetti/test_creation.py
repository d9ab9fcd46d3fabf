from __future__ import annotations

import json

import pytest

from reconciler.core.model import State
from reconciler.ledger.opening import open_reader
from tests.jetti.workshop import Settings

WRONG_KEY = "saleItemIds"


def writes(shop):
    return [operation.partition(" ")[0] for operation, _ in shop.written]


def creates(shop):
    return [body for operation, body in shop.written if operation.startswith("POST")]


def made(shop, return_id):
    return shop.world.in_jetti(return_id)


# --------------------------------------------------------------------------------- exactly as asked


def test_a_create_that_is_split_per_vendor_is_ours_whole(shop):
    order = shop.world.order(("Acme", 2), ("Bolt", 1), (None, 3))
    one = shop.noted(order, 2, 1, 1)

    done = shop.push()[one]

    a, b, c = (line.order_line_id for line in order.lines)
    assert [m["lines"] for m in made(shop, one)] == [{c: 1}, {a: 2}, {b: 1}]
    assert [s.reference for s in done.sale_returns] == ["1001-01", "1001-02", "1001-03"]
    assert [len(known.items) for known in shop.entry(one).sale_returns] == [1, 1, 1]
    assert shop.entry(one).state is State.SYNCED
    assert len(creates(shop)) == 1


@pytest.mark.parametrize("split", ["per_vendor", "per_line", "single"])
@pytest.mark.parametrize("with_items", [False, True])
@pytest.mark.parametrize("applied", ["ignored", "applied"])
def test_however_jetti_answers_a_create_every_line_comes_back_once(
    shop, split, with_items, applied
):
    shop.switches.split = split
    shop.switches.cancel_answer_items = with_items
    shop.switches.cancel_attributes = applied
    order = shop.world.order(("Acme", 2), ("Acme", 1), (None, 1))
    one = shop.noted(order, 2, 1, 1)

    assert shop.push()[one].outcome == "pushed"

    lines = [line for row in made(shop, one) for line in row["lines"].items()]
    assert sorted(lines) == sorted(
        (line.order_line_id, units) for line, units in zip(order.lines, (2, 1, 1), strict=True)
    )
    looked = [query for query in shop.asked if query.startswith("/sale-return-items.json")]
    assert len(looked) == (0 if with_items else 1)


def test_only_lines_of_the_return_are_asked_for(shop):
    order = shop.world.order(("Acme", 1), ("Acme", 1), ("Acme", 1))
    shop.noted(order, 1, 0, 1)
    first, _, third = shop.world.item_ids(order)

    shop.push()

    assert [body["ids"] for body in creates(shop)] == [[first, third]]


def test_sale_returns_that_were_there_before_are_no_part_of_the_answer(shop):
    order = shop.world.order(("Acme", 1), ("Acme", 1))
    first, _ = shop.world.item_ids(order)
    [foreign] = shop.jetti.raise_sale_return(
        shop.world.sale_id(order), {first: 0}, externalId="another"
    )
    one = shop.noted(order)

    assert shop.push()[one].outcome == "pushed"
    assert foreign not in [known.id for known in shop.entry(one).sale_returns]


# --------------------------------------------------------------------------------- the first create


def test_the_first_create_of_a_ledger_goes_alone(shop):
    ids = [shop.noted(shop.world.order(("Acme", 1))) for _ in range(3)]
    shop.world.breaks("POST *", "applied_then_lost", last=1)

    done = shop.push()

    assert len(creates(shop)) == 1
    assert sorted(change.outcome for change in done.values()) == ["deferred", "deferred", "failed"]
    [sent] = [one for one in ids if done[one].outcome == "failed"]
    assert {done[one].reason for one in ids if done[one].outcome == "deferred"} == {
        "creates go one by one until one has proven jetti.cancel_ids_key, "
        f"and the one for return {sent} has no answer yet"
    }


def test_another_name_of_the_id_list_must_be_proven_anew(shop):
    shop.noted(shop.world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    shop.push()
    assert shop.ledger.meta.read().proven_ids_key == "ids"
    shop.settings = Settings(cancel_ids_key=WRONG_KEY)
    shop.switches.cancel_ids_key = WRONG_KEY
    for _ in range(2):
        shop.noted(shop.world.order(("Acme", 1)))
    shop.world.breaks("POST *", "applied_then_lost", last=1)

    outcomes = sorted(change.outcome for change in shop.push().values())

    assert outcomes == ["deferred", "failed"]


# ------------------------------------------------------------------------------ the whole-sale trap


@pytest.fixture
def trapped(shop):
    """Jetti does not understand our id list: of a sale of two vendors, all came back."""
    shop.switches.cancel_ids_key = WRONG_KEY
    order = shop.world.order(("Acme", 2), ("Bolt", 1))
    one = shop.noted(order, 1, 0)
    return order, one, shop.push()[one]


def test_what_nobody_asked_for_is_cancelled_and_no_quantity_is_written(shop, trapped):
    order, _, _ = trapped
    a, b = (line.order_line_id for line in order.lines)

    assert shop.written[1:] == [("PUT /sale-returns/2.json", {"status": "cancelled"})]
    assert [(m["status"], m["lines"]) for m in shop.world.on_order(order)] == [
        ("requested", {a: 0}),
        ("cancelled", {b: 0}),
    ]


def test_the_entry_goes_to_a_person_and_says_what_to_check(shop, trapped, golden):
    _, one, done = trapped

    assert (shop.entry(one).state, done.outcome) == (State.REVIEW, "review")
    for fact in ("1001-02 (2)", "jetti.cancel_ids_key", "1001-01 (1)"):
        assert fact in done.reason
    golden(done.reason)
    assert shop.entry(one).intents == ()


def test_creation_stays_stopped_in_the_ledger_for_every_later_run(shop, trapped):
    _, one, _ = trapped
    shop.switches.cancel_ids_key = "ids"
    other = shop.noted(shop.world.order(("Acme", 1)))
    shop.forget()

    for _ in range(2):
        done = shop.push()[other]
        assert (done.outcome, one in done.reason) == ("deferred", True)

    assert shop.written == []
    assert shop.ledger.meta.read().creation_stopped.startswith(f"return {one}: ")
    assert shop.ledger.meta.read().proven_ids_key is None


def test_updates_go_on_while_creation_is_stopped(shop):
    one = shop.pushed()
    shop.ledger.meta.stop_creation("7", "whole sale")
    shop.changed(one, lines=())

    assert shop.push()[one].outcome == "pushed"
    assert [row["status"] for row in made(shop, one)] == ["cancelled"]


def test_one_sale_return_with_strange_items_is_cancelled_although_it_holds_ours_too(shop):
    shop.switches.cancel_ids_key = WRONG_KEY
    order = shop.world.order(("Acme", 1), ("Acme", 1))
    shop.noted(order, 1, 0)

    shop.push()

    assert [m["status"] for m in shop.world.on_order(order)] == ["cancelled"]


@pytest.mark.parametrize("fault", ["500", "400", "429", "reset_before_headers"])
def test_where_cancelling_fails_too_a_person_is_told_what_to_cancel_by_hand(shop, fault):
    shop.switches.cancel_ids_key = WRONG_KEY
    shop.world.breaks("PUT *", fault)
    one = shop.noted(shop.world.order(("Acme", 1), ("Bolt", 1), (None, 1)), 1, 0, 0)

    done = shop.push()[one]

    assert done.outcome == "review"
    assert "cancel by hand in Jetti: 1001-01 (1), 1001-03 (3)" in done.reason
    assert shop.ledger.meta.read().creation_stopped is not None
    assert shop.entry(one).state is State.REVIEW


@pytest.mark.parametrize("stranger", [{"saleId": 2}, {"externalId": "another"}])
def test_what_an_answer_lists_of_others_is_not_cancelled(shop, stranger):
    """Another sale's, or another return's: reported, and creation stops, but it is not ours."""
    shop.world.order(("Acme", 1), ("Bolt", 1))
    other = shop.world.order(("Acme", 1))
    [theirs] = shop.jetti.raise_sale_return(shop.world.sale_id(other), {3: 1})
    one = shop.noted(shop.world.orders[0], 1, 0)
    item = {"id": 95, "saleReturnId": theirs, "saleItemId": 3, "quantity": 1}
    row = {"id": theirs, "saleId": 1, "reference": "1002-01", "status": "requested"} | stranger
    answer = [{**row, "createdAt": "2026-03-01T12:00:00Z", "sale_return_items": [item]}]
    shop.world.breaks("POST *", "raw", body=json.dumps(answer))

    done = shop.push()[one]

    assert (done.outcome, shop.ledger.meta.read().creation_stopped is not None) == ("review", True)
    assert f"1002-01 ({theirs})" in done.reason
    assert [row["status"] for row in shop.jetti.sale_returns(2)] == ["requested"]
    assert writes(shop) == ["POST"]


def test_creation_is_stopped_in_the_file_before_anything_is_cancelled(shop):
    shop.switches.cancel_ids_key = WRONG_KEY
    shop.noted(shop.world.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    stopped = []

    def note(request):
        with open_reader(shop.world.ledger, shop.clock) as ledger:
            stopped.append((request.method, ledger.meta.read().creation_stopped is not None))

    shop.world.sandbox.on_write = note

    shop.push()

    assert stopped == [("POST", False), ("PUT", True)]


# --------------------------------------------------------------------------------------- too little


def test_fewer_items_than_asked_for_is_a_person_s_and_no_quantity_is_written(shop, golden):
    order = shop.world.order(("Acme", 1), ("Bolt", 1))
    one = shop.noted(order)
    first = {"id": 90, "saleId": 1, "reference": "1001-01", "status": "requested"}
    item = {"id": 95, "saleReturnId": 90, "saleItemId": 1, "quantity": 0}
    answer = [{**first, "createdAt": "2026-03-01T12:00:00Z", "sale_return_items": [item]}]
    shop.world.breaks("POST *", "raw", body=json.dumps(answer))

    done = shop.push()[one]

    assert (done.outcome, shop.entry(one).state) == ("review", State.REVIEW)
    for fact in ("sale items 1, 2", "returned 1", "1001-01 (90)"):
        assert fact in done.reason
    golden(done.reason)
    assert writes(shop) == ["POST"]
    assert shop.entry(one).intents == ()
    assert shop.ledger.meta.read().creation_stopped is None
    assert shop.ledger.meta.read().proven_ids_key is None


# -------------------------------------------------------------------- an answer that proves nothing


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        ("empty_200", {"applied": True}),
        ("html_200", {"applied": True}),
        ("error_200", {"applied": True}),
        ("truncated", {"at": 100}),
    ],
)
def test_a_success_that_cannot_be_read_is_as_good_as_no_answer(shop, fault, parameters):
    one = shop.noted(shop.world.order(("Acme", 1)))
    shop.world.breaks("POST *", fault, **parameters)

    assert shop.push()[one].outcome == "failed"

    assert (shop.entry(one).state, len(shop.entry(one).intents)) == (State.UNKNOWN, 1)
    shop.world.heals()
    shop.forget()
    shop.world.pass_time()
    assert shop.push()[one].outcome == "pushed"
    assert creates(shop) == []
    assert [row["status"] for row in made(shop, one)] == ["requested"]


def test_a_success_whose_items_cannot_be_read_is_as_good_as_no_answer(shop):
    one = shop.noted(shop.world.order(("Acme", 1)))
    shop.world.breaks("GET /sale-return-items.json", "500")

    shop.push()

    assert (shop.entry(one).state, len(shop.entry(one).intents)) == (State.UNKNOWN, 1)
    assert writes(shop) == ["POST"]
