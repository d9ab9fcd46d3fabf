"""Generic create, read, update, delete, and the formats of values (jetti.md#generic-rules-for-rows,
#statuses)."""

from __future__ import annotations

import re

import pytest

COUNTS = {
    # attributes by jetti.md#sale-fields and its neighbours, plus id, createdAt, updatedAt and
    # companyId
    # where a list leaves them out
    "sales": 92,
    "sale-items": 42,
    "sale-returns": 57,
    "sale-return-items": 17,
    "purchases": 108,
    "purchase-items": 33,
    "adjustment-reasons": 7,
    "customers": 25,
}


@pytest.mark.parametrize(("path", "count"), COUNTS.items())
def test_rows_show_every_attribute_nulls_too(account, sale_id, path, count):
    account.cancel(sale_id)

    assert len(account.get(path, "limit=1").json[0]) == count


def test_a_new_sale_return_has_the_documented_defaults(account, sale_id):
    row = account.post("sale-returns", saleId=sale_id, reference="by hand").json

    expected = {
        "status": "requested",
        "paymentStatus": "notPaid",
        "returnLabelType": "prePaid",
        "saleReturnSource": "internal",
        "saleReturnType": None,
        "vendorReceivedStatus": "notSent",
        "muteError": False,
        "labelRefund": False,
        "grams": 0,
        "paid": 0,
        "price": 0,
        "purchaseId": None,
        "externalId": None,
        "trackingStatus": None,
    }
    assert {name: row[name] for name in expected} == expected


def test_dates_are_utc_with_milliseconds(account, sale_id):
    row = account.put(f"sales/{sale_id}", cancelledAt="2026-02-01T10:00:00+02:00").json

    assert row["createdAt"] == "2026-03-01T12:00:00.000Z"
    assert row["cancelledAt"] == "2026-02-01T08:00:00.000Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["dateOrdered"])


def test_ids_are_small_integers_per_table_and_never_reused(account, sale_id):
    first = account.store.raise_sale_return(sale_id, {1: 1, 4: 1})
    account.store.delete_sale_return(first[1])

    assert first == [1, 2]
    assert account.store.raise_sale_return(sale_id, {1: 1}) == [3]
    assert account.get("sale-return-items").ids == [1, 3]


def test_a_create_answers_200_with_the_object(account, sale_id):
    answer = account.post(
        "sale-returns", saleId=sale_id, reference="1042-77", id=900, createdAt="2020-01-01", x=1
    )

    assert answer.status == 200
    assert (answer.json["id"], answer.json["createdAt"]) == (1, "2026-03-01T12:00:00.000Z")
    assert "x" not in answer.json


def test_a_plain_create_splits_nothing_and_moves_no_counter(account, sale_id):
    account.post("sale-returns", saleId=sale_id, reference="1042-77")

    assert account.store.items_of(1) == []
    assert account.sale(sale_id)["lastSaleReturnReference"] == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("sale-returns", {"saleId": 1}),
        ("sale-returns", {"reference": "x"}),
        ("sale-return-items", {"saleReturnId": 1, "saleItemId": 1}),
        ("sale-return-items", {"saleItemId": 1, "warehouseId": 1}),
        ("adjustment-reasons", {"name": "x"}),
    ],
)
def test_a_create_needs_what_has_no_default(account, sale_id, path, body):
    account.store.raise_sale_return(sale_id, {1: 1})

    answer = account.post(path, **body)

    assert answer.status == 500
    assert answer.code.endswith(".create.validation")


def test_a_put_changes_only_what_is_sent(account, sale_id):
    account.store.raise_sale_return(sale_id, {1: 1}, notes="by hand", externalId="L1")
    before = account.store.sale_returns()[0]
    account.clock.advance(5)

    answer = account.put("sale-returns/1", status="shipped", unknown=1, id=7, updatedAt="x")

    assert answer.status == 200
    after = account.store.sale_returns()[0]
    assert answer.json == {**after, "companyId": 41}
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"status", "updatedAt"}
    assert after["updatedAt"] == "2026-03-01T12:00:05.000Z"


def test_a_put_can_answer_nothing(account, sale_id):
    account.switches.put_answer = "empty"
    account.store.raise_sale_return(sale_id, {1: 1})

    answer = account.put("sale-returns/1", status="shipped")

    assert (answer.status, answer.text) == (200, b"")
    assert account.store.sale_returns()[0]["status"] == "shipped"


@pytest.mark.parametrize("status", ["draft", "finalized", "shipped", "received", "cancelled"])
def test_any_status_may_follow_any(account, sale_id, status):
    account.store.raise_sale_return(sale_id, {1: 1}, status="received")

    assert account.put("sale-returns/1", status=status).json["status"] == status


def test_external_ids_are_strings_and_take_numbers(account, sale_id):
    account.store.raise_sale_return(sale_id, {1: 1})

    assert account.put("sale-returns/1", externalId=1234).json["externalId"] == "1234"
    assert account.get("sale-returns", "where[externalId]=1234").ids == [1]


def test_external_ids_need_not_be_unique(account, sale_id):
    account.store.raise_sale_return(sale_id, {1: 1, 4: 1})
    for number in (1, 2):
        assert account.put(f"sale-returns/{number}", externalId="L1").status == 200

    assert account.get("sale-returns", "where[externalId]=L1").ids == [1, 2]


def test_under_a_unique_constraint_the_second_is_a_conflict(account, sale_id):
    account.switches.unique_external_ids = True
    account.store.raise_sale_return(sale_id, {1: 1, 4: 1})
    account.put("sale-returns/1", externalId="L1")

    answer = account.put("sale-returns/2", externalId="L1")

    assert (answer.status, answer.code) == (409, "api.sale_returns.save.unique_constraint")
    assert account.put("sale-returns/1", externalId="L1").status == 200
    assert (
        account.post("sale-returns", saleId=sale_id, reference="x", externalId="L1").status == 409
    )


def test_under_a_unique_constraint_a_freed_id_may_be_used_again(account, sale_id):
    account.switches.unique_external_ids = True
    account.store.raise_sale_return(sale_id, {1: 1, 4: 1})
    account.put("sale-returns/1", externalId="L1")
    account.put("sale-returns/1", externalId=None)

    assert account.put("sale-returns/2", externalId="L1").status == 200


def test_under_a_unique_constraint_a_split_cancel_creates_nothing(account, sale_id):
    account.switches.unique_external_ids = True
    account.switches.cancel_attributes = "applied"

    assert account.cancel(sale_id, ids=[1, 4], externalId="L1").status == 409
    assert account.store.sale_returns() == []
    assert account.cancel(sale_id, ids=[1], externalId="L1").status == 200


UNFIT = [
    ("sale-returns/1", {"status": "sent"}),
    ("sale-returns/1", {"status": None}),
    ("sale-returns/1", {"trackingStatus": "in_transit"}),
    ("sale-returns/1", {"trackingNumber": ["a"]}),
    ("sale-returns/1", {"trackingNumber": True}),
    ("sale-returns/1", {"trackingNumber": "a\0b"}),
    ("sale-returns/1", {"trackingNumber": "x" * 256}),
    ("sale-returns/1", {"saleId": 77}),
    ("sale-returns/1", {"purchaseId": 77}),
    ("sale-returns/1", {"trackingStatusDate": "soon"}),
    ("sale-returns/1", {"tags": "vip"}),
    ("sale-returns/1", {"grams": "heavy"}),
    ("sale-returns/1", {"labelRefund": "perhaps"}),
    ("sale-return-items/1", {"quantity": "two"}),
    ("sale-return-items/1", {"quantity": 1.5}),
    ("sale-return-items/1", {"quantity": None}),
    ("sale-return-items/1", {"quantity": True}),
    ("sale-return-items/1", {"quantity": 2**31}),
    ("sale-return-items/1", {"quantity": 10**400}),
    ("sale-return-items/1", {"adjustmentReasonId": 99}),
]


@pytest.mark.parametrize(("path", "body"), UNFIT)
def test_what_does_not_fit_the_column_is_refused_and_changes_nothing(account, sale_id, path, body):
    account.store.raise_sale_return(sale_id, {1: 1})
    before = account.store.to_json()

    answer = account.put(path, notes="not kept", **body)

    assert answer.status == 500
    assert answer.code.endswith(".update.validation")
    assert list(answer.json["details"]["fields"]) == list(body)
    assert account.store.to_json() == before


@pytest.mark.parametrize("status", [400, 422, 500])
def test_the_status_of_a_refused_body_is_not_known(account, sale_id, status):
    account.switches.validation_status = status
    account.store.raise_sale_return(sale_id, {1: 1})

    assert account.put("sale-returns/1", status="sent").status == status


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"quantity": "2"}, {"quantity": 2}),
        ({"quantity": 99}, {"quantity": 99}),
        ({"price": "3.5"}, {"price": 3.5}),
        ({"adjustmentReasonId": None}, {"adjustmentReasonId": None}),
    ],
)
def test_quantities_are_not_checked_and_numeric_strings_are_taken(account, sale_id, sent, kept):
    account.store.raise_sale_return(sale_id, {1: 1})

    row = account.put("sale-return-items/1", **sent).json

    assert {name: row[name] for name in kept} == kept


def test_booleans_take_zero_and_one(account, sale_id):
    assert account.put(f"sales/{sale_id}", locked=1).json["locked"] is True
    assert account.put(f"sales/{sale_id}", locked=0).json["locked"] is False


def test_notes_may_be_long_and_the_limit_of_strings_can_be_lifted(account, sale_id):
    account.store.raise_sale_return(sale_id, {1: 1})
    assert account.put("sale-returns/1", notes="x" * 4000).status == 200

    account.switches.string_limit = 0
    assert account.put("sale-returns/1", trackingUrl="x" * 4000).status == 200


@pytest.mark.parametrize("body", [b"{", b'{"a":"\xff"}', b"[" * 100_000])
def test_a_body_that_is_no_json_is_a_bad_request(account, sale_id, body):
    assert account.send("PUT", f"/api/sales/{sale_id}.json", body=body).status == 400


def test_a_body_that_is_no_object_holds_nothing(account, sale_id):
    assert account.send("PUT", f"/api/sales/{sale_id}.json", body=[1]).status == 200
    answer = account.send("POST", f"/api/sales/{sale_id}/cancel.json", body=[{"ids": [1]}])
    assert len(account.items(answer)) == 4


def test_a_deleted_return_is_gone_with_its_items(account, sale_id):
    account.store.raise_sale_return(sale_id, {1: 1})

    answer = account.send("DELETE", "/api/sale-returns/1.json")

    assert (answer.status, answer.text) == (200, b"")
    assert account.get("sale-returns/1").status == 404
    assert account.get("sale-return-items").ids == []
    assert account.store.sale_items(sale_id)[0]["quantityReturned"] == 0


def test_what_orders_rest_on_is_not_deleted(account, sale_id):
    assert account.send("DELETE", "/api/warehouses/1.json").status == 500
    assert account.send("DELETE", "/api/adjustment-reasons/1.json").status == 200
    assert account.get(f"sales/{sale_id}").status == 200


def test_deleting_a_reason_leaves_the_item_without_one(account, sale_id):
    account.store.raise_sale_return(sale_id, {1: 1})
    account.put("sale-return-items/1", adjustmentReasonId=2)

    account.send("DELETE", "/api/adjustment-reasons/2.json")

    assert account.get("sale-return-items/1").json["adjustmentReasonId"] is None


def test_there_is_a_handful_of_reasons(account):
    reasons = account.get("adjustment-reasons").json

    assert len(reasons) >= 4
    assert len({reason["code"] for reason in reasons}) == len(reasons)
    assert all(reason["showInReturnsPortal"] is True for reason in reasons)
