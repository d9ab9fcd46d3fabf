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
    Worked,
    backlog_of,
    estimated,
    kept,
    left_now,
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

LEFT = Backlog(left=1000, work_left=36000.0, work_done=150.0)
PERIOD = 5 * MINUTE


def told(*past, backlog=LEFT, seconds=270.0):
    """Of a pass that began at noon; of those before it, the newest first: how long ago each began,
    the work that it left and did. Each went on for 270 s."""
    passes = [PastPass(NOON - ago, 270.0, left, done) for ago, left, done in past]
    return estimated(backlog, PastPass(NOON, seconds), passes)


def about(hours, rel=1e-6):
    return Estimate(pytest.approx(hours * 3600, rel), is_measured=True)


def at_least(hours):
    return Estimate(pytest.approx(hours * 3600), is_measured=False)


def steadily(count, done=150.0):
    return [(PERIOD * n, 36000.0, done) for n in range(1, count + 1)]


@pytest.mark.parametrize("passes", [1, 2, 4, 12])
def test_the_rest_takes_as_long_as_at_the_rate_of_the_passes_so_far(passes):
    """However few they are: the one that has just ended counts with its period."""
    assert told(*steadily(passes)) == about(20)
    assert told(*steadily(passes), backlog=Backlog(2000, 72000.0, 150.0)) == about(40)


def lived(works, interval, active):
    """Seconds from the end of a pass, where the next ones do these works, each in `active`
    seconds of its period."""
    *whole, last = works
    return interval - active + len(whole) * interval + last / 150.0 * active


@pytest.mark.parametrize("active", [150.0, 270.0])
@pytest.mark.parametrize("works", [[75.0], [150.0], [150.0, 15.0], [150.0] * 7, [150.0] * 7 + [1]])
def test_the_last_passes_are_told_one_by_one(works, active):
    """What is left is done at the begin of the last period, and none is before the next pass."""
    hours = [(HOUR * n, 36000.0, 150.0) for n in range(1, 4)]
    passes = [PastPass(NOON - ago, active, left, done) for ago, left, done in hours]

    found = estimated(Backlog(9, sum(works), 150.0), PastPass(NOON, active), passes)

    assert found.seconds == pytest.approx(lived(works, 3600.0, active))


def test_pauses_outages_and_runs_that_tell_nothing_count_as_time():
    nights = [(HOUR, 36000.0, 600.0), (HOUR * 2, 36000.0, 0.0), (HOUR * 3, None, 0.0)]
    idle = Backlog(1000, 36000.0, 0.0)

    assert told(*nights, (HOUR * 4, 36000.0, 600.0), backlog=idle) == about(150, rel=0.01)
    steady = about(20 * (11 * 300 + 3 * 3600) / (12 * 300), rel=0.01)
    before = [(PERIOD * n + 3 * HOUR - PERIOD, 36000.0, 150.0) for n in range(6, 12)]
    assert told(*steadily(5), *before) == steady, "one pause of three hours"


def test_a_pass_before_a_pause_is_worth_as_much_as_one_after_it():
    """The pause before a pass is the period of the one before it, which did its part of the work;
    of this pass the period is the usual one."""
    late = [(2 * HOUR, 36000.0, 150.0)]

    assert told(*late) == about(36000 / 150 * 2, rel=0.01)
    after = told((PERIOD, 36000.0, 150.0), (2 * HOUR + PERIOD, 36000.0, 150.0))
    assert after == about(36000 / 450 * (2 + 2 / 12), rel=0.01)


def test_only_passes_since_the_backlog_is_there_and_within_a_day_count():
    last = (PERIOD, 36000.0, 150.0)

    assert told(last, (2 * HOUR, 0.0, 0.0)) == about(20)
    assert told(last, (2 * HOUR, 60.0, 150.0)) == about(20), "some tries that were due again"
    assert told(last, (2 * HOUR, 36000.0, 0.0)) == about(20), "it only read the backlog"
    assert told(last, (DAY + MINUTE, 36000.0, 9.0)) == about(20)
    within = told(last, (DAY, 36000.0, 150.0))
    assert within.seconds > 10 * about(20).seconds.expected


def test_the_first_pass_tells_the_least_that_it_can_take():
    """However slow it was: what it took to begin with does not come again."""
    assert told() == at_least(10)
    assert told((HOUR, 36000.0, 0.0)) == at_least(10)
    assert told((HOUR, 0.0, 99.0)) == at_least(10)
    assert told(backlog=Backlog(1000, 36000.0)) == at_least(10)


def test_nothing_is_done_faster_than_jetti_allows():
    assert told(*steadily(3, 9000.0), backlog=Backlog(1000, 36000.0, 9000.0)).seconds >= 36000
    assert told(backlog=Backlog(1000, 36000.0, 4000.0)) == at_least(10)


def test_a_clock_that_was_set_back_spoils_no_estimate():
    assert told((-HOUR, 36000.0, 100.0)) == at_least(10)
    assert told(*steadily(3), (-HOUR, 36000.0, 100.0)) == about(20)


@pytest.mark.parametrize(
    ("worked", "left", "work"),
    [
        (Worked(100, 325.0, each=1.25), 100, 325.0),
        (Worked(100, 325.0, each=1.25), 60, 195.0),
        (Worked(100, 325.0, each=1.25), 140, 455.0),
        (Worked(0, 0.0, each=1.25), 40, 50.0),
        (Worked(10, 0.5, each=1.25), 40, 0.5 + 30 * 1.25),
        (Worked(10, 32.5, each=1.25), 0, 0.0),
    ],
    ids=[
        "what was planned",
        "a part of it rests",
        "others are due, too",
        "all were taken over, and are to be updated",
        "some were looked for",
        "nothing",
    ],
)
def test_the_work_is_that_of_the_returns_that_the_ledger_has_left(worked, left, work):
    found = backlog_of(worked, left)

    assert found == Backlog(left, pytest.approx(work), worked.work_done)


def a_run(number, kind="scheduled", **counts):
    ended = NOON + number * MINUTE
    return Run(number, kind, NOON, finished_at=ended, exit_code=0, counts=counts)


def test_a_run_keeps_its_backlog_and_its_estimate():
    counts = kept(LEFT, Estimate(7200.4, is_measured=True))

    run = a_run(3, **counts)
    assert left_now([run], 1000, NOON) == BacklogLeft(NOON, 1000, 7200, True)
    assert past_passes([run]) == [PastPass(NOON, 180.0, 36000, 150)]


KNOWN = kept(LEFT, Estimate(6000, is_measured=True))


def test_the_last_estimate_goes_with_what_is_left_now():
    runs = [Run(9, "scheduled", NOON), a_run(8, "single", left=3), a_run(7), a_run(6, **KNOWN)]

    assert left_now(runs, 250, NOON) == BacklogLeft(NOON, 250, 1500, True)
    assert left_now(runs, 2000, NOON) == BacklogLeft(NOON, 2000, 12000, True)
    assert left_now([a_run(5, "sweep", **KNOWN)], 500, NOON).seconds_left == 3000
    newer = a_run(7, "range", **kept(LEFT, Estimate(100, is_measured=False)))
    assert left_now([newer, *runs], 1000, NOON) == BacklogLeft(NOON, 1000, 100, False)
    assert past_passes(runs) == [
        PastPass(NOON),
        PastPass(NOON, 420.0),
        PastPass(NOON, 360.0, 36000, 150),
    ]


def test_an_estimate_that_does_not_fit_is_not_told():
    last = a_run(0, **KNOWN)

    assert left_now([last], 500, NOON + DAY).seconds_left == 3000
    assert left_now([last], 500, NOON + DAY + MINUTE) == BacklogLeft(
        NOON + DAY + MINUTE, 500, None, False
    )
    nothing = a_run(1, **kept(Backlog(), Estimate(0, is_measured=False)))
    assert left_now([nothing, last], 500, NOON) == BacklogLeft(NOON, 500, None, False)
    assert left_now([], 500, NOON) == BacklogLeft(NOON, 500, None, False)
    assert left_now([], 0, NOON) == BacklogLeft(NOON, 0, 0, False)
