"""A match that goes well, whole: what is ours, how Jetti holds it, what is still to make."""

from __future__ import annotations

import pytest

from reconciler.core.matching.baseline import of_manual, of_marked, of_unanswered_create
from reconciler.core.matching.match import match_entry
from reconciler.core.matching.result import Matched, Missing, NeedsReview, NotApplied
from reconciler.core.model import Operation, State, Write
from tests.core.samples import (
    MINUTE,
    NOON,
    a_return,
    a_snapshot,
    an_entry,
    an_intent,
    as_shown,
    pushed,
    sale_item,
    shown,
    wanted_line,
    wants,
)

ALL = frozenset("ABCD")
AB = wants(wanted_line("A"), wanted_line("B"))
ITEMS = {item.id: item for item in (sale_item(line, 3) for line in "ABCD")}
KNOWN = pushed(id=30)


def match(entry, *on_sale, other_entries=(), **snapshot):
    return match_entry(entry, a_snapshot(*on_sale, **snapshot), other_entries, ALL)


def test_what_the_ledger_knows():
    row = as_shown(KNOWN, status="shipped")

    assert match(an_entry(sale_returns=(KNOWN,)), ours=(row,)) == Matched((KNOWN,), {30: row})


def test_what_is_known_and_what_is_missing():
    row, other = as_shown(KNOWN), shown(29, {"C": 1})
    result = match(an_entry(AB, sale_returns=(KNOWN,)), other, ours=(row,))

    assert result == Matched(
        sale_returns=(KNOWN,),
        live={30: row},
        sale_id=10,
        missing=(Missing(wanted_line("B"), ITEMS[2], 1),),
        # Also where the list of the sale lacks ours.
        before=(29, 30),
    )


def test_what_is_known_and_what_is_marked_besides():
    marked = shown(20, {"B": 1}, marker="7001")
    rows = {30: as_shown(KNOWN), 20: marked}

    assert match(an_entry(AB, sale_returns=(KNOWN,)), *rows.values()) == Matched(
        sale_returns=(of_marked(marked, ITEMS), KNOWN),
        live=rows,
        adopted=(20,),
        sale_id=10,
        before=(20, 30),
    )


@pytest.mark.parametrize("marker", [None, "7001"], ids=["not marked", "in part marked"])
def test_what_an_unanswered_create_made(marker):
    rows = {31: shown(31, {"B": 0}), 30: shown(30, {"A": 0}, marker=marker)}
    entry = an_entry(AB, intents=(an_intent(1, 2),), state=State.UNKNOWN)

    assert match(entry, *rows.values()) == Matched(
        sale_returns=(of_unanswered_create(rows[30], ITEMS), of_unanswered_create(rows[31], ITEMS)),
        live=rows,
        adopted=(30, 31),
        sale_id=10,
        before=(30, 31),
    )


@pytest.mark.parametrize(
    ("units", "minutes", "as_whose"),
    [
        (0, 3, of_unanswered_create),
        (0, 60, of_unanswered_create),
        (1, 3, of_unanswered_create),
        (1, 4, of_manual),
    ],
)
def test_what_has_units_although_no_create_can_land_any_more_is_a_person_s(
    units, minutes, as_whose
):
    """A create leaves zeros; until `jetti.settle` is over nobody can tell."""
    row = shown(30, {"A": units}, created_at=NOON + minutes * MINUTE)
    entry = an_entry(wants(wanted_line("A")), intents=(an_intent(1),), state=State.UNKNOWN)

    assert match(entry, row).sale_returns == (as_whose(row, ITEMS),)


def test_what_a_person_made():
    rows = {31: shown(31, {"B": 1}), 30: shown(30, {"A": 1})}

    assert match(an_entry(AB), *rows.values()) == Matched(
        sale_returns=(of_manual(rows[30], ITEMS), of_manual(rows[31], ITEMS)),
        live=rows,
        adopted=(30, 31),
        sale_id=10,
        before=(30, 31),
    )


def test_of_several_unanswered_creates_the_newest_is_asked_about():
    older, newer = an_intent(1, id=1), an_intent(2, id=2)
    put = an_intent(id=3, write=Write(Operation.UPDATE_ITEM, 101, fields={"quantity": 1}))

    assert match(an_entry(AB, intents=(older, newer, put))) == NotApplied(newer)


def test_two_unanswered_creates_do_not_wait_for_each_other():
    entry = an_entry(AB, intents=(an_intent(1),), state=State.UNKNOWN)
    other = an_entry(AB, seen=a_return(id="7002"), intents=(an_intent(2, return_id="7002"),))

    result = match(entry, shown(30, {"A": 0}), other_entries=(other,))

    assert isinstance(result, Matched)
    assert result.missing == (Missing(wanted_line("B"), ITEMS[2], 1),)


def test_what_is_used_up_is_found_behind_items_and_sale_returns_that_are_not():
    gone = shown(20, {"A": 1}, marker="7001", status="cancelled")
    calm = shown(25, {"B": 1}, marker="7001")
    growing = shown(30, {"C": 1, "D": 1}, marker="7001")
    entry = an_entry(wants(*(wanted_line(line) for line in "ABC"), wanted_line("D", 2)))
    items = tuple(sale_item(line, 1, returned=1) for line in "ABCD")

    assert match(entry, gone, calm, growing, sale_items=items) == NeedsReview(
        "order line D: 1 more to return, but only 0 of 1 are left in Jetti: sale item 4 "
        "(in-house, nothing left). Do by hand in Jetti what is still wanted"
    )
