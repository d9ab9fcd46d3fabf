"""What is left of an order line, and who is about to give some of it back."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.core.matching.availability import check_available
from reconciler.core.matching.result import NotReady
from reconciler.core.model import Purpose, State
from reconciler.core.states import OPEN
from tests.core.samples import (
    a_return,
    an_entry,
    pushed,
    pushed_item,
    sale_item,
    wanted_line,
    wants,
)
from tests.core.wording import REVIEW, assert_names, without_words

NOTHING_LEFT = sale_item("A", 9, returned=9)


def other(wanted, *sale_returns, return_id="7002", state=State.PENDING):
    seen = a_return(id=return_id)
    return an_entry(wanted, seen=seen, sale_returns=sale_returns, state=state)


def held(*quantities, **fields):
    """One sale return with so many units of the lines A, B, …"""
    items = [pushed_item(line, units) for line, units in zip("ABCD", quantities, strict=False)]
    return pushed(*items, **fields)


def given_back(*other_entries):
    """For how many units it is worth to wait."""
    return sum(
        isinstance(check_available([NOTHING_LEFT], "A", n, other_entries), NotReady)
        for n in range(1, 9)
    )


@pytest.mark.parametrize(
    ("left", "units", "enough"), [(2, 1, True), (2, 2, True), (2, 3, False), (0, 1, False)]
)
def test_as_many_as_are_left_are_enough(left, units, enough):
    item = sale_item("A", 5, returned=5 - left)

    assert (check_available([item], "A", units, ()) is None) is enough


GONE = wants(purpose=Purpose.CANCEL)
A2, A5, B5 = (wants(wanted_line(line, units)) for line, units in (("A", 2), ("A", 5), ("B", 5)))


@pytest.mark.parametrize(
    ("wanted", "sale_returns", "units"),
    [
        (GONE, [held(3)], 3),
        (GONE, [held(3, status="cancelled")], 0),
        (GONE, [held(3), held(2, id=22), held(1, id=23, status="cancelled")], 5),
        (GONE, [held(0, 4)], 0),
        (GONE, [held(None)], 0),
        (GONE, [], 0),
        (A2, [held(3)], 1),
        (A2, [held(2)], 0),
        (A5, [held(3)], 0),
        (B5, [held(3, 1)], 3),
        (wants(wanted_line("A", 2), purpose=Purpose.HOLD), [held(3)], 1),
    ],
)
def test_another_return_gives_back_what_jetti_was_told_and_is_not_wanted_any_more(
    wanted, sale_returns, units
):
    assert given_back(other(wanted, *sale_returns)) == units


def test_what_several_give_back_adds_up_and_none_takes_from_another():
    ahead = other(GONE, held(2)), other(A5, held(1)), other(A2, held(3))

    assert given_back(*(replace(one, seen=a_return(id=str(n))) for n, one in enumerate(ahead))) == 3


@pytest.mark.parametrize("state", State)
def test_only_a_return_with_something_to_be_done_gives_back(state):
    assert given_back(other(GONE, held(3), state=state)) == (3 if state in OPEN else 0)


def test_who_gives_it_back_is_named(golden):
    other_entries = (
        other(GONE, held(1), return_id="7002"),
        other(A5, held(1), return_id="7003"),
        other(GONE, held(1), return_id="7004"),
    )

    result = check_available([NOTHING_LEFT], "A", 2, other_entries)

    assert without_words(result) == NotReady("", order_found=True, waits_for_another=True)
    assert_names(result.reason, "A", "7002, 7004")
    golden(result.reason)


@pytest.mark.parametrize("grows", [False, True], ids=["at first", "growing"])
def test_too_little_is_told_with_its_numbers(grows, golden):
    item = sale_item("A", 3, returned=2)

    result = check_available([item], "A", 2, (), grows=grows)

    assert without_words(result) == REVIEW
    assert_names(result.reason, "A", "2 more" if grows else "2", "1 of 3", "sale item 1")
    golden(result.reason)
