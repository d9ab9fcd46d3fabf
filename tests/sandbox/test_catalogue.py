"""The seeded world: everything the field throws at a client is in it."""

from __future__ import annotations

import gc
import json
import time
from collections import Counter
from datetime import timedelta

import pytest

from reconciler.sandbox.messages import Request
from reconciler.sandbox.sandbox import Sandbox, SandboxOptions
from reconciler.sandbox.world.products import VENDORS
from reconciler.sandbox.world.timeline import Timeline
from tests.sandbox.loop_shop import NOON


def open_sandbox(seed=1, returns=300, **options):
    return Sandbox(SandboxOptions(seed=seed, returns=returns, start=NOON, frozen=True, **options))


@pytest.fixture(scope="module")
def sandbox():
    return open_sandbox()


@pytest.fixture(scope="module")
def rows(sandbox):
    return sandbox.loop.store.returns()


@pytest.fixture(scope="module")
def orders():
    events = Timeline(1, 300, 200, NOON).events
    return [event.arguments["order"] for event in events if event.move == "arrive"]


def test_the_same_seed_makes_the_same_world_and_another_seed_another(rows):
    assert open_sandbox().loop.store.returns() == rows
    assert open_sandbox(seed=2).loop.store.returns() != rows


@pytest.mark.parametrize("seed", range(1, 6))
def test_any_seed_has_every_state_every_outcome_and_both_types(seed):
    rows = open_sandbox(seed).loop.store.returns()

    assert {row.state for row in rows} == {"open", "closed", "cancelled", "expired", "review"}
    assert {row.outcome for row in rows} >= {
        *("refund", "exchange", "credit", "upsell", "exchange+refund", "exchange+credit"),
    }
    assert {row.type for row in rows} == {"standard", "warranty"}


def test_there_are_exactly_as_many_returns_as_asked_for_within_the_days_before_now(rows):
    assert len(rows) == 300
    assert all(NOON - timedelta(days=200) <= row.created_at < NOON for row in rows)
    assert all(row.created_at <= row.updated_at <= NOON for row in rows)
    assert [int(row.id) for row in rows] == list(range(31_000_001, 31_000_301))
    assert [row.created_at for row in rows] == sorted(row.created_at for row in rows)


def test_some_returns_share_their_second(rows):
    assert max(Counter(row.created_at for row in rows).values()) > 1


def test_some_orders_have_several_returns_that_never_claim_a_unit_twice(rows, orders):
    per_order = Counter(row.order_name for row in rows)
    sold = {
        (order.name, line.order_line_id): line.quantity for order in orders for line in order.lines
    }
    back = Counter((row.order_name, line.order_line_id) for row in rows for line in row.lines)

    assert max(per_order.values()) == 2
    assert all(units <= sold[claim] for claim, units in back.items() if claim in sold)


def test_orders_have_one_to_six_lines_of_one_to_four_sources_in_quantities_up_to_three(orders):
    plain = [order for order in orders if not any(line.bundle for line in order.lines)]

    assert {len(order.lines) for order in plain} == {1, 2, 3, 4, 5, 6}
    assert {len({line.vendor for line in order.lines}) for order in plain} == {1, 2, 3, 4}
    assert {line.quantity for order in orders for line in order.lines} == {1, 2, 3}


def test_about_forty_vendors_and_the_house_sell(orders):
    sellers = {line.vendor for order in orders for line in order.lines}

    assert len(VENDORS) == 40
    assert None in sellers
    assert len(sellers) > 35


def test_bundles_are_sold_with_their_parts(orders):
    bundled = [order for order in orders if any(line.bundle for line in order.lines)]

    assert bundled
    for order in bundled:
        whole = {line.order_line_id for line in order.lines if line.bundle}
        assert whole == {line.bundle_of for line in order.lines if line.bundle_of}


def test_some_lines_were_never_shipped(orders):
    assert any(not line.shipped for order in orders for line in order.lines)


def test_most_orders_are_in_jetti_and_some_are_missing(sandbox, rows):
    known = {sale["externalId"] for sale in sandbox.jetti.store.sales()}
    missing = [row for row in rows if row.provider_order_id not in known]

    assert 0 < len(missing) < 0.1 * len(rows)


def test_some_orders_reach_jetti_after_their_return_and_some_never_do():
    events = Timeline(1, 300, 200, NOON).events
    arrived = {e.arguments["order"].order_id: e.at for e in events if e.move == "arrive"}
    submitted = [(e.arguments["order"].order_id, e.at) for e in events if e.move == "submit"]

    assert any(arrived[order] > at for order, at in submitted if order in arrived)
    assert any(order not in arrived for order, _ in submitted)


def test_some_orders_have_no_return(sandbox, rows):
    returned = {row.provider_order_id for row in rows}

    assert any(sale["externalId"] not in returned for sale in sandbox.jetti.store.sales())


def test_staff_have_raised_some_returns_in_jetti_by_hand(sandbox):
    by_hand = sandbox.jetti.store.sale_returns()

    assert 0 < len(by_hand) < 30
    assert {row["externalId"] for row in by_hand} == {None}


def test_some_returns_have_several_labels_some_none_and_some_fail(rows):
    assert {len(row.labels) for row in rows} == {0, 1, 2}
    assert {label.status for row in rows for label in row.labels} >= {
        *("new", "pre_transit", "in_transit", "delivered", "failure", "error"),
    }
    for row in rows:
        if len(row.labels) == 2:
            assert set(row.labels[0].line_ids).isdisjoint(row.labels[1].line_ids)


def test_closed_returns_are_processed_hours_later_but_not_all_yet(rows):
    closed = [row for row in rows if row.state == "closed"]

    assert any(row.processed_at is None for row in closed)
    assert any(row.processed_at for row in closed)


def test_return_methods_come_as_object_text_and_nothing(rows):
    assert {type(row.return_method) for row in rows} == {dict, str, type(None)}


def test_customer_data_is_a_canary_and_no_real_address(rows):
    assert all(row.customer.endswith("@example.test") for row in rows)
    assert all(row.customer.startswith("canary") for row in rows)
    comments = [line.comment for row in rows for line in row.lines if line.comment]
    assert comments
    assert all("CANARY-COMMENT" in comment for comment in comments)
    assert all(
        "Canary" in json.dumps(row.return_method["address"])
        for row in rows
        if isinstance(row.return_method, dict)
    )


def test_a_world_without_returns_is_empty_and_stays_so():
    sandbox = open_sandbox(returns=0)

    assert sandbox.advance(10 * 86_400) == 0
    assert sandbox.loop.store.returns() == []
    assert sandbox.jetti.store.sales() == []


def test_jetti_can_be_left_without_orders():
    sandbox = open_sandbox(returns=50, orders_in_jetti=False)

    assert len(sandbox.loop.store.returns()) == 50
    assert sandbox.jetti.store.sales() == sandbox.jetti.store.sale_returns() == []


def test_a_large_world_is_made_quickly():
    start = time.process_time()
    sandbox = open_sandbox(returns=2_000, orders_in_jetti=False)

    # 10,000 in about a second; ten times that for a loaded machine.
    assert time.process_time() - start < 2.0
    assert len(sandbox.loop.store.returns()) == 2_000


def test_making_a_world_leaves_garbage_collection_as_it_was():
    open_sandbox(returns=10)
    assert gc.isenabled()

    gc.disable()
    try:
        open_sandbox(returns=10)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_large_listing_is_served_quickly():
    sandbox = open_sandbox(returns=2_000, orders_in_jetti=False, days=100)
    request = Request(
        "GET",
        "/api/v1/warehouse/return/list",
        "from=2025-11-05&to=2026-03-02",
        {"x-authorization": "sandbox-loop-key"},
    )
    start = time.process_time()
    first = sandbox.exchange("loop", request)
    between = time.process_time()
    again = sandbox.exchange("loop", request)
    end = time.process_time()

    # 10,000 in about half a second, and again in a fifth of that.
    assert between - start < 1.5
    assert end - between < (between - start) / 2
    assert first.body == again.body
    assert first.body.count(b'"line_items":') > 1_500
