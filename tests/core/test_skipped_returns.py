"""What was skipped, packed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.core.report import ChangeKind, Changes, OutcomeKind, ReportedChange
from reconciler.core.skipped_returns import SkippedReturns
from tests.core.samples import an_entry, pushed

ENTRY = an_entry()


def numbered(number: int, **seen: object):
    return replace(ENTRY, seen=replace(ENTRY.seen, id=str(number), **seen))


@pytest.mark.parametrize("order_id", [None, "0", "0012", "4800", "9" * 20])
def test_a_skipped_return_is_reported_as_it_was_noted(order_id):
    skipped = SkippedReturns()

    skipped.add(numbered(1, order_id=order_id, order_name="#7"), "held")

    assert [*skipped] == [
        ReportedChange("1", "#7", order_id, ChangeKind.CREATE, OutcomeKind.SKIPPED, "held")
    ]


def test_what_is_skipped_tells_whether_it_is_older_than_go_live_and_nothing_of_its_goods():
    skipped = SkippedReturns()
    skipped.add(numbered(1), "late", before_go_live=True)
    skipped.add(numbered(2), "held")

    assert [(one.return_id, one.before_go_live) for one in skipped] == [("1", True), ("2", False)]
    assert {one.lines for one in skipped} == {()}


def test_one_that_jetti_has_is_an_update_that_was_not_needed():
    skipped = SkippedReturns()
    skipped.add(numbered(1), None)
    skipped.add(replace(numbered(2), sale_returns=(pushed(),)), "late")

    assert [(one.change, one.reason) for one in skipped] == [
        (ChangeKind.CREATE, None),
        (ChangeKind.UPDATE, "late"),
    ]


def test_what_is_forgotten_is_left_out_until_it_is_noted_again():
    skipped = SkippedReturns()
    skipped.add(numbered(1), "held")
    skipped.add(numbered(2), "held")
    skipped.forget("1")
    skipped.forget("3")
    assert [one.return_id for one in skipped] == ["2"]

    skipped.add(numbered(1), "expired")

    assert [(one.return_id, one.reason) for one in skipped] == [("2", "held"), ("1", "expired")]


def test_any_number_is_reported_in_the_order_in_which_it_was_noted():
    skipped = SkippedReturns()
    for number in range(2_500):
        skipped.add(numbered(number), "held")
        if number == 1_700:
            for forgotten in ("3", "1000", "1699"):
                skipped.forget(forgotten)
    skipped.add(numbered(1000), "expired")

    left = [str(number) for number in range(2_500) if number not in (3, 1000, 1699)]
    assert [one.return_id for one in skipped] == [*left, "1000"]


def test_changes_are_the_planned_and_the_skipped_ones_each_time_they_are_asked_for():
    skipped = SkippedReturns()
    planned = (ReportedChange("9", "#9", None, ChangeKind.CREATE, OutcomeKind.PUSHED),)
    assert not Changes((), skipped)
    skipped.add(numbered(1), "held")

    for _ in range(2):
        assert [one.return_id for one in Changes(planned, skipped)] == ["9", "1"]
    assert Changes((), skipped)
    assert Changes(planned)
