from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from msgspec.structs import replace

from reconciler.core.model import Fields, OwnedField, Purpose
from reconciler.core.owned_fields import (
    ENDS,
    OWNED,
    OWNED_OF_ITEM,
    Difference,
    difference,
    forward,
    of_sale_return,
)
from tests.core.samples import wanted_line, wanted_parcel, wants
from tests.core.strategies import STATUSES, sale_return_fields, wanted

TRACKING = ("trackingCompany", "trackingNumber", "trackingUrl", "trackingStatus")


def told(want, *order_line_ids):
    return of_sale_return(want, "7001", order_line_ids or ("A",))


# ---------------------------------------------------------------------------- what is ours to write


def test_owned_are_the_fields_that_the_design_names_and_no_others():
    assert set(OWNED) == {
        *("externalId", "saleReturnSource", "saleReturnType", "status", "notes"),
        *TRACKING,
    }
    assert set(OWNED_OF_ITEM) == {"quantity", "externalId", "adjustmentReasonId"}


def test_each_owned_field_belongs_to_a_sale_return_or_an_item():
    assert {*OWNED, *OWNED_OF_ITEM} == set(OwnedField)


def test_fields_are_stored_and_sent_under_the_names_that_jetti_has_for_them():
    fields = told(wants()) | {OwnedField.QUANTITY: 2, OwnedField.ADJUSTMENT_REASON_ID: 5}

    encoded = msgspec.json.encode(fields)

    assert encoded == (
        b'{"externalId":"7001","saleReturnSource":"external","saleReturnType":"customer",'
        b'"trackingCompany":null,"trackingNumber":null,"trackingUrl":null,'
        b'"notes":"Loop return 7001","trackingStatus":null,"status":"requested",'
        b'"quantity":2,"adjustmentReasonId":5}'
    )
    assert msgspec.json.decode(encoded, type=Fields) == fields


@given(wanted())
def test_whatever_is_wanted_only_owned_fields_are_told(want):
    assert set(told(want)) | {"status", "trackingStatus"} == set(OWNED)


def test_a_sale_return_carries_the_marker_and_says_where_it_comes_from():
    fields = told(wants())

    assert fields["externalId"] == "7001"
    assert (fields["saleReturnSource"], fields["saleReturnType"]) == ("external", "customer")
    assert fields["notes"] == "Loop return 7001"
    assert [fields[name] for name in TRACKING] == [None] * 4


# ------------------------------------------------------------------------------------------ parcels


def test_one_parcel_is_told_whole():
    parcel = wanted_parcel(
        carrier="UPS",
        tracking_number="1Z",
        tracking_url="https://example/1Z",
        tracking_status="delivered",
    )

    assert told(wants(parcels=(parcel,))) == {
        "externalId": "7001",
        "saleReturnSource": "external",
        "saleReturnType": "customer",
        "trackingCompany": "UPS",
        "trackingNumber": "1Z",
        "trackingUrl": "https://example/1Z",
        "trackingStatus": "delivered",
        "notes": "Loop return 7001",
        "status": "shipped",
    }


def test_one_parcel_serves_every_sale_return_whatever_is_inside():
    want = wants(parcels=(wanted_parcel("shipped", "B"),))

    assert told(want, "A")["trackingNumber"] == told(want, "B")["trackingNumber"] == "9400"


def test_several_parcels_are_paired_with_sale_returns_by_lines():
    first = wanted_parcel("requested", "A", tracking_number="1")
    second = wanted_parcel("shipped", "B", tracking_number="2", carrier="UPS")
    want = wants(parcels=(first, second))

    a, b, strange = told(want, "A"), told(want, "B"), told(want, "C")

    assert (a["trackingNumber"], a["status"]) == ("1", "requested")
    assert (b["trackingNumber"], b["trackingCompany"], b["status"]) == ("2", "UPS", "shipped")
    assert (strange["trackingNumber"], strange["status"]) == (None, "requested")


def test_of_several_parcels_on_one_sale_return_the_first_is_tracked_and_all_are_noted():
    first = wanted_parcel("shipped", "A", tracking_number="1")
    second = wanted_parcel("requested", "A", tracking_number=None, carrier=None)
    fields = told(wants(parcels=(first, second)))

    assert (fields["trackingNumber"], fields["status"]) == ("1", "shipped")
    assert fields["notes"] == "Loop return 7001; parcels: USPS 1, parcel without number"


def test_the_notes_list_parcels_by_number_whoever_leads():
    numbers = ("2", None, "1")
    parcels = tuple(wanted_parcel("shipped", tracking_number=number) for number in numbers)
    fields = told(wants(parcels=parcels))

    assert fields["trackingNumber"] == "2"
    assert fields["notes"] == "Loop return 7001; parcels: USPS 1, USPS 2, USPS without number"


def test_the_notes_list_parcels_of_one_number_by_carrier_and_one_without_a_carrier_first():
    parcels = tuple(
        wanted_parcel("shipped", tracking_number=None, carrier=carrier)
        for carrier in ("USPS", None, "UPS")
    )

    assert told(wants(parcels=parcels))["notes"] == (
        "Loop return 7001; parcels: parcel without number, UPS without number, USPS without number"
    )


def test_a_leading_parcel_without_an_opinion_leaves_the_tracking_status_as_it_is():
    """It is not wanted empty: what another label said of it before still stands."""
    silent = wanted_parcel(None, tracking_number="1", tracking_status=None)
    fields = told(wants(parcels=(silent, wanted_parcel("requested", tracking_number="2"))))

    assert fields["trackingNumber"] == "1"
    assert "trackingStatus" not in fields


def test_reasons_that_differ_stand_in_the_notes_of_the_sale_return_that_holds_their_line():
    a = replace(wanted_line("A", 2, "size"), reasons=("Too small (size)", "Broken (damage)"))
    want = wants(a, wanted_line("B"))

    assert told(want, "A")["notes"] == (
        "Loop return 7001; reasons of line A: Too small (size), Broken (damage)"
    )
    assert told(want, "B")["notes"] == "Loop return 7001"


def test_a_parcel_that_does_not_say_what_is_inside_serves_every_line():
    silent, other = wanted_parcel("shipped"), wanted_parcel("requested", "B", tracking_number="2")

    assert told(wants(parcels=(silent, other)), "A")["trackingNumber"] == "9400"
    assert "2" in str(told(wants(parcels=(silent, other)), "B")["notes"])


@pytest.mark.parametrize(
    ("parcels", "status"),
    [
        ((), "requested"),
        (("requested", "shipped"), "shipped"),
        (("shipped", "requested"), "shipped"),
        ((None, "requested"), "requested"),
        (("cancelled", "requested"), "requested"),
        (("received", "shipped"), "received"),
    ],
)
def test_the_furthest_parcel_gives_the_status(parcels, status):
    want = wants(parcels=tuple(wanted_parcel(status) for status in parcels))

    assert told(want)["status"] == status


@pytest.mark.parametrize("status", [None, "cancelled"])
def test_a_failed_label_and_a_parcel_that_will_not_come_have_no_opinion_on_the_status(status):
    assert "status" not in told(wants(parcels=(wanted_parcel(status),)))


@pytest.mark.parametrize("parcels", [(), (wanted_parcel("shipped"),)])
def test_what_ended_in_loop_is_wanted_cancelled_whatever_its_parcels_say(parcels):
    assert told(wants(purpose=Purpose.CANCEL, parcels=parcels))["status"] == "cancelled"


def test_a_held_return_has_no_opinion_on_the_status_but_tells_the_rest():
    fields = told(wants(purpose=Purpose.HOLD, parcels=(wanted_parcel(),)))

    assert "status" not in fields
    assert fields["trackingNumber"] == "9400"


def test_texts_are_cut_to_what_jetti_holds():
    long = "x" * 300
    parcel = wanted_parcel(carrier=long, tracking_number=long, tracking_url=long)
    fields = told(wants(parcels=(parcel,)))

    assert {len(str(fields[name])) for name in TRACKING[:3]} == {255}


# --------------------------------------------------------------------------------------- difference


@pytest.mark.parametrize(
    ("wanted", "pushed", "held", "write", "kept"),
    [
        ("a", "a", "a", {}, {}),
        ("b", "a", "a", {"notes": "b"}, {}),
        ("b", "a", "person", {}, {"notes": "person"}),
        ("a", "a", "person", {}, {}),
        ("b", "a", "b", {}, {}),
        (None, "a", "a", {"notes": None}, {}),
        (None, "a", "person", {}, {"notes": "person"}),
    ],
)
def test_a_field_is_written_only_over_what_we_last_pushed(wanted, pushed, held, write, kept):
    found = difference({"notes": wanted}, {"notes": pushed}, {"notes": held})

    assert (found.write, found.kept) == (write, kept)


def test_a_field_pushed_empty_is_written_only_where_jetti_has_none():
    assert difference({"notes": "b"}, {"notes": None}, {}).write == {"notes": "b"}
    found = difference({"notes": "b"}, {"notes": None}, {"notes": "person"})
    assert found.kept == {"notes": "person"}


def test_a_field_that_was_never_seen_is_nobodys_and_written():
    assert difference({"notes": "b"}, {}, {"notes": "a"}).write == {"notes": "b"}


def test_fields_are_decided_one_by_one():
    names = ("saleReturnType", "externalId", "status", "notes", "trackingNumber")
    wanted = dict(zip(names, ("customer", "1", "shipped", "n", "2"), strict=True))
    pushed = dict(zip(names, ("customer", "1", "draft", "o", "1"), strict=True))
    held = dict(zip(names, ("customer", "x", "draft", "p", "1"), strict=True))

    assert difference(wanted, pushed, held) == Difference(
        write={"status": "shipped", "trackingNumber": "2"}, kept={"notes": "p"}
    )


def test_a_status_that_nobody_set_moves_anywhere_but_to_none():
    assert forward(None, "requested")
    assert forward(None, "cancelled")
    assert not forward(None, None)
    assert not forward("draft", None)


ORDER = {"draft": 0, "requested": 1, "finalized": 2, "shipped": 3, "received": 4}


@pytest.mark.parametrize("held", STATUSES)
@pytest.mark.parametrize("wanted", STATUSES)
def test_a_status_only_moves_forward_and_nothing_follows_an_end(held, wanted):
    alive = held not in ("cancelled", "received")
    allowed = alive and (wanted == "cancelled" or ORDER[wanted] > ORDER[held])

    assert forward(held, wanted) is allowed
    assert {"cancelled", "received"} == ENDS


@pytest.mark.parametrize("pushed", [*STATUSES, None])
@pytest.mark.parametrize("held", STATUSES)
@pytest.mark.parametrize("wanted", STATUSES)
def test_a_status_we_want_to_change_moves_forward_from_wherever_a_person_moved_it(
    pushed, held, wanted
):
    found = difference({"status": wanted}, {"status": pushed}, {"status": held})

    ours = wanted != pushed and forward(held, wanted)
    assert found.write == ({"status": wanted} if ours else {})
    assert found.kept == {}
    stays = wanted not in (pushed, held) and not ours
    assert found.further == (held if stays else None)


@given(sale_return_fields, sale_return_fields, sale_return_fields)
def test_nothing_is_written_that_jetti_holds_and_nothing_that_a_person_set(wanted, pushed, held):
    found = difference(wanted, pushed, held)

    for name, value in found.write.items():
        assert value == wanted[name] != held.get(name)
        assert name == "status" or name not in pushed or held.get(name) == pushed[name]
    for name, value in found.kept.items():
        assert value == held.get(name) != wanted[name]
    assert not found.write.keys() & found.kept.keys()
    assert found.write.keys() | found.kept.keys() <= wanted.keys()


@given(sale_return_fields, sale_return_fields, sale_return_fields)
def test_what_was_written_needs_no_writing_again(wanted, pushed, held):
    written = difference(wanted, pushed, held).write

    assert difference(wanted, pushed | written, held | written).write == {}


@given(sale_return_fields, sale_return_fields)
def test_a_change_of_ours_to_what_nobody_touched_is_written_whole(wanted, pushed):
    wanted.pop("status", None)

    found = difference(wanted, pushed, pushed)

    assert found.kept == {}
    assert (pushed | found.write).items() >= {k: v for k, v in wanted.items() if v}.items()
