"""Each decision is told with its own reason."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.core.model import Purpose
from reconciler.core.plan import CreationRules, Planner, decide
from reconciler.core.settings import Globs, Policy
from reconciler.core.why import why
from tests.core.samples import (
    DAY,
    NOON,
    a_return,
    an_entry,
    an_intent,
    pushed,
    wanted_line,
    wanted_parcel,
    wants,
)

RULES = CreationRules(Policy(), go_live=NOON - 2 * DAY, asked_for=False)
LATE = replace(RULES, go_live=NOON)
CANCELED = {"seen": a_return(state="canceled")}
NEWS = {"sale_returns": (pushed(),)}

REASONS = [
    (an_entry(), RULES, "open in Loop, and no sale return of it is known"),
    (
        an_entry(),
        replace(LATE, asked_for=True),
        "open in Loop, and no sale return of it is known, and it was asked for",
    ),
    (
        an_entry(),
        LATE,
        "looked for in Jetti; where it is not there: created in Loop before go-live and not in"
        " Jetti",
    ),
    (
        an_entry(wants(purpose=Purpose.CANCEL), **CANCELED),
        RULES,
        "looked for in Jetti; where it is not there: canceled in Loop before it existed in Jetti",
    ),
    (
        an_entry(wants(purpose=Purpose.CANCEL), **CANCELED, **NEWS),
        RULES,
        "canceled in Loop after it was pushed",
    ),
    (
        an_entry(intents=(an_intent(),)),
        RULES,
        "a write for it has no answer yet, so Jetti is asked first",
    ),
    (an_entry(**NEWS), RULES, "nothing has to be written: all of it was pushed"),
    (
        an_entry(wants(wanted_line("A", 2)), **NEWS),
        RULES,
        "other than what was pushed: quantity[A]",
    ),
    (
        an_entry(sale_returns=(pushed(status="cancelled"),)),
        RULES,
        "it no longer fits what was pushed, so Jetti is asked first",
    ),
    (
        an_entry(),
        replace(RULES, policy=Policy(types=Globs(include=("none",)))),
        "not selected by policy",
    ),
]


@pytest.mark.parametrize(("entry", "rules", "reason"), REASONS, ids=[one[2] for one in REASONS])
def test_each_decision_has_its_reason(entry, rules, reason):
    assert why(entry, decide(entry, rules), rules) == reason


def test_of_many_fields_three_are_named():
    entry = an_entry(wants(wanted_line("A", 2), parcels=(wanted_parcel("shipped"),)), **NEWS)

    assert why(entry, decide(entry, RULES), RULES) == (
        "other than what was pushed: quantity[A], trackingCompany[1001-21], trackingNumber[1001-21]"
        " and 2 more"
    )


def test_a_planner_tells_each_decision_as_it_is_made():
    told = []
    planner = Planner(RULES, NOON, lambda *decided: told.append(decided))
    first, second = an_entry(), an_entry(**NEWS)

    planner.decide(first)
    planner.decide(second)

    assert told == [(one, decide(one, RULES), RULES) for one in (first, second)]
