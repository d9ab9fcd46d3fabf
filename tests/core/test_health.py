"""When `status` says that all is well, and when not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from reconciler.core.health import Facts, Stopped, assess
from reconciler.core.records import Run, SetAside

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
ENDED = "run {} ({}) ended with exit code {}: too many"


def run(
    number: int, kind: str, exit_code: int | None = 0, began: datetime = NOON - HOUR / 6
) -> Run:
    ended = None if exit_code is None else NOON
    return Run(number, kind, began, ended, exit_code, message="too many")


def set_aside(return_id: str | None) -> SetAside:
    return SetAside(return_id or "ab" * 32, return_id, None, "id: x", False, NOON, NOON)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"states": {"dead": 2}}, "2 returns dead"),
        ({"states": {"failed": 1}}, "1 return failed"),
        ({"states": {"review": 1}}, "1 return in review: a person must decide"),
        ({"overdue": 3}, "3 returns overdue: waiting for 1d or longer"),
        (
            {"last_complete_pass": NOON - HOUR - timedelta(seconds=1)},
            "the last complete pass ended 60m ago, more than 1h",
        ),
        ({"last_complete_pass": None}, "no pass was ever complete"),
        (
            {"malformed": 1, "set_aside": (set_aside("8801"),)},
            "1 row of Loop's is not understood, at least in part: return 8801",
        ),
        (
            {
                "malformed": 2,
                "set_aside": tuple(set_aside(one) for one in ("8801", "8802")),
            },
            "2 rows of Loop's are not understood, at least in part: return 8801, 8802",
        ),
        (
            {"malformed": 9, "set_aside": (set_aside("8801"),)},
            "9 rows of Loop's are not understood, at least in part: return 8801, …",
        ),
        (
            {
                "malformed": 1,
                "set_aside": (set_aside(None),),
            },
            "1 row of Loop's is not understood, at least in part",
        ),
        (
            {"last_complete_sweep": NOON - 2 * DAY - HOUR},
            "the last complete sweep ended 49h ago, more than 48h",
        ),
        ({"runs": (run(2, "scheduled", 7),)}, STOPPED.format("scheduled")),
        ({"runs": (run(2, "single", 7), run(1, "scheduled"))}, STOPPED.format("single")),
        (
            {"runs": (run(3, "scheduled", None), run(2, "scheduled", 7))},
            STOPPED.format("scheduled"),
        ),
        (
            {"runs": (replace(run(2, "sweep", 7), message=None),)},
            "run 2 (sweep) stopped for safety",
        ),
        (
            {"adopting_since": NOON - DAY},
            "what Jetti already has was not looked for to the end: let `reconciler init --adopt`"
            " end, or run it again",
        ),
        (
            {"stopped": Stopped("0123456789abcdef", NOON - HOUR, {"update": 2, "create": 30})},
            "plan 0123456789abcdef is stopped since 2026-03-01 11:00Z (create 30, update 2): look"
            " at it with `reconciler run --dry-run`, then let it through with"
            " `reconciler run --accept-plan 0123456789abcdef`",
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
        assert told.reasons == (ENDED.format(2, "scheduled", code),)
    assert assess(replace(FINE, runs=(run(3, "scheduled"), bad)), DAY, HOUR).healthy


@pytest.mark.parametrize("code", [1, 3, 4, 5, 6, 8, 129, 143])
def test_what_a_sweep_could_not_do_a_good_pass_makes_up_for(code: int) -> None:
    bad = run(2, "sweep", code)

    assert assess(replace(FINE, runs=(bad, run(1, "scheduled"))), DAY, HOUR).reasons == (
        ENDED.format(2, "sweep", code),
    )
    assert assess(replace(FINE, runs=(run(3, "scheduled"), bad)), DAY, HOUR).healthy
    also = assess(replace(FINE, runs=(run(3, "scheduled", 5), bad)), DAY, HOUR)
    assert also.reasons == (
        ENDED.format(3, "scheduled", 5),
        ENDED.format(2, "sweep", code),
    )


@pytest.mark.covers("R12")
def test_a_sweep_s_stop_is_over_once_a_pass_has_judged_the_plan_anew() -> None:
    """What that pass stops stands there by itself; another sweep's plan is nobody's any more."""
    swept = run(2, "sweep", 7)

    told = assess(replace(FINE, runs=(run(3, "scheduled", 7), swept)), DAY, HOUR).reasons
    assert len(told) == 1
    assert told[0].startswith("run 3 (scheduled) stopped for safety")
    first = assess(replace(FINE, runs=(run(3, "scheduled", 5), swept)), DAY, HOUR).reasons
    assert len(first) == 2
    before = assess(replace(FINE, runs=(swept, run(1, "scheduled", 7))), DAY, HOUR).reasons
    assert len(before) == 2


@pytest.mark.parametrize("code", [4, 5, 7])
def test_a_pass_that_leaves_returns_to_look_at_makes_up_for_a_sweep_too(code: int) -> None:
    """It came to its end; what it says of returns is said beside it. A stop makes up for a stop."""
    bad = run(2, "sweep", code)

    told = assess(replace(FINE, runs=(run(3, "scheduled", 3), bad)), DAY, HOUR).reasons
    assert told == (ENDED.format(3, "scheduled", 3),)
    stopped = assess(replace(FINE, runs=(run(3, "scheduled", 7), bad)), DAY, HOUR).reasons
    assert len(stopped) == (1 if code == 7 else 2)


def test_a_run_without_an_end_was_killed_where_its_lock_is_free() -> None:
    going = run(2, "scheduled", None)

    assert assess(replace(FINE, runs=(going,)), DAY, HOUR).healthy
    [told] = assess(replace(FINE, runs=(going,), killed=2), DAY, HOUR).reasons
    assert told.endswith("did not end: it was killed")
    ended = replace(FINE, runs=(run(2, "scheduled"),), killed=2)
    assert assess(ended, DAY, HOUR).healthy, "it ended between the two looks"


def test_a_pass_that_did_not_end_is_told_once_it_cannot_be_going_on() -> None:
    """A later run tells, because only one at a time holds the lock; else the time that passed."""
    half_an_hour = timedelta(minutes=30)
    one = run(2, "scheduled", None, NOON - half_an_hour)
    fine = run(1, "scheduled")
    began = f"run 2 (scheduled) began at {NOON - half_an_hour:%Y-%m-%d %H:%M:%S}Z and did not end"

    assert assess(replace(FINE, runs=(one, fine)), DAY, HOUR).healthy
    later = replace(FINE, now=NOON + timedelta(seconds=1), watermark=NOON, runs=(one, fine))
    assert assess(later, DAY, None).reasons == (f"{began}: it goes on, or was killed",)
    for after in (run(3, "single"), run(3, "scheduled", None)):
        told = assess(replace(FINE, runs=(after, one, fine)), DAY, HOUR)
        assert told.reasons == (f"{began}: it was killed",)
    assert assess(replace(FINE, runs=(run(3, "scheduled"), one)), DAY, HOUR).healthy


def test_a_sweep_may_take_two_hours() -> None:
    two_hours = run(2, "sweep", None, NOON - 2 * HOUR)

    assert assess(replace(FINE, runs=(two_hours,)), DAY, HOUR).healthy
    longer = run(2, "sweep", None, NOON - 2 * HOUR - timedelta(seconds=1))
    assert not assess(replace(FINE, runs=(longer,)), DAY, HOUR).healthy


# ------------------------------------------------------------------------------ times and clocks


@pytest.mark.covers("P15")
def test_a_first_pass_that_is_due_and_did_not_come_is_a_reason() -> None:
    new = replace(FINE, last_complete_pass=None, created_at=NOON - HOUR)

    assert assess(new, DAY, None).healthy
    assert assess(new, DAY, HOUR).reasons == ("no pass was ever complete",)
    [reason] = assess(replace(new, now=NOON + timedelta(seconds=1)), DAY, None).reasons
    assert reason.startswith("no pass was ever complete, although the ledger was made 60m ago")


@pytest.mark.covers("F9", "R10")
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"watermark": NOON + HOUR}, "reading is complete up to"),
        ({"last_complete_pass": NOON + HOUR}, "the last complete pass ended at"),
        ({"last_complete_sweep": NOON + HOUR}, "the last complete sweep ended at"),
        ({"created_at": NOON + HOUR}, "the ledger was made at"),
        ({"runs": (run(2, "single", None, NOON + HOUR),)}, "the last run began at"),
        (
            {"runs": (replace(run(2, "scheduled"), finished_at=NOON + HOUR),)},
            "the last run ended at",
        ),
    ],
)
@pytest.mark.parametrize("max_age", [None, HOUR])
def test_a_time_ahead_of_now_is_never_healthy(
    change: dict[str, object], what: str, max_age: timedelta | None
) -> None:
    [reason] = assess(replace(FINE, **change), DAY, max_age).reasons

    assert reason == (
        f"{what} 2026-03-01 13:00:00Z, which is 60m ahead of this machine's clock: it is wrong"
        " now, or was wrong then"
    )


def test_of_several_times_ahead_the_furthest_is_told() -> None:
    ahead = replace(FINE, watermark=NOON + HOUR, last_complete_pass=NOON + 2 * HOUR)

    [reason] = assess(ahead, DAY, HOUR).reasons

    assert "the last complete pass ended at" in reason


def test_without_patience_waiting_is_called_just_that() -> None:
    assert assess(replace(FINE, overdue=1), timedelta(0), None).reasons == (
        "1 return overdue: waiting",
    )


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
        "1 return overdue: waiting for 1d or longer",
        "run 12 (scheduled) stopped for safety: too many",
    )
    assert [told.id for told in health.facts.runs] == list(range(12, 2, -1))
