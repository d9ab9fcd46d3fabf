"""How long a plan takes: what each change reads and writes, at the pace that is allowed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.core.estimate import Rates
from reconciler.core.model import Line, Purpose
from reconciler.core.plan import CreationRules
from reconciler.core.settings import Policy
from tests.core.samples import (
    DAY,
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
    return Rates(reads, writes).seconds(make_plan(entries, RULES, fresh_since=NOON).changes)


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
        (LOOK, 0),
    ],
    ids=[
        "a create, its sale return and its item",
        "a create, its sale return and both items",
        "a create that may have to be made again",
        "a status",
        "a status and two quantities",
        "what only a look at Jetti shows",
        "a cancellation",
        "a look alone",
    ],
)
def test_a_change_takes_half_a_read_and_its_writes(entry, writes):
    assert seconds(entry) == pytest.approx(0.5 / 4 + writes / 5)


def test_a_plan_takes_what_its_changes_take_together():
    assert seconds() == 0
    several = [
        replace(entry, seen=replace(entry.seen, id=str(number)))
        for number, entry in enumerate((CREATE_OF_TWO, UPDATE_OF_ONE, LOOK))
    ]
    assert seconds(*several) == pytest.approx(3 * 0.5 / 4 + 5 / 5)


def test_twice_the_pace_takes_half_the_time():
    assert seconds(CREATE_OF_TWO, reads=8, writes=10) == pytest.approx(seconds(CREATE_OF_TWO) / 2)
