from __future__ import annotations

from itertools import permutations

import pytest
from core_samples import a_return, parcel

from reconciler.core.mapping import KNOWN_STATES, LABEL_STATUSES, project, rank
from reconciler.core.model import Line, Purpose
from reconciler.core.rules import Mapping

HELD = ("review",)
PLAIN = Mapping()


def wanted(mapping: Mapping = PLAIN, held: tuple[str, ...] = HELD, **changes):
    return project(a_return(**changes), mapping, held)


# ------------------------------------------------------------------- the table of design section 7

LABELS = {
    "new": ("requested", "pre_transit"),
    "pre_transit": ("requested", "pre_transit"),
    "in_transit": ("shipped", "transit"),
    "out_for_delivery": ("shipped", "transit"),
    "delivered": ("shipped", "delivered"),
    "failure": (None, "failure"),
    "error": (None, "failure"),
}


def test_the_table_of_labels_is_whole():
    assert set(LABEL_STATUSES) == {*LABELS, "none"}


@pytest.mark.parametrize("state", ["open", "closed"])
@pytest.mark.parametrize(("label", "told"), LABELS.items())
def test_each_label_status_asks_for_its_status_and_tracking(state, label, told):
    want = wanted(state=state, parcels=(parcel(label),))

    assert want.purpose is Purpose.EXIST
    assert [(p.status, p.tracking_status) for p in want.parcels] == [told]


@pytest.mark.parametrize("state", ["open", "closed"])
def test_without_a_label_a_return_is_requested_and_tracks_nothing(state):
    want = wanted(state=state, parcels=())

    assert (want.purpose, want.status, want.parcels) == (Purpose.EXIST, "requested", ())


@pytest.mark.parametrize("label", [None, "pending", "no_label"])
def test_a_tracking_number_whose_label_has_no_status_yet_is_before_transit(label):
    [told] = wanted(parcels=(parcel(label),)).parcels

    assert (told.status, told.tracking_status) == ("requested", "pre_transit")


@pytest.mark.parametrize("state", ["cancelled", "expired"])
@pytest.mark.parametrize("label", [None, *LABELS, "brand_new"])
def test_what_ended_in_loop_is_cancelled_whatever_its_labels_say(state, label):
    want = wanted(state=state, parcels=(parcel(label),))

    assert (want.purpose, want.status) == (Purpose.CANCEL, "cancelled")
    assert [p.status for p in want.parcels] == ["cancelled"]
    assert wanted(state=state).purpose is Purpose.CANCEL


@pytest.mark.parametrize("state", ["review", "escalated", "", "OPEN"])
def test_review_and_unknown_states_are_held(state):
    assert wanted(state=state, parcels=(parcel("delivered"),)).purpose is Purpose.HOLD


def test_held_states_are_the_settings_to_name():
    assert wanted(state="open", held=("open",)).purpose is Purpose.HOLD
    assert wanted(state="review", held=()).purpose is Purpose.EXIST


def test_an_unknown_label_status_claims_nothing_but_that_it_is_unknown():
    [told] = wanted(parcels=(parcel("teleported"),)).parcels

    assert (told.status, told.tracking_status) == ("requested", "unknown")


def test_nothing_but_an_explicit_mapping_ever_asks_for_received():
    statuses = {
        told.status
        for state in (*KNOWN_STATES, "unheard_of")
        for label in (None, *LABEL_STATUSES, "teleported")
        for told in wanted(state=state, held=(), parcels=(parcel(label),)).parcels
    }

    assert statuses == {"requested", "shipped", "cancelled", None}


# ------------------------------------------------------------------------------------- overrides


def test_an_explicit_mapping_wins_for_its_state_and_label_alone():
    mapping = Mapping(status={"closed": {"delivered": "received"}})

    def told(state: str, label: str) -> str | None:
        return wanted(mapping, state=state, parcels=(parcel(label),)).parcels[0].status

    assert told("closed", "delivered") == "received"
    assert told("open", "delivered") == "shipped"
    assert told("closed", "in_transit") == "shipped"


def test_a_return_without_label_is_mapped_as_none():
    mapping = Mapping(status={"open": {"none": "finalized"}})

    assert wanted(mapping).status == "finalized"
    assert wanted(mapping, parcels=(parcel("pending"),)).parcels[0].status == "finalized"


def test_an_ended_return_may_be_mapped_to_live_on():
    mapping = Mapping(status={"expired": {"in_transit": "shipped"}})

    assert wanted(mapping, state="expired", parcels=(parcel(),)).purpose is Purpose.EXIST
    assert wanted(mapping, state="expired").purpose is Purpose.CANCEL


def test_a_return_is_cancelled_only_when_every_parcel_says_so():
    mapping = Mapping(status={"open": {"failure": "cancelled"}})
    failed, moving = parcel("failure"), parcel("in_transit", tracking_number="9401")

    assert wanted(mapping, parcels=(failed,)).purpose is Purpose.CANCEL
    assert wanted(mapping, parcels=(failed, moving)).purpose is Purpose.EXIST


def test_no_mapping_lets_a_held_return_go():
    mapping = Mapping(status={"review": {"none": "requested", "delivered": "cancelled"}})

    assert wanted(mapping, state="review").purpose is Purpose.HOLD
    assert wanted(mapping, state="review", parcels=(parcel("delivered"),)).purpose is Purpose.HOLD


def test_reasons_are_told_by_their_codes_and_others_not_at_all():
    mapping = Mapping(reasons={"Too small": "too_small"})
    lines = (Line("1", "A", reason="Too small"), Line("2", "B", reason="Ugly"), Line("3", "C"))

    assert [x.reason_code for x in wanted(mapping, lines=lines).lines] == ["too_small", None, None]


# ----------------------------------------------------------------------------------------- lines


def test_units_of_one_order_line_add_up_and_the_lowest_speaks():
    mapping = Mapping(reasons={"first": "low", "second": "high"})
    lines = (Line("1000", "A", reason="second"), Line("999", "A", reason="first"), Line("5", "B"))

    [a, b] = wanted(mapping, lines=lines).lines

    # 999 is lower than 1000, although "1000" sorts before "999".
    assert (a.order_line_id, a.quantity, a.line_id, a.reason_code) == ("A", 2, "999", "low")
    assert (b.order_line_id, b.quantity, b.line_id) == ("B", 1, "5")


def test_the_order_of_lines_and_of_what_is_in_a_parcel_means_nothing():
    mapping = Mapping(reasons={"x": "cx", "y": "cy"})
    lines = [
        Line("10", "B", reason="x"),
        Line("9", "B", reason="y"),
        Line("8", "A"),
        Line("7", "C"),
    ]

    told = [
        wanted(
            mapping,
            lines=order,
            parcels=(parcel(line_ids=tuple(line.id for line in order[:4] if line.id != "7")),),
        )
        for order in list(permutations(lines))
    ]

    assert all(one == told[0] for one in told)
    assert told[0].parcels[0].order_line_ids == ("A", "B")


def test_a_parcel_that_names_strange_lines_serves_all():
    assert wanted(parcels=(parcel(line_ids=("999",)),)).parcels[0].order_line_ids == ()
    assert wanted(parcels=(parcel(line_ids=()),)).parcels[0].order_line_ids == ()


# ---------------------------------------------------------------------------------- tracking pages


@pytest.mark.parametrize(
    ("carrier", "page"),
    [
        ("USPS", "https://tools.usps.com/go/TrackConfirmAction?tLabels=94%2000%2F1%3Fx"),
        (" ups ", "https://www.ups.com/track?tracknum=94%2000%2F1%3Fx"),
        ("FedEx", "https://www.fedex.com/fedextrack/?trknbr=94%2000%2F1%3Fx"),
        ("DHL", None),
        (None, None),
    ],
)
def test_known_carriers_get_their_public_page_with_the_number_escaped(carrier, page):
    [told] = wanted(parcels=(parcel(carrier=carrier, tracking_number="94 00/1?x"),)).parcels

    assert (told.tracking_url, told.tracking_number) == (page, "94 00/1?x")
    assert told.carrier == carrier


@pytest.mark.parametrize("number", [None, ""])
def test_without_a_number_there_is_no_page(number):
    assert wanted(parcels=(parcel(tracking_number=number),)).parcels[0].tracking_url is None


# -------------------------------------------------------------------------------------------- rank


def test_statuses_rank_in_the_order_of_their_life_and_strangers_lowest():
    order = ["requested", "finalized", "shipped", "received"]

    assert [rank(status) for status in order] == sorted({rank(status) for status in order})
    assert rank("draft") == rank("unheard_of") == rank(None) == 0 < rank("requested")
