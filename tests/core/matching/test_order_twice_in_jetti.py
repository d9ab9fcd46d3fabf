"""An order that stands in Jetti twice: which sale it is, and what was returned on the other."""

from __future__ import annotations

import pytest

from reconciler.core.matching.match import match_entry
from reconciler.core.matching.order import with_order
from reconciler.core.matching.result import Matched, NeedsReview
from reconciler.core.model import Operation, State, Write
from tests.core.samples import (
    MINUTE,
    SALE_ID,
    a_return,
    a_sale,
    a_snapshot,
    an_entry,
    an_intent,
    pushed,
    sale_item,
    shown,
    wanted_line,
    wants,
)
from tests.core.wording import REVIEW, assert_names, without_words

TWIN_ID = 11
USED_UP = tuple(sale_item(line, 1, returned=1) for line in "ABC")
"""All that the first sale had."""
ADDED = tuple(
    sale_item(line, 1, id=50 + place, sale_id=TWIN_ID) for place, line in enumerate("ABC")
)
"""The same lines on the second."""


def matched(entry, *rows, twin=None, items=USED_UP + ADDED, other_entries=()):
    sales = (a_sale(), twin or a_sale(id=TWIN_ID))
    seen = a_snapshot(*rows, sales=sales, sale_items=items)
    return match_entry(entry, with_order(entry, seen), other_entries, frozenset("ABC"))


def test_what_a_person_returned_on_the_sale_that_gave_way_is_not_made_once_more(golden):
    entry = an_entry(wants(wanted_line("A"), wanted_line("B")))

    result = matched(entry, shown(30, {"A": 1}), shown(31, {"B": 1, "C": 1}))

    assert without_words(result) == REVIEW
    assert_names(result.reason, "1001-30 (30)", "1001-31 (31)", "sale 10", "#1001", "sale 11")
    golden(result.reason)


def test_what_was_returned_there_the_moment_the_return_was_made_may_be_it():
    row = shown(30, {"A": 1}, created_at=a_return().created_at)

    assert isinstance(matched(an_entry(), row), NeedsReview)


@pytest.mark.parametrize(
    "row",
    [
        shown(30, {"A": 1}, created_at=a_return().created_at - MINUTE),
        shown(30, {"A": 1}, status="cancelled"),
        shown(30, {"A": 1}, marker="9999"),
        shown(31, {"A": 1}),
        shown(30, {"C": 1}),
        shown(30, {"A": 1}, sale_id=99),
    ],
    ids=["older", "cancelled", "another's", "known as another's", "other lines", "another order"],
)
def test_what_was_returned_there_and_cannot_be_it_is_no_obstacle(row):
    other = an_entry(seen=a_return(id="7002"), sale_returns=(pushed(id=31),))

    result = matched(an_entry(), row, other_entries=(other,))

    assert isinstance(result, Matched), result
    assert [(one.line.order_line_id, one.item.id) for one in result.missing] == [("A", 50)]


def test_the_sale_on_which_something_of_the_return_stands_does_not_give_way():
    by_name = a_sale(id=TWIN_ID, external_id=None)

    result = matched(an_entry(), shown(30, {"A": 1}, marker="7001"), twin=by_name)

    assert isinstance(result, Matched), result
    assert (result.sale_id, result.adopted) == (SALE_ID, (30,))


def test_what_became_of_an_unanswered_create_shows_on_the_sale_that_it_was_sent_to():
    """Found by its name then; by now there is one with the order's id."""
    by_name = a_sale(id=TWIN_ID, external_id=None)
    create = an_intent(write=Write(Operation.CREATE, TWIN_ID, (1,)))
    entry = an_entry(intents=(create,), state=State.UNKNOWN)
    made = shown(30, {"A": 0}, sale_id=TWIN_ID)

    result = matched(entry, made, twin=by_name, items=(sale_item("A", sale_id=TWIN_ID),))

    assert isinstance(result, Matched), result
    assert (result.sale_id, result.adopted) == (TWIN_ID, (30,))
