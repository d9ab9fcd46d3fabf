"""A schedule means the day that is written, as crontab means it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.operations.crontab import trigger, weekdays

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "spelt"),
    [
        ("*", "*"),
        ("0", "sun"),
        ("7", "sun"),
        ("1", "mon"),
        ("1-5", "mon,tue,wed,thu,fri"),
        ("5-7", "sun,fri,sat"),
        ("0-7", "sun,mon,tue,wed,thu,fri,sat"),
        ("*/2", "sun,tue,thu,sat"),
        ("1-5/2", "mon,wed,fri"),
        ("MON,fri", "mon,fri"),
        ("tue-thu", "tue,wed,thu"),
    ],
)
def test_weekdays_are_spelt_out(written: str, spelt: str) -> None:
    assert weekdays(written) == spelt


@pytest.mark.parametrize("written", ["8", "-1", "5-1", "sat-mon", "1/2", "mon-", "fry", "", "1,,2"])
def test_what_is_no_weekday_is_refused(written: str) -> None:
    with pytest.raises(ValueError):
        weekdays(written)


@pytest.mark.parametrize("number", range(8))
def test_a_number_fires_on_crontabs_day(number: int) -> None:
    fires = trigger(f"30 6 * * {number}").get_next_fire_time(None, MONDAY)

    assert fires is not None
    assert (fires.isoweekday() % 7, fires.hour, fires.minute) == (number % 7, 6, 30)
    assert fires.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "written", ["* * * *", "* * * * * *", "@daily", "60 * * * *", "* * 1 * 1", "x * * * *"]
)
def test_what_is_no_schedule_is_refused(written: str) -> None:
    with pytest.raises(ValueError):
        trigger(written)
