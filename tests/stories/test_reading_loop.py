"""What Loop lists reaches Jetti whole: pages, ties, late rows, rows that make no sense."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.model import State
from reconciler.ledger.opening import open_reader
from reconciler.sandbox.loop.switches import LoopSwitches
from tests.support.agreement import assert_agreement
from tests.support.world import NOON, World, a_world

HOUR = timedelta(hours=1)
PAGES: list[dict[str, Any]] = [
    {},
    {"ties": "unordered"},
    {"order": "oldest_first"},
    {"next_page_link": "complete"},
    {"tie_breaker": True},
    {"cursor_column": "created_at"},
    {"cursor_implies_paginate": True},
    {"window_ends": "exclusive"},
    {"created_at_form": "offset"},
    {"extra_fields": True},
    {"rate_limit_headers": False},
]


def switched(world: World, **values: Any) -> None:
    for name, value in values.items():
        assert hasattr(LoopSwitches(), name)
        setattr(world.sandbox.loop.switches, name, value)


@pytest.mark.covers("F31", "P3")
@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize(
    "values", PAGES, ids=lambda values: "-".join(f"{k}={v}" for k, v in values.items()) or "default"
)
def test_ties_at_the_edge_of_a_page_are_not_lost(
    world: World, values: dict[str, Any], size: int
) -> None:
    switched(world, **values)
    world.go_live()
    order = world.order(("Acme", 9))
    second = world.clock.now() - timedelta(hours=1)
    for at in (second, second, second, second + timedelta(seconds=1), second):
        world.submit(order, 1, at=at)

    ran = world.run(RECONCILER_LOOP__PAGE_SIZE=str(size))

    assert (ran.code, ran.report["counts"]["created"]) == (0, 5)
    assert_agreement(world)


@pytest.mark.covers("F29")
@pytest.mark.parametrize("cursor", ["absent", "repeated", "cycle", "ever_fresh"])
def test_a_list_that_does_not_end_moves_no_watermark(world: World, cursor: str) -> None:
    switched(world, next_page_cursor=cursor)
    world.go_live()
    for _ in range(5):
        world.returned()
    world.pass_time()
    before = world.watermark()

    ran = world.run(RECONCILER_LOOP__PAGE_SIZE="2")

    assert (ran.code, world.watermark(), world.jetti.sale_returns()) == (4, before, [])
    switched(world, next_page_cursor="true")
    assert world.run(RECONCILER_LOOP__PAGE_SIZE="2").code == 0
    assert_agreement(world)


def test_a_row_that_shows_late_is_found_by_the_overlap(world: World) -> None:
    world.go_live()
    world.pass_time()
    world.run()
    switched(world, visible_after=600.0)
    one = world.returned()
    world.pass_time(minutes=5)
    assert world.run().outcomes == {}
    world.pass_time(minutes=8)

    assert world.run().outcomes == {one: ("create", "pushed")}


@pytest.mark.covers("F40")
def test_a_listing_that_lacks_all_known_returns_is_not_believed(world: World) -> None:
    world.go_live()
    for _ in range(5):
        world.returned()
    world.pass_time()
    assert world.run().code == 0
    world.loop.label(world.returned())
    before = world.watermark()
    world.breaks("list.*", "short_page", service="loop", rows=750)
    world.pass_time()

    ran = world.run()

    assert (ran.code, world.watermark()) == (4, before)
    world.heals()
    assert world.run().code == 0
    assert_agreement(world)


@pytest.mark.covers("F39")
def test_a_row_that_makes_no_sense_is_kept_aside_and_spoils_nothing(world: World) -> None:
    world.go_live()
    bad, good = world.returned(), world.returned()
    world.loop.edit(bad, extra={"line_items": "none of your business"})
    world.pass_time()

    first = world.run()
    later = world.run()

    assert (first.code, later.code) == (3, 3)
    assert first.report["counts"]["malformed"] == later.report["counts"]["malformed"] == 1
    assert (len(world.in_jetti(good)), world.in_jetti(bad)) == (1, [])
    assert "none of your business" not in json.dumps(first.report)
    world.loop.edit(bad, extra={})
    world.pass_time()
    assert (world.run().code, len(world.in_jetti(bad))) == (0, 1)
    assert_agreement(world)


def test_a_row_that_stops_making_sense_does_not_lose_what_was_pushed(world: World) -> None:
    world.go_live()
    one = world.returned()
    world.pass_time()
    world.run()
    world.loop.edit(one, extra={"state": 7})
    world.pass_time()

    assert world.run().code == 3

    assert [made["status"] for made in world.in_jetti(one)] == ["requested"]


@pytest.mark.covers("F43", "P8")
def test_a_touch_without_a_change_costs_nothing_but_the_reading(world: World) -> None:
    world.go_live()
    several = [world.returned() for _ in range(3)]
    world.pass_time()
    world.run()
    for one in several:
        world.loop.touch(one)
    world.pass_time()

    ran = world.run()

    assert (ran.code, ran.report["changes"], ran.jetti_requests) == (0, [], (0, 0))


def test_a_return_that_changes_between_two_windows_ends_at_its_newest(world: World) -> None:
    world.go_live("90d")
    one = world.submit(world.order(("Acme", 1)), at=world.clock.now() - timedelta(days=80))
    world.loop.label(one, status="in_transit", at=world.clock.now() - timedelta(days=40))
    world.loop.set_state(one, "closed", at=world.clock.now() - timedelta(days=2))
    world.pass_time()

    assert world.run().code == 0

    assert_agreement(world)


def test_what_happens_within_the_lag_is_left_for_the_next_run(world: World) -> None:
    world.go_live()
    one = world.returned()
    world.pass_time(seconds=60)

    assert world.run().outcomes == {}

    world.pass_time(seconds=61)
    assert world.run().outcomes == {one: ("create", "pushed")}


def test_a_server_clock_that_is_behind_holds_the_watermark_back(world: World) -> None:
    world.go_live()
    world.returned()
    world.pass_time()
    world.run()

    assert world.watermark() <= world.clock.now() - timedelta(seconds=120)


def test_the_watermark_is_how_far_reading_came_and_not_the_newest_return(world: World) -> None:
    world.go_live()
    world.returned()
    world.pass_time(hours=2)

    ran = world.run()

    assert world.watermark() == NOON + timedelta(hours=2, seconds=-120)
    assert [window["drained"] for window in ran.report["run"]["windows"]] == [True]


def test_without_dates_in_the_answers_the_run_keeps_its_distance(directory: Path) -> None:
    with a_world(directory, dates=False) as world:
        world.go_live()
        one = world.returned()
        world.pass_time(minutes=5)
        early = world.run()
        world.pass_time(minutes=5)

        late = world.run()

        assert (early.outcomes, late.outcomes) == ({}, {one: ("create", "pushed")})
        assert_agreement(world)


def test_a_window_of_thousands_is_recorded_as_it_was_read(world: World) -> None:
    """Most of its returns wait packed until the window is drained."""
    world.go_live()
    now = world.clock.now()
    submitted = [
        world.submit(world.order(("Acme", 3), arrives=False), 1 + number % 3, at=now - HOUR)
        for number in range(2_100)
    ]
    world.pass_time()

    assert world.run().code == 7, "more than the guard lets through at once"

    with open_reader(world.ledger, world.clock) as ledger:
        entries = ledger.entries.get(submitted)
    assert [entry.id for entry in entries] == submitted
    for entry, order, number in zip(entries, world.orders, range(2_100), strict=True):
        [line] = order.lines
        assert (entry.seen.order_name, entry.seen.order_id) == (order.name, order.order_id)
        assert [one.order_line_id for one in entry.seen.lines] == [line.order_line_id] * (
            1 + number % 3
        )
        assert (entry.seen.created_at, entry.state) == (now - HOUR, State.PENDING)
