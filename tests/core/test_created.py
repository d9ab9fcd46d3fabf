from __future__ import annotations

from itertools import permutations

import pytest
from core_samples import SALE_ID, shown

from reconciler.core.created import Exact, Overreached, Short, check_created
from reconciler.core.model import Operation, Write

CREATE = Write(Operation.CREATE, SALE_ID, (1, 2))
A, B, AB = shown(30, {"A": 0}), shown(31, {"B": 0}), shown(32, {"A": 0, "B": 0})
C, ABC = shown(33, {"C": 0}), shown(34, {"A": 0, "B": 0, "C": 0})
ELSEWHERE = shown(35, {"A": 0}, sale_id=99)


@pytest.mark.parametrize("rows", [[AB], [A, B]])
def test_exactly_what_was_asked_for_is_believed_however_it_was_split(rows):
    for order in list(permutations(rows)):
        found = check_created(CREATE, order, before=())
        assert isinstance(found, Exact)
        assert found.made == order


@pytest.mark.parametrize("rows", [[], [A], [A, AB], [A, A, B], [shown(36, {}), A]])
def test_too_few_items_or_one_twice_is_short(rows):
    found = check_created(CREATE, rows, before=())

    assert isinstance(found, Short)
    assert found.made == tuple(rows)


@pytest.mark.parametrize(
    ("rows", "strange"),
    [([ABC], [34]), ([A, B, C], [33]), ([AB, ELSEWHERE], [35]), ([C], [33]), ([ABC, C], [34, 33])],
)
def test_items_that_nobody_asked_for_are_an_overreach_and_named(rows, strange):
    found = check_created(CREATE, rows, before=())

    assert isinstance(found, Overreached)
    assert [row.id for row in found.strange] == strange
    assert str(strange[0]) in found.reason


def test_what_was_there_before_is_no_work_of_the_create():
    assert isinstance(check_created(CREATE, [ABC, A, B], before={34}), Exact)
    assert isinstance(check_created(CREATE, [AB], before={32}), Short)
