from __future__ import annotations

from itertools import permutations

import pytest

from reconciler.core.matching.created import (
    AsAsked,
    FellShort,
    Overreached,
    can_prove,
    check_created,
    left_out,
)
from reconciler.core.matching.result import Matched, Missing
from reconciler.core.model import Operation, Write
from tests.core.samples import SALE_ID, a_snapshot, sale_item, shown, wanted_line

CREATE = Write(Operation.CREATE, SALE_ID, (1, 2))
A, B, AB = shown(30, {"A": 0}), shown(31, {"B": 0}), shown(32, {"A": 0, "B": 0})
C, ABC = shown(33, {"C": 0}), shown(34, {"A": 0, "B": 0, "C": 0})
ELSEWHERE = shown(35, {"A": 0}, sale_id=99)


@pytest.mark.parametrize("rows", [[AB], [A, B]])
def test_exactly_what_was_asked_for_is_believed_however_it_was_split(rows):
    for order in list(permutations(rows)):
        found = check_created(CREATE, order, before=())
        assert isinstance(found, AsAsked)
        assert found.made == order


@pytest.mark.parametrize("rows", [[], [A], [A, AB], [A, A, B], [shown(36, {}), A]])
def test_too_few_items_or_one_twice_is_short(rows):
    found = check_created(CREATE, rows, before=())

    assert isinstance(found, FellShort)
    assert found.made == tuple(rows)


@pytest.mark.parametrize(
    ("rows", "strange"),
    [([ABC], [34]), ([A, B, C], [33]), ([AB, ELSEWHERE], [35]), ([C], [33]), ([ABC, C], [34, 33])],
)
def test_items_that_nobody_asked_for_are_an_overreach_and_named(rows, strange):
    found = check_created(CREATE, rows, before=())

    assert isinstance(found, Overreached)
    assert [row.id for row in found.unasked] == strange
    assert str(strange[0]) in found.reason
    assert found.as_asked == tuple(row for row in rows if row.id not in strange)


def test_what_was_there_before_is_no_work_of_the_create():
    assert isinstance(check_created(CREATE, [ABC, A, B], before={34}), AsAsked)
    assert isinstance(check_created(CREATE, [AB], before={32}), FellShort)


# --------------------------------------------------------- what shows that the id list was read

LEFT = sale_item("C")
"""Stands on the sale beside what the create asks for."""


def left_alone(*items, on_sale=()):
    found = left_out(CREATE, (sale_item("A"), sale_item("B"), *items), on_sale)
    assert isinstance(found, frozenset)
    return found


@pytest.mark.covers("R1")
def test_a_create_leaves_alone_what_it_does_not_ask_for():
    assert left_alone() == frozenset()
    assert left_alone(LEFT, sale_item("D", 2)) == {3, 4}


@pytest.mark.parametrize(
    "item",
    [
        sale_item("D", sale_id=99),
        sale_item("D", 1, returned=1),
        sale_item("D", 2, cancelled=1, returned=1),
        sale_item("D", is_bundle=True),
    ],
    ids=["of another sale", "returned", "gone", "a bundle"],
)
def test_what_a_return_of_the_whole_sale_would_not_hold_is_not_left_alone(item):
    assert left_alone(LEFT, item) == {3}


def test_what_stands_in_a_living_sale_return_is_not_left_alone():
    more = LEFT, sale_item("D")

    assert left_alone(*more, on_sale=[shown(30, {"D": 1})]) == {3}
    assert left_alone(*more, on_sale=[shown(30, {"C": 1, "D": 1})]) == frozenset()


@pytest.mark.parametrize("units", [{"C": 1}, {}], ids=["with it", "that shows nothing"])
@pytest.mark.parametrize("changes", [{"status": "cancelled"}, {"sale_id": 99}])
def test_a_cancelled_sale_return_and_one_of_another_sale_take_nothing(units, changes):
    assert left_alone(LEFT, on_sale=[shown(30, units, **changes)]) == {3}


def test_where_a_sale_return_does_not_show_what_it_holds_nothing_is_known_to_be_left_alone():
    assert left_alone(LEFT, on_sale=[shown(30, {}), shown(31, {"A": 1})]) == frozenset()


def proves(asked, items="ABC", on_sale=(), **changes):
    """Whether a create of these lines, on a sale of those, would show that the list was read."""
    missing = tuple(Missing(wanted_line(line), sale_item(line), 1) for line in asked)
    found = Matched((), {}, **({"sale_id": SALE_ID, "missing": missing} | changes))
    seen = a_snapshot(*on_sale, sale_items=tuple(sale_item(line) for line in items))
    return can_prove(found, seen)


def test_a_create_of_some_lines_can_prove_that_the_list_is_read_and_one_of_all_cannot():
    assert proves("A") is True
    assert proves("AB") is True
    assert proves("ABC") is False


def test_nothing_is_proven_by_what_is_left_of_lines_that_were_returned_before():
    assert proves("AB", on_sale=[shown(30, {"C": 1})]) is False


def test_where_nothing_is_created_nothing_is_proven():
    assert proves("") is False
    assert proves("", sale_id=None) is False
