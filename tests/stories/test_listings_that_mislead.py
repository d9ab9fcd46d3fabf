"""Loop's list leaves out, repeats, reorders, drops parameters: nothing is lost for good."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.stories.between_requests import Asked, once
from tests.support.agreement import assert_agreement, heal_and_agree
from tests.support.world import World

SMALL = {"RECONCILER_LOOP__PAGE_SIZE": "2"}
TOO_MANY_TO_PUSH = ("--from", "2d", "--yes", "--max-writes", "0")


def switched(world: World, **values: Any) -> None:
    for name, value in values.items():
        assert hasattr(world.sandbox.loop.switches, name)
        setattr(world.sandbox.loop.switches, name, value)


def of_minutes(world: World, *minutes_ago: float) -> list[str]:
    """One return each, submitted that long ago."""
    now = world.clock.now()
    return [
        world.submit(world.order(("Acme", 1)), at=now - timedelta(minutes=ago))
        for ago in minutes_ago
    ]


def listing(state: str, number: int) -> Callable[[Asked], bool]:
    """The question for a page in that state, the n-th one for it (probes count)."""
    met: list[Asked] = []

    def is_it(asked: Asked) -> bool:
        query = parse_qs(asked.query)
        if asked.service == "loop" and query.get("state") == [state] and asked.number > 0:
            met.append(asked)
            return len(met) == number + 1
        return False

    return is_it


# ------------------------------------------------------------------------ pages cut short (F25)


@pytest.mark.covers("F25")
@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_page_that_loses_its_last_rows_is_made_up_for_by_the_next_run(
    world: World, kept: int
) -> None:
    world.go_live()
    several = of_minutes(world, 10, 11, 12)
    world.breaks("list.first", "short_page", service="loop", nth=1, rows=3 - kept)

    first = world.run()

    assert (first.code, first.report["counts"]["created"]) == (0, kept)
    heal_and_agree(world, minutes=6)
    assert {world.state(one) for one in several} == {"synced"}


@pytest.mark.covers("F25")
@pytest.mark.parametrize("operation", ["list.first", "list.next"])
def test_a_page_that_has_a_next_one_and_loses_rows_is_made_up_for_at_once(
    world: World, operation: str
) -> None:
    world.go_live()
    of_minutes(world, *range(10, 17))
    world.breaks(operation, "short_page", service="loop", nth=1, rows=1)

    ran = world.run(**SMALL)

    assert (ran.code, ran.report["counts"]["created"]) == (0, 7)
    assert_agreement(world)


@pytest.mark.covers("F25")
def test_rows_lost_from_before_the_overlap_are_found_by_the_sweep(world: World) -> None:
    world.go_live()
    several = of_minutes(world, 300, 301, 302)
    world.breaks("list.first", "short_page", service="loop", nth=1, rows=2)
    assert world.run().report["counts"]["created"] == 1
    world.heals()
    world.pass_time()
    assert world.run().outcomes == {}

    swept = world.run("--sweep", "120d")

    assert (swept.code, swept.report["counts"]["created"]) == (0, 2)
    assert {world.state(one) for one in several} == {"synced"}
    assert_agreement(world)


# ----------------------------------------------------------------------- next links (F27 to F29)


@pytest.mark.covers("F27")
def test_a_next_link_of_two_megabytes_is_a_failure_and_no_more(world: World) -> None:
    world.go_live()
    of_minutes(world, 10)
    before = world.watermark()
    home = world.environ["LOOP_BASE_URL"]
    link = f"{home}/warehouse/return/list?cursor={'x' * 2_000_000}"
    body = f'{{"returns":[],"nextPageUrl":"{link}","previousPageUrl":null}}'
    world.breaks("list.first", "raw", service="loop", body=body)

    ran = world.run()

    assert (ran.code, world.watermark(), len(ran.stdout) < 10_000) == (4, before, True)
    heal_and_agree(world)


@pytest.mark.covers("F28")
@pytest.mark.parametrize(("implied", "without_from"), [(True, "last_day"), (False, "open_ended")])
def test_what_a_next_link_leaves_out_is_sent_all_the_same(
    world: World, implied: bool, without_from: str
) -> None:
    switched(world, cursor_implies_paginate=implied, cursor_without_from=without_from)
    world.go_live()
    of_minutes(world, *range(10, 17))
    older = world.submit(world.order(("Acme", 1)), at=world.clock.now() - timedelta(days=6))

    ran = world.run(**SMALL)

    assert ran.code == 0
    assert world.in_jetti(older), "it lies in the window of a new ledger"
    assert_agreement(world)


@pytest.mark.covers("F28")
@pytest.mark.parametrize(
    ("name", "codes"),
    [("from", {0, 4}), ("filter", {0, 4}), ("state", {0})],
)
def test_a_parameter_that_loop_loses_costs_nothing_for_good(
    world: World, name: str, codes: set[int]
) -> None:
    world.go_live()
    of_minutes(world, *range(10, 15))
    [cancelled] = of_minutes(world, 16)
    world.loop.set_state(cancelled, "cancelled")
    outside = world.submit(world.order(("Acme", 1)), at=world.clock.now() - timedelta(days=30))
    world.pass_time()
    world.breaks("list.*", "parameters_dropped", service="loop", names=[name])

    ran = world.run(**SMALL)

    assert ran.code in codes
    world.heals()
    world.pass_time()
    assert world.run().code == 0
    assert world.in_jetti(outside) == [], "it is older than go-live, whoever lists it"
    world.loop.remove(outside)
    assert_agreement(world)


@pytest.mark.covers("F28")
def test_a_list_without_pages_is_not_taken_for_one_page(world: World) -> None:
    world.go_live()
    of_minutes(world, *range(10, 15))
    before = world.watermark()
    world.breaks("list.*", "parameters_dropped", service="loop", names=["paginate"])

    assert (world.run(**SMALL).code, world.watermark()) == (4, before)
    heal_and_agree(world)


# ---------------------------------------------------------------------- equal seconds (F31, F32)


@pytest.mark.covers("F31")
@pytest.mark.parametrize("ties", [751, 2000])
def test_a_second_with_more_returns_than_a_page_holds_is_read_whole(
    world: World, ties: int
) -> None:
    world.go_live()
    order, at = world.order(("Acme", 1)), world.clock.now() - timedelta(hours=1)
    several = {world.submit(order, at=at) for _ in range(ties)}
    of_minutes(world, 59, 61)

    ran = world.run(*TOO_MANY_TO_PUSH)

    assert (ran.code, ran.report["counts"]["new"]) == (0, ties + 2)
    assert {world.state(one) for one in sorted(several)[:: ties // 7]} == {"pending"}


@pytest.mark.covers("F31")
def test_a_second_that_can_be_read_in_no_way_is_not_drained(world: World) -> None:
    world.go_live()
    at = world.clock.now() - timedelta(hours=1)
    order = world.order(("Acme", 9))
    for _ in range(5):
        world.submit(order, 1, at=at)
    of_minutes(world, 70)
    before = world.watermark()
    # The second of the two probes is the one without pages.
    world.breaks("list.probe", "404", service="loop")

    assert (world.run(**SMALL).code, world.watermark()) == (4, before)
    heal_and_agree(world)


@pytest.mark.covers("F32")
@pytest.mark.parametrize("ends", ["inclusive", "exclusive"])
def test_returns_at_the_very_edge_of_a_window_are_pushed_once(world: World, ends: str) -> None:
    switched(world, window_ends=ends)
    world.go_live()
    world.pass_time()
    world.run()
    edge = world.watermark()
    several = [
        world.submit(world.order(("Acme", 1)), at=edge + timedelta(seconds=seconds))
        for seconds in (-1, 0, 1)
    ]
    world.pass_time(seconds=1)
    first = world.run()
    world.pass_time()

    second = world.run()

    told = [*first.outcomes, *second.outcomes]
    assert (first.code, second.code, sorted(told)) == (0, 0, sorted(several))
    assert_agreement(world)


# --------------------------------------------------------------- changes while paging (F30, F33)


@pytest.mark.covers("F30", "F33")
@pytest.mark.parametrize("order", ["newest_first", "oldest_first"])
@pytest.mark.parametrize(("place", "number"), [(0, 1), (6, 1), (3, 2)])
def test_a_return_that_changes_while_it_is_paged_ends_at_its_newest_with_one_set(
    world: World, order: str, place: int, number: int
) -> None:
    switched(world, order=order)
    world.go_live()
    several = of_minutes(world, *range(10, 17))
    one = several[place]

    def change() -> None:
        world.loop.label(one, status="in_transit")

    struck = once(world, listing("open", number), change)

    assert world.run(**SMALL).code == 0
    assert struck
    heal_and_agree(world)
    assert len(world.jetti.sale_returns()) == 7


@pytest.mark.covers("F44")
@pytest.mark.parametrize("state", ["cancelled", "closed"])
def test_a_return_that_slips_between_two_states_shows_in_the_next_run(
    world: World, state: str
) -> None:
    world.go_live()
    [one] = of_minutes(world, 10)
    world.loop.set_state(one, state, at=world.clock.now() - timedelta(minutes=9))
    # The open ones are read by then; those in its old state are not.
    struck = once(world, listing("closed", 0), lambda: world.loop.set_state(one, "open"))

    first = world.run()

    assert (struck != [], first.code, first.outcomes) == (True, 0, {})
    world.pass_time()
    assert world.run().outcomes == {one: ("create", "pushed")}
    assert_agreement(world)


# -------------------------------------------------------------------------------- late rows (F34)


@pytest.mark.covers("F34", "P3")
@pytest.mark.parametrize(
    ("delay", "found_by"),
    [
        ({"seconds": 5}, "the next run"),
        ({"minutes": 10}, "the overlap"),
        ({"hours": 3}, "the sweep"),
        ({"days": 3}, "the sweep"),
    ],
)
def test_a_row_that_shows_late_is_found_by_what_is_there_for_it(
    world: World, delay: dict[str, float], found_by: str
) -> None:
    late = timedelta(**delay)
    switched(world, visible_after=late.total_seconds())
    world.go_live()
    one = world.returned()
    # Passes go on all the while, as cron makes them.
    every = timedelta(minutes=10) if late < timedelta(hours=1) else late / 6
    shows_at = world.clock.now() + late
    while world.clock.now() < shows_at:
        world.pass_time(seconds=every.total_seconds())
        world.run()
    world.pass_time(minutes=10)
    passed = world.run()

    swept = world.run("--sweep", "120d")

    done = {"the next run": True, "the overlap": True, "the sweep": False}[found_by]
    assert world.state(one) == "synced"
    assert swept.outcomes == ({} if done else {one: ("create", "pushed")})
    assert (passed.code, swept.code) == (0, 0)
    assert_agreement(world)


@pytest.mark.covers("F34")
def test_what_shows_later_than_any_sweep_is_found_by_a_range_that_a_person_types(
    world: World,
) -> None:
    world.go_live()
    old = world.submit(world.order(("Acme", 1)), at=world.clock.now() - timedelta(days=130))
    world.pass_time()

    assert world.run("--sweep", "120d").outcomes == {}
    assert world.run("--from", "140d", "--yes", "--by", "created").outcomes == {
        old: ("create", "pushed")
    }


# ------------------------------------------------------------------------- what is asked (F36)

_TIME = r"2026-\d\d-\d\d%20\d\d%3A\d\d%3A\d\d"
_WHOLE = re.compile(
    rf"from={_TIME}&to={_TIME}&filter=(updated|created)_at"
    r"&state=(open|closed|cancelled|expired|review)"
    r"(&paginate=true&pageSize=\d+(&cursor=[A-Za-z0-9_%-]+)?)?"
)


@pytest.mark.covers("F36")
@pytest.mark.parametrize("options", [(), ("--sweep", "40d"), ("--from", "40d", "--yes")])
def test_every_question_to_the_list_names_both_ends_in_utc_without_an_offset(
    world: World, options: tuple[str, ...]
) -> None:
    world.go_live()
    of_minutes(world, *[10] * 5, 11, 12)

    assert world.run(*options, **SMALL).code == 0

    asked = [one.query for one in world.sandbox.request_log.all() if one.service == "loop"]
    assert len(asked) > 7
    assert [query for query in asked if not _WHOLE.fullmatch(query)] == []


# ------------------------------------------------------------------------ gone from Loop (F38)


@pytest.mark.covers("F38")
@pytest.mark.parametrize("options", [(), ("--sweep", "120d")])
def test_a_finished_return_that_loop_forgets_stays_as_it_is_in_jetti(
    world: World, options: tuple[str, ...]
) -> None:
    world.go_live()
    [one, _] = of_minutes(world, 10, 11)
    assert world.run().code == 0
    before = world.jetti.sale_returns()
    world.loop.remove(one)
    world.pass_time()

    ran = world.run(*options)

    tried = int("--sweep" in options)  # a sweep tries the key
    assert (ran.code, ran.jetti_requests, world.jetti.sale_returns()) == (0, (tried, 0), before)
    assert world.run("--return", one).code == 2, "and a person who names it is told"
