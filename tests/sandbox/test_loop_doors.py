"""Key, routes and limit of the pretend Loop (loop.md#authentication, #api-key)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.sandbox.messages import Request

GATEWAY = {"error": {"code": "401", "http_code": "GEN-UNAUTHORIZED", "message": "Unauthorized."}}


@pytest.mark.parametrize("key", [None, "wrong", "sandbox-loop-key-without-scope"])
def test_missing_bad_and_unscoped_keys_all_get_401_with_swapped_code_names(shop, key):
    answer = shop.get(key=key)

    assert (answer.status, answer.json) == (401, GATEWAY)


def test_the_plain_envelope_of_a_401_is_a_bare_string(shop):
    shop.switches.unauthorized = "plain"

    assert shop.get(key=None).json == {"errors": "Unauthorized."}


def test_a_bearer_token_is_no_key(shop):
    headers = {"authorization": "Bearer sandbox-loop-key"}
    request = Request("GET", "/api/v1/warehouse/return/list", "", headers)

    response = shop.loop.handle(request)

    assert response.status == 401


@pytest.mark.covers("R20")
@pytest.mark.parametrize("version", ["v1", "2026-07", "2026-10", "latest", "unstable"])
def test_all_versions_answer_alike(shop, version):
    one = shop.submit()
    address = f"/api/{version}/warehouse/return"

    assert shop.get(f"{address}/list").json == shop.get().json
    assert shop.get(f"{address}/details", f"return_id={one.id}").json["id"] == int(one.id)


def test_other_routes_and_methods_are_not_there(shop):
    for version in ("v3", "2026-04", "2026-13", "Latest", ""):
        assert shop.get(f"/api/{version}/warehouse/return/list").status == 404
    assert shop.get("/api/v1/warehouse/return/31000001/cancel").status == 404
    assert shop.get(method="POST").status == 405


def test_300_requests_in_a_minute_pass_and_the_next_gets_429(shop):
    shop.switches.requests_per_minute = 300

    answers = [shop.list() for _ in range(301)]

    assert [answer.status for answer in answers] == [200] * 300 + [429]
    assert answers[0].headers["x-ratelimit-limit"] == "300"
    assert answers[0].headers["x-ratelimit-remaining"] == "299"
    assert answers[-1].headers["x-ratelimit-remaining"] == "0"
    assert answers[-1].headers["retry-after"] == "60"
    assert answers[-1].json == {"message": "Too Many Attempts."}


def test_the_limit_opens_again_after_its_minute(shop):
    shop.switches.requests_per_minute = 1
    shop.list()
    shop.clock.advance(59)
    assert shop.list().status == 429

    shop.clock.advance(1)

    assert shop.list().status == 200


def test_a_clock_set_back_does_not_lock_a_key_out(shop):
    shop.switches.requests_per_minute = 1
    shop.list()

    shop.clock.set(shop.clock.now() - timedelta(days=1))

    assert shop.list().status == 200


def test_each_key_has_its_own_limit(shop):
    shop.switches.requests_per_minute = 1
    shop.loop.keys["other"] = {"returns"}
    shop.list()

    assert shop.get(key="other").status == 200


def test_rate_limit_headers_can_be_left_out(shop):
    shop.switches.requests_per_minute = 1
    shop.switches.rate_limit_headers = False

    assert "x-ratelimit-limit" not in shop.list().headers
    assert "x-ratelimit-limit" not in shop.list().headers


def test_a_429_need_not_say_how_long_to_wait(shop):
    shop.switches.requests_per_minute = 0
    assert "retry-after" in shop.list().headers

    shop.switches.retry_after = False

    assert "retry-after" not in shop.list().headers
