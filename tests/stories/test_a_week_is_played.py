"""A week in seconds: `reconciler run` as cron calls it, by the clock of a played sandbox."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from reconciler.sandbox.loop.model import SandboxReturn
from reconciler.sandbox.server.clock_client import ClockClient
from reconciler.sandbox.world.events import Event
from tests.support.agreement import assert_one
from tests.support.process_world import RealWorld
from tests.support.world import a_world

SPEED = 60_000.0
"""A week takes ten seconds, and what the program works."""
COST = {"GET": 0.5, "PUT": 1.0, "POST": 1.0}
"""Seconds that a request to Jetti takes of the pace, at the defaults."""
WEEK, DAY, HOUR = timedelta(days=7), timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def world(directory: Path, request: pytest.FixtureRequest) -> Iterator[RealWorld]:
    """A shop whose time flies, with the rate limits of both services and the program's defaults."""
    options = {"returns": 0, "alive": True, "speed": SPEED, "rate_limits": True}
    options |= getattr(request, "param", {})
    with a_world(directory, sockets=True, start=None, frozen=False, **options) as made:
        world = RealWorld(made.sandbox, directory)
        assert made.sandbox.urls is not None
        usual = {name: value for name, value in world.environ.items() if "__" not in name}
        world.environ = usual | {"RECONCILER_SANDBOX_CLOCK": made.sandbox.urls.control}
        try:
            yield world
        finally:
            world.close()


class Cron:
    """Calls the program on time: what a process needs to start is no time of the shop's."""

    def __init__(self, world: RealWorld) -> None:
        self._world = world

    def wait(self, span: timedelta) -> ClockClient:
        client = ClockClient(self._world.environ["RECONCILER_SANDBOX_CLOCK"], lambda: None)
        client.wait(span.total_seconds())
        return client

    def call(self, *arguments: str, after: timedelta = HOUR) -> tuple[int, str, str]:
        """A command an hour later; its exit code, stdout and stderr."""
        client = self.wait(after)
        before = len(self._world.sandbox.request_log.all())
        process = self._world.start(*arguments)
        self._world.until(lambda: len(self._world.sandbox.request_log.all()) > before)
        client.close()
        return self._world.end(process, 60)


# ------------------------------------------------------------------------------- a week


@pytest.mark.parametrize("world", [{"seed": 5, "returns": 1200}], indirect=True)
def test_a_week_passes_in_seconds_and_jetti_holds_what_loop_says(world: RealWorld) -> None:
    coming = world.sandbox.scenario.coming()
    assert world.does("init", "--since", "1s") == 0
    live = world.sandbox.clock.now()
    cron, passes = Cron(world), 0
    while world.sandbox.clock.now() < live + WEEK:
        code, _, complaints = cron.call("run", after=12 * HOUR)
        assert code in (0, 3), complaints
        passes += 1

    watermark = world.watermark()
    seen = [row for row in world.loop.returns() if live < row.created_at <= row.updated_at]
    seen = [row for row in seen if row.updated_at < watermark - HOUR]
    for row in seen:
        if not reasons_to_differ(world, row, coming):
            assert_one(world, row)
    different = [row.id for row in seen if reasons_to_differ(world, row, coming)]
    assert passes >= 5
    assert len(different) < len(seen) / 4
    assert len(seen) > 25


def reasons_to_differ(world: RealWorld, row: SandboxReturn, coming: Sequence[Event]) -> set[str]:
    """Why Jetti need not hold what Loop says, by the two services and what people did alone."""
    orders = [event.arguments["order"] for event in coming if "order" in event.arguments]
    bundles = {
        line.order_line_id for order in orders for line in order.lines if line.bundle or line.parts
    }
    by_staff = {event.arguments["order_id"] for event in coming if "by_hand" in event.move}
    in_jetti = {str(sale["externalId"]) for sale in world.jetti.sales()}
    found = {
        "held in Loop": row.state == "review",
        "its order is not in Jetti": row.provider_order_id not in in_jetti,
        "a bundle": any(line.order_line_id in bundles for line in row.lines),
        "someone worked on it in Jetti": row.provider_order_id in by_staff,
    }
    return {reason for reason, holds in found.items() if holds}


# ---------------------------------------------------------------------- what time is kept


def test_the_pace_towards_jetti_is_kept_in_the_shop_s_time(world: RealWorld) -> None:
    """At the defaults: one request per half second, a write per second."""
    assert world.does("init", "--since", "7d") == 0
    world.sandbox.request_log.clear()  # init tries both keys
    for _ in range(8):
        world.returned(("Acme", 1), ("Bolt", 2))
    began = time.monotonic()

    code, stdout, stderr = Cron(world).call("run", "--format", "json")

    took = time.monotonic() - began
    assert code == 0, stderr
    sent = [one for one in world.sandbox.request_log.all() if one.service == "jetti"]
    least = sum(max(COST[one.method], COST[two.method]) for one, two in pairwise(sent))
    spent = (sent[-1].at - sent[0].at).total_seconds()
    assert least > 20
    assert least <= spent < 3 * least
    assert took < spent
    assert json.loads(stdout)["requests"]["jetti"]["retries"] == 0, "the sandbox refused nothing"


def test_a_lost_create_settles_in_the_shop_s_time(world: RealWorld) -> None:
    """It is not sent again before `jetti.settle` (three minutes) has passed in the shop."""
    assert world.does("init", "--since", "7d") == 0
    return_id = world.returned(("Acme", 1))
    world.breaks("POST *", "not_applied_then_lost", last=1)
    began, cron = time.monotonic(), Cron(world)

    cron.call("run")
    while not world.in_jetti(return_id):
        assert time.monotonic() < began + 60
        cron.call("run", after=timedelta(seconds=20))

    posts = [one.at for one in world.sandbox.request_log.all() if one.method == "POST"]
    assert len(posts) == 2
    assert posts[1] - posts[0] >= timedelta(minutes=3)
    assert_one(world, world.seen(return_id))


def test_a_daemon_lives_a_day_in_a_second_or_two(world: RealWorld) -> None:
    """And its passes are as far apart as they were asked to be, by the shop's clock."""
    assert world.does("init", "--since", "1h") == 0
    world.sandbox.request_log.clear()
    daemon = world.start("serve", "--every", "1h")
    world.until(lambda: world.sandbox.request_log.all())
    live = world.sandbox.clock.now()
    world.until(lambda: world.sandbox.clock.now() > live + DAY)
    daemon.terminate()
    code, _, _ = world.end(daemon)

    assert code == 143
    reads = [one.at for one in world.sandbox.request_log.all() if one.service == "loop"]
    gaps = [two - one for one, two in pairwise(reads) if two - one > HOUR / 2]
    assert len(gaps) >= 20
    # Not each: what a busy machine takes to start a thread is time of the shop's.
    assert abs(median(gaps) - HOUR) < timedelta(minutes=10)


def test_a_program_without_the_variable_stops_before_it_does_harm(world: RealWorld) -> None:
    """The ledger is days ahead of the machine's clock: nothing is written with a wrong time."""
    assert world.does("init", "--since", "1h") == 0
    cron = Cron(world)
    cron.call("run", after=3 * DAY)
    world.returned(("Acme", 1))
    world.sandbox.request_log.clear()
    del world.environ["RECONCILER_SANDBOX_CLOCK"]

    code, _, complaints = world.end(world.start("run"))

    assert code == 7, complaints
    assert world.writes() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_program_that_is_ended_while_it_waits_no_longer_slows_the_shop(
    world: RealWorld, number: signal.Signals
) -> None:
    assert world.does("init", "--since", "1h") == 0
    world.sandbox.clock.run_at(1.0)
    world.sandbox.request_log.clear()
    daemon = world.start("serve", "--every", "1h")
    world.until(lambda: world.sandbox.request_log.all())

    daemon.send_signal(number)
    code, _, _ = world.end(daemon)

    assert code in (143, -number)
    world.sandbox.clock.run_at(SPEED)
    begun, at = time.monotonic(), world.sandbox.clock.now()
    while world.sandbox.clock.now() < at + DAY:
        assert time.monotonic() < begun + 10
