"""What could not be understood of a return takes nothing away from what Jetti was told of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.core.diff import Live, as_pushed, diff_of
from reconciler.core.mapping import project
from reconciler.core.matching.match import match_entry
from reconciler.core.matching.order import with_order
from reconciler.core.matching.result import NeedsReview, NotReady
from reconciler.core.matching.snapshot import LiveItem
from reconciler.core.model import Line, Operation, Purpose, malformed_part
from reconciler.core.settings import Mapping
from tests.core.samples import (
    a_return,
    a_snapshot,
    an_entry,
    parcel,
    pushed,
    pushed_item,
    sale_item,
    shown,
    wanted_line,
    wanted_parcel,
    wants,
)
from tests.core.wording import REVIEW, assert_names, without_words

A_LINE = ("line_items[1].provider_line_item_id: expected number or text, found null",)
A_LABEL = ("labels[0].status: expected number or text, found list",)


def writes(wanted, known, held=None):
    """Fields that would be written, by what they are written to; held as pushed unless told."""
    found = diff_of(an_entry(wanted), (known,), {known.id: held or as_pushed(known)}, {"2": 2})
    assert not isinstance(found, NeedsReview), found
    return {(write.operation, write.target_id): write.fields for write in found.writes}


def projected(rules=None, **changes):
    return project(a_return(**changes), rules or Mapping(), ("review",))


# --------------------------------------------------------------------------------------- lines


def test_a_line_that_is_missing_among_those_understood_was_not_taken_off():
    known = pushed(pushed_item("A"), pushed_item("B", 2))

    assert writes(wants(wanted_line("A"), lacks_lines=True), known) == {}
    assert writes(wants(wanted_line("A")), known) == {(Operation.UPDATE_ITEM, 102): {"quantity": 0}}


def test_units_that_are_missing_were_not_taken_off_either():
    known = pushed(pushed_item("A", 3))

    assert writes(wants(wanted_line("A", 2), lacks_lines=True), known) == {}
    assert writes(wants(wanted_line("A", 2)), known) != {}


def test_units_that_are_understood_are_told():
    known = pushed(pushed_item("A", 1), pushed_item("B", 1))

    assert writes(wants(wanted_line("A", 2), lacks_lines=True), known) == {
        (Operation.UPDATE_ITEM, 101): {"quantity": 2}
    }


def test_the_first_units_that_are_understood_are_told_where_a_create_left_none():
    born = replace(pushed_item("A"), fields={"quantity": 0})

    assert writes(wants(wanted_line("A"), lacks_lines=True), pushed(born)) == {
        (Operation.UPDATE_ITEM, 101): {"quantity": 1, "externalId": "501"}
    }


def test_the_reason_of_a_line_whose_lowest_may_be_missing_stays():
    changed, known = wanted_line("A", reason="2"), pushed(pushed_item("A"))

    assert writes(wants(changed, lacks_lines=True), known) == {}
    assert writes(wants(changed), known) == {
        (Operation.UPDATE_ITEM, 101): {"adjustmentReasonId": 2}
    }


def test_of_a_missing_line_whose_units_were_never_seen_none_are_taken_off():
    bare = replace(pushed_item("B"), fields={"externalId": "502"})
    known = pushed(pushed_item("A"), bare)
    now = as_pushed(known)
    shows = Live(now.fields, now.items | {102: {"quantity": 2, "externalId": "502"}})

    assert writes(wants(wanted_line("A"), lacks_lines=True), known, shows) == {}
    assert writes(wants(wanted_line("A")), known, shows) == {
        (Operation.UPDATE_ITEM, 102): {"quantity": 0}
    }


def test_what_is_missing_may_make_a_person_s_sale_return_match(golden):
    row, wanted = shown(30, {"A": 2}), wants(wanted_line("A"))

    part, whole = (
        match_entry(entry, with_order(entry, a_snapshot(row)), (), {"A"})
        for lacks in (True, False)
        for entry in [an_entry(replace(wanted, lacks_lines=lacks))]
    )

    assert without_words(part) == NotReady("", order_found=True)
    assert without_words(whole) == REVIEW
    for result in (part, whole):
        assert_names(result.reason, "1001-30 (30) with 2", "A", "externalId")
    golden(f"{part.reason}\n{whole.reason}")


@pytest.mark.parametrize("told_before", [False, True])
def test_what_is_missing_may_be_the_rest_of_a_line_that_is_two_sale_items(told_before):
    two = replace(pushed_item("A", 2), units=2)
    one = replace(pushed_item("A"), id=109, sale_item_id=9, units=1)
    known = (pushed(two, one),) if told_before else ()
    row = shown(21, {"A": 2}, marker="7001")
    row = replace(row, items=(*row.items, LiveItem(109, 21, 9, {"quantity": 1})))
    items = (sale_item("A", 2), sale_item("A", 1, id=9))
    seen = a_snapshot(*(row for _ in known), sale_items=items)
    wanted = wants(wanted_line("A", 2))
    split = "order line A is 2 sale items in Jetti, and 2 of its 3 units come back: "

    part, whole = (
        match_entry(entry, with_order(entry, seen), (), {"A"})
        for lacks in (True, False)
        for entry in [an_entry(replace(wanted, lacks_lines=lacks), sale_returns=known)]
    )

    assert isinstance(part, NotReady)
    assert part.order_found
    assert part.reason.startswith(f"not all lines of this return are understood, and {split}")
    assert "by hand" not in part.reason
    assert isinstance(whole, NeedsReview)
    assert whole.reason.startswith(split)


def test_a_sale_return_none_of_whose_lines_is_understood_is_not_ended():
    known = pushed(pushed_item("B"))

    assert writes(wants(wanted_line("A"), lacks_lines=True), known) == {}
    assert writes(wants(wanted_line("A")), known) == {
        (Operation.UPDATE_SALE_RETURN, 21): {"status": "cancelled"}
    }


def test_a_cancelled_return_is_cancelled_whatever_is_understood_of_it():
    known = pushed(pushed_item("B"))
    wanted = projected(state="cancelled", lines=(), lines_set_aside=A_LINE)

    assert writes(wanted, known) == {(Operation.UPDATE_SALE_RETURN, 21): {"status": "cancelled"}}


@pytest.mark.parametrize("lacking", [{"lines_set_aside": A_LINE}, {"labels_set_aside": A_LABEL}])
def test_what_ends_by_itself_is_held_while_not_all_of_it_is_understood(lacking):
    """A parcel that is on its way would speak against the end, and a cancel is final."""
    assert projected(state="expired").purpose is Purpose.CANCEL
    assert projected(state="expired", **lacking).purpose is Purpose.HOLD


def test_the_parcel_of_a_line_that_is_not_understood_does_not_serve_the_others():
    others = parcel("delivered", line_ids=("502",))

    assert projected(parcels=(others,), lines_set_aside=A_LINE).parcels == ()
    both = (Line("501", "A"), Line("502", "B"))
    [told] = projected(parcels=(others,), lines=both).parcels
    assert told.order_line_ids == ("B",)


def test_a_parcel_that_holds_a_line_that_is_understood_serves_it_whatever_else_is_inside():
    shared = parcel("delivered", line_ids=("501", "502"))

    [told] = projected(parcels=(shared,), lines_set_aside=A_LINE).parcels

    assert (told.status, told.order_line_ids) == ("shipped", ("A",))


# -------------------------------------------------------------------------------------- labels


def test_a_parcel_that_is_missing_among_those_understood_is_still_told():
    told = {"trackingNumber": "9400", "trackingCompany": "USPS", "trackingStatus": "transit"}
    known = pushed(**told, status="shipped")
    other = wanted_parcel("shipped", tracking_number="9401")

    assert writes(wants(lacks_parcels=True), known) == {}
    assert writes(wants(lacks_parcels=True, parcels=(other,)), known) == {}
    assert writes(wants(parcels=(other,)), known) != {}


def test_that_a_label_is_not_understood_is_part_of_what_is_wanted():
    assert projected(labels_set_aside=A_LABEL).lacks_parcels is True
    assert projected(lines_set_aside=A_LINE).lacks_parcels is False
    assert projected().lacks_parcels is False


def test_the_first_parcel_that_is_understood_is_told_and_so_is_how_far_one_is():
    parcels = (wanted_parcel("shipped"),)
    told = writes(wants(lacks_parcels=True, parcels=parcels), pushed())

    assert told[Operation.UPDATE_SALE_RETURN, 21]["trackingNumber"] == "9400"
    assert writes(wants(lacks_parcels=True, parcels=parcels), pushed(trackingNumber="9401")) == {
        (Operation.UPDATE_SALE_RETURN, 21): {"status": "shipped"}
    }


def test_a_label_that_is_not_understood_is_not_no_label():
    """`closed.none` may stand for kept goods."""
    kept, here = ({"closed": {"none": word}} for word in ("cancelled", "received"))

    assert projected(Mapping(status=kept), state="closed").purpose is Purpose.CANCEL
    held = projected(Mapping(status=kept), state="closed", labels_set_aside=A_LABEL)
    assert held.purpose is Purpose.HOLD
    assert projected(Mapping(status=here), state="closed").status == "received"
    open_ = projected(Mapping(status=here), state="closed", labels_set_aside=A_LABEL)
    assert (open_.purpose, open_.status) == (Purpose.EXIST, "requested")


# --------------------------------------------------------------------------------- the rest of it


@pytest.mark.covers("R9")
def test_understood_again_it_is_as_if_nothing_had_been():
    whole = a_return(lines=(Line("501", "A"), Line("502", "B")))
    part = replace(whole, lines=whole.lines[:1], lines_set_aside=A_LINE)
    known = pushed(pushed_item("A"), pushed_item("B"))

    for seen in (whole, part, whole):
        assert writes(project(seen, Mapping(), ()), known) == {}


def test_what_is_kept_aside_of_it_names_return_order_and_field():
    assert malformed_part(a_return()) is None
    kept = malformed_part(a_return(lines_set_aside=A_LINE, labels_set_aside=A_LABEL))

    assert kept is not None
    assert (kept.key, kept.return_id, kept.order_name, kept.is_partial) == (
        "7001", "7001", "#1001", True,
    )  # fmt: skip
    assert kept.problem == f"{A_LINE[0]}; {A_LABEL[0]}"
