"""When `status` says that all is well, and when not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from reconciler.core.health import Facts, LastRun, assess

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FINE = Facts(
    now=NOON,
    go_live=NOON - 30 * DAY,
    watermark=NOON,
    states={"synced": 5, "skipped": 2, "pending": 1, "waiting": 1, "ignored": 1},
    last_complete_pass=NOON - HOUR,
)


def run(number: int, kind: str, exit_code: int | None = 0) -> LastRun:
    ended = None if exit_code is None else NOON
    return LastRun(number, kind, NOON, ended, exit_code, message="too many")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"states": {"dead": 2}}, "2 returns dead"),
        ({"states": {"failed": 1}}, "1 return failed"),
        ({"states": {"review": 1}}, "1 return in review"),
        ({"overdue": 3}, "3 returns overdue: waiting longer than 1d"),
        ({"last_complete_pass": NOON - HOUR - timedelta(seconds=1)}, "60m ago, more than 1h"),
        ({"last_complete_pass": None}, "no pass was ever complete"),
        ({"last_complete_sweep": NOON - 2 * DAY - HOUR}, "49h ago, more than 48h"),
        ({"runs": (run(2, "scheduled", 7),)}, "run 2 (scheduled) stopped for safety: too many"),
        ({"runs": (run(2, "single", 7), run(1, "scheduled"))}, "run 2 (single)"),
        ({"runs": (run(3, "scheduled"), run(2, "sweep", 7))}, "run 2 (sweep)"),
        ({"runs": (run(3, "scheduled", None), run(2, "scheduled", 7))}, "run 2 (scheduled)"),
    ],
)
def test_not_healthy(change: dict[str, object], reason: str) -> None:
    health = assess(replace(FINE, **change), DAY, HOUR)

    assert (health.healthy, health.exit_code) == (False, 3)
    assert [told for told in health.reasons if reason in told]
    assert len(health.reasons) == 1


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"states": {}},
        {"malformed": 9},
        {"last_complete_sweep": NOON - 2 * DAY},
        {"last_complete_pass": NOON - HOUR},
        {"runs": (run(3, "scheduled"), run(2, "scheduled", 7))},
        {"runs": (run(3, "single"), run(2, "single", 7))},
        {"runs": (run(3, "scheduled", 4), run(2, "scheduled", None))},
    ],
)
def test_healthy(change: dict[str, object]) -> None:
    health = assess(replace(FINE, **change), DAY, HOUR)

    assert (health.healthy, health.exit_code, health.reasons) == (True, 0, ())


def test_without_a_max_age_an_old_pass_is_no_reason() -> None:
    old = replace(FINE, last_complete_pass=NOON - 99 * DAY)

    assert assess(old, DAY, None).healthy
    assert assess(replace(FINE, last_complete_pass=None), DAY, None).healthy
