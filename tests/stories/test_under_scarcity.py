"""More to push than Jetti takes: fresh changes come first, the backlog has a share, neither starves
(performance.md#under-scarcity)."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from reconciler.sandbox.request_log import LoggedRequest
from tests.support.agreement import assert_agreement
from tests.support.death import dies, nth_hit
from tests.support.leaks import searched_directory
from tests.support.scarcity import Scarcity, busy_shop, created, make_scarce, put_off
from tests.support.world import World

SHARE = "the backlog has had its share of this pass, so it was left for a later pass"


@pytest.fixture
def scarce(world: World) -> World:
    """At Jetti's own pace, with the id list proven."""
    make_scarce(world)
    world.trusted()
    return world


def a_backlog(world: World, count: int) -> list[str]:
    """Returns of three days ago that were recorded and left, the oldest first."""
    at = world.clock.now() - timedelta(days=3)
    made = [world.submit(world.order(("Acme", 1)), at=at) for _ in range(count)]
    put_off(world, "--from", "7d", "--yes")
    return made


# ---------------------------------------------------------------------- the share of the backlog


@pytest.mark.parametrize("options", [(), ("--sweep", "120d")], ids=["a pass", "a sweep"])
def test_the_backlog_is_left_alone_before_the_next_pass_is_due(
    scarce: World, options: tuple[str, ...]
) -> None:
    backlog = a_backlog(scarce, 100)
    began = scarce.clock.now()

    ran = scarce.run(*options)

    took = (scarce.clock.now() - began).total_seconds()
    pushed = [one for one in backlog if scarce.in_jetti(one)]
    left = backlog[len(pushed) :]
    assert ran.code == 0
    assert 270 <= took < 300
    assert pushed == backlog[: len(pushed)], "oldest first"
    assert len(pushed) > 80
    assert {ran.reason(one) for one in left} == {SHARE}
    assert {ran.outcomes[one] for one in left} == {("create", "deferred")}
    assert ran.report["backlog"]["left"] == len(left)


@pytest.mark.parametrize(
    "options",
    [("--max-seconds", "10m"), ("--from", "7d", "--yes")],
    ids=["as long as someone says", "a range that someone asked for"],
)
def test_what_someone_waits_for_is_not_cut(scarce: World, options: tuple[str, ...]) -> None:
    backlog = a_backlog(scarce, 100)
    began = scarce.clock.now()

    ran = scarce.run(*options)

    assert ran.code == 0
    assert (scarce.clock.now() - began).total_seconds() > 300
    assert all(scarce.in_jetti(one) for one in backlog)
    assert ran.report["backlog"]["left"] == 0


def test_the_next_pass_goes_on_and_nothing_is_left_when_it_fits(scarce: World) -> None:
    backlog = a_backlog(scarce, 100)
    assert scarce.run().code == 0
    scarce.pass_time(seconds=30)

    assert scarce.run().code == 0

    assert list(created(scarce))[1:] == backlog
    assert_agreement(scarce)


# ---------------------------------------------------------------------------- what is fresh first


def test_a_return_whose_order_came_late_does_not_wait_behind_the_backlog(scarce: World) -> None:
    a_backlog(scarce, 10)
    order = scarce.order(("Acme", 1), arrives=False)
    late = scarce.submit(order)
    scarce.pass_time()
    assert scarce.run("--max-writes", "0").outcomes[late][1] == "deferred"
    scarce.pass_time(hours=8)
    scarce.jetti.import_sale(order)

    ran = scarce.run("--max-writes", "1")

    assert {one: how for one, how in ran.outcomes.items() if how[1] == "pushed"} == {
        late: ("create", "pushed")
    }


def test_fresh_changes_leave_a_quarter_of_the_writes_to_the_oldest_of_the_backlog(
    scarce: World,
) -> None:
    oldest, *_ = a_backlog(scarce, 5)
    fresh = [scarce.returned() for _ in range(9)]
    scarce.pass_time()
    before = len(created(scarce))

    ran = scarce.run("--max-writes", "12")

    assert list(created(scarce))[before:] == [*fresh[:-4:-1], oldest]
    assert ran.jetti_requests[1] == 12
    assert ran.reason(fresh[0]) == (
        "the budget of 12 writes is spent, so it was left for a later pass"
    )


def test_lookups_that_can_wait_delay_no_write_of_a_fresh_return(scarce: World) -> None:
    backlog = a_backlog(scarce, 3)
    fresh = [scarce.returned() for _ in range(2)]
    cancelled = [scarce.returned() for _ in range(2)]
    for one in cancelled:
        scarce.loop.set_state(one, "cancelled")
    scarce.pass_time()
    scarce.sandbox.request_log.clear()

    assert scarce.run().code == 0

    asked = [one for one in scarce.sandbox.request_log.all() if one.service == "jetti"]
    writes = [at for at, one in enumerate(asked) if one.method != "GET"]
    until_the_last_of_fresh = asked[: writes[3 * len(fresh) - 1]]
    assert named_in(until_the_last_of_fresh).issuperset(fresh)
    assert named_in(until_the_last_of_fresh).isdisjoint({*cancelled, *backlog})
    until_the_backlog = asked[: writes[3 * len(fresh)]]
    assert named_in(until_the_backlog).issuperset({*cancelled, *backlog})
    assert {scarce.state(one) for one in cancelled} == {"skipped"}
    assert {scarce.state(one) for one in backlog} == {"synced"}


def named_in(asked: Iterable[LoggedRequest]) -> set[str]:
    """All numbers in the queries: ids, and others that are no ids."""
    return {number for one in asked for number in re.findall(r"\d+", one.query)}


# -------------------------------------------------------------------------------- what is told


def told_by(text: str) -> tuple[int, str, float]:
    """What the line `backlog` says: how many returns, `about` or `at least`, seconds."""
    found = re.search(
        r"^backlog +(\d+) returns left(?: for later passes)?, (about|at least) (\S+)([mhd]) to go$",
        text,
        re.MULTILINE,
    )
    assert found, text
    return int(found[1]), found[2], float(found[3]) * {"m": 60, "h": 3600, "d": 86400}[found[4]]


def test_a_pass_and_status_say_how_much_is_left_and_for_how_long(scarce: World) -> None:
    a_backlog(scarce, 350)
    told = []
    for _ in range(2):
        began = scarce.clock.now()
        ran = scarce.call("run")
        at, pending = scarce.clock.now(), len(pending_in(scarce))
        told.append((at, told_by(ran.stdout)))
        status = scarce.call("status").stdout
        assert told_by(status) == told[-1][1]
        assert told[-1][1][0] == pending
        assert "left" not in status.partition("last runs")[2], "which only lists counts"
        scarce.pass_time(seconds=300 - (at - began).total_seconds())
    kept = json.loads(scarce.call("status", "--format", "json").stdout)["facts"]["backlog"]

    while pending_in(scarce):
        began = scarce.clock.now()
        last = scarce.run()
        done = scarce.clock.now()
        scarce.pass_time(seconds=300 - (done - began).total_seconds())

    (first_at, (_, least, first)), (at, (left, about, rest)) = told
    assert (least, about) == ("at least", "about")
    assert first < (done - first_at).total_seconds()
    assert rest == pytest.approx((done - at).total_seconds(), rel=0.1)
    assert (kept["left"], kept["is_measured"]) == (left, True)
    assert kept["seconds_left"] == pytest.approx(rest, rel=0.05)
    assert last.report["backlog"]["left"] == 0
    assert "backlog" not in scarce.call("status").stdout


def pending_in(world: World) -> list[str]:
    return [
        one for one in (row.id for row in world.loop.returns()) if world.state(one) == "pending"
    ]


def test_the_least_is_told_also_of_what_a_single_pass_can_do(scarce: World) -> None:
    a_backlog(scarce, 3)

    ran = scarce.call("run", "--max-writes", "1")

    seconds = json.loads(scarce.call("status", "--format", "json").stdout)["facts"]["backlog"]
    said = f"2 returns left for later passes, at least {seconds['seconds_left']}s to go"
    assert f"\nbacklog    {said}\n" in f"{ran.stdout}\n"


def test_a_dry_run_leaves_nothing_and_tells_no_backlog(scarce: World) -> None:
    a_backlog(scarce, 3)

    assert scarce.run("--dry-run").report["backlog"] is None
    assert "backlog" not in scarce.call("run", "--dry-run").stdout


def test_a_pass_that_did_not_come_to_its_plan_tells_no_backlog_and_spoils_no_estimate(
    scarce: World,
) -> None:
    a_backlog(scarce, 200)
    assert scarce.run().code == 0
    scarce.pass_time()
    refused = scarce.run(LOOP_API_KEY="k" * 20)
    scarce.pass_time()

    ran = scarce.run()

    assert (refused.code, refused.report["backlog"]) == (6, None)
    assert ran.report["backlog"]["is_measured"]


def test_once_creation_is_stopped_nobody_tells_when_the_rest_is_done(scarce: World) -> None:
    a_backlog(scarce, 20)
    scarce.sandbox.jetti.switches.cancel_ids_key = "saleItemIds"
    scarce.submit(scarce.order(("Acme", 1), ("Bolt", 1)), 1, 0)
    scarce.pass_time()

    told = [scarce.run(), scarce.run("--max-writes", "0")]

    assert [ran.code for ran in told] == [7, 7]
    assert [ran.report["backlog"] for ran in told] == [None, None]
    assert "backlog" not in scarce.call("status").stdout


# ---------------------------------------------------------------------- interrupted and resumed


@pytest.mark.covers("F1", "F6")
@pytest.mark.parametrize("seed", range(3))
def test_a_backlog_is_interrupted_and_resumed_anywhere(scarce: World, seed: int) -> None:
    chance, backlog, cut_off = random.Random(seed), a_backlog(scarce, 40), set()
    for _ in range(6):
        before = {*created(scarce)}
        if chance.random() < 0.5:
            dies(scarce, nth_hit(chance.randint(5, 80)))
        else:
            scarce.clock.stop_after_requests_to_jetti = chance.randint(1, 40) + sum(
                one.service == "jetti" for one in scarce.sandbox.request_log.all()
            )
            assert scarce.run().code == 130
            scarce.clock.stop_after_requests_to_jetti = None
        # Whatever was begun and not finished is read back by a later pass, before all others.
        cut_off |= {one for one in backlog if scarce.state(one) in ("in_flight", "unknown")}
        cut_off |= {*created(scarce)} - before - {one for one in backlog if is_done(scarce, one)}
        scarce.pass_time()

    while scarce.run().report["backlog"]["left"]:
        scarce.pass_time()

    rows = [row["externalId"] for row in scarce.jetti.sale_returns()]
    assert sorted(rows) == sorted({*rows}), "one sale return for each, none twice"
    undisturbed = [one for one in created(scarce) if one in backlog and one not in cut_off]
    assert undisturbed == [one for one in backlog if one not in cut_off]
    assert_agreement(scarce)


def is_done(world: World, return_id: str) -> bool:
    return world.state(return_id) == "synced"


# ------------------------------------------------------------------------------- days of it


@pytest.mark.parametrize(
    "scarcity",
    [
        Scarcity(backlog=300, interval=300, fresh_every=90),
        Scarcity(backlog=900, interval=3 * 3600, fresh_every=3600),
    ],
    ids=["passes every five minutes", "days"],
)
def test_through_days_fresh_returns_wait_no_longer_and_the_estimate_is_true(
    directory: Path, scarcity: Scarcity, long: bool
) -> None:
    if scarcity.backlog > 300 and not long:
        pytest.skip("days are only in the long form")
    with busy_shop(directory, scarcity) as shop:
        lived = shop.live()
        assert_agreement(shop.world)
        loop = shop.world.loop
        shop_order = sorted(lived.order, key=lambda one: (loop.get(one).updated_at, one))
    with searched_directory("calm-") as other, busy_shop(other, calm_of(scarcity)) as shop:
        calm = shop.live(lived.lasted)

    assert lived.lasted > timedelta(seconds=3 * scarcity.interval)
    for share in (0.5, 0.95, 1.0):
        # By a request or two that the pass was busy with.
        assert lived.delay(share) == pytest.approx(calm.delay(share), abs=5)
    first, _, *later = lived.truths()
    assert not first[0].is_measured
    assert first[0].seconds_left < first[1], "the least that it can take"
    for left, truth in later:
        assert left.is_measured
        # A tenth after some hours; and what Jetti takes to answer, near the end.
        few_hours = left.at - lived.began > timedelta(hours=3)
        assert left.seconds_left == pytest.approx(truth, rel=0.1 if few_hours else 0.25, abs=5)
    lefts = [left.left for left in lived.told]
    assert all(more > fewer for more, fewer in pairwise(lefts)), "each pass gets on with it"
    assert lived.order == shop_order, "the oldest first, by Loop's time"


def calm_of(scarcity: Scarcity) -> Scarcity:
    """The same customers without a backlog."""
    return replace(scarcity, backlog=0)
