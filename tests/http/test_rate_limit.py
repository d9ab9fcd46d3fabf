"""In no span of time do more requests reach a service than it allows."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.errors import Interrupted
from reconciler.http import PerMinute, PerSecond
from reconciler.http.rate_limit import LONGEST_LEAD, MARGIN, Pacer
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
exchanges = st.lists(
    st.tuples(
        st.booleans(),  # a write?
        st.floats(0, 2),  # seconds of thought before it
        st.floats(0, 0.8),  # to connect
        st.floats(0, 0.5 * MARGIN),  # on its way there, beyond what every way takes
        st.sampled_from([0.0, 0.0, 0.0, 1.0, 0.2]),  # held up, since a part of it was lost
        st.floats(0, 0.8),  # to be answered
    ),
    max_size=40,
)


def arrivals(pacer, clock, wanted):
    """When each request reaches the server, and its cost, if nobody knows what held one up."""
    for write, thought, there, back in wanted:
        clock.elapsed += thought
        pacer.take_turn(write=write)
        clock.elapsed += there
        yield clock.elapsed, COST[write]
        clock.elapsed += back
        pacer.answered()


def known_arrivals(pacer, clock, way, wanted):
    """The same where the system tells what was sent twice, over a way that takes `way` seconds."""
    for write, thought, connecting, more, held_up, back in wanted:
        clock.elapsed += thought
        pacer.approach(write=write)
        clock.elapsed += connecting
        pacer.take_turn(write=write)
        pacer.departed()
        clock.elapsed += way + more + held_up
        yield clock.elapsed, COST[write]
        clock.elapsed += back + way
        pacer.answered(on_time=not held_up)


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
@given(st.floats(0, 0.4), exchanges)
@example(0.075, [(True, 0, 0, 0, 1.0, 0), (True, 0, 0, 0, 0, 0)])
@example(0.075, [(True, 0, 0, 0.01, 0, 0.8), (True, 0, 0, 0, 0, 0)])
@example(0.075, [(False, 0, 0, 0.01, 0, 0.4), (False, 0, 0, 0, 0, 0.4), (False, 0, 0, 0, 0, 0)])
def test_also_if_counted_from_the_departure_of_what_nothing_held_up(way, wanted):
    clock = RecordingClock()

    log = list(known_arrivals(Pacer("Jetti", JETTI, clock), clock, way, wanted))

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

    assert_within(log, span=60, most=30)


@pytest.mark.covers("P12")
@given(st.lists(st.floats(0, 30), max_size=300))
def test_in_any_minute_also_after_a_rest(thoughts):
    clock = RecordingClock()
    pacer = Pacer("Loop", PerMinute(30), clock)

    log = [
        (moment, 1) for moment, _ in arrivals(pacer, clock, [(False, t, 0, 0) for t in thoughts])
    ]

    assert_within(log, span=60, most=30)


@given(
    st.floats(0, 0.15),
    st.lists(st.tuples(st.floats(0, 0.02), st.floats(0.15, 0.3), st.floats(0, 0.05)), min_size=4),
    st.booleans(),
)
def test_at_150_ms_latency_97_hundredths_of_jettis_rate_are_used(there, wanted, write):
    clock = RecordingClock()
    pacer = Pacer("Jetti", JETTI, clock)
    connecting = max(one for _, one, _ in wanted)
    exchanges = [(write, thought, connecting, 0, 0, back) for thought, _, back in wanted]

    log = list(known_arrivals(pacer, clock, there / 2, exchanges))

    (begun, _), (ended, _) = log[0], log[-1]
    assert (len(log) - 1) * COST[write] >= 0.97 * (ended - begun)


@given(st.lists(st.floats(0, 0.1), min_size=1, max_size=20))
def test_97_hundredths_of_loops_rate_are_used(ways):
    clock = RecordingClock()
    pacer = Pacer("Loop", PerMinute(60), clock)

    wanted = [(False, 0, way, 0) for way in itertools.islice(itertools.cycle(ways), 600)]
    log = list(arrivals(pacer, clock, wanted))

    (begun, _), (ended, _) = log[0], log[-1]
    assert 0.97 * (ended - begun) <= 600


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
    [(0.5, 1, 61), (1, 1, 61), (2, 1, 61 / 2), (10, 1, 6.1), (20, 2, 61 / 20), (60, 6, 61 / 60)],
)
def test_a_tenth_of_loops_minute_leaves_at_once_and_the_rest_evenly(requests, at_once, then):
    clock = RecordingClock()
    pacer = Pacer("Loop", PerMinute(requests), clock)

    for _ in range(at_once):
        pacer.take_turn(write=False)
    assert clock.waits == []
    for _ in range(5):
        pacer.take_turn(write=False)

    assert clock.waits[0] == pytest.approx(then)
    assert clock.elapsed == pytest.approx(5 * then)


def test_a_minutes_requests_are_not_followed_by_more_within_it():
    clock = RecordingClock()
    pacer = Pacer("Loop", PerMinute(300), clock)

    for _ in range(300):
        pacer.take_turn(write=False)
    begun = clock.elapsed
    pacer.take_turn(write=False)

    assert begun < 55
    assert clock.elapsed == pytest.approx(61)


def test_a_tenth_of_loops_minute_is_in_reserve_again_after_a_rest():
    clock = RecordingClock()
    pacer = Pacer("Loop", PerMinute(60), clock)
    for _ in range(60):
        pacer.take_turn(write=False)
    clock.elapsed += 120
    clock.waits.clear()

    for _ in range(6):
        pacer.take_turn(write=False)

    assert clock.waits == []


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
    pacer.answered()
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


def connecting(pacer, clock, seconds, *, write=True):
    """One request and its answer, after so long a way to the server."""
    pacer.approach(write=write)
    clock.elapsed += seconds
    pacer.take_turn(write=write)
    pacer.departed()
    left_at = clock.elapsed
    pacer.answered(on_time=True)
    return left_at


def test_what_comes_before_a_request_is_done_while_its_turn_comes():
    clock = RecordingClock()
    pacer = Pacer("Jetti", JETTI, clock)

    left = [connecting(pacer, clock, 0.3) for _ in range(3)]

    assert [after - before for before, after in itertools.pairwise(left)] == [
        pytest.approx(1.001)
    ] * 2


def test_a_longer_way_than_the_last_makes_a_request_late_and_a_shorter_one_waits_at_the_end():
    clock = RecordingClock()
    pacer = Pacer("Jetti", JETTI, clock)
    left = [connecting(pacer, clock, seconds) for seconds in (0.3, 0.3, 0.4, 0.1, 0.4)]

    distances = [after - before for before, after in itertools.pairwise(left)]

    assert distances == pytest.approx([1.001, 1.101, 1.001, 1.041])


def test_reads_and_writes_have_each_their_own_way():
    clock = RecordingClock()
    pacer = Pacer("Jetti", JETTI, clock)

    left = [
        connecting(pacer, clock, 0.6 if write else 0.1, write=write)
        for write in (True, False, True, False, True)
    ]

    distances = [after - before for before, after in itertools.pairwise(left)]
    assert distances[-2:] == pytest.approx([1.001, 1.001])


def test_a_connection_is_open_for_a_second_at_most_before_its_request():
    clock = RecordingClock()
    pacer = Pacer("Jetti", PerSecond(reads=0.2, writes=0.1), clock)
    connecting(pacer, clock, 9)

    pacer.approach(write=True)
    begun = clock.elapsed
    pacer.take_turn(write=True)

    assert clock.elapsed - begun == pytest.approx(LONGEST_LEAD)


def test_an_approach_is_made_once_and_takes_no_turn():
    clock = RecordingClock()
    pacer = Pacer("Jetti", JETTI, clock)

    pacer.approach(write=True)
    pacer.approach(write=True)
    approached_at = clock.elapsed
    pacer.take_turn(write=True)

    assert approached_at >= 1
    assert clock.elapsed == approached_at


def test_a_read_in_between_takes_the_turn_of_a_write():
    clock = RecordingClock()
    pacer = Pacer("Jetti", JETTI, clock)
    pacer.approach(write=True)

    pacer.take_turn(write=False)
    read_at = clock.elapsed
    pacer.answered()
    pacer.take_turn(write=True)

    assert clock.elapsed - read_at >= 1


def test_what_was_held_up_counts_from_its_answer():
    clock = RecordingClock()
    pacer = Pacer("Jetti", JETTI, clock)
    pacer.take_turn(write=True)
    pacer.departed()
    clock.elapsed += 5
    pacer.answered(on_time=False)
    answered_at = clock.elapsed

    pacer.take_turn(write=True)

    assert clock.elapsed - answered_at == pytest.approx(1.001)


def test_what_was_answered_late_but_not_held_up_counts_from_its_last_byte():
    clock = RecordingClock()
    pacer = Pacer("Jetti", JETTI, clock)
    pacer.take_turn(write=True)
    clock.elapsed += 0.1
    pacer.departed()
    left_at = clock.elapsed
    clock.elapsed += 0.6
    pacer.answered(on_time=True)

    pacer.take_turn(write=True)

    assert clock.elapsed - left_at == pytest.approx(1 + MARGIN)
