"""How single facts are worded."""

from __future__ import annotations

import pytest

from reconciler.reports.wording import values


@pytest.mark.parametrize("length", [10, 59, 60, 61, 119, 130, 500])
def test_two_values_that_differ_are_shown_to_differ(length: int) -> None:
    alike = "x" * length
    pairs = [(f"{alike}1", f"{alike}2"), (f"{alike}1{alike}", f"{alike}2{alike}")]
    pairs += [(alike, f"{alike}1"), (f"{alike}1", alike)]

    for before, after in pairs:
        first, second = values(before, after)
        assert first != second
        assert max(len(first), len(second)) <= 61  # with the dots where it is cut
        # Each is what stands there, or a part of it.
        assert first.strip("…") in before
        assert second.strip("…") in after


def test_values_that_fit_are_shown_whole() -> None:
    assert values("a", "b") == ("a", "b")
    assert values(None, 0) == ("-", "0")
    assert values("x" * 100, "x" * 100) == (f"{'x' * 60}…",) * 2
