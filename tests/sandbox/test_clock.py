"""A clock that runs fast while nobody is at work, and as the machine's while someone is."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.sandbox import Sandbox, SandboxOptions
from reconciler.sandbox.server.clock_client import ClockClient
from reconciler.sandbox.server.serving import serving
from tests.sandbox.loop_shop import NOON

FAST = 1_000_000.0
"""A day passes in less than a tenth of a second."""
HOUR = 3600.0
DAY = 86_400.0


@pytest.fixture
def clock():
    return SandboxClock(NOON, speed=FAST)


def age(clock):
    """Seconds since noon."""
    return (clock.now() - NOON).total_seconds()


def real(call):
    """How long a call really took, in seconds, and what it returned."""
    begun = time.monotonic()
    value = call()
    return time.monotonic() - begun, value


def test_while_nobody_follows_it_time_passes_fast(clock):
    begun = time.monotonic()
    while clock.now() < NOON + timedelta(days=1):
        assert time.monotonic() < begun + 10


def test_a_wait_passes_fast_and_is_as_long_as_was_asked_for(clock):
    with clock.followed() as wait:
        took, waited = real(lambda: wait(7 * DAY))

    assert 7 * DAY <= waited < 7 * DAY + 5, "what came after it passed at the machine's pace"
    assert took < 5


def test_work_takes_as_long_as_it_really_does(clock):
    with clock.followed():
        before = age(clock)
        took, _ = real(lambda: sum(range(1_000_000)))
        passed = age(clock) - before

    assert took <= passed < took + 1


def test_nobody_waits_faster_than_another_works(clock):
    """Two programs: one waits for a minute, which may not pass while the other is at work."""
    over = threading.Event()

    def one() -> None:
        with clock.followed() as wait:
            wait(60.0)
        over.set()

    with clock.followed():
        waiter = threading.Thread(target=one)
        waiter.start()
        assert not over.wait(0.2), "the minute passed in which somebody worked for a moment"
    assert over.wait(10)
    waiter.join()


def test_of_two_that_wait_the_first_to_go_on_is_not_passed_over(clock):
    """The clock runs no further than to where somebody goes on to work, however late they wake."""
    ended = {}

    def one(seconds) -> None:
        with clock.followed() as wait:
            ready.wait()
            wait(seconds)
            ended[seconds] = age(clock)
            wait(DAY)

    ready = threading.Barrier(3)
    waiters = [threading.Thread(target=one, args=(seconds,)) for seconds in (HOUR, 2 * HOUR)]
    for waiter in waiters:
        waiter.start()
    ready.wait()
    begun = age(clock)
    for waiter in waiters:
        waiter.join()

    assert ended[HOUR] < begun + HOUR + 60
    assert begun + HOUR < ended[2 * HOUR] < begun + 2 * HOUR + 60


def test_a_jump_ahead_ends_a_wait_and_one_back_does_not_make_it_longer():
    clock = SandboxClock(NOON)
    with clock.followed() as wait:
        threading.Timer(0.05, lambda: clock.set(NOON - timedelta(days=1))).start()
        threading.Timer(0.1, lambda: clock.advance(DAY)).start()
        took, waited = real(lambda: wait(HOUR))

    assert took < 10
    assert waited >= DAY
    assert NOON - timedelta(minutes=1) < clock.now() < NOON + timedelta(minutes=1)


def test_its_speed_can_be_changed_and_no_time_is_lost_or_made(clock):
    with clock.followed():
        before = age(clock)
        clock.run_at(1.0)
        assert age(clock) - before < 1
    before = age(clock)
    assert age(clock) - before < 1, "it runs as the machine's"


# ------------------------------------------------------------------------------ over HTTP


@pytest.fixture
def fast():
    sandbox = Sandbox(SandboxOptions(returns=0, start=NOON, speed=FAST))
    with serving(sandbox) as urls:
        yield sandbox.clock, urls.control


def test_a_connection_that_ends_no_longer_slows_the_clock(fast):
    clock, url = fast
    client = ClockClient(url, lambda: None)
    waited = client.wait(DAY)
    assert waited.waited >= DAY
    before = age(clock)
    assert age(clock) - before < 1, "it is at work"

    client.close()

    begun = time.monotonic()
    while age(clock) < before + DAY:
        assert time.monotonic() < begun + 10


def test_what_ends_a_wait_early_ends_it_at_once(fast):
    clock, url = fast
    clock.run_at(1.0)

    def check():
        raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ClockClient(url, check).wait(HOUR)

    assert time.monotonic() < begun + 5


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), "7"])
def test_a_wait_that_is_none_is_refused(fast, seconds):
    _, url = fast

    with pytest.raises(ValueError):
        ClockClient(url, lambda: None).wait(seconds)


def test_what_is_played_happens_at_its_own_time_and_costs_none(fast):
    """A request after a long pause plays all that was due: events keep their times, and the clock
    that the program follows does not lag behind afterwards."""
    sandbox = Sandbox(SandboxOptions(seed=3, returns=200, start=NOON, alive=True, speed=FAST))
    with sandbox.clock.followed() as wait:
        wait(10 * DAY)
        before, begun = sandbox.clock.now(), time.monotonic()
        sandbox.catch_up()
        took = time.monotonic() - begun

        assert (sandbox.clock.now() - before).total_seconds() >= took
    rows = sandbox.loop.store.returns()
    late = [row for row in rows if row.updated_at > NOON + timedelta(days=1)]
    assert len(late) > 10
    assert len({row.updated_at for row in late}) > len(late) / 2


def test_the_same_seed_lives_the_same_week_however_it_is_played():
    """Fast and in one go, or frozen and step by step: each event has its own time."""
    end = NOON + timedelta(days=7)
    options = {"seed": 3, "returns": 200, "start": NOON, "alive": True}
    fast = Sandbox(SandboxOptions(**options, speed=FAST))
    slow = Sandbox(SandboxOptions(**options, frozen=True))

    fast.play(end)
    for hours in range(0, 7 * 24 + 1, 8):
        slow.play(NOON + timedelta(hours=hours))

    assert fast.loop.store.returns() == slow.loop.store.returns()
    assert fast.jetti.store.to_json() == slow.jetti.store.to_json()


def test_a_world_is_as_of_the_start_however_late_it_is_made():
    """On a busy machine the clock runs for a while before the first event is planned."""
    options = SandboxOptions(seed=3, returns=200, start=NOON)
    late = SandboxClock(NOON)
    late.advance(1.5)

    worlds = [Sandbox(options), Sandbox(options, clock=late)]
    for world in worlds:
        world.play(NOON + timedelta(days=7))

    one, other = (world.jetti.store.to_json() for world in worlds)
    assert one == other
