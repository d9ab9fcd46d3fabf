"""What is told, of what was told before, what is wrong now, and the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.core.alarms import CALM_AFTER, REMIND_AFTER, Concern, News, concerns, news
from reconciler.core.health import PASS_AGE, Facts, Settled, Stopped
from reconciler.core.model import State
from reconciler.core.records import Run, SetAside, Told
from reconciler.core.report import Problem
from reconciler.core.states import OPEN
from reconciler.core.summary import CREATION_STOPPED
from reconciler.reports.alarm_text import render

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FINE = Facts(now=NOON, go_live=NOON - DAY, watermark=NOON, last_complete_pass=NOON - MINUTE)


def a_return(number: int = 1, kind: str = "review") -> Concern:
    subject = f"#{number}, return {number}"
    return Concern(f"return {number}", kind, subject, f"{subject} is {kind}", "", str(number))


def a_pass(exit_code: int = 4) -> Concern:
    cause = f"scheduled run with exit code {exit_code}"
    return Concern(cause, "", cause, "it ended badly", "reconciler status")


class Listener:
    """Somebody who is told each time, with the memory of that."""

    def __init__(self) -> None:
        self.memory: tuple[Told, ...] = ()

    def hears(self, *wrong: Concern, at: datetime, judges_age: bool = True) -> News:
        told, self.memory = news(self.memory, wrong, at, None, judges_age=judges_age)
        return told


def test_nothing_wrong_is_no_news() -> None:
    told = Listener().hears(at=NOON)

    assert not told
    assert told == News()


@pytest.mark.covers("R22")
def test_the_same_is_told_once_whatever_becomes_of_its_wording() -> None:
    people = Listener()

    assert people.hears(a_return(), at=NOON).worse == (a_return(),)
    reworded = replace(a_return(), text="#1, return 1 is in review, in other words")
    assert not people.hears(reworded, at=NOON + 5 * MINUTE)


@pytest.mark.parametrize(
    ("before", "after", "is_told"),
    [
        ("overdue", "failed", False),
        ("failed", "overdue", False),
        ("overdue", "review", True),
        ("failed", "dead", True),
        ("review", "dead", True),
        ("dead", "review", True),
        ("review", "failed", False),
        ("dead", "overdue", False),
    ],
)
def test_a_return_is_told_again_when_it_comes_to_need_a_person(
    before: str, after: str, is_told: bool
) -> None:
    people = Listener()
    people.hears(a_return(kind=before), at=NOON)

    told = people.hears(a_return(kind=after), at=NOON + MINUTE)

    assert bool(told.worse) is is_told
    assert not people.hears(a_return(kind=after), at=NOON + 2 * MINUTE)


def test_what_stands_is_told_again_after_a_day_all_together() -> None:
    people = Listener()
    people.hears(a_return(1), at=NOON)
    people.hears(a_return(1), a_return(2), at=NOON + 10 * HOUR)
    both = (a_return(1), a_return(2))

    assert not people.hears(*both, at=NOON + REMIND_AFTER - MINUTE)
    assert people.hears(*both, at=NOON + REMIND_AFTER).standing == both
    assert not people.hears(*both, at=NOON + 34 * HOUR), "the second one was told just now"
    assert people.hears(*both, at=NOON + 2 * REMIND_AFTER).standing == both


@pytest.mark.parametrize("seconds", [-1, 1])
def test_a_clock_that_was_a_year_off_leaves_nobody_unreminded(seconds: int) -> None:
    people = Listener()
    people.hears(a_return(), at=NOON + seconds * 365 * DAY)

    assert people.hears(a_return(), at=NOON).standing


def test_a_return_that_is_settled_is_told_at_once() -> None:
    people = Listener()
    people.hears(a_return(1), a_return(2), at=NOON)

    told = people.hears(a_return(2), at=NOON + MINUTE)

    assert [gone.subject for gone in told.well] == ["#1, return 1"]
    assert told.silent == 1
    assert not people.hears(a_return(2), at=NOON + 2 * MINUTE)


def test_a_pass_is_well_when_it_was_well_for_an_hour() -> None:
    people = Listener()
    people.hears(a_pass(), at=NOON)

    assert not people.hears(at=NOON + MINUTE)
    assert not people.hears(at=NOON + CALM_AFTER)
    assert people.hears(at=NOON + MINUTE + CALM_AFTER).well
    assert people.memory == ()


def test_a_pass_that_fails_every_other_time_is_told_once_a_day() -> None:
    people = Listener()
    times = [NOON + 5 * MINUTE * step for step in range(24 * 12)]

    told = [people.hears(*[a_pass()] * (step % 2), at=at) for step, at in enumerate(times)]

    assert sum(map(bool, told)) == 1


def test_another_way_to_fail_is_news() -> None:
    people = Listener()
    people.hears(a_pass(4), at=NOON)

    assert people.hears(a_pass(5), at=NOON + MINUTE).worse == (a_pass(5),)


def test_who_does_not_look_at_the_age_does_not_call_it_well() -> None:
    old = Concern(PASS_AGE, "", PASS_AGE, "the last pass is old", "reconciler status")
    memory = news((), (old,), NOON, NOON - HOUR, judges_age=True)[1]

    later = NOON + 3 * HOUR
    for last_pass, stays in ((NOON - HOUR, True), (NOON + HOUR, False)):
        once = news(memory, (), later, last_pass, judges_age=False)[1]
        again = news(once, (), later + CALM_AFTER, last_pass, judges_age=False)
        assert bool(again[0].well) is not stays


# ------------------------------------------------------------------------- what there is to tell


def test_returns_and_rows_are_named_one_by_one() -> None:
    review = Problem("8812", "#1042", "review", NOON, "two sales")
    waits = Problem("8813", "", "waiting", NOON, None, "480")
    row = SetAside("8814", "8814", "#1043", "items: absent", True, NOON, NOON)
    facts = replace(FINE, states={"review": 1}, overdue=1, malformed=1, set_aside=(row,))

    found = concerns(facts, DAY, None, [review, waits], [row])

    assert [one.text for one in found] == [
        "#1042, return 8812 is in review: two sales",
        "order id 480, return 8813 is overdue, waiting",
        "#1043, return 8814: Loop's row is not understood in part: items: absent",
    ]
    assert [one.command for one in found] == [f"reconciler show 881{n}" for n in (2, 3, 4)]


@pytest.mark.parametrize(
    ("exit_code", "is_told"),
    [
        *((code, False) for code in (0, 3, 10, 129, 130, 143)),
        *((code, True) for code in (1, 2, 4, 5, 6, 7, 8)),
    ],
)
def test_of_passes_only_those_that_broke_are_told(exit_code: int, is_told: bool) -> None:
    """3 speaks of returns, which are told by themselves; a signal came from somebody."""
    run = Run(3, "scheduled", NOON - MINUTE, NOON, exit_code, message="why")

    found = concerns(replace(FINE, runs=(run,)), DAY, None, (), ())

    how = "stopped for safety" if exit_code == 7 else f"ended with exit code {exit_code}"
    assert [one.text for one in found] == [f"run 3 (scheduled) {how}: why"] * is_told


def test_a_stop_names_the_command_that_goes_on() -> None:
    run = Run(3, "scheduled", NOON, NOON, 7, message="too many", command="reconciler run --x")

    [stop] = concerns(replace(FINE, runs=(run,)), DAY, None, (), ())

    assert stop.command == "reconciler run --x"


def ended(exit_code: int, message: str, number: int = 3, kind: str = "scheduled") -> Run:
    return Run(number, kind, NOON - MINUTE, NOON, exit_code, message=message)


def of_runs(*runs: Run, **facts: Any) -> tuple[Concern, ...]:
    return concerns(replace(FINE, runs=runs, **facts), DAY, None, (), ())


@pytest.mark.covers("R22")
@pytest.mark.parametrize(
    ("before", "after", "is_told"),
    [
        ((6, "Loop refused the key (answered 401)"), (6, "Jetti refused the key (403)"), True),
        ((6, "Loop refused the key (answered 401)"), (6, "Loop refused the key (answered 403)"),
         False),
        ((2, "LOOP_API_KEY: is not set"), (2, "JETTI_API_TOKEN: is not set"), True),
        ((7, "Jetti's token belongs to account a"), (7, "Loop's key belongs to shop b"), True),
        ((7, "plan 0a1b was not made: 31 creates"), (7, "plan 9c8d was not made: 32 creates"),
         False),
        ((4, "Loop answered 503"), (4, "Loop did not answer"), False),
    ],
)  # fmt: skip
def test_once_the_first_trouble_is_settled_the_next_behind_it_is_told(
    before: tuple[int, str], after: tuple[int, str], is_told: bool
) -> None:
    """Outages end by themselves and are told once; what waits for a person may have a second one
    behind it."""
    people = Listener()
    people.hears(*of_runs(ended(*before)), at=NOON)

    assert bool(people.hears(*of_runs(ended(*after)), at=NOON + MINUTE).worse) is is_told


def test_a_key_that_passes_and_sweeps_are_refused_is_one_trouble() -> None:
    refused = "Jetti refused the key (answered 401)"

    found = of_runs(ended(6, refused, 4), ended(6, refused, 3, "sweep"))

    assert len(found) == 1


PLAN = Stopped("97f2bac74b6f616d", NOON, {"create": 31})


def stopped(plan: Stopped = PLAN, **facts: Any) -> tuple[Concern, ...]:
    run = replace(ended(7, f"plan {plan.digest} was not carried out: too many"), digest=plan.digest)
    return of_runs(run, **{"stopped": plan} | facts)


def test_a_stopped_plan_is_one_problem_with_its_reason_and_its_command() -> None:
    [stop] = stopped()

    assert stop.text == f"plan {PLAN.digest} was not carried out: too many"
    assert stop.command == f"reconciler run --accept-plan {PLAN.digest}"
    settled = Settled(3, accepted=31)
    assert stopped(stopped=None, settled=(settled,), settled_stop=3) == ()


@pytest.mark.covers("R22")
def test_another_stop_is_told_although_one_was_told_an_hour_ago() -> None:
    """Whether or not anybody looked between the two."""
    for looks_between in (True, False):
        people = Listener()
        people.hears(*stopped(), at=NOON + MINUTE)
        grown = replace(PLAN, digest="0a1b2c3d4e5f6071", changes={"create": 40})
        assert not people.hears(*stopped(grown), at=NOON + 6 * MINUTE), "it grew"
        if looks_between:
            people.hears(at=NOON + 10 * MINUTE)
        another = replace(PLAN, since=NOON + 15 * MINUTE)

        assert people.hears(*stopped(another), at=NOON + 15 * MINUTE).worse


def test_creation_that_is_stopped_is_one_problem_under_whatever_name() -> None:
    """First it is why a pass stopped; after an outage it is a reason of its own."""
    people, why = Listener(), "return 8812: got 3 for 1"
    of_8812 = {"creation_stopped": why, "creation_stopped_by": "8812"}
    stop = ended(7, f"{CREATION_STOPPED}: {why}")
    assert people.hears(*of_runs(stop, **of_8812), at=NOON).worse

    outage = people.hears(*of_runs(ended(5, "Jetti is out"), **of_8812), at=NOON + MINUTE)
    assert [one.text for one in outage.worse] == [
        "run 3 (scheduled) ended with exit code 5: Jetti is out"
    ]
    other = of_8812 | {"creation_stopped_by": "8813"}
    assert people.hears(*of_runs(stop, **other), at=NOON + 2 * MINUTE).worse
    facts = replace(FINE, runs=(stop,), **other)
    again = concerns(facts, DAY, None, (), (), {"8813": NOON + 3 * MINUTE})
    assert people.hears(*again, at=NOON + 4 * MINUTE).worse, "someone decided, in vain"
    assert not people.hears(*again, at=NOON + 5 * MINUTE)


def test_what_concerns_all_returns_comes_before_them() -> None:
    many = [Problem(str(n), f"#{n}", "review", NOON, "two") for n in range(40)]

    found = concerns(replace(FINE, runs=(ended(6, "no"),)), DAY, None, many, ())

    assert found[0].text == "run 3 (scheduled) ended with exit code 6: no"


def test_a_row_of_which_nothing_is_understood_any_more_is_worse() -> None:
    people = Listener()
    part = SetAside("8814", "8814", "#1043", "items: absent", True, NOON, NOON)
    whole = replace(part, problem="state: absent", is_partial=False)
    tell = [people.hears(*concerns(FINE, DAY, None, (), [row]), at=NOON + n * MINUTE)
            for n, row in enumerate((part, whole, whole, part))]  # fmt: skip

    assert list(map(bool, tell)) == [True, True, False, False]


# -------------------------------------------------------------------------- after someone decided


def problem(state: str, decided_at: datetime | None = None) -> tuple[Concern, ...]:
    decided = {"1": decided_at} if decided_at else {}
    return concerns(FINE, DAY, None, [Problem("1", "#1", state, NOON, "two")], (), decided)


@pytest.mark.covers("R22")
@pytest.mark.parametrize("is_seen_between", [True, False])
@pytest.mark.parametrize("state", ["review", "dead", "failed", "waiting"])
def test_what_was_retried_in_vain_is_told_again_and_never_to_be_well(
    state: str, is_seen_between: bool
) -> None:
    people, decided_at = Listener(), NOON + 5 * MINUTE
    people.hears(*problem(state), at=NOON)
    if is_seen_between:
        seen, people.memory = news(
            people.memory, (), NOON + 6 * MINUTE, None, judges_age=True,
            states={"return 1": "pending"},
        )  # fmt: skip
        assert not seen, "nothing has tried it yet"
    assert not people.hears(*problem("pending", decided_at), at=NOON + 7 * MINUTE).worse

    after = problem(state, decided_at)

    assert people.hears(*after, at=NOON + 10 * MINUTE).worse == after
    assert not people.hears(*after, at=NOON + 15 * MINUTE)


@pytest.mark.parametrize(
    ("state", "is_well"),
    [(state.value, state not in OPEN) for state in State if state not in ("review", "dead")],
)
def test_a_return_is_well_again_once_nothing_is_to_be_done_about_it(
    state: str, is_well: bool
) -> None:
    people = Listener()
    people.hears(a_return(), at=NOON)

    told, memory = news(
        people.memory, (), NOON + MINUTE, None, judges_age=True, states={"return 1": state}
    )

    assert [gone.kind for gone in told.well] == [state] * is_well
    assert len(memory) == (not is_well)
    known = Told("return 1", state, "#1, return 1", NOON, NOON)
    assert ("ignored from now on" in render(News(well=(known,)))) is (state == "ignored")


# ------------------------------------------------------------------------------------- histories

_WRONG = st.lists(st.integers(0, 3), unique=True)
_STEPS = st.lists(
    st.tuples(st.sampled_from([MINUTE, 30 * MINUTE, 5 * HOUR, DAY]), _WRONG), max_size=40
)


@given(_STEPS)
def test_whatever_happens_each_stretch_is_told_once_and_ends_once(steps) -> None:
    """The truth, return by return: when it became wrong, and when it was well again."""
    people, now = Listener(), NOON
    before: set[int] = set()
    last_heard: dict[int, datetime] = {}
    for passed, wrong in steps:
        now += passed
        told = people.hears(*map(a_return, wrong), at=now)
        assert {one.return_id for one in told.worse} == {str(n) for n in set(wrong) - before}
        assert {one.return_id for one in told.well} == {str(n) for n in before - set(wrong)}
        for one in (*told.worse, *told.standing):
            last_heard[int(one.return_id or 0)] = now
        assert all(now - last_heard[n] < REMIND_AFTER for n in wrong), "nobody was reminded"
        before = set(wrong)


@given(st.lists(st.tuples(st.integers(1, 90), st.booleans()), max_size=60))
def test_of_a_pass_that_comes_and_goes_two_tellings_are_an_hour_apart(steps) -> None:
    people, now = Listener(), NOON
    worse: list[datetime] = []
    for minutes, is_wrong in steps:
        now += minutes * MINUTE
        told = people.hears(*[a_pass()] * is_wrong, at=now)
        worse += [now] * bool(told.worse)

    assert all(later - earlier >= CALM_AFTER for earlier, later in pairwise(worse))
