"""Why a return is held, and what is remarked on one that Jetti has."""

from __future__ import annotations

import pytest

from reconciler.core.model import Purpose
from reconciler.core.remarks import about, late_scan, why_held
from tests.core.samples import a_return, an_entry, pushed, wants

HELD_STATES = ("review",)
IN_PART = {"labels_set_aside": ("labels[0].status: expected number or text, found list",)}


HELD = {
    "review": (a_return(state="review"), HELD_STATES, "(review)"),
    "a state that is not known": (a_return(state="processing"), HELD_STATES, "(processing)"),
    "late scan": (a_return(state="expired"), HELD_STATES, "expired"),
    "not all understood": (a_return(state="expired", **IN_PART), HELD_STATES, "expired"),
    # These are held whatever is understood of them.
    "review, in part": (a_return(state="review", **IN_PART), HELD_STATES, "(review)"),
    "a state that is not known, in part": (
        a_return(state="processing", **IN_PART),
        HELD_STATES,
        "(processing)",
    ),
    "expired by setting": (a_return(state="expired"), ("expired",), "(expired)"),
    "expired by setting, in part": (
        a_return(state="expired", **IN_PART),
        ("expired",),
        "(expired)",
    ),
}


@pytest.mark.parametrize("case", HELD)
def test_what_is_held_says_why(case, golden):
    seen, held_states, named = HELD[case]

    why = why_held(seen, held_states)

    assert named in why
    golden(why)


EXPIRED, IN_REVIEW = a_return(state="expired"), a_return(state="review")
HOLD, EXIST = wants(purpose=Purpose.HOLD), wants()
THERE = {"sale_returns": (pushed(),)}


def test_a_late_scan_is_remarked_on_where_jetti_has_the_return(golden):
    entry = an_entry(HOLD, seen=EXPIRED, **THERE)

    remark = late_scan(entry, HELD_STATES)

    assert remark.startswith(why_held(EXPIRED, HELD_STATES))
    assert about(entry, HELD_STATES) == (remark,)
    golden(remark)


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
