from __future__ import annotations

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from reconciler.core.diff import (
    Diff,
    FurtherStatus,
    Live,
    ManualEdit,
    as_pushed,
    diff_of,
    wanted_of,
)
from reconciler.core.matching.result import NeedsReview
from reconciler.core.model import Operation, Purpose, Write
from reconciler.core.owned_fields import ENDS, OWNED, OWNED_OF_ITEM
from tests.core.samples import an_entry, pushed, pushed_item, wanted_line, wanted_parcel, wants
from tests.core.strategies import entries, entries_and_held
from tests.core.wording import REVIEW, assert_names, without_words

REASONS = {"1": 1, "2": 2}
ITEM, SALE_RETURN = Operation.UPDATE_ITEM, Operation.UPDATE_SALE_RETURN


def look(entry, held=None):
    """The diff, with Jetti as last pushed unless told."""
    as_they_were = {known.id: as_pushed(known) for known in entry.sale_returns}
    return diff_of(entry, entry.sale_returns, as_they_were | (held or {}), REASONS)


def writes(entry, held=None):
    found = look(entry, held)
    assert isinstance(found, Diff), found
    return [(w.operation, w.target_id, w.fields) for w in found.writes]


def entry_of(*lines, known=None, **wanted):
    return an_entry(wants(*lines, **wanted), sale_returns=(known or pushed(),))


def after_people(known, items=None, **fields):
    """The same sale return after somebody set fields of it, or of items by their id."""
    held = as_pushed(known)
    changed = {id: old | (items or {}).get(id, {}) for id, old in held.items.items()}
    return {known.id: Live(held.fields | fields, changed)}


# -------------------------------------------------------------------------------- lines, quantities


def test_what_was_pushed_and_is_still_wanted_needs_nothing():
    assert look(entry_of(wanted_line())) == Diff()


def test_a_quantity_changed_is_one_put_of_the_quantity_alone():
    assert writes(entry_of(wanted_line("A", 2))) == [(ITEM, 101, {"quantity": 2})]


def test_a_line_removed_becomes_zero():
    known = pushed(pushed_item("A"), pushed_item("B"))

    assert writes(entry_of(wanted_line("A"), known=known)) == [(ITEM, 102, {"quantity": 0})]


def test_a_line_added_elsewhere_leaves_this_sale_return_alone():
    assert writes(entry_of(wanted_line("A"), wanted_line("B"))) == []


def test_a_sale_return_left_without_lines_is_cancelled_and_its_quantities_stay():
    entry = entry_of(wanted_line("B"), known=pushed(pushed_item("A")))

    assert writes(entry) == [(SALE_RETURN, 21, {"status": "cancelled"})]


def test_quantities_are_written_before_statuses():
    fresh = pushed(replace(pushed_item("A"), fields={"quantity": 0}), status="draft")

    operations = [w[0] for w in writes(entry_of(wanted_line("A", 2), known=fresh))]

    assert operations == [ITEM, SALE_RETURN]


def test_each_sale_return_is_brought_to_what_its_own_lines_want():
    ours = (pushed(pushed_item("A"), id=21), pushed(pushed_item("B"), id=22))
    parcels = (wanted_parcel("requested", "A"), wanted_parcel("shipped", "B"))
    entry = an_entry(wants(wanted_line("A"), wanted_line("B"), parcels=parcels), sale_returns=ours)

    statuses = {target: fields.get("status") for _, target, fields in writes(entry)}

    assert statuses == {21: None, 22: "shipped"}


def test_a_part_of_a_line_that_stands_for_none_of_it_is_told_so(golden):
    whole = replace(pushed_item("A", 3), units=3)
    none = replace(pushed_item("A", 0), id=109, sale_item_id=9, units=0)

    result = look(entry_of(wanted_line("A", 2), known=pushed(whole, none)))

    assert without_words(result) == REVIEW
    assert_names(result.reason, "A", "2", "1 (3 until now)", "9 (0 until now)")
    golden(result.reason)


# ------------------------------------------------------------------------------------------- people


def test_a_quantity_that_a_person_set_goes_to_a_person():
    entry = entry_of(wanted_line("A", 3))

    found = look(entry, after_people(entry.sale_returns[0], items={101: {"quantity": 2}}))

    assert isinstance(found, NeedsReview)
    assert "order line A" in found.reason
    assert "2" in found.reason


def test_a_quantity_that_a_person_set_stays_where_we_want_nothing_new():
    entry = entry_of(wanted_line("A", 1))

    assert look(entry, after_people(entry.sale_returns[0], items={101: {"quantity": 0}})) == Diff()


def test_a_quantity_that_a_person_set_as_we_want_it_is_no_write():
    entry = entry_of(wanted_line("A", 3))

    assert writes(entry, after_people(entry.sale_returns[0], items={101: {"quantity": 3}})) == []


def test_a_person_s_tracking_stays_and_is_told():
    known = pushed()
    entry = entry_of(wanted_line(), known=known, parcels=(wanted_parcel("requested"),))

    found = look(entry, after_people(known, trackingNumber="theirs"))

    [write] = found.writes
    assert "trackingNumber" not in write.fields
    assert write.fields["trackingCompany"] == "USPS"
    assert found.kept == (ManualEdit("1001-21", "trackingNumber", "theirs"),)


def test_all_that_people_set_on_several_sale_returns_stays_and_is_told_in_order():
    first, second = pushed(pushed_item("A"), pushed_item("B")), pushed(pushed_item("C"), id=22)
    lines = (wanted_line("A", reason="2"), wanted_line("B", reason="2"), wanted_line("C"))
    parcels = (wanted_parcel("shipped"),)
    reasons = {101: {"adjustmentReasonId": 8}, 102: {"adjustmentReasonId": 9}}
    theirs = after_people(first, items=reasons, trackingNumber="theirs")
    theirs |= after_people(second, trackingCompany="Courier", trackingNumber="9400")
    changed = {"trackingCompany": "USPS", "trackingStatus": "transit", "status": "shipped"}

    found = look(an_entry(wants(*lines, parcels=parcels), sale_returns=(first, second)), theirs)

    assert found == Diff(
        writes=(
            Write(SALE_RETURN, 21, fields=changed),
            Write(SALE_RETURN, 22, fields={"trackingStatus": "transit", "status": "shipped"}),
        ),
        kept=(
            ManualEdit("1001-21", "adjustmentReasonId", 8),
            ManualEdit("1001-21", "adjustmentReasonId", 9),
            ManualEdit("1001-21", "trackingNumber", "theirs"),
            ManualEdit("1001-22", "trackingCompany", "Courier"),
        ),
    )


def test_a_status_that_a_person_moved_ahead_is_not_taken_back_and_is_told():
    entry = entry_of(wanted_line(), parcels=(wanted_parcel("shipped"),))
    held = after_people(entry.sale_returns[0], status="received")

    assert all("status" not in fields for *_, fields in writes(entry, held))
    assert look(entry, held).further == (FurtherStatus("1001-21", "received", "shipped"),)


def test_a_status_that_would_go_back_is_told_by_the_ledger_alone():
    known = pushed(status="shipped")

    assert look(entry_of(wanted_line(), known=known)) == Diff(
        further=(FurtherStatus("1001-21", "shipped", "requested"),)
    )
    assert look(entry_of(wanted_line(), known=pushed())).further == ()


def test_a_status_of_which_nothing_new_is_wanted_is_no_news_wherever_a_person_moved_it():
    entry = entry_of(wanted_line())

    assert look(entry, after_people(entry.sale_returns[0], status="received")) == Diff()


def test_a_sale_return_that_a_person_cancelled_is_left_alone():
    entry = entry_of(wanted_line("A", reason="2"), parcels=(wanted_parcel(),))

    held = after_people(entry.sale_returns[0], status="cancelled")

    assert writes(entry) != []
    assert look(entry, held) == Diff(cancelled=("1001-21",))


@pytest.mark.parametrize(
    ("line", "parcels", "is_news"),
    [
        (wanted_line("A"), (), False),
        (wanted_line("A"), (wanted_parcel("requested"),), True),
        (wanted_line("A", reason="2"), (), True),
    ],
)
def test_a_sale_return_that_a_person_cancelled_is_told_where_anything_would_be_written(
    line, parcels, is_news
):
    entry = entry_of(line, parcels=parcels)
    held = after_people(entry.sale_returns[0], status="cancelled")

    assert bool(writes(entry)) is is_news
    assert look(entry, held).cancelled == (("1001-21",) if is_news else ())


# --------------------------------------------------------------------------- received and cancelled


@pytest.mark.parametrize("end", sorted(ENDS))
def test_a_quantity_changed_on_an_ended_sale_return_goes_to_a_person(end):
    entry = entry_of(wanted_line("A", 2))

    found = look(entry, after_people(entry.sale_returns[0], status=end))

    assert isinstance(found, NeedsReview)
    assert end in found.reason


@pytest.mark.parametrize("end", sorted(ENDS))
def test_a_line_removed_from_an_ended_sale_return_goes_to_a_person(end):
    entry = entry_of(wanted_line("A"), known=pushed(pushed_item("A"), pushed_item("B")))

    found = look(entry, after_people(entry.sale_returns[0], status=end))

    assert isinstance(found, NeedsReview)


def test_the_first_quantity_of_a_sale_return_born_received_is_still_written():
    born = replace(pushed_item("A"), fields={"quantity": 0, "externalId": None})
    entry = entry_of(wanted_line("A"), known=pushed(born, status="received"))

    assert writes(entry)[0] == (ITEM, 101, {"quantity": 1, "externalId": "501"})


@pytest.mark.parametrize("status", ["draft", "requested", "finalized", "shipped"])
@pytest.mark.parametrize("emptied", [False, True])
def test_what_ended_in_loop_is_cancelled_from_every_living_status(status, emptied):
    known = pushed(status=status)
    line, purpose = ("B", Purpose.EXIST) if emptied else ("A", Purpose.CANCEL)

    assert writes(entry_of(wanted_line(line), known=known, purpose=purpose)) == [
        (SALE_RETURN, 21, {"status": "cancelled"})
    ]


@pytest.mark.covers("R3")
def test_what_is_held_is_emptied_and_not_cancelled_before_it_is_held_no_more():
    known = pushed(status="requested")
    held = entry_of(wanted_line("B"), known=known, purpose=Purpose.HOLD)

    assert writes(held) == [(ITEM, 101, {"quantity": 0})]


def test_what_is_held_and_was_emptied_and_cancelled_before_needs_nothing():
    ours = entry_of(wanted_line("B"), known=pushed(status="cancelled"), purpose=Purpose.HOLD)
    theirs = entry_of(wanted_line("B"), known=pushed(), purpose=Purpose.HOLD)

    assert look(ours) == Diff()
    revived = after_people(ours.sale_returns[0], status="requested")
    assert look(ours, revived) == Diff(), "theirs to say"
    assert look(theirs, after_people(theirs.sale_returns[0], status="cancelled")) == Diff()


@pytest.mark.parametrize("emptied", [False, True])
def test_what_ended_in_loop_but_was_received_goes_to_a_person(emptied):
    line, purpose = ("B", Purpose.EXIST) if emptied else ("A", Purpose.CANCEL)
    entry = entry_of(wanted_line(line), known=pushed(status="received"), purpose=purpose)

    assert isinstance(look(entry), NeedsReview)


def test_what_ended_in_loop_and_was_cancelled_by_anyone_needs_nothing():
    entry = entry_of(purpose=Purpose.CANCEL)
    cancelled_by_us = entry_of(known=pushed(status="cancelled"), purpose=Purpose.CANCEL)

    assert look(entry, after_people(entry.sale_returns[0], status="cancelled")) == Diff()
    assert look(cancelled_by_us) == Diff()
    revived = after_people(cancelled_by_us.sale_returns[0], status="requested")
    assert look(cancelled_by_us, revived) == Diff()


def test_alive_again_after_we_cancelled_goes_to_a_person():
    entry = entry_of(known=pushed(status="cancelled"))

    found = look(entry)
    assert isinstance(found, NeedsReview)
    assert "(21) is cancelled, but its lines are wanted: 1 of order line A" in found.reason
    revived = after_people(entry.sale_returns[0], status="requested")
    found = look(entry, revived)
    assert isinstance(found, NeedsReview)
    assert "(21) was cancelled and is requested in Jetti again, and its lines are" in found.reason


def test_a_held_return_keeps_its_status_and_gets_the_rest():
    entry = entry_of(purpose=Purpose.HOLD, parcels=(wanted_parcel("shipped"),))

    [(operation, target, fields)] = writes(entry)

    assert (operation, target) == (SALE_RETURN, 21)
    assert "status" not in fields
    assert fields["trackingNumber"] == "9400"


# ------------------------------------------------------------------------------------------ reasons


def test_a_reason_is_written_by_its_id_when_its_code_is_new():
    assert writes(entry_of(wanted_line("A", reason="2"))) == [
        (ITEM, 101, {"adjustmentReasonId": 2})
    ]


def test_a_reason_already_pushed_is_not_looked_up():
    known = pushed(replace(pushed_item("A"), reason_code="gone"))

    assert look(entry_of(wanted_line("A", reason="gone"), known=known)) == Diff()


# --------------------------------------------------------------------------------------- properties


def applied(entry, held, found):
    """Jetti and the ledger after every write was answered."""

    def told(item, write: Write):
        line = next((x for x in entry.wanted.lines if x.order_line_id == item.order_line_id), None)
        code = line.reason_code if line and "adjustmentReasonId" in write.fields else None
        return replace(
            item, fields=item.fields | write.fields, reason_code=code or item.reason_code
        )

    known, held = list(entry.sale_returns), dict(held)
    for write in found.writes:
        for place, one in enumerate(known):
            if write.operation is SALE_RETURN and one.id == write.target_id:
                known[place] = replace(one, fields=one.fields | write.fields)
                held[one.id] = replace(held[one.id], fields=held[one.id].fields | write.fields)
            elif write.operation is ITEM and write.target_id in held[one.id].items:
                items = tuple(told(i, write) if i.id == write.target_id else i for i in one.items)
                known[place] = replace(one, items=items)
                shown = held[one.id].items
                shown = shown | {write.target_id: shown[write.target_id] | write.fields}
                held[one.id] = replace(held[one.id], items=shown)
    return replace(entry, sale_returns=tuple(known)), held


@settings(max_examples=400)
@given(entries_and_held())
def test_a_diff_carried_out_leaves_nothing_to_do(drawn):
    entry, held = drawn
    found = look(entry, held)
    if isinstance(found, NeedsReview):
        return
    assert all(write.fields for write in found.writes)

    again = look(*applied(entry, held, found))

    assert isinstance(again, NeedsReview) or again.writes == ()


@settings(max_examples=400)
@given(entries_and_held())
def test_a_diff_writes_owned_fields_of_our_sale_returns_and_nothing_that_jetti_holds(drawn):
    entry, held = drawn
    found = look(entry, held)
    if isinstance(found, NeedsReview):
        return
    items = {id: fields for one in held.values() for id, fields in one.items.items()}
    for write in found.writes:
        owned = OWNED if write.operation is SALE_RETURN else OWNED_OF_ITEM
        shown = (
            held[write.target_id].fields
            if write.operation is SALE_RETURN
            else items[write.target_id]
        )
        assert write.fields.keys() <= set(owned)
        assert all(shown.get(name) != value for name, value in write.fields.items())


@settings(max_examples=400)
@given(entries())
def test_with_nobody_else_at_it_a_diff_reaches_what_is_wanted(entry):
    held = {known.id: as_pushed(known) for known in entry.sale_returns}
    found = look(entry)
    if isinstance(found, NeedsReview):
        return
    assert found.kept == ()

    _, after = applied(entry, held, found)

    quantities = {line.order_line_id: line.quantity for line in entry.wanted.lines}
    for known in entry.sale_returns:
        shown = after[known.id]
        if entry.wanted.purpose is Purpose.CANCEL or shown.fields.get("status") == "cancelled":
            assert shown.fields.get("status") == "cancelled"
            continue
        for item in known.items:
            assert shown.items[item.id]["quantity"] == quantities.get(item.order_line_id, 0)


def test_who_raised_it_is_no_news_of_a_sale_return_that_a_person_raised():
    """Of ours, the first PUT told the source along with our id."""
    theirs = pushed(saleReturnSource=None, saleReturnType=None)
    ours = pushed(saleReturnSource="external", saleReturnType="customer")
    not_told_yet = pushed(externalId=None, saleReturnSource=None, saleReturnType=None)

    told = [
        {name for _, _, fields in writes(entry_of(wanted_line(), known=known)) for name in fields}
        for known in (theirs, ours, not_told_yet)
    ]

    assert told == [set(), set(), {"externalId", "saleReturnSource", "saleReturnType"}]


def test_of_two_that_hold_the_same_the_cancelled_one_was_one_too_many():
    """Whoever cancelled it; of what no other one holds, a person has to say."""
    gone = pushed(pushed_item("A"), id=22, status="cancelled")
    alone = pushed(pushed_item("A"), pushed_item("B"), id=23, status="cancelled")
    entry = an_entry(wants(wanted_line("A"), wanted_line("B")), sale_returns=(pushed(), gone))

    assert look(entry) == Diff()
    result = look(replace(entry, sale_returns=(pushed(), alone)))
    assert without_words(result) == REVIEW
    assert_names(result.reason, "1001-23 (23)", "B")


def test_a_line_is_not_shared_with_what_a_person_cancelled():
    twin = pushed(pushed_item("A"), id=22)
    entry = an_entry(wants(wanted_line("A")), sale_returns=(pushed(), twin))

    assert look(entry, after_people(twin, status="cancelled")) == Diff()
    assert isinstance(look(entry), NeedsReview)


# ---------------------------------------------------------------------------- all that is wanted


def all_wanted(entry, **status):
    """Of the first sale return of the entry, which shows in Jetti as pushed but for that."""
    [known] = entry.sale_returns
    shown = as_pushed(known)
    return wanted_of(entry, known, replace(shown, fields=shown.fields | status), REASONS)


ENDED = Live({"status": "cancelled"}, {})
NOTHING = Live({}, {})


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        (entry_of(purpose=Purpose.CANCEL), ENDED),
        (entry_of(wanted_line("B")), ENDED),
        (entry_of(wanted_line("B"), lacks_lines=True), NOTHING),
        (entry_of(wanted_line("B"), lacks_lines=True, purpose=Purpose.CANCEL), ENDED),
        (entry_of(wanted_line("B"), purpose=Purpose.HOLD), Live({}, {101: {"quantity": 0}})),
        (entry_of(known=pushed(status="cancelled")), NOTHING),
    ],
)
def test_of_what_ends_no_more_is_wanted_than_that(entry, wanted):
    assert all_wanted(entry) == wanted


def test_all_that_is_wanted_is_told_also_what_is_there():
    told = all_wanted(entry_of(wanted_line("A", 3)))

    assert told.fields == as_pushed(pushed()).fields
    assert told.items == {101: {"quantity": 3, "externalId": "501"}}


@pytest.mark.parametrize(
    ("pushed_as", "code", "wanted"),
    [("1", "1", 7), ("1", "2", 2), (None, "2", 2), ("1", None, None)],
)
def test_a_reason_is_wanted_as_it_was_pushed_where_it_is_the_same(pushed_as, code, wanted):
    item = replace(pushed_item(adjustmentReasonId=7), reason_code=pushed_as)

    told = all_wanted(entry_of(wanted_line("A", 1, code), known=pushed(item)))

    assert told.items[101].get("adjustmentReasonId") == wanted
