"""One order line that is several sale items in Jetti: certain, or a person's."""

from __future__ import annotations

from itertools import permutations

import pytest
from msgspec.structs import replace

from reconciler.core.diff import as_pushed, diff_of
from reconciler.core.matching.lines import with_asked_units
from reconciler.core.matching.match import match_entry, needs_order
from reconciler.core.matching.order import with_order
from reconciler.core.matching.result import Matched, Missing, NeedsReview, NotReady
from reconciler.core.matching.snapshot import LiveItem
from reconciler.core.model import Item, Operation, Purpose, State
from tests.core.samples import (
    a_return,
    a_snapshot,
    an_entry,
    an_intent,
    as_shown,
    pushed,
    pushed_item,
    sale_item,
    shown,
    wanted_line,
    wants,
)
from tests.core.wording import REVIEW, assert_names, without_words

ALL = frozenset("ABCD")


def twins(first=2, second=1, *, gone=(0, 0), **changes):
    """Line A as two sale items, 1 and 9, of so many units; some are gone already."""
    return (
        sale_item("A", first, returned=gone[0], vendor_id=3, **changes),
        sale_item("A", second, returned=gone[1], id=9, vendor_id=4, **changes),
    )


def matched(entry, *on_sale, other_entries=(), items=None, **snapshot):
    seen = a_snapshot(*on_sale, sale_items=items or twins(), **snapshot)
    return match_entry(entry, with_order(entry, seen), other_entries, ALL)


def of_line_a(units, **changes):
    return an_entry(wants(wanted_line("A", units)), **changes)


def asked(result):
    assert isinstance(result, Matched), result
    return [(one.item.id, one.units) for one in result.missing]


# --------------------------------------------------------------------------------- what is certain


def test_all_units_are_all_sale_items():
    assert asked(matched(of_line_a(3))) == [(1, 2), (9, 1)]
    for items in permutations(twins()):
        assert asked(matched(of_line_a(3), items=items)) == [(1, 2), (9, 1)]


def test_each_of_them_is_asked_for_on_behalf_of_the_line():
    line = wanted_line("A", 3)

    assert [one.line for one in matched(an_entry(wants(line))).missing] == [line, line]


def test_all_that_are_left_are_all_sale_items_with_what_each_has_left():
    assert asked(matched(of_line_a(2), items=twins(gone=(1, 0)))) == [(1, 1), (9, 1)]


@pytest.mark.covers("R6")
@pytest.mark.parametrize(
    ("gone", "units", "item"), [((2, 0), 1, 9), ((0, 1), 1, 1), ((0, 1), 2, 1)]
)
def test_the_only_one_with_units_left_is_it(gone, units, item):
    assert asked(matched(of_line_a(units), items=twins(gone=gone))) == [(item, units)]


@pytest.mark.covers("R6")
@pytest.mark.parametrize("units", [1, 2])
def test_some_of_several_is_a_person_s_who_reads_what_there_is(units, golden):
    result = matched(of_line_a(units))

    assert without_words(result) == REVIEW
    assert_names(result.reason, "A", f"{units} of its 3", "1 (of vendor 3", "9 (of vendor 4")
    golden(result.reason)


def test_a_dead_one_of_three_is_named_and_does_not_count():
    three = (*twins(), sale_item("A", 4, id=11, cancelled=4))

    assert asked(matched(of_line_a(3), items=three)) == [(1, 2), (9, 1)]
    assert "11 (in-house, nothing left)" in matched(of_line_a(1), items=three).reason


def test_more_than_all_of_them_have_left_is_too_much(golden):
    result = matched(of_line_a(3), items=twins(gone=(0, 1)))

    assert_names(result.reason, "A", "3", "2 of 2", "1 (of vendor 3", "9 (of vendor 4")
    golden(result.reason)
    assert "only 0 of 3" in matched(of_line_a(1), items=twins(gone=(2, 1))).reason


def test_what_another_return_gives_back_is_waited_for():
    known = pushed(pushed_item("A", 3), id=40)
    giver = an_entry(
        wants(wanted_line("A", 3), purpose=Purpose.CANCEL),
        seen=a_return(id="7002"),
        sale_returns=(known,),
    )

    result = matched(of_line_a(3), items=twins(gone=(2, 1)), other_entries=(giver,))

    assert isinstance(result, NotReady)
    assert result.waits_for_another


def test_a_bundle_among_them_is_a_person_s(golden):
    bundle, part = twins()
    part = replace(part, is_bundle=True)

    result = matched(of_line_a(3), items=(bundle, part))

    assert without_words(result) == REVIEW
    assert_names(result.reason, "A", "1 (of vendor 3", "9 (of vendor 4", "externalId")
    golden(result.reason)


# ------------------------------------------------------------------- what is ours in several items


def item(id, sale_item_id, quantity, units, **fields):
    return Item(id, sale_item_id, "A", pushed_item("A", quantity, **fields).fields, units=units)


def ours(quantities=(2, 1), units=(2, 1), **fields):
    """Two sale returns, 30 and 31, one per vendor."""
    return tuple(
        pushed(item(100 + n, (1, 9)[n], quantities[n], units[n]), id=30 + n, **fields)
        for n in (0, 1)
    )


def split_rows(first=0, second=0, **changes):
    """What a create for both makes, one sale return per vendor."""
    rows = shown(30, {"A": first}, **changes), shown(31, {"A": second}, **changes)
    return rows[0], replace(rows[1], items=(LiveItem(109, 31, 9, {"quantity": second}),))


def units(result):
    assert isinstance(result, Matched), result
    return {i.sale_item_id: i.units for known in result.sale_returns for i in known.items}


def lost(wanted_units):
    return of_line_a(wanted_units, intents=(an_intent(1, 9),), state=State.UNKNOWN)


@pytest.mark.parametrize("born", [(0, 0), (2, 1)])
def test_what_an_unanswered_create_made_is_divided_as_it_was_meant(born):
    result = matched(lost(3), *split_rows(*born), items=twins(gone=born))

    assert units(result) == {1: 2, 9: 1}


def test_what_carries_our_marker_is_divided_as_it_stands_or_by_what_is_left():
    filled = matched(of_line_a(2), *split_rows(1, 1, marker="7001"), items=twins(gone=(1, 1)))
    hollow = matched(of_line_a(3), *split_rows(marker="7001"))
    neither = matched(of_line_a(2), *split_rows(marker="7001"))

    assert (units(filled), units(hollow)) == ({1: 1, 9: 1}, {1: 2, 9: 1})
    assert isinstance(neither, NeedsReview)
    assert neither.reason.startswith(
        "order line A is 2 sale items in Jetti, and 2 of its 3 units come back: "
        "1 (of vendor 3, 2 of 2 left), 9 (of vendor 4, 1 of 1 left)."
    )


def test_half_filled_is_no_division():
    """One PUT of two was done when the customer took a unit back: which one, nobody knows."""
    rows = split_rows(2, 0, marker="7001")

    assert isinstance(matched(of_line_a(2), *rows, items=twins(gone=(2, 0))), NeedsReview)


B_TWINS = sale_item("B", 3), sale_item("B", 2, id=8)
"""Line B as two sale items, 2 and 8."""


def of_both(units_of_a, units_of_b):
    """Two sale returns, 30 and 31: each holds a part of line A and a part of line B."""
    parts_of_b = [
        replace(item(102 + n, (2, 8)[n], 0, units_of_b[n]), order_line_id="B") for n in (0, 1)
    ]
    return tuple(
        pushed(item(100 + n, (1, 9)[n], 0, units_of_a[n]), parts_of_b[n], id=30 + n) for n in (0, 1)
    )


@pytest.mark.parametrize(
    ("units_of_a", "units_of_b"),
    [((None, None), (None, None)), ((2, 1), (None, None)), ((None, None), (3, 2))],
    ids=["neither yet", "A already", "B already"],
)
def test_every_line_in_several_parts_is_divided_and_what_is_divided_stays_so(
    units_of_a, units_of_b
):
    known = of_both(units_of_a, units_of_b)
    entry = an_entry(wants(wanted_line("A", 3), wanted_line("B", 5)), sale_returns=known)
    rows = tuple(as_shown(one) for one in known)

    result = matched(entry, ours=rows, items=(*twins(), *B_TWINS))

    assert units(result) == {1: 2, 9: 1, 2: 3, 8: 2}


def test_what_a_create_made_is_divided_as_it_was_asked_for():
    first, second = twins()
    whole, alone = wanted_line("A", 3), wanted_line("B")
    missing = [
        Missing(whole, first, 2),
        Missing(whole, second, 1),
        Missing(alone, sale_item("B"), 1),
    ]

    def made(*items):
        found = with_asked_units(pushed(*items, id=30), missing)
        assert (found.id, found.fields) == (30, pushed().fields)
        return [(one.id, one.sale_item_id, one.units) for one in found.items]

    assert made(item(100, 1, 0, None), pushed_item("B")) == [(100, 1, 2), (102, 2, None)]
    assert made(item(101, 9, 0, None)) == [(101, 9, 1)]
    assert made(pushed_item("B")) == [(102, 2, None)]


def test_one_living_part_beside_a_cancelled_one_stands_for_the_whole_line():
    row, gone = split_rows(1, 0, marker="7001")
    gone = replace(gone, fields=gone.fields | {"status": "cancelled"})

    result = matched(of_line_a(1), row, gone, items=twins(1, 1, gone=(1, 1)))

    assert units(result) == {1: None, 9: None}


def test_a_person_who_raised_both_has_said_which():
    result = matched(of_line_a(2), *split_rows(1, 1), items=twins(gone=(1, 1)))

    assert units(result) == {1: 1, 9: 1}
    assert units(matched(of_line_a(1), shown(30, {"A": 1}), items=twins(gone=(1, 0)))) == {1: None}


def test_the_same_sale_item_twice_is_no_division():
    rows = shown(30, {"A": 1}), shown(31, {"A": 1})

    assert isinstance(matched(of_line_a(2), *rows, items=twins(gone=(2, 0))), NeedsReview)


@pytest.mark.parametrize(
    ("wanted", "parts", "looks"),
    [
        (3, ours(), False),
        (3, ours(quantities=(0, 0)), True),
        (3, ours(quantities=(2, 0)), True),
        (2, ours(), True),
        (4, ours(), True),
    ],
)
def test_the_order_is_looked_at_when_the_parts_are_not_what_comes_back(wanted, parts, looks):
    entry = of_line_a(wanted, sale_returns=parts)

    assert needs_order(entry, [as_shown(known) for known in parts]) is looks
    gone = replace(entry, wanted=replace(entry.wanted, purpose=Purpose.CANCEL))
    assert not needs_order(gone, [as_shown(known) for known in parts])


def told(entry):
    held = {known.id: as_pushed(known) for known in entry.sale_returns}
    found = diff_of(entry, entry.sale_returns, held, {})
    if isinstance(found, NeedsReview):
        return found
    return {
        write.target_id: write.fields.get("quantity")
        for write in found.writes
        if write.operation is Operation.UPDATE_ITEM
    }


def test_each_part_is_told_its_own_units():
    assert told(of_line_a(3, sale_returns=ours(quantities=(0, 0)))) == {100: 2, 101: 1}
    assert told(of_line_a(3, sale_returns=ours())) == {}


def test_a_line_that_is_taken_off_ends_every_part_of_it():
    entry = an_entry(wants(wanted_line("B")), sale_returns=ours())

    found = diff_of(entry, ours(), {known.id: as_pushed(known) for known in ours()}, {})

    assert [write.fields for write in found.writes] == [{"status": "cancelled"}] * 2


@pytest.mark.parametrize("wanted", [1, 2, 4])
def test_a_quantity_that_changes_over_several_parts_is_a_person_s(wanted, golden):
    entry = of_line_a(wanted, sale_returns=ours())

    reason = told(entry).reason
    assert_names(reason, "A", f"{wanted} to return", "1 (2 until now)", "9 (1 until now)")
    golden(reason)
    rows = tuple(as_shown(known) for known in ours())
    assert isinstance(matched(entry, ours=rows, items=twins(gone=(2, 1))), NeedsReview)


def test_a_person_who_set_the_quantities_has_settled_it():
    entry = of_line_a(1, sale_returns=ours())
    shown_now = tuple(as_shown(known) for known in ours(quantities=(1, 0)))

    result = matched(entry, ours=shown_now, items=twins(gone=(1, 0)))

    assert units(result) == {1: 1, 9: 0}


def test_units_that_all_come_back_after_all_are_certain():
    entry = of_line_a(3, sale_returns=ours(quantities=(1, 1), units=(1, 1)))
    rows = tuple(as_shown(known) for known in entry.sale_returns)

    assert units(matched(entry, ours=rows, items=twins(gone=(1, 1)))) == {1: 2, 9: 1}


def test_a_part_that_should_grow_while_another_has_units_left_is_a_person_s():
    known = pushed(item(100, 1, 1, None), id=30)
    entry = of_line_a(2, sale_returns=(known,))
    rows = (as_shown(known),)

    several = matched(entry, ours=rows, items=twins(gone=(1, 0)))
    alone = matched(entry, ours=rows, items=twins(gone=(1, 1)))

    assert isinstance(several, NeedsReview)
    assert "9 (of vendor 4, 1 of 1 left)" in several.reason
    assert isinstance(alone, Matched)
