"""The timetable: at once, one of a kind at a time, and a clean end on a signal."""

from __future__ import annotations

import logging
import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.interval import IntervalTrigger

from reconciler.clock import SystemClock
from reconciler.errors import Interrupted
from reconciler.operations.scheduler import Job, serve

SELDOM = IntervalTrigger(hours=9, timezone=UTC)
OFTEN = IntervalTrigger(seconds=0.05, timezone=UTC)


def test_the_first_pass_comes_at_once_and_a_signal_ends_it() -> None:
    clock = SystemClock()
    job = Job("pass", SELDOM, lambda: clock.stop(signal.SIGTERM), at_once=True)

    with pytest.raises(Interrupted) as caught:
        serve([job], clock)

    assert caught.value.status == 143


@pytest.mark.covers("F13")
def test_a_tick_that_overruns_is_not_doubled_but_told(caplog: pytest.LogCaptureFixture) -> None:
    clock, running, most = SystemClock(), [], []
    left_out = threading.Event()

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            left_out.set()

    def tick() -> None:
        running.append(1)
        most.append(len(running))
        left_out.wait(10)
        running.pop()
        clock.stop(signal.SIGINT)

    log = logging.getLogger("reconciler.operations.scheduler")
    watch = Watch()
    log.addHandler(watch)
    try:
        with pytest.raises(Interrupted) as caught:
            serve([Job("pass", OFTEN, tick, at_once=True)], clock)
    finally:
        log.removeHandler(watch)

    assert caught.value.status == 130
    assert max(most) == 1
    assert "pass: skipped a tick, because the last one is still running" in caplog.text


class Sleeper(SystemClock):
    """Of a machine that sleeps for nine hours after the first look."""

    def __init__(self) -> None:
        super().__init__()
        self.slept = timedelta()

    def now(self) -> datetime:
        return super().now() + self.slept

    def monotonic(self) -> float:
        return super().monotonic() + self.slept.total_seconds()

    def wait(self, seconds: float) -> None:
        self.slept = timedelta(hours=9)
        super().wait(min(seconds, 0.01))


@pytest.mark.covers("F13")
def test_missed_ticks_are_made_up_for_by_one_however_late() -> None:
    clock, ticks = Sleeper(), []

    def tick() -> None:
        ticks.append(1)
        threading.Timer(0.3, clock.stop, [signal.SIGTERM]).start()

    with pytest.raises(Interrupted):
        serve([Job("pass", IntervalTrigger(minutes=5, timezone=UTC), tick)], clock)

    assert len(ticks) == 1


class SetBack(SystemClock):
    """Is set back by three hours, once the first tick is over."""

    def __init__(self) -> None:
        super().__init__()
        self.back = timedelta()

    def now(self) -> datetime:
        return super().now() - self.back


@pytest.mark.covers("F13", "R10")
def test_a_clock_that_is_set_back_holds_up_no_tick_and_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, ticks = SetBack(), []

    def tick() -> None:
        ticks.append(1)
        clock.back = timedelta(hours=3, seconds=1)
        if len(ticks) == 3:
            clock.stop(signal.SIGTERM)

    with pytest.raises(Interrupted):
        serve([Job("pass", OFTEN, tick, at_once=True)], clock)

    assert len(ticks) == 3
    assert [record.message for record in caplog.records if "clock" in record.message] == [
        "this machine's clock was set back by 3h: passes continue by elapsed time, and"
        " times of day are recomputed"
    ]


def test_between_two_looks_others_have_their_turn() -> None:
    clock, turns = SystemClock(), []

    def turn() -> None:
        turns.append(1)
        if len(turns) == 2:
            clock.stop(signal.SIGTERM)

    with pytest.raises(Interrupted):
        serve([Job("pass", OFTEN, lambda: None)], clock, turn)

    assert len(turns) == 2


def test_the_pass_that_goes_on_is_waited_for() -> None:
    clock, ended = SystemClock(), []

    def tick() -> None:
        clock.stop(signal.SIGTERM)
        threading.Event().wait(0.2)
        ended.append(True)

    with pytest.raises(Interrupted):
        serve([Job("pass", SELDOM, tick, at_once=True)], clock)

    assert ended == [True]
