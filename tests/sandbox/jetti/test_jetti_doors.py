"""Paths, keys, problems and the rate limit (jetti.md#hosts-and-paths, #authentication)."""

from __future__ import annotations

import pytest

from reconciler.sandbox.jetti.service import Jetti


@pytest.mark.parametrize(
    "path",
    [
        "/api/sales",
        "/sales.json",
        "/api/sales/",
        "/api/sales.json/",
        "/api/orders.json",
        "/api/sales/x.json",
        "/api/sales/99999999999.json",
        "/api/sales/1/nothing.json",
        "/",
    ],
)
def test_paths_begin_with_api_and_end_in_json(account, sale_id, path):
    assert account.send("GET", path).status == 404


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "POST"])
def test_other_methods_do_not_exist(account, sale_id, method):
    assert account.send(method, f"/api/sales/{sale_id}.json").status == 404
    assert account.send("PUT", "/api/sales.json").status == 404


def test_a_path_may_be_percent_encoded(account, sale_id):
    assert account.send("GET", "/api/sale%2Ditems.json").status == 200


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer other"}, {"authorization": "x"}])
def test_without_the_key_nothing_is_told(account, sale_id, header):
    account.headers = header

    assert account.get("sales").status == 401
    assert account.cancel(sale_id).status == 401
    assert account.store.sale_returns() == []


def test_the_key_may_stand_in_the_query(account, sale_id):
    account.headers = {}

    assert account.get("sales", "access_token=sandbox-jetti-token").status == 200
    assert account.get("sales", "access_token=other").status == 401


def test_a_revoked_key_is_refused(account, sale_id):
    account.jetti.token = "another"

    assert account.get("sales").status == 401


def test_the_login_stands_outside_api_and_gives_the_key(account):
    account.headers = {}
    body = {"email": "a@example.test", "password": "x", "role": "admin"}

    user = account.send("POST", "/auth/login", body=body).json

    assert user == {
        "id": 1,
        "email": "a@example.test",
        "role": "api",
        "token": "sandbox-jetti-token",
        "companyId": 41,
        "dropshipProviderId": None,
    }
    assert account.send("POST", "/auth/login", body={"email": "a@example.test"}).status == 401
    assert account.send("GET", "/auth/login").status == 404
    assert account.send("POST", "/api/auth/login", body=body).status == 401


def test_a_key_can_be_forbidden_to_write_or_everything(account, sale_id):
    account.switches.forbidden = "writes"
    assert account.get("sales").status == 200
    assert account.cancel(sale_id).status == 403
    assert account.store.sale_returns() == []

    account.switches.forbidden = "everything"
    assert account.get("sales").status == 403


def test_a_problem_has_its_machine_code_as_title(account, sale_id):
    answer = account.get("sale-returns/7")

    assert answer.json == {
        "type": "https://problems.jetti.io/details#api.sale_returns.get.not_found",
        "title": "api.sale_returns.get.not_found",
        "status": 404,
        "details": {
            "instance": "/sale-returns/7.json",
            "resource": "sale-returns",
            "action": "get",
            "context": "not_found",
        },
    }


def test_some_problems_have_a_detail(account, sale_id):
    assert "detail" in account.get("sale-items", "attributes[0]=id&include=Sale").json


def statuses(account, *methods):
    return [account.send(method, "/api/sales/1.json").status for method in methods]


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        (["GET", "GET", "GET"], [200, 200, 429]),
        (["PUT", "GET"], [200, 429]),
        (["GET", "PUT", "GET", "GET"], [200, 429, 200, 429]),
    ],
)
def test_two_reads_or_one_write_fill_the_bucket(account, sale_id, methods, expected):
    account.switches.rate_limit = "or"

    assert statuses(account, *methods) == expected


def test_under_the_other_reading_two_reads_and_one_write_do(account, sale_id):
    account.switches.rate_limit = "and"

    assert statuses(account, "GET", "GET", "PUT") == [200, 200, 200]
    assert statuses(account, "GET", "PUT") == [429, 429]
    account.clock.advance(0.5)
    assert statuses(account, "GET", "PUT") == [200, 429]
    account.clock.advance(0.5)
    assert statuses(account, "PUT") == [200]


def test_the_bucket_drains_two_units_a_second(account, sale_id):
    account.switches.rate_limit = "or"
    statuses(account, "PUT")

    account.clock.advance(0.5)
    assert statuses(account, "PUT", "GET", "GET") == [429, 200, 429]
    account.clock.advance(1)
    assert statuses(account, "PUT") == [200]
    account.clock.advance(0.99)
    assert statuses(account, "PUT") == [429]


@pytest.mark.parametrize(("method", "seconds"), [("GET", 0.49), ("PUT", 0.99)])
def test_no_reading_lets_more_through(account, sale_id, method, seconds):
    account.switches.rate_limit = "and"
    statuses(account, "GET", "GET", "PUT")

    account.clock.advance(seconds)
    assert statuses(account, method) == [429]


def test_a_refused_request_does_nothing_and_costs_nothing(account, sale_id):
    account.switches.rate_limit = "or"
    account.get("sales")

    assert account.cancel(sale_id).status == 429
    assert account.store.sale_returns() == []
    assert account.get("sales").status == 200


def test_a_clock_set_back_does_not_open_the_bucket(account, sale_id):
    account.switches.rate_limit = "or"
    statuses(account, "PUT")

    account.clock.advance(-3600)
    assert statuses(account, "GET") == [429]
    account.clock.advance(1)
    assert statuses(account, "PUT") == [200]


def test_the_limit_is_on_unless_switched_off(account, sale_id):
    assert Jetti(account.clock).switches.rate_limit == "or"
    assert statuses(account, *["GET"] * 50) == [200] * 50


def test_rate_headers_are_absent(account, sale_id):
    account.switches.rate_limit = "or"

    assert set(account.get("sales").headers) == {"content-type"}


@pytest.mark.parametrize("reading", ["or", "and"])
def test_rate_headers_can_be_present(account, sale_id, reading):
    account.switches.rate_limit, account.switches.rate_headers = reading, True

    first = account.get("sales").headers
    assert (first["x-ratelimit-limit"], first["x-ratelimit-remaining"]) == ("2", "1")
    account.clock.advance(1)
    assert account.put(f"sales/{sale_id}").headers["x-ratelimit-remaining"] == "0"


def test_without_a_limit_there_are_no_rate_headers(account, sale_id):
    account.switches.rate_headers = True

    assert set(account.get("sales").headers) == {"content-type"}


@pytest.mark.parametrize("value", [None, "2", "Sun, 01 Mar 2026 12:00:05 GMT"])
def test_a_429_may_say_when_to_come_back(account, sale_id, value):
    account.switches.rate_limit, account.switches.retry_after = "or", value

    admitted, _, refused = (account.get("sales") for _ in range(3))

    assert "retry-after" not in admitted.headers
    assert (refused.status, refused.headers.get("retry-after")) == (429, value)
