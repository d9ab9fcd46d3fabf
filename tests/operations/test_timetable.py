"""Passes come by the time that passes, whatever the wall clock is set to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger
from hypothesis import given
from hypothesis import strategies as st

from reconciler.operations import crontab
from reconciler.operations.timetable import Timetable

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
EVERY_FIVE = IntervalTrigger(minutes=5, timezone=UTC)
NIGHTLY = crontab.trigger("17 3 * * *")
QUARTERLY = crontab.trigger("*/15 * * * *")


class Machine:
    """A timetable on a machine whose wall clock can be set, looked at every second."""

    def __init__(self, *lines: tuple[str, BaseTrigger], start: datetime = NOON) -> None:
        self.now, self.elapsed = start, 1000.0
        self.timetable = Timetable(
            [(name, trigger, False) for name, trigger in lines], self.now, self.elapsed
        )
        self.ticks: list[tuple[str, float]] = []
        self.jumps: list[float] = []

    def set_clock(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def passes(self, seconds: float, step: float = 1.0) -> None:
        """So much time, with looks in between."""
        end = self.elapsed + seconds
        while self.elapsed < end:
            self.look()
            passed = min(step, end - self.elapsed)
            self.elapsed += passed
            self.now += timedelta(seconds=passed)
        self.look()

    def sleeps(self, seconds: float) -> None:
        """So much time in which nobody looks."""
        self.elapsed += seconds
        self.now += timedelta(seconds=seconds)

    def look(self) -> None:
        if moved := self.timetable.clock_change(self.now, self.elapsed):
            self.jumps.append(moved)
        for name in self.timetable.take_due(self.now, self.elapsed):
            self.ticks.append((name, self.elapsed - 1000.0))

    @property
    def times(self) -> list[float]:
        """Elapsed seconds of each tick since the start."""
        return [at for _, at in self.ticks]


@pytest.mark.covers("F13")
@pytest.mark.parametrize("jump", [-10 * DAY, -3 * HOUR, -90.0, -30.0, 30.0, 90.0, HOUR, 400 * DAY])
def test_a_pass_every_five_minutes_comes_every_five_minutes(jump: float) -> None:
    machine = Machine(("pass", EVERY_FIVE))
    machine.passes(7 * MINUTE)

    machine.set_clock(jump)
    machine.passes(20 * MINUTE)

    assert machine.times == [300.0 * count for count in range(1, 6)]


@given(st.lists(st.tuples(st.floats(1, 900), st.floats(-DAY, DAY)), max_size=8))
def test_however_often_the_clock_is_set_no_pass_is_late_or_doubled(
    turns: list[tuple[float, float]],
) -> None:
    machine = Machine(("pass", EVERY_FIVE))
    for passing, jump in turns:
        machine.passes(passing, step=10.0)
        machine.set_clock(jump)
    machine.look()

    lived = machine.elapsed - 1000.0
    assert len(machine.times) == int(lived // 300)
    for count, at in enumerate(machine.times, start=1):
        assert 0 <= at - 300.0 * count <= 10.0


@pytest.mark.parametrize(
    ("jump", "told"),
    [(-61.0, [-61.0]), (61.0, [61.0]), (-60.0, []), (60.0, []), (-3 * HOUR, [-3 * HOUR])],
)
def test_a_clock_that_is_set_by_more_than_a_minute_is_told_once(
    jump: float, told: list[float]
) -> None:
    machine = Machine(("pass", EVERY_FIVE))
    machine.passes(10.0)

    machine.set_clock(jump)
    machine.passes(10 * MINUTE)

    assert machine.jumps == pytest.approx(told)


def test_many_small_steps_add_up_to_one_that_is_told() -> None:
    machine = Machine(("pass", EVERY_FIVE))
    for _ in range(7):
        machine.set_clock(-10.0)
        machine.passes(10.0)

    assert machine.jumps == pytest.approx([-70.0])


# ------------------------------------------------------------------------------- times of day


def test_a_time_of_day_is_kept() -> None:
    machine = Machine(("sweep", NIGHTLY))

    machine.passes(2.5 * DAY, step=MINUTE)

    fifteen_hours = 15 * HOUR + 17 * MINUTE
    assert machine.times == [fifteen_hours, fifteen_hours + DAY]


@pytest.mark.covers("F13", "R10")
def test_a_clock_set_back_by_hours_has_times_of_day_counted_anew() -> None:
    """Every quarter of an hour by the clock as it stands now, not in three hours' time."""
    machine = Machine(("pass", QUARTERLY))
    machine.passes(16 * MINUTE)
    assert machine.times == [15 * MINUTE]

    machine.set_clock(-3 * HOUR)
    machine.passes(30 * MINUTE)

    assert machine.times == [15 * MINUTE, 30 * MINUTE, 45 * MINUTE]


def test_a_clock_set_ahead_over_several_ticks_brings_one() -> None:
    machine = Machine(("pass", QUARTERLY))
    machine.passes(MINUTE)

    machine.set_clock(5 * HOUR)
    machine.passes(20 * MINUTE)

    assert machine.times == [MINUTE, 15 * MINUTE]


def test_a_clock_set_ahead_over_the_night_does_not_lose_the_sweep() -> None:
    machine = Machine(("sweep", NIGHTLY), start=NOON + timedelta(hours=14))
    machine.passes(MINUTE)

    machine.set_clock(3 * HOUR)
    machine.passes(DAY, step=MINUTE)

    assert machine.times[0] == MINUTE
    assert len(machine.times) == 2


def test_a_clock_a_little_behind_brings_no_tick_twice() -> None:
    """Set back by half a minute, it shows 03:16:30 when the sweep is due, and 03:17 after that."""
    machine = Machine(("sweep", NIGHTLY), start=NOON + timedelta(hours=15))
    machine.passes(MINUTE)
    machine.set_clock(-30.0)

    machine.passes(HOUR)

    assert len(machine.times) == 1


def test_a_time_that_no_calendar_has_is_never_due() -> None:
    machine = Machine(("pass", crontab.trigger("0 0 31 2 *")))

    assert machine.timetable.seconds_until_due(machine.elapsed) == float("inf")
    machine.passes(HOUR, step=MINUTE)
    assert machine.times == []


# -------------------------------------------------------------------------------------- sleep


@pytest.mark.parametrize("trigger", [EVERY_FIVE, QUARTERLY])
def test_what_a_sleeping_machine_missed_one_tick_makes_up_for(trigger: BaseTrigger) -> None:
    machine = Machine(("pass", trigger))
    machine.passes(MINUTE)

    machine.sleeps(9 * HOUR + 1)
    machine.look()

    assert len(machine.times) == 1
    machine.passes(16 * MINUTE)
    assert machine.times[1] % 300 == 0, "and then it goes on as before"


def test_at_once_means_at_the_first_look() -> None:
    timetable = Timetable([("pass", EVERY_FIVE, True), ("sweep", NIGHTLY, False)], NOON, 7.0)

    assert timetable.seconds_until_due(7.0) == 0
    assert timetable.take_due(NOON, 7.0) == ["pass"]
    assert timetable.take_due(NOON, 7.0) == []
    assert timetable.seconds_until_due(7.0) == 300.0
