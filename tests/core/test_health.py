"""When `status` says that all is well, and when not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from reconciler.core.health import Facts, LastRun, SetAside, assess

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


STOPPED = "run 2 ({}) stopped for safety: too many"


def run(number: int, kind: str, exit_code: int | None = 0) -> LastRun:
    ended = None if exit_code is None else NOON
    return LastRun(number, kind, NOON, ended, exit_code, message="too many")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"states": {"dead": 2}}, "2 returns dead"),
        ({"states": {"failed": 1}}, "1 return failed"),
        ({"states": {"review": 1}}, "1 return in review: a person must decide"),
        ({"overdue": 3}, "3 returns overdue: waiting longer than 1d"),
        (
            {"last_complete_pass": NOON - HOUR - timedelta(seconds=1)},
            "the last complete pass ended 60m ago, more than 1h",
        ),
        ({"last_complete_pass": None}, "no pass was ever complete"),
        (
            {"malformed": 1, "set_aside": (SetAside("8801", "state: absent", NOON, "8801"),)},
            "1 row of Loop's is not understood, at least in part: return 8801",
        ),
        (
            {"malformed": 9, "set_aside": (SetAside("8801", "state: absent", NOON, "8801"),)},
            "9 rows of Loop's are not understood, at least in part: return 8801, …",
        ),
        (
            {"malformed": 1, "set_aside": (SetAside("ab" * 32, "id: missing", NOON),)},
            "1 row of Loop's is not understood, at least in part",
        ),
        (
            {"last_complete_sweep": NOON - 2 * DAY - HOUR},
            "the last complete sweep ended 49h ago, more than 48h",
        ),
        ({"runs": (run(2, "scheduled", 7),)}, STOPPED.format("scheduled")),
        ({"runs": (run(2, "single", 7), run(1, "scheduled"))}, STOPPED.format("single")),
        ({"runs": (run(3, "scheduled"), run(2, "sweep", 7))}, STOPPED.format("sweep")),
        (
            {"runs": (run(3, "scheduled", None), run(2, "scheduled", 7))},
            STOPPED.format("scheduled"),
        ),
        (
            {"runs": (replace(run(2, "sweep", 7), message=None),)},
            "run 2 (sweep) stopped for safety",
        ),
    ],
)
def test_not_healthy(change: dict[str, object], reason: str) -> None:
    health = assess(replace(FINE, **change), DAY, HOUR)

    assert (health.healthy, health.exit_code, health.reasons) == (False, 3, (reason,))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"states": {}},
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


def test_everything_that_is_wrong_is_told_and_the_last_ten_runs() -> None:
    runs = tuple(run(number, "scheduled", 7 if number == 12 else 0) for number in range(12, 0, -1))
    facts = replace(FINE, states={"dead": 1, "failed": 1, "review": 2}, overdue=1, runs=runs)

    health = assess(facts, DAY, HOUR)

    assert health.reasons == (
        "1 return dead",
        "1 return failed",
        "2 returns in review: a person must decide",
        "1 return overdue: waiting longer than 1d",
        "run 12 (scheduled) stopped for safety: too many",
    )
    assert [told.id for told in health.facts.runs] == list(range(12, 2, -1))
