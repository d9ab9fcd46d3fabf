"""What an unanswered create may have made, what it made too much, and what means this return."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.core.matching.evidence import from_contents, overreach, since_sent, with_units
from reconciler.core.matching.result import NeedsReview
from reconciler.core.matching.snapshot import LiveItem
from tests.core.samples import (
    MINUTE,
    NOON,
    a_return,
    an_entry,
    an_intent,
    sale_item,
    shown,
    wanted_line,
)

OURS = an_intent(1, 2)
"""Our create of the sale items 1 and 2, which are the order lines A and B."""


def another(*sale_item_ids, **changes):
    """The create of another return."""
    return an_intent(*sale_item_ids, id=2, return_id="7002", **changes)


# ---------------------------------------------------------------- what may be its work, and whose


@pytest.mark.parametrize("theirs", [another(3), another(3, 4)])
def test_what_another_return_s_create_made_is_not_the_work_of_ours(theirs):
    row = shown(30, {"C": 0})

    assert since_sent(OURS, [row], [theirs]) == []
    assert since_sent(OURS, [row], [another(4), theirs]) == []
    assert since_sent(OURS, [row], []) == [row]


@pytest.mark.parametrize(
    ("row", "theirs"),
    [
        (shown(30, {"C": 0}), another(4)),
        (shown(30, {"C": 0, "D": 0}), another(3)),
        (shown(30, {"C": 0}), another(3, before=(30,))),
        (shown(30, {"C": 0}), another(3, sent_at=NOON + MINUTE)),
        (shown(30, {}), another(3)),
    ],
    ids=["other items", "more", "there before", "older", "nothing shown of it yet"],
)
def test_what_another_return_s_create_cannot_have_made_may_be_the_work_of_ours(row, theirs):
    assert since_sent(OURS, [row], [theirs]) == [row]


def test_what_holds_something_that_we_asked_for_may_be_ours_whoever_else_asked_for_it():
    row = shown(30, {"A": 0})

    assert since_sent(OURS, [row], [another(1, 3)]) == [row]


# --------------------------------------------------------------------------------------- too much


A, ABC, C = shown(30, {"A": 0}), shown(31, {"A": 0, "B": 0, "C": 0}), shown(32, {"C": 0})


@pytest.mark.parametrize(("since", "marked"), [([ABC], []), ([], [ABC]), ([A, C], []), ([C], [A])])
def test_more_than_was_asked_for_is_called_an_overreach(since, marked):
    found = overreach(OURS, since, marked)

    assert isinstance(found, NeedsReview)
    assert found.overreached


@pytest.mark.parametrize(
    ("since", "marked"), [([], []), ([A], []), ([], [A]), ([C], []), ([A, shown(32, {"C": 1})], [])]
)
def test_what_was_asked_for_and_what_a_person_raised_beside_it_are_no_overreach(since, marked):
    assert overreach(OURS, since, marked) is None


# ------------------------------------------------------------------------------ by what it means


def test_a_sale_return_is_told_with_all_it_holds():
    row = shown(30, {"A": 2, "B": 0, "C": 1})
    unnamed = replace(sale_item("C"), order_line_id=None)

    assert with_units(row, {1: sale_item("A"), 3: unnamed}) == (
        "1001-30 (30) with 2 of order line A and 0 of sale item 2 and 1 of sale item 3"
    )


def meant(units, *rows):
    """What rows that may mean so many units of line A come to: the sale items 1 and 9."""
    items = {1: sale_item("A", 2), 9: sale_item("A", 2, id=9)}
    entry = an_entry(seen=a_return())
    return from_contents(entry, [wanted_line("A", units)], rows, items, other_entries=())


def with_second(row, units):
    """With so many units of sale item 9 besides."""
    return replace(row, items=(*row.items, LiveItem(109, row.id, 9, {"quantity": units})))


def test_one_line_in_two_sale_items_may_mean_this_return():
    row = with_second(shown(30, {"A": 1}), 1)

    assert meant(2, row) == [row]


@pytest.mark.parametrize(
    "rows",
    [
        [with_second(shown(30, {"A": 2}), 0)],
        [shown(30, {"A": 1}), shown(31, {"A": 1})],
    ],
    ids=["one of them for nothing", "the same one twice"],
)
def test_the_right_sum_in_an_odd_form_is_a_person_s(rows):
    found = meant(2, *rows)

    assert isinstance(found, NeedsReview)
    assert "overlaps this return's lines without matching them" in found.reason
