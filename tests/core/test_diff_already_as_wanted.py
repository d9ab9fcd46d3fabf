"""What Jetti holds just as it is wanted counts as pushed, whoever wrote it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.core.diff import Live, accept_matching_values, as_pushed
from reconciler.core.model import Purpose
from tests.core.samples import an_entry, pushed, pushed_item, wanted_line, wanted_parcel, wants

BARE = replace(pushed_item("A"), fields={"quantity": 1})
KNOWN = pushed(
    BARE, pushed_item("B"), externalId=None, status="draft", trackingNumber="old", notes="old"
)
"""As an older copy of the ledger has it."""

WANTED = wants(wanted_line("A", 2, reason="too_small"), parcels=())
HELD = Live(
    {
        "externalId": "7001",
        "status": "requested",
        "trackingNumber": None,
        "notes": "by hand",
        "saleReturnType": "customer",
    },
    {
        101: {"quantity": 2, "externalId": "501", "adjustmentReasonId": 3},
        102: {"quantity": 0, "externalId": "x"},
    },
)


def known_after(wanted, held=HELD):
    [known] = accept_matching_values(an_entry(wanted), (KNOWN,), {KNOWN.id: held})
    return known


def test_wanted_values_that_jetti_holds_are_taken_over_and_no_others():
    assert known_after(WANTED) == replace(
        KNOWN,
        fields=KNOWN.fields | {"externalId": "7001", "status": "requested", "trackingNumber": None},
        items=(
            replace(BARE, fields={"quantity": 2, "externalId": "501"}),
            replace(KNOWN.items[1], fields=KNOWN.items[1].fields | {"quantity": 0}),
        ),
    )


def test_a_sale_return_is_held_against_the_parcels_of_its_own_lines():
    parcels = (
        wanted_parcel("shipped", "A", tracking_number="1"),
        wanted_parcel("shipped", "B", tracking_number="2"),
    )
    here = replace(HELD, fields={"trackingNumber": "1", "status": "shipped"})
    elsewhere = replace(HELD, fields={"trackingNumber": "2", "status": "shipped"})
    wanted = replace(WANTED, parcels=parcels)

    assert known_after(wanted, here).fields["trackingNumber"] == "1"
    assert known_after(wanted, elsewhere).fields["trackingNumber"] == "old"


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        (replace(WANTED, purpose=Purpose.CANCEL), "requested"),
        (WANTED, "cancelled"),
        (wants(wanted_line("C", 2)), "requested"),
    ],
    ids=["ended in Loop", "cancelled in Jetti", "no line left"],
)
def test_nothing_is_taken_over_from_what_is_over(wanted, status):
    assert known_after(wanted, replace(HELD, fields=HELD.fields | {"status": status})) == KNOWN


NO_LINE_LEFT = wants(wanted_line("C", 2))


@pytest.mark.parametrize(
    ("wanted", "counts"),
    [
        (replace(WANTED, purpose=Purpose.CANCEL), True),
        (replace(WANTED, purpose=Purpose.CANCEL, lacks_lines=True), True),
        (NO_LINE_LEFT, True),
        (replace(NO_LINE_LEFT, lacks_lines=True), False),
        (replace(NO_LINE_LEFT, purpose=Purpose.HOLD), False),
        (replace(WANTED, purpose=Purpose.HOLD), False),
        (WANTED, False),
    ],
)
def test_that_it_is_cancelled_counts_where_that_is_asked_for(wanted, counts):
    cancelled = {"status": "cancelled"}

    after = known_after(wanted, replace(HELD, fields=HELD.fields | cancelled))

    assert after == (replace(KNOWN, fields=KNOWN.fields | cancelled) if counts else KNOWN)


def test_each_sale_return_is_held_against_its_own():
    other = pushed(pushed_item("A"), id=22)
    held = {KNOWN.id: HELD, other.id: as_pushed(other)}

    first, second = accept_matching_values(an_entry(WANTED), (KNOWN, other), held)

    assert (first, second) == (known_after(WANTED), other)
