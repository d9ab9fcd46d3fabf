"""Imported orders, roll-ups and what people do by hand (jetti.md#data-model, #order-import)."""

from __future__ import annotations

import json

import pytest


def test_an_order_becomes_a_sale(account, sale_id):
    sale = account.sale(sale_id)

    assert (sale["externalId"], sale["reference"]) == ("50001042", "1042")
    assert (sale["quantity"], sale["total"]) == (7, 87.5)
    assert sale["inventoryStatus"] == "fulfilled"
    lines = account.store.sale_items(sale_id)
    assert [line["externalId"] for line in lines] == ["901", "902", "903", "904"]
    assert [line["externalVariantId"] for line in lines] == ["801", "802", "803", "804"]
    assert [line["quantity"] for line in lines] == [2, 3, 1, 1]
    assert [line["dropshipProviderId"] for line in lines] == [None, 1, 1, 2]


def test_each_vendor_has_one_purchase_with_its_lines(account, sale_id):
    acme, bolt = account.get("purchases", f"where[saleId]={sale_id}&include=PurchaseItem").json

    assert (acme["reference"], bolt["reference"]) == ("1042-1", "1042-2")
    assert [item["saleItemId"] for item in acme["purchase_items"]] == [2, 3]
    assert [item["saleItemId"] for item in bolt["purchase_items"]] == [4]
    assert acme["isDropship"] is True


def test_a_shipped_purchase_shows_a_value_outside_the_enumeration(account, sale_id):
    assert account.get("purchases/1").json["inventoryStatus"] == "shipped"


def test_vendors_are_shared_between_sales(account, sale_id, make_order, make_line):
    other = account.store.import_sale(make_order(make_line(1, 1, "Bolt"), number=1043))

    assert account.store.sale_items(other)[0]["dropshipProviderId"] == 2


@pytest.mark.parametrize(("form", "reference"), [("bare", "1042"), ("hash", "#1042")])
def test_the_reference_is_stored_bare_or_with_a_hash(
    account, make_order, make_line, form, reference
):
    account.switches.reference_form = form
    sale_id = account.store.import_sale(make_order(make_line(1)))

    assert account.sale(sale_id)["reference"] == reference
    query = f"where[reference]={reference}".replace("#", "%23")
    assert account.get("sales", query).ids == [sale_id]
    assert account.cancel(sale_id).json[0]["reference"] == f"{reference}-01"


def test_unshipped_and_partly_shipped_sales(account, make_order, make_line):
    open_line = make_line(1, shipped=False)
    unshipped = account.store.import_sale(make_order(open_line))
    partly = account.store.import_sale(make_order(open_line, make_line(2), number=2))

    assert account.sale(unshipped)["inventoryStatus"] == "notFulfilled"
    assert account.sale(partly)["inventoryStatus"] == "partiallyFulfilled"


def test_two_sales_in_two_channels_may_share_a_reference(account, sale_id, make_order, make_line):
    twin = account.store.import_sale(make_order(make_line(9)), channelId=2, externalId="77")

    assert account.get("sales", "where[reference]=1042").ids == [sale_id, twin]
    assert account.get("sales", "where[reference]=1042&where[channelId]=2").ids == [twin]


def test_a_clone_has_its_own_reference_and_names_its_parent(account, sale_id):
    clone = account.sale(account.store.clone_sale(sale_id))
    parent = account.sale(sale_id)

    assert (clone["saleId"], parent["saleId"]) == (sale_id, None)
    assert clone["reference"] != parent["reference"]
    assert clone["customerId"] == parent["customerId"]
    assert clone["externalId"] is None
    lines = account.store.sale_items(clone["id"])
    assert [line["cloneSaleItemId"] for line in lines] == [1, 2, 3, 4]
    assert len(account.store.purchases(clone["id"])) == 2


def test_a_clone_starts_without_returns_and_unshipped(account, sale_id):
    account.cancel(sale_id)

    clone = account.sale(account.store.clone_sale(sale_id, externalId="5"))

    assert (clone["returnStatus"], clone["lastSaleReturnReference"]) == ("notReturned", 0)
    assert (clone["inventoryStatus"], clone["externalId"]) == ("notFulfilled", "5")
    lines = account.store.sale_items(clone["id"])
    assert {line["quantityReturned"] for line in lines} == {0}
    assert {line["inventoryProcessed"] for line in lines} == {0}


def test_the_parts_of_a_bundle_name_it(account, make_order, make_line):
    part = make_line(1, 4, bundle_of="902")
    sale_id = account.store.import_sale(make_order(part, make_line(2, 2, bundle=True)))

    inside, bundle = account.store.sale_items(sale_id)

    assert (bundle["isBundle"], inside["isBundle"]) == (True, False)
    assert (inside["bundleSaleItemId"], inside["bundleQuantity"]) == (bundle["id"], 2)
    assert bundle["bundleSaleItemId"] is None


@pytest.mark.parametrize(
    ("parts", "made"),
    [
        ((), [(3, "Acme")]),
        ((("Acme", 2), ("Bolt", 1)), [(2, "Acme"), (1, "Bolt")]),
        ((("Acme", 1), ("Acme", 2)), [(1, "Acme"), (2, "Acme")]),
        (((None, 1), ("Bolt", 2)), [(1, None), (2, "Bolt")]),
    ],
)
def test_a_line_may_become_several_sale_items_of_the_same_id(
    account, make_order, make_line, parts, made
):
    sale_id = account.store.import_sale(make_order(make_line(1, 3, "Acme", parts=parts)))

    vendors = {row["id"]: row["name"] for row in account.get("dropship-providers").json}
    items = account.store.sale_items(sale_id)
    assert [(i["quantity"], vendors.get(i["dropshipProviderId"])) for i in items] == made
    assert {item["externalId"] for item in items} == {"901"}
    # Each vendor gets his own part, and a create of one leaves the other alone.
    [sold] = account.cancel(sale_id, ids=[items[0]["id"]]).json
    assert (sold["purchaseId"] is None) is (made[0][1] is None)


def test_customers_are_invented_canaries(account, sale_id):
    sale = account.get(f"sales/{sale_id}", "include=Customer").json

    assert sale["customer"]["email"] == "canary-1@example.test"
    for name in ("shippingAddressLineOne", "billingAddressLineOne", "shippingFirstName"):
        assert "canary" in sale[name].lower()


def rollup(account, sale_id):
    sale = account.sale(sale_id)
    return sale["returnStatus"], sale["cancellationStatus"]


def test_writing_an_items_quantity_rolls_up(account, sale_id):
    account.cancel(sale_id, ids=[2], skipQuantities=True)
    assert rollup(account, sale_id) == ("notReturned", "none")

    account.clock.advance(7)
    account.put("sale-return-items/1", quantity=2)

    assert account.store.sale_items(sale_id)[1]["quantityReturned"] == 2
    assert rollup(account, sale_id) == ("partiallyReturned", "partial")
    purchase = account.get("purchases/1", "include=PurchaseItem").json
    assert purchase["purchase_items"][0]["quantityReturned"] == 2
    assert purchase["returnStatus"] == "partiallyReturned"


def test_a_roll_up_bumps_what_it_changed_and_nothing_else(account, sale_id):
    account.cancel(sale_id, ids=[2], skipQuantities=True)
    account.clock.advance(7)

    account.put("sale-return-items/1", quantity=2)

    later = "2026-03-01T12:00:07.000Z"
    assert account.sale(sale_id)["updatedAt"] == later
    stamps = [line["updatedAt"] == later for line in account.store.sale_items(sale_id)]
    assert stamps == [False, True, False, False]
    assert account.store.sale_returns()[0]["updatedAt"] != later
    assert account.store.items_of(1)[0]["updatedAt"] == later


def test_everything_returned_is_full(account, sale_id):
    account.cancel(sale_id)

    assert rollup(account, sale_id) == ("returned", "full")


def test_units_never_sent_count_as_cancelled_only(account, sale_id):
    account.cancel(sale_id, ids=[2], skipQuantities=True)
    account.put("sale-return-items/1", quantityCancelled=3)

    assert account.store.sale_items(sale_id)[1]["quantityCancelled"] == 3
    assert rollup(account, sale_id) == ("notReturned", "partial")


def test_roll_ups_are_the_servers_to_write(account, sale_id):
    account.put(f"sales/{sale_id}", returnStatus="returned", cancellationStatus="full")
    account.put("sale-items/1", quantityReturned=2)

    assert rollup(account, sale_id) == ("notReturned", "none")
    assert account.store.sale_items(sale_id)[0]["quantityReturned"] == 0


def test_a_changed_purchase_item_rolls_up(account, sale_id):
    account.store.raise_sale_return(sale_id, {4: 1})
    assert account.get("purchases/2").json["returnStatus"] == "returned"

    account.put("purchase-items/3", quantity=2)

    assert account.get("purchases/2").json["returnStatus"] == "partiallyReturned"


def test_a_cancelled_return_no_longer_counts(account, sale_id):
    account.cancel(sale_id)

    for row in account.store.sale_returns(sale_id):
        account.put(f"sale-returns/{row['id']}", status="cancelled")

    assert {line["quantityReturned"] for line in account.store.sale_items(sale_id)} == {0}
    assert rollup(account, sale_id) == ("notReturned", "none")


def test_several_returns_of_a_line_add_up_beyond_its_quantity(account, sale_id):
    account.store.raise_sale_return(sale_id, {2: 3})
    account.store.raise_sale_return(sale_id, {2: 2})

    assert account.store.sale_items(sale_id)[1]["quantityReturned"] == 5


def test_staff_raise_returns_split_per_vendor(account, sale_id):
    raised = account.store.raise_sale_return(sale_id, {1: 1, 2: 2, 4: 1}, notes="by phone")

    rows = account.store.sale_returns(sale_id)
    assert [row["id"] for row in rows] == raised
    assert [row["purchaseId"] for row in rows] == [None, 1, 2]
    assert {row["notes"] for row in rows} == {"by phone"}
    assert account.store.items_of(raised[0])[0]["price"] == 12.5
    assert [account.store.items_of(one)[0]["quantity"] for one in raised] == [1, 2, 1]


def test_staff_cannot_raise_what_is_not_on_the_sale(account, sale_id):
    with pytest.raises(ValueError, match=r"\[9\]"):
        account.store.raise_sale_return(sale_id, {1: 1, 9: 1})
    with pytest.raises(ValueError, match="has no colour"):
        account.store.raise_sale_return(sale_id, {1: 1}, colour="red")
    assert account.store.sale_returns() == []


def test_people_edit_returns_and_items(account, sale_id):
    (raised,) = account.store.raise_sale_return(sale_id, {1: 2})
    account.clock.advance(3)

    account.store.edit_sale_return(raised, status="received")
    account.store.edit_item(1, quantity=1)

    assert account.get(f"sale-returns/{raised}").json["status"] == "received"
    assert account.store.sale_items(sale_id)[0]["quantityReturned"] == 1
    assert account.store.sale_returns()[0]["updatedAt"] == "2026-03-01T12:00:03.000Z"


def test_what_people_write_is_stored_as_the_columns_hold_it(account, sale_id):
    (raised,) = account.store.raise_sale_return(sale_id, {1: 2}, externalId=5)
    assert account.get("sale-returns", "where[externalId]=5").ids == [raised]

    account.store.edit_sale_return(raised, externalId=6, status="beyond the enumeration")

    (row,) = account.store.sale_returns()
    assert (row["externalId"], row["status"]) == ("6", "beyond the enumeration")
    with pytest.raises(ValueError, match="is not an integer"):
        account.store.edit_item(1, quantity=[])


def test_people_cannot_write_what_there_is_no_column_for(account, sale_id):
    account.store.raise_sale_return(sale_id, {1: 2})

    with pytest.raises(ValueError, match="has no colour"):
        account.store.edit_item(1, colour="red")


def test_an_edited_marker_is_found_under_its_new_value_only(account, sale_id):
    (raised,) = account.store.raise_sale_return(sale_id, {1: 2}, externalId="L1")

    account.store.edit_sale_return(raised, externalId="L2")

    assert account.get("sale-returns", "where[externalId]=L1").ids == []
    assert account.get("sale-returns", "where[externalId]=L2").ids == [raised]


def test_a_deleted_sale_takes_its_parts_along(account, sale_id, make_order, make_line):
    other = account.store.import_sale(make_order(make_line(1, 1, "Acme"), number=1043))
    account.store.raise_sale_return(sale_id, {1: 1, 2: 1})
    account.store.raise_sale_return(other, {5: 1})

    account.store.delete_sale(sale_id)

    state = account.store.to_json()
    for part in ("sales", "sale_items", "purchases", "sale_returns"):
        assert {row.get("saleId") or row["id"] for row in state[part]} == {other}
    assert len(state["purchase_items"]) == len(state["sale_return_items"]) == 1


def test_lists_are_copies(account, sale_id):
    account.store.sales()[0]["reference"] = "spoilt"

    assert account.sale(sale_id)["reference"] == "1042"


def test_the_whole_state_can_be_encoded(account, sale_id):
    account.cancel(sale_id)

    state = json.loads(json.dumps(account.store.to_json()))

    assert len(state["sale_returns"]) == 3
    assert len(state["notifications"]) == 2
