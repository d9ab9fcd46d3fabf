"""What the last push left, as the ledger alone knows it."""

from __future__ import annotations

from reconciler.core.field_changes import FieldChange
from reconciler.core.left_over import LeftOver, left_over
from tests.core.samples import an_entry, pushed, pushed_item, wanted_line, wants


def test_a_reason_that_was_left_is_shown_by_its_code() -> None:
    """Its id in Jetti is not known without asking."""
    known = pushed(pushed_item("A", 1))
    entry = an_entry(
        wants(wanted_line("A", 1, reason="22")),
        sale_returns=(known,),
        pushed_fingerprint=b"f" * 32,
    )

    assert FieldChange("adjustmentReasonId[A]", None, "22") in left_over(entry).fields


def test_nothing_is_left_of_what_was_never_pushed_or_is_still_to_be_pushed() -> None:
    wanted = wants(wanted_line("A", 1, reason="22"))

    assert left_over(an_entry(wanted)) == LeftOver()
    assert left_over(an_entry(wanted, sale_returns=(pushed(),))) == LeftOver()
