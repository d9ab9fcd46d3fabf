from __future__ import annotations

from itertools import permutations

import pytest
from core_samples import a_return, a_sale

from reconciler.core.sale import Chosen, Disputed, NoSale, choose_sale, names, same_name

OURS = a_sale(id=1)
CLONE = a_sale(id=2, is_clone=True)
CLONE_WITHOUT_ID = a_sale(id=3, is_clone=True, external_id=None)
NAMED = a_sale(id=4, external_id=None)
NAMED_HASH = a_sale(id=5, external_id=None, reference="#1001")
STRANGER = a_sale(id=6, external_id="4801")
TWIN = a_sale(id=7)
CROSSED = a_sale(id=8, reference="1002")
OTHER_NAME = a_sale(id=9, external_id=None, reference="11001")

CASES = [
    ([], NoSale),
    ([OURS], 1),
    ([OURS, CLONE, CLONE_WITHOUT_ID], 1),
    ([CLONE], NoSale),
    ([NAMED], 4),
    ([NAMED_HASH], 5),
    ([OURS, NAMED], 1),
    ([STRANGER], NoSale),
    ([STRANGER, NAMED], 4),
    ([OTHER_NAME], NoSale),
    ([OURS, TWIN], Disputed),
    ([NAMED, NAMED_HASH], Disputed),
    ([CROSSED], Disputed),
    ([OURS, OURS], 1),
]


@pytest.mark.parametrize(("candidates", "expected"), CASES)
def test_the_sale_is_chosen_by_order_id_then_by_name_and_never_a_clone(candidates, expected):
    for order in list(permutations(candidates)):
        found = choose_sale(a_return(), order)
        if isinstance(expected, int):
            assert isinstance(found, Chosen)
            assert found.sale.id == expected
        else:
            assert isinstance(found, expected)


def test_a_return_without_order_id_finds_its_sale_by_name_alone():
    seen = a_return(order_id=None)

    assert choose_sale(seen, [NAMED]) == Chosen(NAMED)
    # Its id says whose it is, and we cannot tell that it is ours.
    assert choose_sale(seen, [OURS]) == NoSale()


def test_a_dispute_names_the_sales():
    dispute = choose_sale(a_return(), [OURS, TWIN])

    assert "1, 7" in dispute.reason
    assert "#1001" in dispute.reason


def test_names_are_the_same_with_and_without_a_hash():
    assert same_name("1001", "#1001")
    assert same_name(" #1001", "1001")
    assert not same_name("1001-E", "#1001")
    assert names("#1001") == names(" 1001") == ("1001", "#1001")
    assert names("#X7X") == names("X7X") == ("X7X", "#X7X")
    assert not same_name("X7", "7")
    assert same_name("X7", "#X7")
    assert same_name("#X7", "X7")
