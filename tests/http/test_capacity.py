"""What a service says of its capacity slows requests down before they are refused, and no longer
than that."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.http import PerMinute, PerSecond, Service, connect
from reconciler.http.capacity import Capacity, Supply, parse_capacity
from reconciler.http.rate_limit import Pacer
from reconciler.sandbox.loop.limits import Limiter
from reconciler.sandbox.messages import Request
from reconciler.sandbox.sandbox import JETTI_TOKEN, LOOP_KEY, Sandbox, SandboxOptions
from tests.http.peers import NOON, RecordingClock, endpoint
from tests.support.in_process import Network, in_process
from tests.support.world import FrozenClock


@pytest.mark.parametrize(
    ("headers", "capacity"),
    [
        ({"x-ratelimit-remaining": "7", "x-ratelimit-limit": "300"}, Capacity(7, 300)),
        ({"x-rate-limit-remaining": " 0 ", "x-rate-limit-limit": "2"}, Capacity(0, 2)),
        ({"ratelimit-remaining": "12"}, Capacity(12, None)),
        ({"ratelimit-remaining": "12", "ratelimit-limit": "100;w=60"}, Capacity(12, None)),
        ({"ratelimit": "limit=100, remaining=50, reset=30"}, Capacity(50, 100)),
        ({"ratelimit": '"default";r=50;t=30'}, Capacity(50, None)),
        ({"ratelimit": '"second";r=1;t=1, "day";r=900;t=7000'}, Capacity(1, None)),
        ({}, None),
        ({"x-ratelimit-limit": "300"}, None),
        ({"x-ratelimit-remaining": ""}, None),
        ({"x-ratelimit-remaining": "-1"}, None),
        ({"x-ratelimit-remaining": "few"}, None),
        ({"x-ratelimit-remaining": "1.5"}, None),
        ({"x-ratelimit-remaining": "7, 8"}, None),
        ({"x-ratelimit-remaining": "9" * 10}, None),
        ({"x-ratelimit-remaining": "٣"}, None),
        ({"x-ratelimit-remaining": "301", "x-ratelimit-limit": "300"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-limit": "0"}, None),
        ({"ratelimit": "r=, remaining=-3"}, None),
        ({"ratelimit": f"r={'9' * 10}"}, None),
    ],
)
def test_the_usual_spellings_are_understood_and_nonsense_says_nothing(headers, capacity):
    assert parse_capacity(headers) == capacity


@given(st.dictionaries(st.sampled_from(["ratelimit", "x-ratelimit-remaining"]), st.text()))
def test_whatever_a_header_holds_it_is_a_capacity_or_nothing(headers):
    capacity = parse_capacity(headers)

    assert capacity is None or capacity.remaining >= 0


def test_what_is_left_of_a_minute_is_made_to_last_to_its_end():
    supply = Supply(60, 300, steady=False)
    supply.not_before(Capacity(200, 300), 0)

    assert supply.not_before(Capacity(30, 300), 20) < 20
    assert supply.not_before(Capacity(29, 300), 30) == 30 + 30 / 30
    assert supply.not_before(Capacity(28, 300), 40) == 40 + 20 / 29
    assert supply.not_before(Capacity(27, 300), 50) == 50 + 10 / 28
    assert supply.not_before(Capacity(0, 300), 55) == 60


def test_others_are_expected_to_go_on_as_they_did():
    supply = Supply(60, 300, steady=False)
    supply.not_before(Capacity(35, 300), 0)

    assert supply.not_before(Capacity(23, 300), 10) == 10 + 50 / 2  # one more of ours, 11 of others
    assert supply.not_before(Capacity(11, 300), 20) == 60  # that was it


def test_a_bucket_that_fills_up_steadily_has_no_end():
    supply = Supply(1, 2, steady=True)
    supply.not_before(Capacity(1, 2), 0)

    assert [supply.not_before(Capacity(0, 2), at) for at in (0.5, 1.5, 2.5)] == [1.5, 2.5, 3.5]


def test_a_new_minute_ends_the_scarcity_of_the_last():
    supply = Supply(60, 300, steady=False)
    supply.not_before(Capacity(200, 300), 0)
    supply.not_before(Capacity(3, 300), 10)

    assert supply.not_before(Capacity(299, 300), 60) < 60
    supply.not_before(Capacity(21, 300), 80)
    assert supply.not_before(Capacity(20, 300), 90) == 90 + 30 / 21


def test_a_minute_in_which_less_is_left_than_at_the_end_of_the_last_is_a_new_one():
    supply = Supply(60, 300, steady=False)
    supply.not_before(Capacity(200, 300), 0)

    assert supply.not_before(Capacity(9, 300), 300) == 360  # 191 others for each of ours


def test_without_a_limit_of_the_service_ours_tells_what_is_little():
    supply = Supply(60, 100, steady=False)
    supply.not_before(Capacity(50, None), 0)

    assert supply.not_before(Capacity(10, None), 10) < 10
    assert supply.not_before(Capacity(9, None), 10) == 10 + 50 / 10


@pytest.mark.parametrize("remaining", [0, 1, 29])
def test_what_does_not_become_less_is_waited_for_a_second_at_most(remaining):
    supply = Supply(60, 300, steady=False)

    for left_at in (0, 10, 100, 1000):
        assert supply.not_before(Capacity(remaining, 300), left_at) <= left_at + 1


@pytest.mark.parametrize("pace", [PerMinute(300), PerSecond(reads=2, writes=1)])
@pytest.mark.parametrize(
    "headers", [{}, {"x-ratelimit-remaining": "no"}, {"x-ratelimit-remaining": "299"}]
)
def test_plenty_nonsense_and_nothing_have_no_effect(pace, headers):
    def elapsed(heeded):
        clock = RecordingClock()
        pacer = Pacer("Loop", pace, clock)
        for _ in range(100):
            pacer.take_turn(write=False)
            pacer.answered()
            pacer.heed(heeded)
        return clock.elapsed

    assert elapsed(headers) == elapsed({})


# ------------------------------------------------------------------------- beside other users


@contextmanager
def sandbox_service(name: str) -> Iterator[tuple[Service, Sandbox, Network]]:
    """Loop or Jetti with its limits, on a clock that only waits move."""
    sandbox = Sandbox(SandboxOptions(returns=0, start=NOON, frozen=True))
    sandbox.jetti.switches.rate_headers = True
    with in_process(sandbox) as network:
        urls = sandbox.urls
        assert urls is not None
        loop = name == "Loop"
        described = endpoint(
            "",
            name=name,
            base_url=urls.loop if loop else urls.jetti,
            key_header=("X-Authorization", LOOP_KEY)
            if loop
            else ("Authorization", f"Bearer {JETTI_TOKEN}"),
            pace=PerMinute(300) if loop else PerSecond(reads=2, writes=1),
        )
        clock = FrozenClock(sandbox)
        with connect(described, clock, rng=random.Random(7), network=network) as service:
            yield service, sandbox, network


LIST = Request(
    "GET", "/api/2026-07/warehouse/return/list", "paginate=true", {"x-authorization": LOOP_KEY}
)
SALES = Request("GET", "/api/sales.json", "", {"authorization": f"Bearer {JETTI_TOKEN}"})


@pytest.mark.covers("P12")
@given(st.integers(0, 300), st.lists(st.integers(0, 9), min_size=1, max_size=3))
def test_others_who_use_the_key_slow_us_down_before_we_are_refused(before, each):
    """They sent so many before, and then send some for each of ours, as many as in the minute
    before or less."""
    clock, counted = RecordingClock(), Limiter()
    pacer = Pacer("Loop", PerMinute(300), clock)
    for _ in range(min(before, 280)):
        counted.check("key", 300, clock.now())
    for others in sorted(each, reverse=True):
        for _ in range(150):
            pacer.take_turn(write=False)
            verdict = counted.check("key", 300, clock.now())
            pacer.heed(verdict.headers())
            assert verdict.allowed
            for _ in range(others):
                counted.check("key", 300, clock.now())


def test_alone_the_whole_of_loops_minute_is_used_with_its_headers_heeded():
    with sandbox_service("Loop") as (loop, sandbox, _):
        begun = sandbox.clock.now()
        for _ in range(900):
            loop.get("/warehouse/return/list", "paginate=true", lambda _: None)
        took = (sandbox.clock.now() - begun).total_seconds()

    assert 0.97 * took <= 900 / 300 * 60


def test_when_the_others_are_gone_the_pace_is_full_again():
    with sandbox_service("Loop") as (loop, sandbox, _):
        for _ in range(280):
            sandbox.exchange("loop", LIST)
        times = []
        for _ in range(200):
            loop.get("/warehouse/return/list", "paginate=true", lambda _: None)
            times.append(sandbox.clock.now())

    distances = [(after - before).total_seconds() for before, after in itertools.pairwise(times)]
    assert max(distances) > 1
    assert max(distances[-100:]) < 0.21
    assert (times[-1] - times[0]).total_seconds() < 61 + 200 * 0.21


def test_beside_another_reader_of_jetti_ours_slow_down_and_recover_without_a_refusal():
    with sandbox_service("Jetti") as (jetti, sandbox, network):
        statuses = []
        network.after = lambda *one: statuses.append(one[2].response.status)
        times = []
        for number in range(40):
            if number < 20 and sandbox.clock.now() != NOON:
                sandbox.exchange("jetti", SALES)
            jetti.get("/sales.json", "limit=1", lambda _: None)
            times.append(sandbox.clock.now())

    distances = [(after - before).total_seconds() for before, after in itertools.pairwise(times)]
    assert 429 not in statuses
    assert sum(distances[2:18]) > 16 * 0.7
    assert max(distances[-15:]) < 0.51


@pytest.mark.parametrize("write", [False, True])
def test_alone_jettis_headers_change_nothing(write):
    with sandbox_service("Jetti") as (jetti, sandbox, _):
        begun = sandbox.clock.now()
        for _ in range(20):
            if write:
                jetti.write("PUT", "/sale-returns/7.json", b"{}")
            else:
                jetti.get("/sales.json", "limit=1", lambda _: None)
        took = (sandbox.clock.now() - begun).total_seconds()

    assert took == pytest.approx(20 * 1.001 if write else 1.001 + 19 * 0.501, abs=0.02)
