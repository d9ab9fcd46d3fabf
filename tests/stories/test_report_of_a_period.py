"""`report` tells of a period what happened in it, counted here from Loop, Jetti and their logs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

import pytest

from reconciler.sandbox.loop.model import SandboxReturn
from tests.support.world import NOON, World, a_world

DAY = timedelta(days=1)


def reported(world: World, *options: str) -> dict[str, Any]:
    ran = world.call("report", "--format", "json", *options)
    assert ran.code == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def shown(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def of(shares: list[dict[str, Any]]) -> dict[str | None, tuple[int, int]]:
    return {one["what"]: (one["returns"], one["before"]) for one in shares}


# ---------------------------------------------------------------------- counted another way


class Truth:
    """A played week as both services know it."""

    def __init__(self, world: World) -> None:
        self.world, self.start, self.middle = world, NOON + DAY, NOON + 4 * DAY
        self.end = NOON + 7 * DAY - timedelta(seconds=1)
        self.made = {}
        for row in world.jetti.sale_returns():
            self.made.setdefault(row["externalId"], []).append(row)
        self.posts = {
            one.at
            for one in world.sandbox.request_log.all()
            if one.service == "jetti" and one.method == "POST"
        }

    def returns(self, is_now: bool) -> list[SandboxReturn]:
        start, until = (
            (self.middle, self.end + timedelta(seconds=1)) if is_now else (self.start, self.middle)
        )
        return [row for row in self.world.loop.returns() if start <= row.created_at < until]

    def counted(self, values: Callable[[SandboxReturn], set[Any]]) -> dict[Any, tuple[int, int]]:
        now, before = (
            Counter(value for row in self.returns(is_now) for value in values(row))
            for is_now in (True, False)
        )
        return {value: (now[value], before[value]) for value in {*now, *before}}

    def took(self, is_now: bool) -> dict[str, float]:
        """Seconds to the first sale return that a POST of ours made."""
        found = {}
        for row in self.returns(is_now):
            made = [instant(one["createdAt"]) for one in self.made.get(row.id, ())]
            if ours := [at for at in made if any(abs(at - post) < SECOND for post in self.posts)]:
                found[row.id] = (min(ours) - row.created_at).total_seconds()
        return found

    def vendors(self, row: SandboxReturn) -> set[str | None]:
        """Of the purchases that its sale returns belong to."""
        found: set[str | None] = set()
        for one in self.made.get(row.id, ()):
            purchases = {x["id"]: x for x in self.world.jetti.purchases(one["saleId"])}
            of_it = purchases.get(one["purchaseId"])
            found.add(str(of_it["dropshipProviderId"]) if of_it else "in-house")
        return found or {None}

    def writes(self, start: datetime, until: datetime) -> Counter[str]:
        return Counter(
            "creates" if one.method == "POST" else "updates"
            for one in self.world.sandbox.request_log.all()
            if one.service == "jetti" and one.method != "GET" and start <= one.at < until
        )


SECOND = timedelta(seconds=1)


def instant(written: str) -> datetime:
    return datetime.fromisoformat(written).astimezone(UTC)


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Truth]:
    """A generated shop that goes live and is read every six hours for a week."""
    directory = tmp_path_factory.mktemp("week")
    with a_world(directory, returns=600, seed=5, alive=True, days=60) as world:
        world.environ |= {"RECONCILER_GUARD__CREATES": "1000", "RECONCILER_GUARD__UPDATES": "1000"}
        world.go_live("1s")
        for _ in range(29):
            world.pass_time(hours=6)
            assert world.call("run").code in (0, 3)
        yield Truth(world)


@pytest.fixture(scope="module")
def told(week: Truth) -> dict[str, Any]:
    return reported(week.world, *between(week.middle, week.end), "--by", "vendor")


def between(start: datetime, end: datetime) -> tuple[str, ...]:
    return "--from", shown(start), "--to", shown(end)


def test_both_periods_are_as_long_and_meet(week: Truth, told: dict[str, Any]) -> None:
    now, before = told["figures"], told["before"]

    assert (now["from"], now["to"]) == (shown(week.middle), shown(week.end))
    assert (before["from"], before["to"]) == (shown(week.start), shown(week.middle - SECOND))


def test_the_returns_are_those_that_were_created_in_it(week: Truth, told: dict[str, Any]) -> None:
    for figures, is_now in ((told["figures"], True), (told["before"], False)):
        rows = week.returns(is_now)
        there = [row for row in rows if row.id in week.made]
        assert figures["returns"] == len(rows) > 10
        assert figures["in_jetti"] == len(there) > 5
        assert figures["taken_over"] == len({row.id for row in there} - {*week.took(is_now)})


def test_by_outcome_reason_and_vendor_as_loop_and_jetti_know_them(
    week: Truth, told: dict[str, Any]
) -> None:
    by_outcome = week.counted(
        lambda row: {row.outcome and "+".join(sorted(row.outcome.split("+")))}
    )
    by_reason = week.counted(lambda row: {line.reason for line in row.lines})
    by_vendor = week.counted(week.vendors)

    assert of(told["outcomes"]) == by_outcome
    assert of(told["reasons"]) == by_reason
    assert of(told["vendors"]) == by_vendor
    assert min(len(by_outcome), len(by_reason), len(by_vendor)) > 2


def test_how_long_it_took_is_by_nearest_rank(week: Truth, told: dict[str, Any]) -> None:
    for figures, is_now in ((told["figures"], True), (told["before"], False)):
        took = week.took(is_now)
        ordered = sorted(took.values())
        latency = figures["since_created"]
        assert latency["returns"] == len(ordered) > 5
        for key, share in (("median", 0.5), ("p95", 0.95), ("slowest", 1.0)):
            expected = ordered[ceil(share * len(ordered)) - 1]
            assert latency[f"{key}_seconds"] == pytest.approx(expected, abs=2), key
        assert took[latency["slowest_return"]] == pytest.approx(ordered[-1], abs=2)


def test_the_writes_are_those_that_arrived_in_its_time(week: Truth, told: dict[str, Any]) -> None:
    now = week.writes(week.middle, week.end + SECOND)
    before = week.writes(week.start, week.middle)

    for figures, sent in ((told["figures"], now), (told["before"], before)):
        written = figures["writes"]
        assert {key: written[key] for key in sent} == sent
        assert (written["failed"], written["unanswered"]) == (0, 0)
        assert 0 < written["returns"] <= sent.total()
    assert now["creates"] != before["creates"]


def test_by_day_each_day_is_told_and_they_add_up(week: Truth, told: dict[str, Any]) -> None:
    by_day = reported(week.world, *between(week.middle, week.end), "--by", "day")

    expected = week.counted(lambda row: {row.created_at.date().isoformat()})
    rows = {one["what"]: one["returns"] for one in by_day["groups"]}
    assert rows == {
        f"2026-03-0{day}": expected.get(f"2026-03-0{day}", (0, 0))[0] for day in range(5, 9)
    }
    assert by_day["figures"] == told["figures"]


def test_by_vendor_each_has_its_own_median(week: Truth, told: dict[str, Any]) -> None:
    took = week.took(True)
    for group in told["groups"]:
        rows = [row for row in week.returns(True) if group["what"] in week.vendors(row)]
        seconds = sorted(took[row.id] for row in rows if row.id in took)
        assert group["returns"] == len(rows)
        if seconds:
            median = seconds[ceil(len(seconds) / 2) - 1]
            assert group["median_seconds"] == pytest.approx(median, abs=2)
        else:
            assert group["median_seconds"] is None


def test_every_state_is_that_of_list(week: Truth, told: dict[str, Any]) -> None:
    listed = json.loads(week.world.call("list", "--format", "json").stdout)["returns"]
    states = {one["return_id"]: one["state"] for one in listed}

    assert of(told["states"]) == week.counted(lambda row: {states[row.id]})


# ------------------------------------------------------------------- what is not simply counted


def test_what_stood_in_jetti_already_has_no_push_time(world: World) -> None:
    world.trusted()
    world.pass_time(hours=1)
    order = world.order(("Acme", 1), ("Acme", 1))
    one = world.submit(order, 1, 0)
    world.jetti.raise_sale_return(world.sale_id(order), {world.item_ids(order)[0]: 1})
    world.pass_time(hours=1)
    assert world.run().outcomes[one] == ("adopt", "pushed")

    figures = reported(world)["figures"]

    assert (figures["returns"], figures["in_jetti"], figures["taken_over"]) == (2, 2, 1)
    assert figures["since_created"]["returns"] == 1


def test_a_lost_create_that_is_found_again_counts_from_when_it_was_sent(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time(minutes=30)
    sent = world.clock.now()
    world.breaks("POST *", "applied_then_lost", last=1)
    world.run()
    writes = reported(world)["figures"]["writes"]
    assert (writes["unanswered"], writes["failed"], writes["creates"]) == (1, 0, 1)
    world.heals()
    world.pass_time(hours=2)
    assert world.run().code == 0

    found = reported(world)["figures"]

    assert found["since_created"]["slowest_return"] == one
    took = (sent - world.seen(one).created_at).total_seconds()
    assert found["since_created"]["slowest_seconds"] == pytest.approx(took, abs=2)
    assert (found["writes"]["unanswered"], found["writes"]["creates"]) == (0, 2)


def test_a_refused_write_is_told_with_its_return_as_open_problem(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.breaks("POST *", "422", last=1)
    assert world.run().code == 3

    found = reported(world)

    assert [(x["operation"], x["outcome"], x["writes"]) for x in found["failed_writes"]] == [
        ("create", "refused", 1)
    ]
    assert [problem["return_id"] for problem in found["problems"]] == [one]
    assert (found["period"]["open_problems"], found["next"]) == (
        1,
        ["reconciler", "list", "--state", "dead"],
    )
    assert (found["figures"]["needs_a_person"], found["figures"]["writes"]["failed"]) == (1, 1)


def test_from_the_last_change_on_it_is_the_write_that_told_it(world: World) -> None:
    one = world.trusted()
    world.pass_time(days=2)
    world.loop.label(one, status="in_transit")
    changed = world.seen(one).updated_at
    world.pass_time(minutes=20)
    assert world.run().code == 0
    told = world.clock.now()
    world.pass_time(days=1)
    assert world.run().code == 0

    figures = reported(world)["figures"]

    took = (told - changed).total_seconds()
    assert figures["since_changed"]["median_seconds"] == pytest.approx(took, abs=3)
    assert figures["since_created"]["median_seconds"] == pytest.approx(300, abs=3)


def test_a_period_tells_of_what_was_deleted_that_it_is_missing(world: World) -> None:
    one = world.trusted()
    world.pass_time(days=10)
    two = world.returned()
    world.pass_time()
    assert world.run().code == 0
    whole = reported(world)["figures"]
    assert (whole["since_created"]["returns"], whole["not_complete"]) == (2, False)
    assert world.call("ledger", "prune", "--older-than", "5d").code == 0

    found = reported(world)

    figures = found["figures"]
    assert figures["returns"] == figures["in_jetti"] == 2
    assert figures["since_created"] == whole["since_created"] | {
        "returns": 1, "slowest_return": two,
    }  # fmt: skip
    assert (figures["not_recorded"], figures["taken_over"], figures["not_complete"]) == (1, 0, True)
    assert figures["writes"]["creates"] == 1
    since = world.clock.now() - 5 * DAY
    assert any(since.strftime("before %Y-%m-%d") in said for said in found["period"]["remarks"])
    assert one != two
    assert reported(world, "--from", "3d")["figures"]["not_complete"] is False


def test_a_forgotten_return_is_in_no_number_and_that_is_said(world: World) -> None:
    one = world.trusted()
    assert world.call("ledger", "forget", one, "--yes").code == 0

    found = reported(world)

    assert found["figures"]["returns"] == 0
    assert one not in json.dumps(found)
    assert any(said.startswith("1 return was forgotten") for said in found["period"]["remarks"])


def test_decisions_are_told_with_who_and_why(world: World) -> None:
    world.trusted()
    one = world.returned()
    world.pass_time()
    world.breaks("POST *", "422", last=1)
    world.run()
    assert world.call("ignore", one, "--reason", "settled by phone", "--yes").code == 0

    found = reported(world)

    [decision] = found["decisions"]
    assert (decision["return_id"], decision["decision"]) == (one, "ignore")
    assert decision["reason"] == "settled by phone"
    assert found["figures"]["decisions"] == 1
    assert found["figures"]["nothing_to_do"] == 1
    assert found["problems"] == []


def test_how_far_loop_was_read_is_said_where_it_is_not_up_to_the_end(world: World) -> None:
    world.trusted()
    assert not any("read up to" in said for said in reported(world)["period"]["remarks"])

    world.pass_time(hours=5)

    assert any("read up to" in said for said in reported(world)["period"]["remarks"])


def test_rows_that_nobody_understands_are_said_to_be_missing(world: World) -> None:
    world.trusted()
    world.loop.edit(world.returned(), extra={"provider_order_id": [], "order_name": []})
    world.pass_time()
    world.run()

    [said] = [one for one in reported(world)["period"]["remarks"] if "cannot be understood" in one]

    assert said.startswith("1 row of Loop")


def test_it_asks_nobody_needs_no_key_and_writes_nothing(world: World) -> None:
    world.trusted()
    world.sandbox.request_log.clear()
    before = (world.directory / "ledger.db").read_bytes()

    ran = world.call("report", LOOP_API_KEY="", JETTI_API_TOKEN="")

    assert ran.code == 0
    assert world.sandbox.request_log.all() == []
    assert (world.directory / "ledger.db").read_bytes() == before
