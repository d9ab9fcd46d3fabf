"""How long a plan takes: what each change reads and writes, at the pace that is allowed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.core.budget import Spent
from reconciler.core.estimate import (
    Backlog,
    Estimate,
    PastPass,
    Rates,
    backlog_left,
    estimated,
    kept,
    past_passes,
)
from reconciler.core.model import Line, Purpose, State
from reconciler.core.plan import CreationRules
from reconciler.core.records import Run
from reconciler.core.report import BacklogLeft
from reconciler.core.settings import Policy
from tests.core.samples import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    a_return,
    an_entry,
    an_intent,
    pushed,
    pushed_item,
    wanted_line,
    wants,
)
from tests.support.planning import make_plan

RULES = CreationRules(Policy(), go_live=NOON - 2 * DAY, asked_for=False)
AB = wants(wanted_line("A"), wanted_line("B"))
OF_AB = a_return(lines=(Line("501", "A"), Line("502", "B")))

CREATE_OF_ONE = an_entry()
CREATE_OF_TWO = an_entry(AB, seen=OF_AB)
LOST_CREATE = an_entry(intents=(an_intent(),))
UPDATE_OF_ONE = an_entry(wants(status="shipped"), sale_returns=(pushed(),))
UPDATE_OF_THREE = an_entry(
    wants(wanted_line("A", 2), wanted_line("B", 2), status="shipped"),
    seen=OF_AB,
    sale_returns=(pushed(pushed_item("A"), pushed_item("B")),),
)
UPDATE_NOT_TOLD_YET = an_entry(sale_returns=(pushed(),), intents=(an_intent(),))
CANCEL = an_entry(wants(purpose=Purpose.CANCEL, status="cancelled"), sale_returns=(pushed(),))
LOOK = an_entry(wants(purpose=Purpose.CANCEL))


def seconds(*entries, reads=4, writes=5):
    return Rates(reads, writes).seconds(make_plan(entries, RULES, began_at=NOON).changes)


@pytest.mark.parametrize(
    ("entry", "writes"),
    [
        (CREATE_OF_ONE, 3),
        (CREATE_OF_TWO, 4),
        (LOST_CREATE, 2),
        (UPDATE_OF_ONE, 1),
        (UPDATE_OF_THREE, 3),
        (UPDATE_NOT_TOLD_YET, 1),
        (CANCEL, 1),
    ],
    ids=[
        "a create, its sale return and its item",
        "a create, its sale return and both items",
        "a create that may have to be made again",
        "a status",
        "a status and two quantities",
        "what only a look at Jetti shows",
        "a cancellation",
    ],
)
def test_a_change_takes_half_a_read_and_its_writes(entry, writes):
    assert seconds(entry) == pytest.approx(0.5 / 4 + writes / 5)
    [change] = make_plan([entry], RULES, began_at=NOON).changes
    assert Rates(4, 5).of(change) == Spent(writes, seconds(entry))


def test_a_look_alone_takes_a_tenth_of_a_read():
    assert seconds(LOOK) == pytest.approx(0.1 / 4)
    assert seconds(replace(CREATE_OF_ONE, state=State.WAITING)) == pytest.approx(0.1 / 4)


def test_a_plan_takes_what_its_changes_take_together():
    assert seconds() == 0
    several = [
        replace(entry, seen=replace(entry.seen, id=str(number)))
        for number, entry in enumerate((CREATE_OF_TWO, UPDATE_OF_ONE, LOOK))
    ]
    assert seconds(*several) == pytest.approx(2 * 0.5 / 4 + 0.1 / 4 + 5 / 5)


def test_twice_the_pace_takes_half_the_time():
    assert seconds(CREATE_OF_TWO, reads=8, writes=10) == pytest.approx(seconds(CREATE_OF_TWO) / 2)


# -------------------------------------------------------------------------------- the backlog

LEFT = Backlog(left=1000, work_left=3600.0, work_done=200.0)


def told(*past, backlog=LEFT):
    """Of a pass that began at noon; of those before it, the newest first: how long ago each began,
    what it left and the work that it did."""
    passes = [PastPass(NOON - ago, left, done) for ago, left, done in past]
    return estimated(backlog, NOON, passes)


def about(hours):
    return Estimate(pytest.approx(hours * 3600), is_measured=True)


def at_least(hours):
    return Estimate(pytest.approx(hours * 3600), is_measured=False)


def test_the_rest_takes_as_long_as_at_the_rate_of_the_passes_before():
    half = [(MINUTE * 5 * n, 1000, 150.0) for n in (1, 2, 3, 4)]

    assert told(*half) == about(2)
    assert told(*half, backlog=Backlog(2000, 7200.0)) == about(4)


def test_pauses_outages_and_runs_that_tell_nothing_count_as_time():
    nights = [(HOUR * 1, 900, 600.0), (HOUR * 2, 900, 0.0), (HOUR * 3, None, 0.0)]

    assert told(*nights, (HOUR * 4, 950, 600.0)) == about(12)


def test_only_passes_since_the_backlog_is_there_and_within_a_day_count():
    last = (HOUR, 1000, 1800.0)

    assert told(last, (2 * HOUR, 0, 0.0)) == about(2)
    assert told(last, (2 * HOUR, 0, 0.0), (3 * HOUR, 5, 9.0)) == about(2)
    assert told(last, (2 * HOUR, 1000, 0.0)) == about(2), "it only read the backlog"
    assert told(last, (DAY, 1000, 12 * 3600.0 - 1800)) == about(2)
    assert told(last, (DAY + MINUTE, 1000, 9.0)) == about(2)


def test_the_first_pass_tells_the_least_that_it_can_take():
    """However slow it was: what it took to begin with does not come again."""
    assert told() == at_least(1)
    assert told((HOUR, 1000, 0.0)) == at_least(1)
    assert told(backlog=Backlog(1000, 3600.0)) == at_least(1)


def test_nothing_is_done_faster_than_jetti_allows():
    assert told((HOUR, 1000, 9000.0)) == about(1)
    assert told(backlog=Backlog(1000, 3600.0, 400.0)) == at_least(1)


def test_a_clock_that_was_set_back_spoils_no_estimate():
    assert told((-HOUR, 1000, 100.0)) == at_least(1)


def a_run(number, kind="scheduled", **counts):
    ended = NOON + number * MINUTE
    return Run(number, kind, NOON, finished_at=ended, exit_code=0, counts=counts)


def test_a_run_keeps_its_backlog_and_its_estimate():
    counts = kept(LEFT, Estimate(7200.4, is_measured=True))

    run = a_run(3, **counts)
    assert backlog_left([run]) == BacklogLeft(run.finished_at, 1000, 7200, True)
    assert past_passes([run]) == [PastPass(NOON, 1000, 200)]


def test_the_last_pass_that_knows_tells_the_backlog():
    known = kept(LEFT, Estimate(60, is_measured=False))
    going_on = Run(9, "scheduled", NOON)

    runs = [going_on, a_run(8, "range", **known), a_run(7), a_run(6, **known)]
    assert backlog_left(runs) == BacklogLeft(NOON + 6 * MINUTE, 1000, 60, False)
    assert backlog_left(runs[:3]) is None
    assert past_passes(runs) == [
        PastPass(NOON, None, 0),
        PastPass(NOON, None, 0),
        PastPass(NOON, 1000, 200),
    ]
    assert backlog_left([a_run(5, "sweep", **known)]) == BacklogLeft(
        NOON + 5 * MINUTE, 1000, 60, False
    )
