"""When `status` says that all is well, and when not."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from reconciler.core.health import Facts, Stopped, assess
from reconciler.core.records import Run, SetAside
from reconciler.core.routine_backup import RoutineBackup

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


MADE = RoutineBackup(
    made_at=NOON - 2 * DAY, path="/mnt/my disk/ledger.db", keep=90, into="/mnt/my disk"
)

ENDED = re.compile(r"run (\d+) \((\w+)\) .*exit code (\d+): too many")


def ended(reason: str) -> tuple[int, str, int] | None:
    """Of which run, of what kind and with which code a reason says that it ended."""
    found = ENDED.fullmatch(reason)
    return None if found is None else (int(found[1]), found[2], int(found[3]))


def run(
    number: int, kind: str, exit_code: int | None = 0, began: datetime = NOON - HOUR / 6
) -> Run:
    ended = None if exit_code is None else NOON
    return Run(number, kind, began, ended, exit_code, message="too many")


def set_aside(return_id: str | None) -> SetAside:
    return SetAside(return_id or "ab" * 32, return_id, None, "id: x", False, NOON, NOON)


NOT_HEALTHY: dict[str, tuple[dict[str, object], tuple[str, ...]]] = {
    "dead": ({"states": {"dead": 2}}, ("2", "dead")),
    "failed": ({"states": {"failed": 1}}, ("1", "failed")),
    "in review": ({"states": {"review": 1}}, ("1", "review")),
    "overdue": ({"overdue": 3}, ("3", "overdue", "1d")),
    "an old pass": (
        {"last_complete_pass": NOON - HOUR - timedelta(seconds=1)},
        ("pass", "60m", "1h"),
    ),
    "no pass": ({"last_complete_pass": None}, ("no pass",)),
    "a row": ({"malformed": 1, "set_aside": (set_aside("8801"),)}, ("1 Loop row", "8801")),
    "two rows": (
        {"malformed": 2, "set_aside": tuple(set_aside(one) for one in ("8801", "8802"))},
        ("2 Loop rows", "8801, 8802"),
    ),
    "more rows than are named": (
        {"malformed": 9, "set_aside": (set_aside("8801"),)},
        ("9 Loop rows", "8801, …"),
    ),
    "a row without an id": ({"malformed": 1, "set_aside": (set_aside(None),)}, ("1 Loop row",)),
    "an old sweep": (
        {"last_complete_sweep": NOON - 2 * DAY - HOUR},
        ("sweep", "49h", "48h"),
    ),
    "a failed backup": (
        {"backup": replace(MADE, failed_at=NOON - HOUR, problem="the disk is full")},
        (
            "2026-03-01 11:00Z",
            "failed: the disk is full",
            "`reconciler ledger backup --keep 90 --to '/mnt/my disk'`",
        ),
    ),
    "a first backup that failed": (
        {"backup": RoutineBackup(failed_at=NOON, problem="it is full", keep=14)},
        ("it is full", "`reconciler ledger backup --keep 14`"),
    ),
    "an old backup": (
        {"backup": replace(MADE, made_at=NOON - 2 * DAY - HOUR)},
        ("backup", "49h", "48h", "`reconciler ledger backup --keep 90 --to '/mnt/my disk'`"),
    ),
    "a backup of which nobody can tell": ({"backup_unknown": "x cannot be read"}, ("x cannot",)),
    "a stop": ({"runs": (run(2, "scheduled", 7),)}, ("run 2 (scheduled)", "safety", "too many")),
    "a stop of one return": (
        {"runs": (run(2, "single", 7), run(1, "scheduled"))},
        ("run 2 (single)", "safety", "too many"),
    ),
    "a stop, while a run goes on": (
        {"runs": (run(3, "scheduled", None), run(2, "scheduled", 7))},
        ("run 2 (scheduled)", "safety", "too many"),
    ),
    "a stop without a message": (
        {"runs": (replace(run(2, "sweep", 7), message=None),)},
        ("run 2 (sweep)", "safety"),
    ),
    "adoption not finished": (
        {"adopting_since": NOON - DAY},
        ("`reconciler init --adopt --since ",),
    ),
    "a stopped plan": (
        {"stopped": Stopped("0123456789abcdef", NOON - HOUR, {"update": 2, "create": 30})},
        (
            "2026-03-01 11:00Z",
            "create 30, update 2",
            "`reconciler run --dry-run`",
            "`reconciler run --accept-plan 0123456789abcdef`",
        ),
    ),
}


@pytest.mark.parametrize("case", NOT_HEALTHY)
def test_not_healthy(case: str, golden: Callable[[str], None]) -> None:
    change, facts = NOT_HEALTHY[case]

    health = assess(replace(FINE, **change), DAY, HOUR)

    assert (health.healthy, health.exit_code) == (False, 3)
    [reason] = health.reasons
    for fact in facts:
        assert fact in reason
    golden(reason)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"states": {}},
        {"last_complete_sweep": NOON - 2 * DAY},
        {"backup": MADE},
        # The clock was wrong then, or is wrong now; the next one corrects it.
        {"backup": replace(MADE, made_at=NOON + DAY)},
        {"last_complete_pass": NOON - HOUR},
        {"runs": (run(3, "scheduled"), run(2, "scheduled", 7))},
        {"runs": (run(3, "single"), run(2, "single", 7))},
        # What a guard stopped in it is stopped in every pass, so a good one tells that it is over.
        {"runs": (run(3, "scheduled"), run(2, "sweep", 7))},
        {"runs": (run(2, "scheduled", 10),)},
        {"runs": (run(3, "scheduled", None), run(2, "scheduled"))},
        {"runs": (run(4, "single", 5), run(3, "range", 143), run(2, "scheduled"))},
        {"runs": (run(2, "single", None, NOON - DAY), run(1, "scheduled"))},
    ],
)
def test_healthy(change: dict[str, object]) -> None:
    health = assess(replace(FINE, **change), DAY, HOUR)

    assert (health.healthy, health.exit_code, health.reasons) == (True, 0, ())


# ------------------------------------------------------------------------------ the last runs


@pytest.mark.covers("P15", "R12")
@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 8, 129, 130, 143])
def test_whatever_ended_the_last_pass_is_a_reason_until_a_good_one(code: int) -> None:
    bad = run(2, "scheduled", code)

    for later in ((), (run(3, "single"),), (run(3, "sweep"),), (run(3, "scheduled", None),)):
        told = assess(replace(FINE, runs=(*later, bad)), DAY, HOUR)
        assert [*map(ended, told.reasons)] == [(2, "scheduled", code)]
    assert assess(replace(FINE, runs=(run(3, "scheduled"), bad)), DAY, HOUR).healthy


@pytest.mark.parametrize("code", [1, 3, 4, 5, 6, 8, 129, 143])
def test_what_a_sweep_could_not_do_a_good_pass_makes_up_for(code: int) -> None:
    bad = run(2, "sweep", code)

    told = assess(replace(FINE, runs=(bad, run(1, "scheduled"))), DAY, HOUR).reasons
    assert [*map(ended, told)] == [(2, "sweep", code)]
    assert assess(replace(FINE, runs=(run(3, "scheduled"), bad)), DAY, HOUR).healthy
    also = assess(replace(FINE, runs=(run(3, "scheduled", 5), bad)), DAY, HOUR)
    assert [*map(ended, also.reasons)] == [(3, "scheduled", 5), (2, "sweep", code)]


@pytest.mark.covers("R12")
def test_a_sweep_s_stop_is_over_once_a_pass_has_judged_the_plan_anew() -> None:
    """What that pass stops stands there by itself; another sweep's plan is nobody's any more."""
    swept = run(2, "sweep", 7)

    told = assess(replace(FINE, runs=(run(3, "scheduled", 7), swept)), DAY, HOUR).reasons
    assert len(told) == 1
    assert told[0].startswith("run 3 (scheduled)")
    assert "safety" in told[0]
    first = assess(replace(FINE, runs=(run(3, "scheduled", 5), swept)), DAY, HOUR).reasons
    assert len(first) == 2
    before = assess(replace(FINE, runs=(swept, run(1, "scheduled", 7))), DAY, HOUR).reasons
    assert len(before) == 2


@pytest.mark.parametrize("code", [4, 5, 7])
def test_a_pass_that_leaves_returns_to_look_at_makes_up_for_a_sweep_too(code: int) -> None:
    """It came to its end; what it says of returns is said beside it. A stop makes up for a stop."""
    bad = run(2, "sweep", code)

    told = assess(replace(FINE, runs=(run(3, "scheduled", 3), bad)), DAY, HOUR).reasons
    assert [*map(ended, told)] == [(3, "scheduled", 3)]
    stopped = assess(replace(FINE, runs=(run(3, "scheduled", 7), bad)), DAY, HOUR).reasons
    assert len(stopped) == (1 if code == 7 else 2)


def test_a_run_without_an_end_was_killed_where_its_lock_is_free(
    golden: Callable[[str], None],
) -> None:
    going = run(2, "scheduled", None)

    assert assess(replace(FINE, runs=(going,)), DAY, HOUR).healthy
    [told] = assess(replace(FINE, runs=(going,), killed=2), DAY, HOUR).reasons
    assert "run 2 (scheduled)" in told
    golden(told)
    over = replace(FINE, runs=(run(2, "scheduled"),), killed=2)
    assert assess(over, DAY, HOUR).healthy, "it ended between the two looks"


def test_a_pass_that_did_not_end_is_told_once_it_cannot_be_going_on(
    golden: Callable[[str], None],
) -> None:
    """A later run tells, because only one at a time holds the lock; else the time that passed."""
    half_an_hour = timedelta(minutes=30)
    one = run(2, "scheduled", None, NOON - half_an_hour)
    fine = run(1, "scheduled")

    assert assess(replace(FINE, runs=(one, fine)), DAY, HOUR).healthy
    later = replace(FINE, now=NOON + timedelta(seconds=1), watermark=NOON, runs=(one, fine))
    [unsure] = assess(later, DAY, None).reasons
    told = [
        assess(replace(FINE, runs=(after, one, fine)), DAY, HOUR).reasons
        for after in (run(3, "single"), run(3, "scheduled", None))
    ]
    assert told[0] == told[1]
    [sure] = told[0]
    for reason in (unsure, sure):
        assert "run 2 (scheduled)" in reason
        assert "2026-03-01 11:30:00Z" in reason
    assert unsure != sure
    golden(f"{unsure}\n{sure}")
    assert assess(replace(FINE, runs=(run(3, "scheduled"), one)), DAY, HOUR).healthy


def test_a_sweep_may_take_two_hours() -> None:
    two_hours = run(2, "sweep", None, NOON - 2 * HOUR)

    assert assess(replace(FINE, runs=(two_hours,)), DAY, HOUR).healthy
    longer = run(2, "sweep", None, NOON - 2 * HOUR - timedelta(seconds=1))
    assert not assess(replace(FINE, runs=(longer,)), DAY, HOUR).healthy


# ------------------------------------------------------------------------------ times and clocks


@pytest.mark.covers("P15")
def test_a_first_pass_that_is_due_and_did_not_come_is_a_reason(
    golden: Callable[[str], None],
) -> None:
    new = replace(FINE, last_complete_pass=None, created_at=NOON - HOUR)

    assert assess(new, DAY, None).healthy
    [undated] = assess(new, DAY, HOUR).reasons
    assert undated.startswith("no pass")
    [reason] = assess(replace(new, now=NOON + timedelta(seconds=1)), DAY, None).reasons
    assert reason.startswith(undated)
    assert "60m ago" in reason
    golden(reason)


@pytest.mark.covers("F9", "R10")
@pytest.mark.parametrize("max_age", [None, HOUR], ids=["any age", "1h"])
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"watermark": NOON + HOUR}, "reading"),
        ({"last_complete_pass": NOON + HOUR}, "complete pass"),
        ({"last_complete_sweep": NOON + HOUR}, "complete sweep"),
        ({"created_at": NOON + HOUR}, "ledger"),
        ({"runs": (run(2, "single", None, NOON + HOUR),)}, "run began"),
        ({"runs": (replace(run(2, "scheduled"), finished_at=NOON + HOUR),)}, "run ended"),
    ],
    ids=["watermark", "pass", "sweep", "creation", "beginning", "end"],
)
def test_a_time_ahead_of_now_is_never_healthy(
    change: dict[str, object],
    what: str,
    max_age: timedelta | None,
    golden: Callable[[str], None],
) -> None:
    [reason] = assess(replace(FINE, **change), DAY, max_age).reasons

    assert what in reason
    assert "2026-03-01 13:00:00Z" in reason
    assert "60m ahead of this machine's clock" in reason
    golden(reason)


def test_of_several_times_ahead_the_furthest_is_told() -> None:
    ahead = replace(FINE, watermark=NOON + HOUR, last_complete_pass=NOON + 2 * HOUR)

    [reason] = assess(ahead, DAY, HOUR).reasons

    assert "complete pass" in reason
    assert "120m ahead" in reason or "2h ahead" in reason


def test_without_patience_waiting_is_called_just_that(golden: Callable[[str], None]) -> None:
    [reason] = assess(replace(FINE, overdue=1), timedelta(0), None).reasons

    assert "0" not in reason
    golden(reason)


def test_without_a_max_age_an_old_pass_is_no_reason() -> None:
    old = replace(FINE, last_complete_pass=NOON - 99 * DAY)

    assert assess(old, DAY, None).healthy
    assert assess(replace(FINE, last_complete_pass=None), DAY, None).healthy


def test_everything_that_is_wrong_is_told_and_the_last_ten_runs(
    golden: Callable[[str], None],
) -> None:
    runs = tuple(run(number, "scheduled", 7 if number == 12 else 0) for number in range(12, 0, -1))
    facts = replace(FINE, states={"dead": 1, "failed": 1, "review": 2}, overdue=1, runs=runs)

    health = assess(facts, DAY, HOUR)

    named = (
        "1 return dead",
        "1 return failed",
        "2 returns in review",
        "1 return overdue",
        "run 12",
    )
    for reason, fact in zip(health.reasons, named, strict=True):
        assert fact in reason
    golden("\n".join(health.reasons))
    assert [told.id for told in health.facts.runs] == list(range(12, 2, -1))
