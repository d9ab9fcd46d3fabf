"""What the ledger tells of a period: every row once, in little memory, with no transaction open."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.core.model import IntentOutcome, State
from reconciler.core.period.facts import Landed
from reconciler.core.period.span import Span
from reconciler.core.records import Transition
from reconciler.errors import LedgerError
from tests.ledger.samples import (
    CREATE,
    LATER,
    NOON,
    drained,
    intend,
    observation,
    sale_return,
)

SECOND = timedelta(seconds=1)
HOUR = Span(NOON, NOON + timedelta(hours=1))


def created(ledger, *moments):
    """A return for each of these, by its number."""
    observations = []
    for number, at in enumerate(moments):
        made = observation(str(number))
        observations.append(replace(made, seen=replace(made.seen, created_at=at)))
    ledger.windows.record(drained(*observations), NOON)


def ids(ledger, span=HOUR):
    return [one.return_id for one in ledger.periods.returns(span)]


def test_every_return_of_it_comes_once_however_many_were_created_in_one_second(ledger):
    created(ledger, *[NOON] * 1203, *[NOON + SECOND] * 504)

    found = ids(ledger)

    assert len(found) == len(set(found)) == 1707


@pytest.mark.parametrize("number", [0, 1, 499, 500, 501, 1000])
def test_the_last_batch_may_be_full_or_empty(ledger, number):
    created(ledger, *(NOON + SECOND * place for place in range(number)))

    assert ids(ledger) == [str(place) for place in range(number)]


def test_its_ends_are_the_second_that_begins_it_and_the_one_before_the_next(ledger):
    created(ledger, NOON - SECOND, NOON, HOUR.until - SECOND, HOUR.until)

    assert ids(ledger) == ["1", "2"]


def test_a_run_may_write_while_returns_are_read(ledger):
    created(ledger, *[NOON] * 501)
    found = ledger.periods.returns(HOUR)
    next(found)

    begun = ledger.runs.begin("scheduled", NOON)

    assert begun.id
    assert len(list(found)) == 500


def test_only_writes_that_took_effect_are_told_with_their_time(ledger):
    created(ledger, NOON, NOON)
    for number, outcome in (("0", IntentOutcome.READ_BACK), ("1", IntentOutcome.REFUSED)):
        intend(ledger, number, CREATE, now=NOON + SECOND)
        ledger.journal.apply(
            number,
            Transition(
                State.PENDING,
                sale_returns=(sale_return(int(number), vendors=(9, 4)),) if number == "0" else None,
                intents_closed_as=outcome,
            ),
        )

    pushed, refused = ledger.periods.returns(HOUR)

    assert pushed.landed == (Landed(NOON + SECOND, True, True),)
    assert (pushed.is_in_jetti, pushed.vendors) == (True, (4, 9))
    assert (refused.landed, refused.is_in_jetti) == ((), False)


def test_whose_goods_they_are_is_known_of_all_sale_returns_or_not_at_all(ledger):
    created(ledger, *[NOON] * 3)
    for number, ours in enumerate([((4,), ()), ((4,), None), ((), ())]):
        rows = tuple(
            sale_return(10 * number + place, vendors=whose) for place, whose in enumerate(ours)
        )
        ledger.journal.apply(str(number), Transition(State.SYNCED, sale_returns=rows))

    assert [one.vendors for one in ledger.periods.returns(HOUR)] == [(4, None), None, (None,)]


def test_what_was_touched_and_not_changed_keeps_the_time_of_its_last_change(ledger):
    created(ledger, NOON)
    [before] = ledger.periods.returns(HOUR)
    ledger.windows.record(drained(touched=(("0", LATER),)), LATER)

    [after] = ledger.periods.returns(HOUR)

    assert after.content_since == before.content_since < LATER


def test_deeds_are_counted_by_their_own_time(ledger, path):
    created(ledger, NOON - timedelta(days=40))
    for at in (HOUR.start - SECOND, HOUR.start, HOUR.until - SECOND, HOUR.until):
        intend(ledger, "0", CREATE, now=at)
        ledger.journal.apply(
            "0", Transition(State.PENDING, intents_closed_as=IntentOutcome.APPLIED)
        )
        ledger.runs.begin("scheduled", at)

    deeds = ledger.periods.deeds(HOUR)

    [writes] = deeds.writes
    assert (writes.is_create, writes.writes, writes.returns, deeds.returns_written) == (
        True,
        2,
        1,
        1,
    )
    assert [(one.kind, one.exit_code, one.runs) for one in deeds.runs] == [("scheduled", None, 2)]


def test_a_structure_that_is_damaged_is_no_number(ledger, path):
    created(ledger, NOON)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE entries SET seen = '[]'")
        raw.commit()

    with pytest.raises(LedgerError):
        ids(ledger)
