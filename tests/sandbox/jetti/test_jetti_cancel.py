"""POST /sales/{id}/cancel.json and what it leaves behind (jetti.md#creating-a-sale-return,
#id-array-of-the-cancel-call)."""

from __future__ import annotations

import pytest


def test_the_answer_is_an_array_with_one_sale_return_per_vendor_and_one_in_house(account, sale_id):
    answer = account.cancel(sale_id, ids=[1, 2, 3, 4], skipQuantities=True)

    assert answer.status == 200
    purchases = {row["dropshipProviderId"]: row["id"] for row in account.store.purchases(sale_id)}
    assert [row["purchaseId"] for row in answer.json] == [None, purchases[1], purchases[2]]
    assert {row["saleId"] for row in answer.json} == {sale_id}
    sale_items = [
        [item["saleItemId"] for item in account.store.items_of(row["id"])] for row in answer.json
    ]
    assert sale_items == [[1], [2, 3], [4]]


def test_in_house_goods_come_first_wherever_they_stand(account, make_order, make_line):
    lines = (make_line(1, vendor="Acme"), make_line(2), make_line(3, vendor="Bolt"))
    rows = account.cancel(account.store.import_sale(make_order(*lines))).json

    assert [row["purchaseId"] for row in rows] == [None, 1, 2]


def test_a_vendors_items_name_their_purchase_items(account, sale_id):
    in_house, acme, _bolt = account.cancel(sale_id).json

    assert [item["purchaseItemId"] for item in account.store.items_of(in_house["id"])] == [None]
    assert [item["purchaseItemId"] for item in account.store.items_of(acme["id"])] == [1, 2]


def test_references_count_up_and_never_back(account, sale_id):
    first = account.cancel(sale_id, ids=[1, 2], skipQuantities=True).json
    account.store.delete_sale_return(first[1]["id"])
    second = account.cancel(sale_id, ids=[4], skipQuantities=True).json

    references = [row["reference"] for row in [*first, *second]]
    assert references == ["1042-01", "1042-02", "1042-03"]
    assert account.sale(sale_id)["lastSaleReturnReference"] == 3


@pytest.mark.parametrize("body", [{}, {"ids": []}, {"ids": None}])
def test_no_ids_return_the_whole_sale(account, sale_id, body):
    answer = account.cancel(sale_id, **body, skipQuantities=True)

    assert [item["saleItemId"] for item in account.items(answer)] == [1, 2, 3, 4]


def test_an_empty_body_returns_the_whole_sale(account, sale_id):
    answer = account.send("POST", f"/api/sales/{sale_id}/cancel.json")

    assert len(account.items(answer)) == 4


@pytest.mark.parametrize(
    ("key", "returned"), [("ids", [1]), ("saleItemIds", [1, 2, 3, 4]), ("saleItems", [1, 2, 3, 4])]
)
def test_a_key_that_is_not_understood_returns_the_whole_sale(account, sale_id, key, returned):
    account.switches.cancel_ids_key = key

    answer = account.cancel(sale_id, ids=[1], skipQuantities=True)

    assert answer.status == 200
    assert [item["saleItemId"] for item in account.items(answer)] == returned


def test_the_switched_key_is_understood(account, sale_id):
    account.switches.cancel_ids_key = "saleItemIds"

    answer = account.cancel(sale_id, saleItemIds=[4], skipQuantities=True)

    assert [item["saleItemId"] for item in account.items(answer)] == [4]


def test_ids_of_another_sale_find_nothing(account, sale_id, make_order, make_line):
    account.store.import_sale(make_order(make_line(5), number=1043))

    assert account.cancel(sale_id, ids=[5]).json == []


def test_ids_may_be_numeric_strings(account, sale_id):
    answer = account.cancel(sale_id, ids=["2"], skipQuantities=True)

    assert [item["saleItemId"] for item in account.items(answer)] == [2]


def test_skip_quantities_leaves_zero(account, sale_id):
    answer = account.cancel(sale_id, ids=[1, 2], skipQuantities=True)

    assert [item["quantity"] for item in account.items(answer)] == [0, 0]


def test_without_skip_quantities_the_open_quantity_is_filled_in(account, sale_id):
    account.store.raise_sale_return(sale_id, {2: 1})

    answer = account.cancel(sale_id, ids=[1, 2])

    assert [item["quantity"] for item in account.items(answer)] == [2, 2]


def test_units_never_shipped_are_cancelled_instead_of_returned(account, make_order, make_line):
    sale_id = account.store.import_sale(make_order(make_line(1, 2, shipped=False)))

    (item,) = account.items(account.cancel(sale_id))

    assert (item["quantity"], item["quantityCancelled"]) == (0, 2)


def test_items_have_a_warehouse_and_the_two_approvals_differ(account, sale_id):
    for item in account.items(account.cancel(sale_id)):
        assert item["warehouseId"] == 1
        assert (item["merchantStatus"], item["vendorStatus"]) == ("approved", "pending")


BODY = {
    "externalId": "L1",
    "status": "finalized",
    "trackingNumber": "1Z",
    "saleId": 99,
    "reference": "mine",
    "purchaseId": 99,
}


def test_a_line_without_a_warehouse_returns_to_the_sales(account, sale_id):
    second = account.post("warehouses", name="Second").json["id"]
    account.put("sale-items/1", warehouseId=None)
    account.put("sale-items/2", warehouseId=second)

    one, two = account.items(account.cancel(sale_id, ids=[1, 2]))

    assert (one["warehouseId"], two["warehouseId"]) == (1, second)


def test_attributes_in_the_body_are_ignored(account, sale_id):
    (row,) = account.cancel(sale_id, ids=[1], **BODY).json

    assert (row["externalId"], row["trackingNumber"], row["status"]) == (None, None, "requested")


def test_attributes_in_the_body_are_applied_but_for_what_the_split_decides(account, sale_id):
    account.switches.cancel_attributes = "applied"

    rows = account.cancel(sale_id, ids=[1, 4], **BODY).json

    assert {row["externalId"] for row in rows} == {"L1"}
    assert {row["status"] for row in rows} == {"finalized"}
    assert {row["trackingNumber"] for row in rows} == {"1Z"}
    assert [row["reference"] for row in rows] == ["1042-01", "1042-02"]
    assert {row["saleId"] for row in rows} == {sale_id}
    assert rows[0]["purchaseId"] is None


def test_an_attribute_that_does_not_fit_creates_nothing(account, sale_id):
    account.switches.cancel_attributes = "applied"

    assert account.cancel(sale_id, ids=[1], status="sent").status == 500
    assert account.store.sale_returns() == []


def test_unknown_body_keys_are_ignored(account, sale_id):
    assert account.cancel(sale_id, ids=[1], idempotencyKey="x", anything={"a": 1}).status == 200


@pytest.mark.parametrize("status", ["draft", "requested", "finalized", "shipped", "received"])
def test_the_first_status_of_in_house_returns_is_an_account_setting(account, sale_id, status):
    account.switches.status_in_house = status

    assert [row["status"] for row in account.cancel(sale_id, ids=[1, 4]).json] == [
        status,
        "requested",
    ]


@pytest.mark.parametrize("status", ["requested", "finalized", "received"])
def test_the_first_status_of_vendors_returns_is_an_account_setting(account, sale_id, status):
    account.switches.status_dropship = status

    assert [row["status"] for row in account.cancel(sale_id, ids=[1, 4]).json] == [
        "requested",
        status,
    ]


def test_by_settings_the_warehouse_and_the_vendor_decide(account, sale_id):
    account.switches.status_in_house = account.switches.status_dropship = "by_settings"
    account.put("dropship-providers/2", saleReturnCustomerStatus="finalized")

    statuses = [row["status"] for row in account.cancel(sale_id).json]

    assert statuses == ["received", "requested", "finalized"]


def test_the_answer_is_without_items(account, sale_id):
    (row,) = account.cancel(sale_id, ids=[4]).json

    assert "sale_return_items" not in row
    assert "purchase" not in row


def test_the_answer_can_hold_items_and_purchase(account, sale_id):
    account.switches.cancel_answer_items = True

    in_house, vendor = account.cancel(sale_id, ids=[1, 4], skipQuantities=True).json

    assert [item["saleItemId"] for item in vendor["sale_return_items"]] == [4]
    assert vendor["purchase"]["id"] == vendor["purchaseId"]
    assert in_house["purchase"] is None


def test_a_repeated_cancel_makes_another(account, sale_id):
    first = account.cancel(sale_id, ids=[1], skipQuantities=True).ids
    second = account.cancel(sale_id, ids=[1], skipQuantities=True).ids

    assert first != second
    assert len(account.store.sale_returns(sale_id)) == 2


@pytest.mark.parametrize("skip", [True, False])
def test_a_repeated_cancel_can_answer_nothing(account, sale_id, skip):
    account.switches.cancel_repeated = "empty"
    account.cancel(sale_id, ids=[1], skipQuantities=skip)

    assert account.cancel(sale_id, ids=[1], skipQuantities=skip).json == []
    assert len(account.store.sale_returns(sale_id)) == 1


def test_a_line_used_up_by_returns_and_cancellations_is_a_repetition(account, sale_id):
    account.switches.cancel_repeated = "empty"
    account.store.raise_sale_return(sale_id, {2: 2})
    account.store.edit_item(1, quantityCancelled=1)

    assert account.cancel(sale_id, ids=[2]).json == []


def test_a_repeated_cancel_can_be_an_error(account, sale_id):
    account.switches.cancel_repeated = "error"
    account.cancel(sale_id, ids=[1], skipQuantities=True)

    answer = account.cancel(sale_id, ids=[1, 4], skipQuantities=True)

    assert (answer.status, answer.code) == (500, "api.sales.cancel.already_cancelled")
    assert len(account.store.sale_returns(sale_id)) == 1


@pytest.mark.parametrize("repeated", ["empty", "error"])
def test_what_is_left_of_a_line_is_no_repetition(account, sale_id, repeated):
    account.switches.cancel_repeated = repeated
    account.store.raise_sale_return(sale_id, {2: 1})

    (item,) = account.items(account.cancel(sale_id, ids=[2]))

    assert item["quantity"] == 2


@pytest.mark.parametrize("repeated", ["empty", "error"])
def test_a_withdrawn_return_is_no_repetition(account, sale_id, repeated):
    account.switches.cancel_repeated = repeated
    (first,) = account.cancel(sale_id, ids=[1], skipQuantities=True).ids
    account.store.edit_sale_return(first, status="cancelled")

    assert len(account.cancel(sale_id, ids=[1], skipQuantities=True).ids) == 1


def test_vendors_are_notified_and_in_house_is_not(account, sale_id):
    rows = account.cancel(sale_id, ids=[1, 2, 4], skipQuantities=True).json

    mails = account.store.notifications()
    assert [mail["saleReturnId"] for mail in mails] == [rows[1]["id"], rows[2]["id"]]
    assert [mail["dropshipProviderId"] for mail in mails] == [1, 2]


def test_a_vendors_line_without_a_purchase_gets_a_return_of_its_own(account, sale_id):
    account.post("sale-items", saleId=sale_id, name="late", dropshipProviderId=2)

    rows = account.cancel(sale_id, ids=[1, 4, 5], skipQuantities=True).json

    lines = [[i["saleItemId"] for i in account.store.items_of(row["id"])] for row in rows]
    assert sorted(lines) == [[1], [4], [5]]


@pytest.mark.parametrize(
    ("split", "sale_items"),
    [
        ("per_vendor", [[1], [2, 3], [4]]),
        ("per_line", [[1], [2], [3], [4]]),
        ("single", [[1, 2, 3, 4]]),
    ],
)
def test_a_server_could_split_otherwise(account, sale_id, split, sale_items):
    account.switches.split = split

    rows = account.cancel(sale_id, skipQuantities=True).json

    assert [[i["saleItemId"] for i in account.store.items_of(row["id"])] for row in rows] == (
        sale_items
    )


def test_an_over_returned_line_has_nothing_open(account, sale_id):
    account.store.raise_sale_return(sale_id, {1: 5})

    assert [item["quantity"] for item in account.items(account.cancel(sale_id, ids=[1]))] == [0]


def test_units_cancelled_earlier_are_not_open(account, sale_id):
    account.store.raise_sale_return(sale_id, {2: 0})
    account.store.edit_item(1, quantityCancelled=1)

    assert [item["quantity"] for item in account.items(account.cancel(sale_id, ids=[2]))] == [2]


def test_the_purchase_twin_is_a_put_with_purchase_item_ids(account, sale_id):
    twin = "/api/purchases/1/cancel.json"

    answer = account.send("PUT", twin, body={"ids": [2], "status": "cancelled"})

    (row,) = answer.json
    assert (row["purchaseId"], row["status"]) == (1, "cancelled")
    (item,) = account.items(answer)
    assert (item["saleItemId"], item["purchaseItemId"], item["quantity"]) == (3, 2, 0)


def test_the_purchase_twin_takes_all_without_ids_and_fills_in_when_asked(account, sale_id):
    body = {"ids": [], "setQuantities": True}

    answer = account.send("PUT", "/api/purchases/1/cancel.json", body=body)

    assert [item["quantity"] for item in account.items(answer)] == [3, 1]


def test_a_purchase_is_never_marked_cancelled(account, sale_id):
    account.send("PUT", "/api/purchases/1/cancel.json", body={"setQuantities": True})

    purchase = account.get("purchases/1").json
    assert (purchase["cancelled"], purchase["cancellationStatus"]) == (False, "full")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "sales/1/cancel"),
        ("POST", "purchases/1/cancel"),
        ("GET", "sales/1/cancel"),
        ("POST", "sale-returns/1/cancel"),
    ],
)
def test_only_post_cancels_a_sale_and_only_put_a_purchase(account, sale_id, method, path):
    account.store.raise_sale_return(sale_id, {1: 1})

    assert account.send(method, f"/api/{path}.json").status == 404
    assert len(account.store.sale_returns()) == 1


def test_cancelling_an_unknown_sale_is_not_found(account):
    assert account.cancel(7).status == 404
