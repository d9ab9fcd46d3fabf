from __future__ import annotations

from itertools import permutations

import pytest

from reconciler.core.matching.order import (
    choose_sale,
    is_spelt_alike,
    occupied_sales,
    ruled_out,
    settles,
    spelling,
)
from reconciler.core.matching.snapshot import Chosen, Disputed, NoSale
from tests.core.samples import a_return, a_sale, an_entry, an_intent, pushed, sale_item, shown

OURS = a_sale(id=1)
CLONE = a_sale(id=2, is_clone=True)
CLONE_WITHOUT_ID = a_sale(id=3, is_clone=True, external_id=None)
NAMED = a_sale(id=4, external_id=None)
NAMED_HASH = a_sale(id=5, external_id=None, reference="#1001")
STRANGER = a_sale(id=6, external_id="4801")
TWIN = a_sale(id=7)
CROSSED = a_sale(id=8, reference="1002")
OTHER_NAME = a_sale(id=9, external_id=None, reference="11001")
CANCELLED = a_sale(id=10, is_cancelled=True)
CANCELLED_TOO = a_sale(id=11, is_cancelled=True)
NAMED_CANCELLED = a_sale(id=12, external_id=None, is_cancelled=True)

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
    ([CROSSED], 8),
    ([CROSSED, OTHER_NAME], 8),
    ([CROSSED, STRANGER], 8),
    ([CROSSED, NAMED], Disputed),
    ([CROSSED, NAMED_CANCELLED], 8),
    ([CANCELLED], 10),
    ([CANCELLED, OURS], 1),
    ([CANCELLED, NAMED], 4),
    ([CANCELLED, CLONE], 10),
    ([CANCELLED, NAMED_CANCELLED], 10),
    ([CANCELLED, CANCELLED_TOO], Disputed),
    ([CANCELLED, OURS, TWIN], Disputed),
    ([OURS, OURS], 1),
]


@pytest.mark.covers("R5")
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


def lines(sale, *left):
    return [sale_item("A", 1, id=90 + n, sale_id=sale.id, returned=1 - n) for n in left]


def test_a_sale_with_nothing_left_counts_only_where_no_other_has_anything_left():
    both = [OURS, TWIN]

    assert choose_sale(a_return(), both, lines(OURS, 0) + lines(TWIN, 1)) == Chosen(TWIN)
    assert choose_sale(a_return(), both, lines(OURS, 0, 1) + lines(TWIN, 0)) == Chosen(OURS)
    assert choose_sale(a_return(), [OURS], lines(OURS, 0)) == Chosen(OURS)
    for items in ([], lines(OURS, 1) + lines(TWIN, 1), lines(OURS, 0) + lines(TWIN, 0)):
        assert isinstance(choose_sale(a_return(), both, items), Disputed)


def test_a_sale_without_any_line_yet_is_not_over():
    assert isinstance(choose_sale(a_return(), [OURS, TWIN], lines(OURS, 1)), Disputed)


def test_what_may_hold_something_of_ours_counts_whatever_is_left_of_it():
    over = lines(OURS, 0) + lines(TWIN, 1)

    assert isinstance(choose_sale(a_return(), [OURS, TWIN], over, occupied={1}), Disputed)
    assert choose_sale(a_return(), [OURS, TWIN], lines(OURS, 0) + lines(TWIN, 0), {7}) == Chosen(
        TWIN
    )


def test_an_entry_is_anchored_where_it_stands_and_where_a_create_may_have_put_it():
    entry = an_entry(sale_returns=(pushed(),), intents=(an_intent(),))

    assert occupied_sales(entry, [shown(30, {"A": 1}, sale_id=99)]) == {10, 99}
    assert occupied_sales(an_entry(intents=(an_intent(),)), ()) == {10}
    assert occupied_sales(an_entry(), ()) == frozenset()


# ------------------------------------------------------------------------------------------- names


def test_a_return_without_a_name_is_found_by_its_id_and_never_by_nothing():
    nameless = a_return(order_name="")

    assert choose_sale(nameless, [OURS]) == Chosen(OURS)
    assert choose_sale(nameless, [CROSSED]) == Chosen(CROSSED)
    assert choose_sale(nameless, [a_sale(external_id=None, reference="")]) == NoSale()
    assert choose_sale(nameless, [a_sale(external_id=None, reference="#")]) == NoSale()


@pytest.mark.covers("R5")
def test_the_number_that_loop_gives_beside_the_name_is_another_spelling_of_it():
    seen = a_return(order_name="#EU1001", order_number="1001")

    assert is_spelt_alike(OURS, seen)
    assert is_spelt_alike(a_sale(reference="#EU1001"), seen)
    assert not is_spelt_alike(CROSSED, seen)
    assert not is_spelt_alike(CROSSED, a_return(order_number=None))
    assert not is_spelt_alike(a_sale(reference="#"), a_return(order_name="", order_number=None))
    # By name alone it is no key: another shop of the account may count the same way.
    assert choose_sale(seen, [NAMED]) == NoSale()


@pytest.mark.parametrize(
    ("sale", "enough"), [(OURS, True), (CLONE, False), (CANCELLED, False), (CROSSED, False)]
)
def test_a_sale_that_leaves_nothing_to_ask(sale, enough):
    assert settles(sale, a_return()) is enough
    assert not settles(CLONE, a_return(order_name=""))
    assert settles(CROSSED, a_return(order_name=""))


@pytest.mark.parametrize(
    ("reference", "name", "found"),
    [
        ("1001", "#EU1001", ("EU", "")),
        ("1001", "1001-B", ("", "-B")),
        ("#1001", "#EU-1001/24", ("EU-", "/24")),
        ("1001", "#1001", None),
        ("1001", "#2002", None),
        ("1001", "#21001", None),
        ("1001", "#10013", None),
        ("1001", "#EU21001", None),
        ("1001", "#10013-B", None),
        ("A1", "#A12", None),
        ("1A", "#21A", None),
        ("1", "#1-1", None),
        ("", "#1001", None),
        ("1001", "", None),
        ("EU1001", "#1001", None),
    ],
)
def test_what_a_shop_puts_around_its_numbers_is_read_only_where_it_is_plain(reference, name, found):
    assert spelling(reference, name) == found


def test_a_sale_that_gave_way_to_another_is_told_by_what_it_has():
    """A create without an answer may have gone to the one or the other of two alike."""
    theirs, bare = a_sale(), a_sale(id=11, external_id=None)

    assert ruled_out(a_return(), [bare, theirs], [sale_item("A"), sale_item("A", sale_id=11)]) == [
        "10 (1001), with the order's id",
        "11 (1001), without an order id",
    ]
