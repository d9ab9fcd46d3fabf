"""Why a return is held, and what is remarked on one that Jetti has."""

from __future__ import annotations

import pytest

from reconciler.core.model import Purpose
from reconciler.core.remarks import about, late_scan, why_held
from tests.core.samples import a_return, an_entry, pushed, wants

HELD_STATES = ("review",)
IN_PART = {"labels_set_aside": ("labels[0].status: expected number or text, found list",)}
LATE = "expired in Loop while its parcel moves: held"


@pytest.mark.parametrize(
    ("seen", "held_states", "why"),
    [
        (a_return(state="review"), HELD_STATES, "held in Loop (review)"),
        (a_return(state="processing"), HELD_STATES, "held in Loop (processing)"),
        (a_return(state="expired"), HELD_STATES, LATE),
        (
            a_return(state="expired", **IN_PART),
            HELD_STATES,
            "expired in Loop, but not all of it is understood: held",
        ),
        # These are held whatever is understood of them.
        (a_return(state="review", **IN_PART), HELD_STATES, "held in Loop (review)"),
        (a_return(state="processing", **IN_PART), HELD_STATES, "held in Loop (processing)"),
        (a_return(state="expired"), ("expired",), "held in Loop (expired)"),
        (a_return(state="expired", **IN_PART), ("expired",), "held in Loop (expired)"),
    ],
)
def test_what_is_held_says_why(seen, held_states, why):
    assert why_held(seen, held_states) == why


EXPIRED, IN_REVIEW = a_return(state="expired"), a_return(state="review")
HOLD, EXIST = wants(purpose=Purpose.HOLD), wants()
THERE = {"sale_returns": (pushed(),)}


def test_a_late_scan_is_remarked_on_where_jetti_has_the_return():
    entry = an_entry(HOLD, seen=EXPIRED, **THERE)

    assert late_scan(entry, HELD_STATES) == f"{LATE}, its status stays"
    assert about(entry, HELD_STATES) == (f"{LATE}, its status stays",)


@pytest.mark.parametrize(
    "entry",
    [
        an_entry(HOLD, seen=EXPIRED),
        # A setting lets it live on.
        an_entry(EXIST, seen=EXPIRED, **THERE),
        an_entry(HOLD, seen=IN_REVIEW, **THERE),
    ],
    ids=["not in Jetti", "not held", "held for another reason"],
)
def test_nothing_else_is_called_a_late_scan(entry):
    assert late_scan(entry, HELD_STATES) is None
    assert about(entry, HELD_STATES) == ()
