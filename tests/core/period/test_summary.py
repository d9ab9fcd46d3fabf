"""What is counted of a period, and what is said to be missing."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from reconciler.core.model import IntentOutcome, State
from reconciler.core.period.counting import Durations
from reconciler.core.period.facts import Deeds, Landed, ReturnFacts, RunCount, WriteCount
from reconciler.core.period.report import Latency, PeriodReport
from tests.reports.period_samples import (
    DAY,
    FIRST_OF_MARCH,
    LEDGER,
    NOTHING,
    WEEK,
    made,
    one,
    waiting,
)

MINUTE = timedelta(minutes=1)


def took(seconds: Sequence[int]) -> Latency:
    durations = Durations()
    for place, number in enumerate(seconds):
        durations.add(timedelta(seconds=number), str(place))
    return durations.latency()


# ------------------------------------------------------------------------------ percentiles


@given(st.lists(st.integers(0, 500), min_size=1, max_size=60))
def test_a_percentile_is_the_smallest_that_so_many_do_not_exceed(seconds: list[int]) -> None:
    latency = took(seconds)

    for percent, told in ((50, latency.median_seconds), (95, latency.p95_seconds)):
        enough = [
            one
            for one in seconds
            if 100 * sum(other <= one for other in seconds) >= percent * len(seconds)
        ]
        assert told == min(enough)
    assert latency.slowest_seconds == max(seconds)
    assert latency.slowest_return == str(seconds.index(max(seconds)))


def test_nothing_has_no_percentile_and_one_has_all() -> None:
    assert took([]) == Latency()
    assert took([7]) == Latency(1, 7, 7, 7, "0")
    assert took(range(1, 101)).p95_seconds == 95


def test_less_than_nothing_is_nothing_and_a_second_is_a_whole_one() -> None:
    durations = Durations()
    durations.add(timedelta(seconds=-3), "1")
    durations.add(timedelta(seconds=1.99), "2")

    assert durations.latency() == Latency(2, 0, 1, 1, "2")


# --------------------------------------------------------------------------- how long it took


def only(more: ReturnFacts, **ledger: object) -> PeriodReport:
    return made([more], ledger=structs.replace(LEDGER, **ledger))


def wrote(after: timedelta, *, is_create: bool = False, is_current: bool = True) -> Landed:
    return Landed(FIRST_OF_MARCH + after, is_create, is_current)


def test_the_first_create_counts_and_no_later_one() -> None:
    landed = tuple(wrote(MINUTE * at, is_create=at > 3) for at in (2, 5, 9))

    assert only(one(1, FIRST_OF_MARCH, landed=landed)).figures.since_created.median_seconds == 300


def test_what_no_create_made_was_there_already() -> None:
    figures = only(one(1, FIRST_OF_MARCH, landed=(wrote(MINUTE),))).figures

    assert (figures.in_jetti, figures.taken_over, figures.since_created.returns) == (1, 1, 0)


def test_of_a_time_whose_history_was_deleted_nothing_is_measured() -> None:
    late = one(1, FIRST_OF_MARCH, landed=(wrote(3 * DAY, is_create=True),))

    figures = only(late, history_since=FIRST_OF_MARCH + DAY).figures

    assert (figures.in_jetti, figures.taken_over, figures.not_recorded) == (1, 0, 1)
    assert (figures.since_created.returns, figures.since_changed.returns) == (0, 0)
    assert figures.not_complete


def test_what_changed_since_then_is_measured_from_its_change() -> None:
    changed = FIRST_OF_MARCH + 2 * DAY
    late = one(1, FIRST_OF_MARCH, content_since=changed, landed=(wrote(2 * DAY + MINUTE),))

    figures = only(late, history_since=FIRST_OF_MARCH + DAY).figures

    assert (figures.since_created.returns, figures.since_changed.median_seconds) == (0, 60)


@pytest.mark.parametrize(
    ("landed", "seconds"),
    [
        ((wrote(-MINUTE), wrote(2 * MINUTE), wrote(9 * MINUTE)), 120),
        # The first is of the version before, sent while Loop was read.
        ((wrote(MINUTE, is_current=False), wrote(3 * MINUTE)), 180),
        # Settings have changed what is wanted since, and no write is current.
        ((wrote(MINUTE, is_current=False), wrote(4 * MINUTE, is_current=False)), 60),
        ((wrote(-MINUTE),), None),
    ],
)
def test_a_change_is_told_by_the_first_write_for_it(
    landed: tuple[Landed, ...], seconds: int | None
) -> None:
    changed = one(1, FIRST_OF_MARCH, landed=landed)

    assert only(changed).figures.since_changed.median_seconds == seconds


# --------------------------------------------------------------------------------- the returns


def test_each_state_is_done_to_do_or_waits_for_someone() -> None:
    returns = [waiting(place, FIRST_OF_MARCH, state, "") for place, state in enumerate(State)]

    figures = made(returns).figures

    assert (figures.to_do, figures.needs_a_person, figures.nothing_to_do) == (5, 2, 2)
    assert figures.returns == len(State) == 5 + 2 + 2 + len({State.SYNCED})


def test_returns_of_another_time_are_in_neither_period() -> None:
    moments = (WEEK.before.start - MINUTE, WEEK.before.start, WEEK.start, WEEK.until)

    report = made([one(place, at) for place, at in enumerate(moments)], "day")

    assert (report.figures.returns, report.before.returns) == (1, 1)
    assert sum(group.returns for group in report.groups) == 1


def test_a_problem_is_what_status_counts_and_the_oldest_is_first() -> None:
    def due(place: int, state: State, days: float) -> ReturnFacts:
        since = LEDGER.made_at - timedelta(days=days)
        return structs.replace(waiting(place, FIRST_OF_MARCH, state, "why"), since=since)

    returns = [
        due(1, State.REVIEW, 0.5),
        due(2, State.WAITING, 0.9),
        due(3, State.WAITING, 1.1),
        due(4, State.FAILED, 0.1),
        due(5, State.SKIPPED, 5),
        due(6, State.DEAD, 3),
        due(7, State.DEAD, 3),
    ]
    random.Random(1).shuffle(returns)

    report = made(returns)

    assert [problem.return_id for problem in report.problems] == [
        "8806", "8807", "8803", "8801", "8804",
    ]  # fmt: skip
    assert report.period.open_problems == 5
    assert report.next == (
        "reconciler", "list", "--state", "dead", "--state", "failed", "--state", "review",
        "--state", "waiting",
    )  # fmt: skip


def test_of_very_many_problems_the_oldest_are_kept() -> None:
    returns = [
        structs.replace(
            waiting(place, FIRST_OF_MARCH, State.DEAD, ""), since=FIRST_OF_MARCH + place * MINUTE
        )
        for place in range(1, 301)
    ]
    random.Random(2).shuffle(returns)

    problems = made(returns).problems

    assert [problem.return_id for problem in problems] == [str(8800 + n) for n in range(1, 101)]


# -------------------------------------------------------------------------------------- shares


def test_shares_have_the_most_frequent_first_and_what_is_only_in_the_period_before_last() -> None:
    returns = [
        *(one(n, FIRST_OF_MARCH, reasons=("B",)) for n in range(3)),
        *(one(n, FIRST_OF_MARCH, reasons=("A", "A", None)) for n in range(2)),
        *(one(n, FIRST_OF_MARCH - DAY, reasons=("C",)) for n in range(4)),
    ]

    report = made(returns, "reason")

    told = [(share.what, share.returns, share.before) for share in report.reasons]
    assert told == [("B", 3, 0), ("A", 2, 0), (None, 2, 0), ("C", 0, 4)]
    assert [group.what for group in report.groups] == ["B", "A", None]


def test_a_return_of_several_vendors_counts_for_each() -> None:
    returns = [
        one(1, FIRST_OF_MARCH, vendors=(41, 57)),
        one(2, FIRST_OF_MARCH, vendors=(41, None)),
        one(3, FIRST_OF_MARCH, vendors=None),
        waiting(4, FIRST_OF_MARCH, State.PENDING, ""),
    ]

    report = made(returns, "vendor")

    assert {share.what: share.returns for share in report.vendors} == {
        "41": 2, None: 2, "57": 1, "in-house": 1,
    }  # fmt: skip
    assert {group.what: group.in_jetti for group in report.groups}[None] == 1


def test_a_day_and_a_week_without_a_return_are_there() -> None:
    returns = [one(1, FIRST_OF_MARCH), one(2, FIRST_OF_MARCH + 6 * DAY)]

    days = made(returns, "day").groups
    weeks = made(returns, "week").groups

    assert [day.returns for day in days] == [1, 0, 0, 0, 0, 0, 1]
    assert [(week.what, week.returns) for week in weeks] == [("2026-W09", 1), ("2026-W10", 1)]
    assert {day.before for day in (*days, *weeks)} == {None}


# -------------------------------------------------------------------------------------- deeds


def test_writes_and_runs_are_told_beside_those_of_before() -> None:
    now = Deeds(
        (
            WriteCount(True, IntentOutcome.APPLIED, 5, 5),
            WriteCount(True, IntentOutcome.SHORT, 1, 1),
            WriteCount(False, IntentOutcome.READ_BACK, 2, 2),
            WriteCount(False, IntentOutcome.LOST, 3, 1),
            WriteCount(True, None, 1, 1),
        ),
        7,
        (RunCount("scheduled", 0, 9), RunCount("scheduled", 10, 1), RunCount("sweep", 4, 2)),
        6,
    )
    before = Deeds(
        (WriteCount(False, IntentOutcome.LOST, 4, 4),), 0, (RunCount("sweep", None, 1),), 0
    )

    report = made((), now=now, before=before)

    writes = report.figures.writes
    assert (writes.creates, writes.updates, writes.failed, writes.unanswered) == (6, 2, 3, 1)
    assert (writes.returns, report.figures.decisions) == (7, 6)
    assert (report.figures.runs, report.figures.failed_runs) == (12, 2)
    assert report.before.failed_runs == 1, "one that was killed has no exit code"
    told = [(x.operation, x.outcome, x.writes, x.returns, x.before) for x in report.failed_writes]
    assert told == [("create", "unanswered", 1, 1, 0), ("update", "lost", 3, 1, 4)]
    assert [(x.kind, x.exit_code, x.runs, x.before) for x in report.runs] == [
        ("scheduled", 0, 9, 0),
        ("scheduled", 10, 1, 0),
        ("sweep", 4, 2, 0),
        ("sweep", None, 0, 1),
    ]


def test_ten_thousand_returns_are_counted_in_the_memory_of_a_few() -> None:
    """Streamed: what is kept of each are the seconds it took, and a count."""
    reasons = ("Too small", "Damaged", "Other")
    moments = (FIRST_OF_MARCH + timedelta(seconds=place) for place in range(10_000))
    returns = (one(place, at, reasons=(reasons[place % 3],)) for place, at in enumerate(moments))
    tracemalloc.start()
    try:
        report = made(returns, "reason")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert report.figures.returns == 10_000
    assert peak < 1.5 * 2**20


# ---------------------------------------------------------------------------- what is missing


@pytest.mark.parametrize(
    ("ledger", "words"),
    [
        ({"history_since": WEEK.start}, ["no writes and runs from before 2026-03-01"]),
        ({"history_since": WEEK.before.start}, []),
        ({"ledger_since": WEEK.start, "history_since": WEEK.start}, ["was made at 2026-03-01"]),
        ({"go_live": WEEK.start}, ["before go-live (2026-03-01"]),
        ({"watermark": WEEK.until - timedelta(hours=1)}, []),
        ({"watermark": WEEK.until - timedelta(hours=1, seconds=1)}, ["read up to 2026-03-07"]),
        ({"forgotten": 1}, ["1 return was forgotten"]),
        ({"forgotten": 2}, ["2 returns were forgotten"]),
        ({"not_understood": 1}, ["1 row of Loop"]),
    ],
)
def test_it_says_what_is_missing_and_nothing_else(
    ledger: dict[str, object], words: list[str]
) -> None:
    remarks = only(one(1, FIRST_OF_MARCH), **ledger).period.remarks

    assert remarks[0].startswith("The returns are those that were created in Loop in the period")
    assert len(remarks) == 1 + len(words)
    for remark, part in zip(remarks[1:], words, strict=True):
        assert part in remark


@pytest.mark.parametrize(
    ("since", "lacks"),
    [
        (WEEK.start, (False, True)),
        (WEEK.start + MINUTE, (True, True)),
        (WEEK.before.start, (False, False)),
        (None, (False, False)),
    ],
)
def test_a_period_is_not_complete_while_it_reaches_behind_what_is_kept(
    since: object, lacks: tuple[bool, bool]
) -> None:
    report = made((), ledger=structs.replace(LEDGER, history_since=since), now=NOTHING)

    assert (report.figures.not_complete, report.before.not_complete) == lacks
