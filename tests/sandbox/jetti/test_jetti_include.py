"""`include`, and the shape of rows (jetti.md#include-parameter, #included-keys)."""

from __future__ import annotations

import pytest


def test_included_rows_come_under_snake_case_keys(account, sale_id):
    account.cancel(sale_id, ids=[2], skipQuantities=True)

    sale = account.get("sales", "include[0][model]=SaleItem&include[1][model]=Customer").json[0]
    sale_return = account.get(
        "sale-returns/1", "include[0][model]=SaleReturnItem&include[1][model]=Purchase"
    ).json

    assert [line["id"] for line in sale["sale_items"]] == [1, 2, 3, 4]
    assert sale["customer"]["id"] == sale["customerId"]
    assert [item["saleItemId"] for item in sale_return["sale_return_items"]] == [2]
    assert sale_return["purchase"]["saleId"] == sale_id


@pytest.mark.parametrize(
    "include",
    [
        "include=SaleItem",
        "include[]=SaleItem",
        "include[0]=SaleItem",
        "include[0][model]=SaleItem",
        "include[model]=SaleItem",
        "include%5B0%5D%5Bmodel%5D=SaleItem",
    ],
)
def test_include_is_a_string_or_a_list(account, sale_id, include):
    assert len(account.get(f"sales/{sale_id}", include).json["sale_items"]) == 4


def test_four_levels_with_attributes_are_parsed(account, sale_id):
    level = "[include][0]"
    query = "&".join(
        [
            "include[0][model]=SaleItem",
            f"include[0]{level}[model]=PurchaseItem",
            f"include[0]{level}{level}[model]=Purchase",
            f"include[0]{level}{level}{level}[model]=DropshipProvider",
            f"include[0]{level}{level}{level}[attributes][0]=name",
        ]
    )

    line = account.get(f"sales/{sale_id}", query).json["sale_items"][1]

    purchase = line["purchase_items"][0]["purchase"]
    assert purchase["dropship_provider"] == {"name": "Acme"}


def test_a_missing_parent_is_null(account, sale_id):
    account.cancel(sale_id, ids=[1])

    assert account.get("sale-returns/1", "include=Purchase").json["purchase"] is None


@pytest.mark.parametrize(
    "query",
    [
        "attributes[0]=id&include=Sale",
        "attributes[0]=saleId&include[0][model]=SaleReturnItem&include[0][attributes][0]=quantity",
    ],
)
def test_attributes_without_the_joins_foreign_key_fail(account, sale_id, query):
    account.cancel(sale_id, ids=[1])

    answer = account.get("sale-returns/1", query)

    assert (answer.status, answer.code) == (500, "api.errors.unknown")


def test_attributes_are_names(account, sale_id):
    assert account.get(f"sales/{sale_id}", "attributes[0][a]=id").status == 500
    assert account.get(f"sales/{sale_id}", "attributes=id").json == {"id": sale_id}


def test_attributes_with_the_joins_foreign_key_work(account, sale_id):
    account.cancel(sale_id, ids=[1], skipQuantities=True)

    query = (
        "attributes[0]=id&attributes[1]=saleId&include[0][model]=Sale&include[0][attributes][0]=id"
    )
    assert account.get("sale-returns/1", query).json == {
        "id": 1,
        "saleId": sale_id,
        "sale": {"id": sale_id},
    }
    query = (
        "attributes[0]=id&include[0][model]=SaleReturnItem&include[0][attributes][0]=saleReturnId"
    )
    assert account.get("sale-returns/1", query).json == {
        "id": 1,
        "sale_return_items": [{"saleReturnId": 1}],
    }


@pytest.mark.parametrize(
    "include", ["include=Banana", "include=saleItem", "include=sale_items", "include[0][x]=1"]
)
def test_a_model_that_does_not_belong_is_a_problem(account, sale_id, include):
    assert account.get(f"sales/{sale_id}", include).status == 500


@pytest.mark.parametrize(("form", "value"), [("integer", 41), ("string", "41")])
def test_every_row_carries_the_company(account, sale_id, form, value):
    account.switches.company_id_form = form

    sale = account.get(f"sales/{sale_id}", "include=SaleItem").json

    assert sale["companyId"] == value
    assert {line["companyId"] for line in sale["sale_items"]} == {value}
    assert account.cancel(sale_id, ids=[1]).json[0]["companyId"] == value
    assert account.put("sale-returns/1", notes="x").json["companyId"] == value


def test_the_company_can_be_absent_and_another(account, sale_id):
    account.switches.company_id_form = "absent"
    assert "companyId" not in account.get(f"sales/{sale_id}").json

    account.switches.company_id_form = "integer"
    account.switches.company_id = 7
    assert account.get(f"sales/{sale_id}").json["companyId"] == 7
    assert account.get("sales", "where[companyId]=7").ids == [sale_id]
