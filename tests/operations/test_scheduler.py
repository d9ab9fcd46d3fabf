"""The timetable: at once, one of a kind at a time, and a clean end on a signal."""

from __future__ import annotations

import logging
import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.base import BaseTrigger
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
    assert "pass: left out a tick, because the last one still goes on" in caplog.text


class LongMissed(BaseTrigger):  # type: ignore[misc]
    """Was due every second for a minute, until five seconds ago; then again in an hour."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        if previous is None:
            return now - timedelta(minutes=1)
        following = previous + timedelta(seconds=1)
        return following if following <= now - timedelta(seconds=5) else now + timedelta(hours=1)


def test_missed_ticks_are_made_up_for_by_one_however_late() -> None:
    clock, ticks = SystemClock(), []

    def tick() -> None:
        ticks.append(1)
        threading.Timer(0.3, clock.stop, [signal.SIGTERM]).start()

    with pytest.raises(Interrupted):
        serve([Job("pass", LongMissed(), tick)], clock)

    assert len(ticks) == 1


def test_the_pass_that_goes_on_is_waited_for() -> None:
    clock, ended = SystemClock(), []

    def tick() -> None:
        clock.stop(signal.SIGTERM)
        threading.Event().wait(0.2)
        ended.append(True)

    with pytest.raises(Interrupted):
        serve([Job("pass", SELDOM, tick, at_once=True)], clock)

    assert ended == [True]
