"""The query language of collections (jetti.md#query-language, #query-values)."""

from __future__ import annotations

import pytest

LINES = [
    # externalId 901 to 904, quantities 2 3 1 1, vendors none Acme Acme Bolt
    ("where[id]=2", [2]),
    ("where[id][$eq]=2", [2]),
    ("where%5Bid%5D=2", [2]),
    ("where%5Bid%5D%5B%24in%5D%5B0%5D=2&where%5Bid%5D%5B%24in%5D%5B1%5D=4", [2, 4]),
    ("where[externalId]=903", [3]),
    ("where[externalId]=0903", []),
    ("where[saleId]=1&where[quantity]=1", [3, 4]),
    ("where[saleId]=1&where[externalId][$in][0]=901&where[externalId][$in][1]=904", [1, 4]),
    ("where[externalId][$in][0]=901&where[externalId][$in][1]=77", [1]),
    ("where[externalId][$in]=902", [2]),
    ("where[id][0]=1&where[id][1]=3", [1, 3]),
    ("where[id]=1&where[id]=3", [1, 3]),
    ("where[id][$ne]=2", [1, 3, 4]),
    ("where[dropshipProviderId][$ne]=1", [4]),
    ("where[id][$notIn][0]=1&where[id][$notIn][1]=2", [3, 4]),
    ("where[id][$gt]=2", [3, 4]),
    ("where[id][$gte]=2&where[id][$lt]=4", [2, 3]),
    ("where[quantity][$gte]=2", [1, 2]),
    ("where[quantity][$gt]=1&where[quantity][$lte]=2", [1]),
    ("where[name][$like]=Thing%25", [1, 2, 3, 4]),
    ("where[name][$like]=thing%25", []),
    ("where[name][$iLike]=thing _", [1, 2, 3, 4]),
    ("where[name][$like]=hing%25", []),
    ("where[name][$notLike]=%253", [1, 2, 4]),
    ("where[name][$notILike]=THING 3", [1, 2, 4]),
    ("where[dropshipProviderId][$is]=null", [1]),
    ("where[dropshipProviderId][$not]=null", [2, 3, 4]),
    ("where[isBundle][$is]=false", [1, 2, 3, 4]),
    ("where[isBundle]=false", [1, 2, 3, 4]),
    ("where[isBundle]=true", []),
    ("where[quantity][$not]=1", [1, 2]),
    ("where[quantity][$not][0]=1&where[quantity][$not][1]=2", [2]),
    ("where[id][$between][0]=2&where[id][$between][1]=3", [2, 3]),
    ("where[id][$notBetween][0]=2&where[id][$notBetween][1]=3", [1, 4]),
    ("where[$or][0][id]=1&where[$or][1][externalId]=904", [1, 4]),
    ("where[$or][id]=1&where[$or][externalId]=904", [1, 4]),
    ("where[$and][0][quantity]=1&where[$and][1][dropshipProviderId]=2", [4]),
    ("where[id][$or][0]=1&where[id][$or][1][$gt]=3", [1, 4]),
    ("where[id][$and][$gt]=1&where[id][$and][$lt]=3", [2]),
    ("where[price]=12.5", [1, 2, 3, 4]),
    ("where[price]=12.50", [1, 2, 3, 4]),
    ("where[createdAt][$lte]=2026-03-01T12:00:00Z", [1, 2, 3, 4]),
    ("where[createdAt][$gt]=2026-03-01T12:00:00.000Z", []),
    ("where[createdAt][$gte]=2026-03-01T14:00:00%2B02:00", [1, 2, 3, 4]),
    ("where[companyId]=41", [1, 2, 3, 4]),
    ("where[companyId]=42", []),
    ("where[externalId][$in][0]=", []),
    ("", [1, 2, 3, 4]),
]


@pytest.mark.parametrize(("query", "ids"), LINES)
def test_where_selects(account, sale_id, query, ids):
    assert account.get("sale-items", query).ids == ids


def test_tags_are_compared_as_sets(account, sale_id):
    account.put("sales/1", tags=["vip", "exchange"])

    assert account.get("sales", "where[tags][$contains][0]=vip").ids == [1]
    assert (
        account.get("sales", "where[tags][$contains][0]=vip&where[tags][$contains][1]=x").ids == []
    )
    assert account.get("sales", "where[tags][$overlap][0]=vip&where[tags][$overlap][1]=x").ids == [
        1
    ]


def test_tags_are_compared_with_texts(account, sale_id):
    assert account.get("sales", "where[tags][$overlap][0][a]=x").status == 500


def test_an_enumerated_column_compares_with_any_text(account, sale_id):
    assert account.get("sales", "where[status]=nothing-like-it").ids == []


@pytest.mark.parametrize(
    "query",
    [
        "where[id]=abc",
        "where[id][$ne]=",
        "where[id][$foo]=1",
        "where[id][$between][0]=1",
        "where[id][$like]=1",
        "where[name][$is]=something",
        "where[name][$like][0]=x",
        "where[name][$contains]=x",
        "where[createdAt][$gt]=yesterday",
        "where[properties]=x",
        "where[properties][$in][0][a]=x",
        "where[id][$in][0][a]=1",
        "where[id][$is][a]=1",
        "where[$or]=1",
        "where=1",
        "where[]=1",
        "where[companyId][$like]=4",
        "limit=many",
        "limit=-1",
        "limit=",
        "from=x",
        "from=9999999999999999999999",
    ],
)
def test_what_no_database_takes_is_a_problem(account, sale_id, query):
    answer = account.get("sale-items", query)

    assert (answer.status, answer.code) == (500, "api.errors.unknown")


def test_more_than_twenty_values_stay_an_array(account, make_order, make_line):
    for number in range(30):
        account.store.import_sale(make_order(make_line(1), number=number))
    query = "&".join(f"where[externalId][$in][{n}]=5000{n}" for n in range(25)) + "&limit=100"

    assert len(account.get("sales", query).ids) == 25


def test_beyond_the_parsers_limit_an_array_is_refused_or_holds_nothing(account, sale_id):
    account.switches.array_limit = 20

    def query(count: int) -> str:
        return "&".join(f"where[id][$in][{n}]={n + 1}" for n in range(count))

    assert account.get("sale-items", query(20)).ids == [1, 2, 3, 4]
    assert account.get("sale-items", query(22)).status == 500
    account.switches.longer_array = "empty"
    assert account.get("sale-items", query(22)).ids == []


def test_an_unknown_field_is_ignored(account, sale_id):
    assert account.get("sale-items", "where[loopId]=7").ids == [1, 2, 3, 4]
    for order in ("order[attribute]=loopId", "order[attribute]=companyId", "order=id"):
        assert account.get("sale-items", order).ids == [1, 2, 3, 4]
    assert account.get("sale-items", "order[attribute][a]=id").ids == [1, 2, 3, 4]
    assert account.get("sale-items", "where[id]=1&attributes[0]=id&attributes[1]=loopId").json == [
        {"id": 1}
    ]


@pytest.mark.parametrize(
    "query", ["where[loopId]=7", "order[attribute]=loopId", "attributes[0]=loopId"]
)
def test_an_unknown_field_can_be_an_error(account, sale_id, query):
    account.switches.unknown_field = "error"

    assert account.get("sale-items", query).status == 500


def test_known_fields_are_no_error(account, sale_id):
    account.switches.unknown_field = "error"

    query = "where[id]=2&order[attribute]=id&attributes[0]=id"
    assert account.get("sale-items", query).json == [{"id": 2}]


def test_a_server_can_ignore_every_filter(account, sale_id):
    account.switches.where_ignored = True

    assert account.get("sale-items", "where[id]=2").ids == [1, 2, 3, 4]


def test_a_server_can_ignore_greater_than(account, sale_id):
    account.switches.greater_than_ignored = True

    assert account.get("sale-items", "where[id][$gt]=2").ids == [1, 2, 3, 4]
    assert account.get("sale-items", "where[id][$gte]=2&where[id][$gt]=3").ids == [2, 3, 4]


def test_a_server_can_ignore_the_filter_by_one_field_and_take_all_others(account, sale_id):
    account.switches.ignored_filters = ("saleId",)

    for where in ("where[saleId]=999", "where[saleId][$in][0]=999&where[saleId][$in][1]=998"):
        assert account.get("sale-items", where).ids == [1, 2, 3, 4]
        assert account.get("sale-items", f"{where}&where[id][$gt]=2").ids == [3, 4]


@pytest.mark.parametrize("status", [400, 422, 500])
@pytest.mark.parametrize(
    ("switch", "value", "query", "taken"),
    [
        ("in_refused", True, "where[id][$in][0]=1&where[id][$in][1]=2", "where[id]=1"),
        ("greater_than_refused", True, "where[id][$gt]=0", "where[id][$lt]=2"),
        ("order_parameter", "refused", "where[id]=1&order[attribute]=id", "where[id]=1"),
        ("limit_parameter", "refused", "where[id]=1&limit=100", "where[id]=1"),
        ("from_means", "refused", "where[id]=1&from=0", "where[id]=1"),
    ],
)
def test_a_server_can_refuse_any_part_of_the_language(
    account, sale_id, switch, value, query, taken, status
):
    account.switches.query_status = status
    assert account.get("sale-items", query).status == 200

    setattr(account.switches, switch, value)

    assert account.get("sale-items", query).status == status
    assert account.get("sale-items", taken).ids == [1]


def test_a_server_can_ignore_limit_and_from(account, sale_id):
    account.switches.default_limit = 3
    account.switches.limit_parameter, account.switches.from_means = "ignored", "nothing"

    assert account.get("sale-items", "limit=100&from=1").ids == [1, 2, 3]


def test_without_an_order_what_was_changed_last_stands_last(account, sale_id):
    account.clock.advance(60)
    account.store.world.table("SaleItem").update(2, {"quantity": 9})
    assert account.get("sale-items", "order[attribute]=id").ids == [1, 2, 3, 4]

    account.switches.order_parameter = "ignored"

    assert account.get("sale-items", "order[attribute]=id").ids == [1, 3, 4, 2]


def test_an_order_can_go_downwards_by_itself(account, sale_id):
    account.switches.order_descends = True

    assert account.get("sale-items", "order[attribute]=id").ids == [4, 3, 2, 1]


def test_pages_have_a_default_and_a_largest_size(account, make_order, make_line):
    for number in range(130):
        account.store.import_sale(make_order(make_line(1), number=number))

    assert len(account.get("sales").ids) == 10
    assert len(account.get("sales", "limit=3").ids) == 3
    assert len(account.get("sales", "limit=500").ids) == 100
    account.switches.default_limit, account.switches.max_limit = 7, 120
    assert len(account.get("sales").ids) == 7
    assert len(account.get("sales", "limit=500").ids) == 120
    assert account.get("sales", "limit=0").ids == []


def test_from_is_a_row_offset(account, sale_id):
    assert account.get("sale-items", "limit=2&from=1").ids == [2, 3]
    assert account.get("sale-items", "limit=2&from=9").ids == []


def test_from_can_be_a_page_number(account, sale_id):
    account.switches.from_means = "page"

    assert account.get("sale-items", "limit=2&from=0").ids == [1, 2]
    assert account.get("sale-items", "limit=2&from=1").ids == [3, 4]


def test_paging_by_id_is_right_under_both_readings_of_from(account, sale_id):
    for reading in ("offset", "page"):
        account.switches.from_means = reading
        query = "from=0&limit=2&order[attribute]=id&where[id][$gt]="
        assert account.get("sale-items", query + "0").ids == [1, 2]
        assert account.get("sale-items", query + "2").ids == [3, 4]
        assert account.get("sale-items", query + "4").ids == []


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("order[attribute]=quantity", [3, 4, 1, 2]),
        ("order[attribute]=quantity&order[descending]=true", [2, 1, 3, 4]),
        ("order[attribute]=id&order[descending]=true", [4, 3, 2, 1]),
        ("order[attribute]=id", [1, 2, 3, 4]),
        ("order[attribute]=dropshipProviderId", [2, 3, 4, 1]),
        ("order[attribute]=dropshipProviderId&order[descending]=true", [1, 4, 2, 3]),
        ("order[attribute]=name&order[descending]=false", [1, 2, 3, 4]),
    ],
)
def test_order(account, sale_id, query, ids):
    assert account.get("sale-items", query).ids == ids


def test_attributes_restrict_the_columns(account, sale_id):
    query = "where[id]=1&attributes[0]=id&attributes[1]=externalId"

    assert account.get("sale-items", query).json == [{"id": 1, "externalId": "901"}]


@pytest.mark.parametrize("parameter", ["count=1", "offset=2", "page=2", "sort=id", "scope=export"])
def test_parameters_that_were_never_seen_change_nothing(account, sale_id, parameter):
    assert account.get("sale-items", parameter).ids == [1, 2, 3, 4]


def test_no_match_is_an_empty_array(account, sale_id):
    answer = account.get("sales", "where[externalId]=1")

    assert (answer.status, answer.text) == (200, b"[]")


def test_new_objects_show_only_after_the_lag(account, sale_id):
    account.clock.advance(60)
    account.switches.read_lag_seconds = 20
    (sale_return,) = account.cancel(sale_id, ids=[1], skipQuantities=True).ids

    assert account.get("sale-returns", f"where[saleId]={sale_id}").ids == []
    assert account.get(f"sale-returns/{sale_return}").status == 404
    assert account.get(f"sales/{sale_id}", "include=SaleReturn").json["sale_returns"] == []
    assert account.put(f"sale-returns/{sale_return}", notes="written all the same").status == 200

    account.clock.advance(20)
    assert account.get("sale-returns", f"where[saleId]={sale_id}").ids == [sale_return]
    assert account.get(f"sale-returns/{sale_return}").json["notes"] == "written all the same"


def test_an_included_parent_is_hidden_by_the_lag_too(account, sale_id):
    account.clock.advance(60)
    account.switches.read_lag_seconds = 20
    item = account.items(account.cancel(sale_id, ids=[1]))[0]
    account.clock.advance(10)
    account.switches.read_lag_seconds = 5
    account.store.edit_item(
        item["id"],
        adjustmentReasonId=account.post("adjustment-reasons", name="New", code="new").json["id"],
    )

    shown = account.get(f"sale-return-items/{item['id']}", "include=AdjustmentReason").json

    assert shown["adjustment_reason"] is None
