"""Of several parcels, which leads (architecture.md#deciding-what-jetti-should-hold)."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core import labels
from reconciler.core.fingerprint import content, fingerprint
from reconciler.core.mapping import project
from reconciler.core.model import Line, Parcel
from reconciler.core.owned_fields import of_sale_return
from reconciler.core.settings import Mapping
from tests.core.samples import NOON, a_return, parcel

PLAIN = Mapping()
FURTHEST_FIRST = (
    *("delivered", "out_for_delivery", "in_transit", "return_to_sender", "pre_transit", "new"),
    *("failure", "error", "unknown", "cancelled"),
)
OLD, NEW = NOON - timedelta(days=9), NOON

parcels = st.builds(
    Parcel,
    carrier=st.sampled_from([None, "UPS"]),
    tracking_number=st.sampled_from([None, "1", "2", "3"]),
    label_status=st.sampled_from([None, *labels.STATUSES, "lost", "Lost", "pending"]),
    line_ids=st.sampled_from([(), ("501",), ("502",), ("501", "502")]),
    updated_at=st.sampled_from([None, OLD, NEW]),
)


def leading(*some: Parcel, mapping: Mapping = PLAIN) -> str | None:
    """The number of the parcel that leads, in whatever order Loop shows them."""
    found = {
        labels.ranked(tuple(order), mapping)[0].tracking_number for order in permutations(some)
    }
    assert len(found) == 1
    return found.pop()


@pytest.mark.covers("R2")
@pytest.mark.parametrize(("further", "other"), [*pairwise(FURTHEST_FIRST)])
def test_the_furthest_on_its_way_leads_however_old_it_is(further, other):
    ahead = parcel(further, tracking_number="9", updated_at=OLD)
    behind = parcel(other, tracking_number="1", updated_at=NEW)

    assert leading(ahead, behind) == "9"


@pytest.mark.parametrize("word", ["teleported", "unknown", "cancelled", "CANCELLED"])
@pytest.mark.parametrize("known", [None, *FURTHEST_FIRST[:-2]])
def test_a_word_without_an_opinion_leads_before_none_that_has_one(word, known):
    silent = parcel(word, tracking_number="1", updated_at=NEW)

    assert leading(parcel(known, tracking_number="9", updated_at=OLD), silent) == "9"


def test_what_nobody_knows_may_be_alive_and_a_void_label_is_not():
    void = parcel("cancelled", tracking_number="1", updated_at=NEW)

    assert leading(void, parcel("teleported", tracking_number="9", updated_at=OLD)) == "9"


@pytest.mark.covers("R2")
@pytest.mark.parametrize(
    ("one", "other"), [("out_for_delivery", "available_for_pickup"), ("new", None)]
)
def test_of_what_is_equally_far_the_newer_leads(one, other):
    for first, second in ((one, other), (other, one), (one, one)):
        old = parcel(first, tracking_number="1", updated_at=OLD)

        assert leading(old, parcel(second, tracking_number="9", updated_at=NEW)) == "9"


def test_a_label_without_a_time_is_the_oldest_and_the_lowest_number_breaks_a_tie():
    timeless = parcel("new", tracking_number="1")

    assert leading(timeless, parcel("new", tracking_number="9", updated_at=OLD)) == "9"
    assert leading(timeless, parcel("new", tracking_number="2")) == "1"
    assert leading(timeless, parcel("new", tracking_number=None)) == "1"


def test_a_word_ranks_as_the_settings_explain_it():
    mapping = Mapping(tracking={"lost": "transit", "unknown": "transit", "new": "delivered"})
    scanned = parcel("pre_transit", tracking_number="1", updated_at=NEW)

    assert leading(scanned, parcel("Lost", tracking_number="9"), mapping=mapping) == "9"
    assert leading(scanned, parcel("unknown", tracking_number="9"), mapping=mapping) == "9"
    # What is told of a word that has a meaning does not move its parcel.
    assert leading(scanned, parcel("new", tracking_number="9"), mapping=mapping) == "1"


# ------------------------------------------------------------------- what the sale return is told


def told(*some: Parcel, lines=("A", "B")):
    seen = a_return(lines=(Line("501", "A"), Line("502", "B")), parcels=some)
    return of_sale_return(project(seen, PLAIN, ("review",)), seen.id, lines)


@pytest.mark.parametrize("old_one", ["new", "cancelled"])
def test_a_regenerated_label_replaces_the_old_one_and_both_stay_in_the_notes(old_one):
    old = parcel(old_one, tracking_number="1", updated_at=OLD)
    new = parcel("new", tracking_number="2", updated_at=NEW)

    fields = told(old, new)

    assert (fields["trackingNumber"], fields["trackingStatus"]) == ("2", "pre_transit")
    assert fields["notes"] == "Loop return 7001; parcels: USPS 1, USPS 2"


def test_a_void_label_leaves_number_and_tracking_status_as_they_are():
    fields = told(parcel("cancelled", tracking_number="1"))

    assert fields["trackingNumber"] == "1"
    assert fields.keys().isdisjoint({"trackingStatus", "status"})


def test_each_sale_return_is_led_by_its_own_parcels_and_untied_ones():
    here = parcel("new", tracking_number="1", line_ids=("501",))
    there = parcel("delivered", tracking_number="2", line_ids=("502",))
    untied = parcel("in_transit", tracking_number="3")

    assert told(here, there, lines=["A"])["trackingNumber"] == "1"
    assert told(here, there, lines=["B"])["trackingNumber"] == "2"
    assert told(here, there, untied, lines=["A"])["trackingNumber"] == "3"
    assert told(here, there, untied, lines=["B"])["trackingNumber"] == "2"
    assert told(here, there, untied, lines=["A"])["status"] == "shipped"


def test_a_number_that_arrives_later_changes_the_number_and_its_page_alone():
    before = told(parcel("new", tracking_number=None))
    after = told(parcel("new", tracking_number="1"))

    assert before["trackingNumber"] is None
    assert {name for name in after if after[name] != before[name]} == {
        *("trackingNumber", "trackingUrl")
    }


def test_a_parcel_that_overtakes_another_changes_nothing_in_the_notes():
    slow = parcel("in_transit", tracking_number="1", updated_at=OLD)

    notes = {
        told(slow, parcel(label, tracking_number="2", updated_at=NEW))["notes"]
        for label in ("new", "in_transit", "delivered", "failure")
    }

    assert len(notes) == 1


@given(st.lists(parcels, max_size=3))
def test_a_later_time_of_a_label_is_news_but_wants_nothing_unless_another_leads(some):
    """Loop may touch a label without telling anything by it: only the recording is its cost."""
    later = [
        Parcel(one.carrier, one.tracking_number, one.label_status, one.line_ids, NOON + NEW_TIME)
        for one in some
    ]
    first, then = (a_return(parcels=tuple(found)) for found in (some, later))
    before, after = (project(seen, PLAIN, ()) for seen in (first, then))

    assert (content(first) == content(then)) == (not some)
    assert sorted(map(repr, before.parcels)) == sorted(map(repr, after.parcels))
    if len(some) < 2:
        assert fingerprint(before, "1") == fingerprint(after, "1")


NEW_TIME = timedelta(hours=1)


@pytest.mark.covers("R4")
@given(st.lists(parcels, max_size=4))
def test_a_word_without_an_opinion_never_hides_what_another_label_tells(some):
    """Whatever it is and whenever it comes."""
    silent = {"lost", "unknown", "cancelled"}
    speaking = [one for one in some if labels.status_of(one) not in silent]
    if not speaking:
        return

    with_words, without = told(*some, lines=["A", "B"]), told(*speaking, lines=["A", "B"])

    for name in ("trackingNumber", "trackingStatus", "status"):
        assert with_words.get(name) == without.get(name)
