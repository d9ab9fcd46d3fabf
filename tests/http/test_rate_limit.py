"""In no span of time do more requests reach a service than it allows."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.errors import Interrupted
from reconciler.http import PerMinute, PerSecond
from reconciler.http.rate_limit import Pacer
from tests.http.peers import RecordingClock

JETTI = PerSecond(reads=2, writes=1)
COST = {False: 0.5, True: 1.0}

requests = st.lists(
    st.tuples(
        st.booleans(),  # a write?
        st.floats(0, 2),  # seconds of thought before it
        st.floats(0, 0.8),  # on its way there
        st.floats(0, 0.8),  # on its way back
    ),
    max_size=40,
)


def arrivals(pacer, clock, wanted):
    """When each request reaches the server, and its cost."""
    for write, thought, there, back in wanted:
        clock.elapsed += thought
        pacer.take_turn(write=write)
        clock.elapsed += there
        yield clock.elapsed, COST[write]
        clock.elapsed += back
        pacer.answered()


def assert_within(log, span, most):
    for first, (begun, _) in enumerate(log):
        inside = [cost for moment, cost in log[first:] if moment < begun + span]
        assert sum(inside) <= most + 1e-9


@pytest.mark.covers("P12")
@given(requests)
def test_in_any_second_the_costs_at_jetti_add_up_to_one_at_most(wanted):
    clock = RecordingClock()

    log = list(arrivals(Pacer("Jetti", JETTI, clock), clock, wanted))

    assert_within(log, span=1, most=1)


@pytest.mark.covers("P12")
@given(requests, requests, st.floats(0, 1))
@example([(True, 0, 0, 0)], [(False, 0, 0, 0)], 0)
def test_also_across_two_processes_one_after_the_other(earlier, later, pause):
    clock = RecordingClock()
    log = list(arrivals(Pacer("Jetti", JETTI, clock), clock, earlier))
    clock.elapsed += pause

    log += arrivals(Pacer("Jetti", JETTI, clock), clock, later)

    assert_within(log, span=1, most=1)


@pytest.mark.covers("P12")
@given(requests)
def test_in_any_minute_loop_gets_its_number_of_requests_at_most(wanted):
    clock = RecordingClock()
    pacer = Pacer("Loop", PerMinute(30), clock)

    log = [(moment, 1) for moment, _ in arrivals(pacer, clock, [(False, 0, 0, 0)] * 100 + wanted)]

    # A request's way there can vary by at most 0.8 s here; departures are what is counted.
    assert_within(log, span=59, most=30)


def test_a_small_reading_of_loop_need_not_wait():
    clock = RecordingClock()
    pacer = Pacer("Loop", PerMinute(300), clock)

    for _ in range(30):
        pacer.take_turn(write=False)

    assert clock.elapsed == 0


def test_the_full_rate_is_used():
    clock = RecordingClock()
    pacer = Pacer("Jetti", JETTI, clock)

    for write in itertools.chain([False] * 20, [True] * 20):
        pacer.take_turn(write=write)
        pacer.answered()

    assert 29 < clock.elapsed < 31.5


@pytest.mark.parametrize(
    ("requests", "at_once", "then"),
    [(1, 1, 60), (2, 1, 60), (10, 1, 60 / 9), (20, 2, 60 / 18), (60, 6, 60 / 54)],
)
def test_a_tenth_of_loops_minute_leaves_at_once_and_the_rest_evenly(requests, at_once, then):
    clock = RecordingClock()
    pacer = Pacer("Loop", PerMinute(requests), clock)

    for _ in range(at_once):
        pacer.take_turn(write=False)
    assert clock.waits == []
    pacer.take_turn(write=False)

    # The bucket counts in whole milliseconds.
    assert clock.waits == [pytest.approx(then, abs=0.0009)]


@pytest.mark.parametrize(
    ("requests", "then"), [(1, 60), (2, 60), (10, 60 / 9), (20, 60 / 18), (60, 60 / 54)]
)
def test_the_rest_of_loops_minute_leaves_evenly_for_as_long_as_it_takes(requests, then):
    clock = RecordingClock()
    pacer = Pacer("Loop", PerMinute(requests), clock)

    for _ in range(requests // 10 or 1):
        pacer.take_turn(write=False)
    for _ in range(5):
        pacer.take_turn(write=False)

    assert clock.elapsed == pytest.approx(5 * then, abs=0.006)


def test_between_two_requests_to_jetti_lies_the_cost_of_the_dearer():
    clock = RecordingClock()
    pacer = Pacer("Jetti", JETTI, clock)

    for write in (False, False, True, False, False, True, True):
        pacer.take_turn(write=write)
        pacer.answered()

    # The first waits as if a write had just been sent, and each a grain longer than it must.
    assert clock.waits == pytest.approx([1.001, 0.501, 1.001, 1.001, 0.501, 1.001, 1.001])


class FromZero(RecordingClock):
    """Counts from zero, so that fractions of a second are met exactly."""

    def monotonic(self) -> float:
        return self.elapsed


def test_half_a_millisecond_is_not_waited_for():
    clock = FromZero()
    resting = Pacer("Loop", PerMinute(600), clock)
    unlimited = Pacer("Jetti", PerSecond(reads=math.inf, writes=math.inf), clock)
    unlimited.answered()

    resting.pause(0.0005)
    resting.take_turn(write=False)
    clock.elapsed = 0.0005
    unlimited.take_turn(write=False)

    assert clock.waits == []


@pytest.mark.parametrize(("left", "waits"), [(0.0006, [0.0006]), (0.0004, [])])
def test_less_than_half_a_millisecond_is_not_waited_for(left, waits):
    clock = RecordingClock()
    gaps, resting = Pacer("Jetti", JETTI, clock), Pacer("Loop", PerMinute(600), clock)
    gaps.take_turn(write=False)
    gaps.answered()
    resting.pause(0.501)
    clock.waits.clear()
    clock.elapsed += 0.501 - left

    gaps.take_turn(write=False)
    assert clock.waits == pytest.approx(waits)
    clock.elapsed -= sum(waits)
    clock.waits.clear()

    resting.take_turn(write=False)
    assert clock.waits == pytest.approx(waits)


def test_half_the_pace_is_simply_other_rates():
    clock = RecordingClock()
    pacer = Pacer("Jetti", PerSecond(reads=1, writes=0.5), clock)

    for _ in range(10):
        pacer.take_turn(write=True)
        pacer.answered()

    assert 20 <= clock.elapsed < 20.5


def test_a_high_rate_costs_a_test_no_time():
    clock = RecordingClock()
    pacer = Pacer("Jetti", PerSecond(reads=1000, writes=1000), clock)

    for _ in range(100):
        pacer.take_turn(write=True)
        pacer.answered()

    assert clock.elapsed < 0.3


def test_nothing_waits_before_something_is_sent():
    clock = RecordingClock()

    Pacer("Jetti", JETTI, clock)

    assert clock.waits == []


def test_429_slows_down_and_success_speeds_up_again():
    clock = RecordingClock()
    pacer = Pacer("Jetti", JETTI, clock)

    def gap(status):
        pacer.take_turn(write=True)
        pacer.answered()
        pacer.adapt(status)
        begun = clock.elapsed
        pacer.take_turn(write=True)
        pacer.answered()
        pacer.adapt(200)
        return clock.elapsed - begun

    usual, slower = gap(200), gap(429)
    for _ in range(20):
        gap(200)

    assert slower > 1.5 * usual
    assert gap(200) == pytest.approx(usual, abs=0.05)


@pytest.mark.parametrize(
    ("statuses", "wait"),
    [
        ([], 0),
        ([200], 0),
        ([429], 2),
        ([429, 429], 4),
        ([429] * 3, 8),
        ([429] * 4, 8),
        ([429, 200], 1.6),
        ([429, 500, 404], 1.28),
        ([429, 200, 200, 200], 1.024),
        ([429, 200, 200, 200, 200], 0),
        ([429] * 4 + [200], 6.4),
        ([429] * 4 + [200, 429], 8),
    ],
)
@pytest.mark.parametrize(
    ("pace", "step"), [(PerMinute(60), 1), (PerMinute(20), 3), (PerSecond(reads=2, writes=0.5), 2)]
)
def test_each_429_doubles_the_pause_up_to_eightfold_and_others_shorten_it(
    statuses, wait, pace, step
):
    clock = RecordingClock()
    pacer = Pacer("Jetti", pace, clock)
    pacer.take_turn(write=False)
    for status in statuses:
        clock.elapsed += 100
        pacer.answered()
        pacer.adapt(status)
    clock.waits.clear()

    pacer.take_turn(write=False)

    usual = 0.501 if isinstance(pace, PerSecond) else 0
    assert sum(clock.waits) == pytest.approx(max(wait * step, usual), abs=0.001)


def test_a_shorter_rest_does_not_end_a_longer_one():
    clock = RecordingClock()
    pacer = Pacer("Loop", PerMinute(60), clock)

    pacer.pause(90)
    pacer.pause(10)
    pacer.take_turn(write=False)

    assert clock.waits == [90]


def test_a_signal_ends_the_wait_for_a_turn():
    clock = RecordingClock()
    pacer = Pacer("Jetti", JETTI, clock)
    clock.stopped = True

    with pytest.raises(Interrupted):
        pacer.take_turn(write=True)


def test_a_reserved_turn_is_waited_for_once():
    clock = RecordingClock()
    pacer = Pacer("Jetti", JETTI, clock)

    pacer.reserve()
    pacer.reserve()
    reserved_at = clock.elapsed
    pacer.take_turn(write=True)

    assert reserved_at >= 1
    assert clock.elapsed == reserved_at


def test_a_reserved_turn_is_a_writes():
    clock = RecordingClock()
    pacer = Pacer("Jetti", JETTI, clock)
    pacer.take_turn(write=False)
    pacer.answered()
    before = clock.elapsed

    pacer.reserve()

    assert clock.elapsed - before >= COST[True]


def test_a_read_in_between_uses_a_reserved_turn_up():
    clock = RecordingClock()
    pacer = Pacer("Jetti", JETTI, clock)
    pacer.reserve()

    pacer.take_turn(write=False)
    read_at = clock.elapsed
    pacer.answered()
    pacer.take_turn(write=True)

    assert clock.elapsed - read_at >= 1
