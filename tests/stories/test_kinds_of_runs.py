"""Ranges, sweeps, single returns, budgets: what each kind of run reads, pushes and leaves alone."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.support.agreement import assert_agreement
from tests.support.world import NOON, World


def day(days: float) -> str:
    """So many days before noon, as `--from` takes it."""
    return f"{NOON - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def left_over(world: World) -> str:
    """A return that the last pass had no budget for."""
    one = world.returned()
    world.pass_time()
    assert world.run("--max-writes", "0").code == 0
    assert world.state(one) == "pending"
    return one


# --------------------------------------------------------------------------------------- range


@pytest.mark.parametrize("by", ["created", "updated"])
def test_a_range_of_two_hundred_days_is_read_in_windows_and_pushed(world: World, by: str) -> None:
    world.go_live()
    old = [
        world.submit(world.order(("Acme", 1)), at=NOON - timedelta(days=days))
        for days in (199, 150, 100, 60, 29)
    ]
    before = world.watermark()

    ran = world.run("--from", "200d", "--yes", "--by", by)

    windows = ran.report["run"]["windows"]
    assert (ran.code, len(windows)) == (0, 7)
    assert all(window["drained"] for window in windows)
    assert {world.state(one) for one in old} == {"synced"}
    assert world.watermark() == before
    assert_agreement(world)


@pytest.mark.sockets
def test_a_range_pushes_only_what_it_read(world: World) -> None:
    world.go_live()
    backlog = left_over(world)
    old = world.submit(world.order(("Acme", 1)), at=NOON - timedelta(days=40))

    ran = world.run("--yes", "--from", day(50), "--to", day(30), "--by", "created")

    assert ran.outcomes == {old: ("create", "pushed")}
    assert (world.in_jetti(backlog), world.state(backlog)) == ([], "pending")


def test_a_range_by_update_differs_from_one_by_creation(world: World) -> None:
    world.go_live()
    one = world.submit(world.order(("Acme", 1)), at=NOON - timedelta(days=40))
    world.loop.touch(one)
    world.pass_time()

    created = world.run("--yes", "--from", day(20), "--by", "created")
    updated = world.run("--yes", "--from", day(20))

    assert (created.outcomes, updated.outcomes) == ({}, {one: ("create", "pushed")})


def test_a_range_again_is_silent(world: World) -> None:
    world.go_live()
    world.submit(world.order(("Acme", 1)), at=NOON - timedelta(days=40))
    world.run("--from", "50d", "--yes", "--by", "created")

    again = world.run("--from", "50d", "--yes", "--by", "created")

    assert (again.code, again.report["changes"], again.jetti_requests) == (0, [], (0, 0))


# ------------------------------------------------------------------------------ single returns


@pytest.mark.sockets
def test_one_return_alone(world: World) -> None:
    world.go_live()
    backlog = left_over(world)
    one, other = world.returned(), world.returned()
    before = world.watermark()

    ran = world.run("--return", one)

    assert (ran.code, ran.outcomes) == (0, {one: ("create", "pushed")})
    assert (world.in_jetti(other), world.in_jetti(backlog)) == ([], [])
    assert world.watermark() == before


def test_one_return_from_before_go_live_is_created_when_a_person_names_it(world: World) -> None:
    world.go_live("1d")
    one = world.submit(world.order(("Acme", 1)), at=NOON - timedelta(days=90))

    assert world.run("--return", one).outcomes == {one: ("create", "pushed")}


def test_an_unknown_return_or_order_is_refused(world: World) -> None:
    world.go_live()
    world.returned()

    missing = world.run("--return", "99")
    nowhere = world.run("--order", "#99")

    assert (missing.code, nowhere.code, world.writes()) == (2, 2, [])
    assert "99" in json.dumps(missing.report["run"]["failures"])


@pytest.mark.parametrize("written", ["#1001", "1001"])
def test_an_order_takes_the_returns_that_the_ledger_knows_too(world: World, written: str) -> None:
    world.go_live()
    order = world.order(("Acme", 1), ("Bolt", 1))
    first = world.submit(order, 1, 0)
    world.pass_time()
    world.run("--max-writes", "0")
    second = world.submit(order, 0, 1)
    other = world.returned()

    ran = world.run("--order", written)

    assert set(ran.outcomes) == {first, second}
    assert world.in_jetti(other) == []
    assert len(world.on_order(order)) == 2


@pytest.mark.covers("R12")
@pytest.mark.sockets
def test_an_order_takes_what_the_ledger_knows_by_a_name_that_the_order_bore_before(
    world: World,
) -> None:
    world.go_live()
    order = world.order(("Acme", 1), ("Bolt", 1))
    first = world.submit(order, 1, 0, at=NOON - timedelta(days=40))
    world.run("--sweep", "120d")
    second = world.submit(order, 0, 1)
    other = world.returned()
    for one in (first, second):
        world.loop.edit(one, order_name="#1001-R")
    world.pass_time()

    ran = world.run("--order", "#1001-R")

    assert set(ran.outcomes) == {first, second}
    assert world.in_jetti(other) == []
    assert len(world.on_order(order)) == 2


# --------------------------------------------------------------------------------------- sweep


def test_a_sweep_never_creates_what_is_older_than_go_live(world: World) -> None:
    world.go_live()
    old = world.submit(world.order(("Acme", 1)), at=NOON - timedelta(days=40))
    before = world.watermark()

    swept = world.run("--sweep", "120d")
    again = world.run("--sweep", "120d")

    assert (swept.code, swept.outcomes) == (0, {old: ("adopt", "skipped")})
    assert (world.jetti.sale_returns(), world.watermark()) == ([], before)
    # The key is tried.
    assert (again.report["changes"], again.jetti_requests) == ([], (1, 0))


@pytest.mark.sockets
def test_a_sweep_adopts_what_is_older_than_go_live_and_marked(world: World) -> None:
    world.go_live()
    order = world.order(("Acme", 1))
    old = world.submit(order, at=NOON - timedelta(days=40))
    item = world.item_ids(order)[0]
    world.jetti.raise_sale_return(world.sale_id(order), {item: 1}, externalId=old)

    swept = world.run("--sweep", "120d")
    world.run()
    world.loop.label(old, status="in_transit")
    world.pass_time()
    later = world.run()

    assert swept.outcomes[old] == ("adopt", "pushed")
    assert later.outcomes == {old: ("update", "pushed")}
    assert_agreement(world)


@pytest.mark.covers("F45")
def test_a_sweep_finds_movement_that_loop_does_not_date(world: World) -> None:
    world.sandbox.loop.switches.label_changes_bump = False
    world.go_live()
    one = world.returned()
    world.loop.label(one)
    world.pass_time()
    world.run()
    world.pass_time(days=3)
    world.run()
    world.loop.move_label(one, "in_transit")
    world.pass_time()
    assert world.run().outcomes == {}

    swept = world.run("--sweep", "120d")

    assert swept.outcomes == {one: ("update", "pushed")}
    assert_agreement(world)


@pytest.mark.covers("F38")
def test_an_unfinished_return_that_is_gone_from_loop_is_skipped(world: World) -> None:
    world.go_live()
    one = world.submit(world.order(("Acme", 1), arrives=False))
    world.pass_time()
    world.run()
    world.loop.remove(one)
    world.pass_time()

    swept = world.run("--sweep", "120d")

    assert (swept.code, world.state(one)) == (0, "skipped")


@pytest.mark.covers("F38")
@pytest.mark.parametrize("how", ["gone", "in a state that is not listed"])
def test_one_that_was_pushed_and_is_gone_is_for_a_person(world: World, how: str) -> None:
    world.go_live()
    one = world.returned()
    world.pass_time()
    world.run()
    world.loop.label(one)
    world.pass_time()
    world.run("--max-writes", "0")
    if how == "gone":
        world.loop.remove(one)
    else:
        world.loop.set_state(one, "processing")
    world.pass_time()

    swept = world.run("--sweep", "120d")

    assert (swept.code, world.state(one)) == (3, "review")
    assert len(world.in_jetti(one)) == 1


# ------------------------------------------------------------------------------------- budgets


def test_a_budget_of_writes_ends_between_two_returns(world: World) -> None:
    world.go_live()
    for _ in range(3):
        world.returned()
    world.pass_time()

    ran = world.run("--max-writes", "1")

    outcomes = [outcome for _, outcome in ran.outcomes.values()]
    assert (ran.code, sorted(outcomes)) == (0, ["deferred", "deferred", "pushed"])
    assert ran.jetti_requests[1] == 3, "none is left half done"
    assert world.run().code == 0
    assert_agreement(world)


def test_a_budget_of_time_does_too(world: World) -> None:
    world.go_live()
    for _ in range(4):
        world.returned()
    world.pass_time()

    ran = world.run("--max-seconds", "4s", RECONCILER_JETTI__WRITES_PER_SECOND="1")

    outcomes = [outcome for _, outcome in ran.outcomes.values()]
    assert ran.code == 0
    assert {"deferred", "pushed"} == set(outcomes)
    assert world.run().code == 0
    assert_agreement(world)


def test_what_a_budget_puts_off_for_too_long_is_told(world: World) -> None:
    world.go_live()
    left_over(world)
    world.pass_time(hours=25)

    assert world.run("--max-writes", "0").code == 3


def test_the_newest_go_first_and_then_the_backlog(world: World) -> None:
    world.go_live()
    backlog = left_over(world)
    fresh = world.returned()
    world.pass_time()

    ran = world.run("--max-writes", "1")

    assert ran.outcomes[fresh][1] == "pushed"
    assert ran.outcomes[backlog][1] == "deferred"


# ----------------------------------------------------------------------------- init and ledgers


def lost(world: World) -> None:
    for path in world.directory.iterdir():
        path.unlink()


@pytest.mark.covers("F91")
@pytest.mark.sockets
def test_a_lost_ledger_is_rebuilt_without_one_duplicate(world: World) -> None:
    world.go_live()
    several = [world.returned(("Acme", 1), ("Bolt", 1)) for _ in range(3)]
    cancelled = world.returned()
    world.loop.label(several[0])
    world.pass_time()
    world.run()
    world.loop.set_state(cancelled, "cancelled")
    world.pass_time()
    world.run()
    new = world.returned()
    before = world.jetti.sale_returns()
    lost(world)

    adopted = world.call("init", "--since", "7d", "--adopt")

    assert (adopted.code, world.jetti.sale_returns()) == (0, before)
    world.pass_time()
    ran = world.run()
    assert (ran.code, ran.outcomes) == (0, {new: ("create", "pushed")})
    assert_agreement(world)
    world.pass_time()
    assert world.run().jetti_requests == (0, 0)


def test_a_ledger_lost_between_create_and_marker_adopts_by_meaning(world: World) -> None:
    world.go_live()
    world.returned(("Acme", 1))
    world.pass_time()
    world.run()
    lost(world)
    for made in world.jetti.sale_returns():
        world.jetti.edit_sale_return(made["id"], externalId=None)
    world.go_live()
    world.pass_time()

    assert world.run().code == 0

    assert len(world.jetti.sale_returns()) == 1
    assert_agreement(world)


@pytest.mark.covers("F91")
def test_a_ledger_lost_while_a_create_is_in_the_air_makes_no_second_one(world: World) -> None:
    world.go_live()
    world.returned(("Acme", 1))
    world.pass_time()
    world.breaks("POST *", "applied_later", nth=1, seconds=170)
    world.run()
    lost(world)

    world.call("init", "--since", "7d", "--adopt")

    world.run()
    world.pass_time()
    world.run()
    assert len(world.jetti.sale_returns()) == 1


def test_a_new_ledger_stops_where_jetti_holds_our_markers(world: World) -> None:
    world.go_live()
    world.returned()
    world.pass_time()
    world.run()
    lost(world)
    world.go_live()
    world.pass_time()
    before = len(world.writes())

    ran = world.run()

    assert (ran.code, len(world.writes())) == (7, before)
    assert "init --adopt" in json.dumps(ran.report["run"]["failures"])


@pytest.mark.parametrize("options", [(), ("--from", "40d", "--yes", "--by", "created")])
def test_a_stopped_new_ledger_goes_on_after_the_command_that_it_names(
    world: World, options: tuple[str, ...]
) -> None:
    go_live = ("init", "--since", "1h" if options else "40d")
    world.call(*go_live)
    world.returned()
    world.pass_time()
    world.run()
    world.pass_time(hours=20 * 24)
    lost(world)
    world.call(*go_live)
    assert world.run(*options).code == 7

    adopted = world.call("init", "--adopt")

    assert adopted.code == 0
    before = len(world.writes())
    assert (world.run(*options).code, len(world.writes())) == (0, before)
    assert_agreement(world)


def test_adopting_that_could_not_look_says_to_do_it_again(world: World) -> None:
    world.breaks("*", "503", service="loop")

    adopted = world.call("init", "--adopt")

    assert adopted.code == 4
    assert adopted.stdout.strip().split("\n")[-1].startswith("next       reconciler init --adopt")


def test_adopting_twice_moves_no_watermark(world: World) -> None:
    world.go_live()
    world.returned()
    world.pass_time()
    world.run()
    before = world.watermark()
    world.pass_time(hours=1)

    again = world.call("init", "--adopt", "--since", "7d")

    assert (again.code, world.watermark()) == (0, before)
    assert_agreement(world)


@pytest.mark.parametrize("content", [None, b"", b"SQLite format 3\x00 not really", b"<html>"])
def test_a_missing_or_foreign_ledger_is_refused(world: World, content: bytes | None) -> None:
    if content is not None:
        (world.directory / "ledger.db").write_bytes(content)
    world.returned()
    world.pass_time()

    ran = world.run()

    assert ran.code in (7, 8)
    assert ran.code == 7 or content
    assert world.writes() == []


def test_an_older_copy_of_the_ledger_makes_no_duplicate(world: World) -> None:
    world.go_live()
    first = world.returned()
    world.pass_time()
    world.run()
    path = world.directory / "ledger.db"
    copy = path.read_bytes()
    world.loop.label(first, status="in_transit")
    world.returned(("Acme", 1), ("Bolt", 1))
    world.pass_time()
    world.run()
    path.write_bytes(copy)
    world.pass_time()

    assert world.run().code == 0

    assert_agreement(world)
    world.pass_time()
    assert world.run().jetti_requests == (0, 0)


@pytest.mark.covers("F41")
def test_a_foreign_shop_stops_before_anything_is_written(world: World) -> None:
    world.go_live()
    world.returned()
    world.pass_time()
    world.run()
    world.sandbox.loop.store.shop = "another-shop"
    world.returned()
    world.pass_time()
    before = world.watermark(), len(world.writes())

    ran = world.run()

    assert (ran.code, (world.watermark(), len(world.writes()))) == (7, before)
    assert world.call("init", "--repin").code == 0
    assert world.run().code == 0
    assert_agreement(world)


def test_a_foreign_jetti_account_stops_before_anything_is_written(world: World) -> None:
    world.go_live()
    world.returned()
    world.pass_time()
    world.run()
    one = world.returned()
    world.sandbox.jetti.switches.company_id = 77
    world.pass_time()
    before = len(world.writes())

    ran = world.run()

    assert (ran.code, len(world.writes()), world.in_jetti(one)) == (7, before, [])
    assert world.call("init", "--repin").code == 0
    assert world.run().code == 0
    assert_agreement(world)


def test_a_clock_far_behind_stops(world: World) -> None:
    world.go_live()
    world.pass_time()
    world.run()
    world.returned()
    world.sandbox.clock.set(NOON - timedelta(days=2))
    before = world.watermark()

    ran = world.run()

    assert (ran.code, world.watermark(), world.writes()) == (7, before, [])


@pytest.mark.parametrize(("minutes", "code"), [(30, 0), (180, 4)])
def test_a_clock_less_behind_does_not_stop_but_hours_are_no_complete_reading(
    world: World, minutes: int, code: int
) -> None:
    world.go_live()
    world.pass_time()
    world.run()
    before = world.watermark()
    world.sandbox.clock.set(NOON - timedelta(minutes=minutes))

    assert (world.run().code, world.watermark()) == (code, before)
