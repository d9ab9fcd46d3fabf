"""The goods of a return as the report shows them."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model import Line
from reconciler.core.returned_goods import NO_LINES, ReportedLine, ReportedLines, goods_of
from tests.core.samples import a_return

texts = st.none() | st.text(st.characters(), max_size=20)


@given(st.lists(st.builds(ReportedLine, texts, texts, st.integers(1, 10**6), texts), max_size=5))
def test_whatever_is_packed_comes_out_again(lines):
    packed = ReportedLines(lines)

    assert [*packed] == [*packed] == lines
    assert len(packed) == len(lines)
    assert bool(packed) == bool(lines)
    assert packed == ReportedLines(lines)
    assert hash(packed) == hash(ReportedLines(lines))


def test_units_of_one_product_that_come_back_for_one_reason_are_one_line():
    shirt = {"title": "Linen shirt", "sku": "S-1"}
    seen = a_return(
        lines=(
            Line("1", "A", reason="Too small", **shirt),
            Line("2", "A", reason="Too small", **shirt),
            Line("3", "A", reason="Damaged", **shirt),
            Line("4", "B"),
            Line("5", "C", reason="Too small", **shirt),
        )
    )

    assert [*goods_of(seen)] == [
        ReportedLine("Linen shirt", "S-1", 3, "Too small"),
        ReportedLine("Linen shirt", "S-1", 1, "Damaged"),
        ReportedLine(None, None, 1, None),
    ]


def test_equal_goods_are_one_key_others_another_and_all_show_what_they_are():
    shirt, hat = (ReportedLines([ReportedLine(name, None, 1, None)]) for name in ("shirt", "hat"))

    assert len({shirt, hat, ReportedLines([*hat])}) == 2
    assert "'shirt'" in repr(shirt)


def test_a_return_without_lines_has_no_goods():
    assert goods_of(a_return(lines=())) is NO_LINES
    assert ReportedLines() != ()


def test_a_plan_of_ten_thousand_holds_them_in_two_mebibytes():
    def goods(number: int) -> ReportedLines:
        shirt = ReportedLine(f"Linen shirt {number}", f"SKU-{number}-1", 1, "Too small")
        return ReportedLines([shirt, ReportedLine("Trousers", f"SKU-{number}-2", 2, "Damaged")])

    tracemalloc.start()
    try:
        kept = [goods(number) for number in range(10_000)]
        used = tracemalloc.get_traced_memory()[0] / 2**20
    finally:
        tracemalloc.stop()

    assert len(kept) == 10_000
    assert used < 2
