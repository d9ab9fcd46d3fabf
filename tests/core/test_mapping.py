from __future__ import annotations

from itertools import permutations

import pytest

from reconciler.core import labels
from reconciler.core.mapping import project, rank
from reconciler.core.model import KNOWN_STATES, Line, Purpose
from reconciler.core.settings import Mapping
from tests.core.samples import a_return, parcel

HELD = ("review",)
PLAIN = Mapping()


def wanted(mapping: Mapping = PLAIN, held: tuple[str, ...] = HELD, **changes):
    return project(a_return(**changes), mapping, held)


# ------------------------------------------------------------------- architecture.md#status-table

LABELS = {
    "new": ("requested", "pre_transit"),
    "pre_transit": ("requested", "pre_transit"),
    "in_transit": ("shipped", "transit"),
    "out_for_delivery": ("shipped", "transit"),
    "delivered": ("shipped", "delivered"),
    "failure": (None, "failure"),
    "error": (None, "failure"),
    "available_for_pickup": ("shipped", "transit"),
    "return_to_sender": ("shipped", "returned"),
    "cancelled": (None, None),
    "unknown": (None, None),
}
MOVING = (
    *("in_transit", "out_for_delivery", "delivered", "available_for_pickup", "return_to_sender"),
)
"""Labels of a parcel that was scanned."""
UNLISTED = ("teleported", "Lost in the post", "otro")


def test_the_table_of_labels_is_whole():
    assert set(labels.STATUSES) == {*LABELS, "none"}


@pytest.mark.covers("R4")
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


@pytest.mark.parametrize("label", [None, *LABELS, *UNLISTED])
def test_what_a_person_cancelled_in_loop_is_cancelled_whatever_its_labels_say(label):
    want = wanted(state="cancelled", parcels=(parcel(label),))

    assert (want.purpose, want.status) == (Purpose.CANCEL, "cancelled")
    assert [p.status for p in want.parcels] == ["cancelled"]
    assert wanted(state="cancelled").purpose is Purpose.CANCEL


@pytest.mark.parametrize("label", [None, "pending", *sorted(LABELS.keys() - set(MOVING))])
def test_what_expired_is_cancelled_where_no_parcel_was_ever_scanned(label):
    want = wanted(state="expired", parcels=(parcel(label),))

    assert (want.purpose, want.status) == (Purpose.CANCEL, "cancelled")
    assert wanted(state="expired").purpose is Purpose.CANCEL


@pytest.mark.covers("R3")
@pytest.mark.parametrize("label", [*MOVING, *UNLISTED])
@pytest.mark.parametrize("other", [None, "new", "failure", "cancelled"])
def test_what_expired_while_a_parcel_moves_or_may_move_is_held(label, other):
    """Only what nobody sent expires (loop.md#expiry), and in Jetti a cancel is final."""
    moving, still = parcel(label), parcel(other, tracking_number="9401")

    assert wanted(state="expired", parcels=(moving,)).purpose is Purpose.HOLD
    assert wanted(state="expired", parcels=(still, moving)).purpose is Purpose.HOLD


@pytest.mark.covers("R3")
def test_a_settings_word_for_an_expired_return_wins_over_the_late_scan():
    """Whoever wrote it knows their carriers; a word about another label decides nothing."""

    def purpose(*labels: str, **status: str) -> Purpose:
        parcels = tuple(parcel(said, tracking_number=said) for said in labels)
        return wanted(Mapping(status={"expired": status}), state="expired", parcels=parcels).purpose

    assert purpose("in_transit", in_transit="cancelled") is Purpose.CANCEL
    assert purpose("in_transit", in_transit="shipped") is Purpose.EXIST
    assert purpose("in_transit", delivered="cancelled") is Purpose.HOLD
    assert purpose("in_transit", "delivered", in_transit="cancelled") is Purpose.HOLD
    assert purpose("in_transit", "delivered", in_transit="shipped") is Purpose.EXIST
    assert purpose("lost", lost="cancelled") is Purpose.CANCEL


@pytest.mark.parametrize(
    ("tracking", "purpose"),
    [
        ("transit", Purpose.HOLD),
        ("returned", Purpose.HOLD),
        ("failure", Purpose.CANCEL),
        ("pre_transit", Purpose.CANCEL),
        # Still nobody knows.
        ("unknown", Purpose.HOLD),
    ],
)
def test_a_word_that_the_settings_explain_is_moving_if_they_say_so(tracking, purpose):
    mapping = Mapping(tracking={"lost": tracking})

    assert wanted(mapping, state="expired", parcels=(parcel("lost"),)).purpose is purpose


@pytest.mark.covers("R4")
@pytest.mark.parametrize("state", ["review", "escalated", "", "OPEN"])
def test_review_and_unknown_states_are_held(state):
    assert wanted(state=state, parcels=(parcel("delivered"),)).purpose is Purpose.HOLD


def test_held_states_are_the_settings_to_name():
    assert wanted(state="open", held=("open",)).purpose is Purpose.HOLD
    assert wanted(state="review", held=()).purpose is Purpose.EXIST


@pytest.mark.parametrize("state", ["open", "closed"])
@pytest.mark.parametrize("word", [*UNLISTED, "unknown", "cancelled", "CANCELLED"])
def test_a_word_that_nobody_knows_has_no_opinion(state, word):
    want = wanted(state=state, parcels=(parcel(word),))

    assert want.purpose is Purpose.EXIST
    assert [(p.status, p.tracking_status) for p in want.parcels] == [(None, None)]


@pytest.mark.parametrize("word", ["Delivered", "DELIVERED", "delivered"])
def test_the_case_of_a_label_status_means_nothing(word):
    mapping = Mapping(status={"open": {"delivered": "received"}})

    [told] = wanted(mapping, parcels=(parcel(word),)).parcels

    assert (told.status, told.tracking_status) == ("received", "delivered")


def test_nothing_but_an_explicit_mapping_ever_asks_for_received():
    statuses = {
        told.status
        for state in (*KNOWN_STATES, "unheard_of")
        for label in (None, *labels.STATUSES, "teleported")
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
    assert wanted(mapping, state="expired", parcels=(parcel("new"),)).purpose is Purpose.CANCEL
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


def test_any_word_may_be_given_a_status_and_a_tracking_status():
    mapping = Mapping(status={"open": {"lost": "finalized"}}, tracking={"lost": "failure"})

    def told(state: str) -> tuple[str | None, str | None]:
        [one] = wanted(mapping, state=state, parcels=(parcel("Lost"),)).parcels
        return one.status, one.tracking_status

    assert told("open") == ("finalized", "failure")
    assert told("closed") == (None, "failure")


def test_a_tracking_status_may_be_mapped_otherwise_and_says_nothing_of_the_status():
    mapping = Mapping(tracking={"failure": "unknown", "none": "unknown"})

    def told(label: str | None) -> tuple[str | None, str | None]:
        [one] = wanted(mapping, parcels=(parcel(label),)).parcels
        return one.status, one.tracking_status

    assert told("failure") == (None, "unknown")
    assert told(None) == told("pending") == ("requested", "unknown")


# --------------------------------------------------------------------------------------- reasons


CODES = Mapping(reasons={"Too small": "size", "Too large": "size", "Arrived broken": "damage"})


def reasons(*said: str | None, mapping: Mapping = CODES) -> tuple[str | None, tuple[str, ...]]:
    lines = tuple(Line(str(500 + place), "A", reason=one) for place, one in enumerate(said))
    [line] = wanted(mapping, lines=lines).lines
    return line.reason_code, line.reasons


@pytest.mark.covers("R7")
def test_folded_units_with_different_codes_send_the_lowest_line_s_and_keep_all_reasons():
    both = ("Too small (size)", "Arrived broken (damage)")

    assert reasons("Too small", "Arrived broken") == ("size", both)
    assert reasons("Arrived broken", "Too small", "Too small") == ("damage", both[::-1])
    assert reasons("Ugly", "Too small") == (None, ("Ugly", "Too small (size)"))
    assert reasons("Too small", "Ugly") == ("size", ("Too small (size)", "Ugly"))


@pytest.mark.covers("R7")
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_reason_is_kept_that_only_a_higher_unit_has(nothing):
    assert reasons(nothing, "Too small") == (None, ("Too small (size)",))
    assert reasons(nothing, "Ugly", "Too small") == (None, ("Ugly", "Too small (size)"))


@pytest.mark.parametrize(
    "said",
    [
        ("Too small", "Too small"),
        # Another word for the same code: what is sent is true of both.
        ("Too small", "Too large"),
        # Without a reason nothing is dropped.
        ("Too small", None),
        (None, "Ugly"),
        # Nothing is sent of either.
        ("Ugly", "Boring"),
        (None, None),
    ],
)
def test_reasons_that_do_not_differ_are_no_news(said):
    assert reasons(*said)[1] == ()


def test_a_reason_is_kept_on_one_line_and_short():
    code, [first, second] = reasons("a\n b" + "x" * 4000, "Too small")

    assert first.startswith("a bx")
    assert len(first) <= 60
    assert (code, second) == (None, "Too small (size)")


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
