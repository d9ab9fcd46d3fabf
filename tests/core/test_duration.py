"""Spans of time, read and written."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core import duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90s", 90), ("30m", 1800), ("12h", 43200), ("7d", 604800), ("45", 45), ("0", 0),
     ("1.5h", 5400), ("0.25", 0.25), ("36525d", 36525 * 86400)],
)  # fmt: skip
def test_a_span_is_read(written: str, seconds: float) -> None:
    assert duration.parse(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written",
    ["", "s", "-1s", "+1s", "1w", "1 h", "1h30m", "1e3", "nan", "inf", "٣s", "1_0", "1.s",
     "36525.1d", "9" * 400, "1s\n"],
)  # fmt: skip
def test_nonsense_is_no_span(written: str) -> None:
    with pytest.raises(ValueError) as refused:
        duration.parse(written)
    assert refused.value.args == (written,)


@given(st.integers(0, 36525 * 86400))
def test_what_is_written_is_read_as_the_same(seconds: int) -> None:
    span = timedelta(seconds=seconds)

    assert duration.parse(duration.format(span)) == span


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0s"), (45, "45s"), (0.25, "0.25s"), (100, "100s"), (90 * 60, "90m"), (7200, "2h"),
     (25 * 3600, "25h"), (172800, "2d"), (1e-6, "0.000001s")],
)  # fmt: skip
def test_a_span_is_written_in_the_largest_unit_that_holds_it(seconds: float, written: str) -> None:
    assert duration.format(timedelta(seconds=seconds)) == written


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0s"), (-5, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"),
     (50 * 3600, "50h"), (72 * 3600, "3d")],
)  # fmt: skip
def test_a_span_is_told_with_two_figures_at_least(seconds: int, told: str) -> None:
    assert duration.approximate(timedelta(seconds=seconds)) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2.0m"),
        (594, "9.9m"),
        (3600, "60m"),
        (7199, "120m"),
        (7200, "2.0h"),
        (12 * 3600, "12h"),
        (3 * 86400, "3.0d"),
        (295_000, "3.4d"),
        (30 * 86400, "30d"),
    ],
)
def test_an_estimate_is_told_with_two_figures_and_one_unit(seconds: int, told: str) -> None:
    assert duration.estimate(seconds) == told


@given(st.integers(60, 10**8))
def test_an_estimate_is_told_within_a_twentieth(seconds: int) -> None:
    told = duration.estimate(seconds)

    assert duration.parse(told).total_seconds() == pytest.approx(seconds, rel=0.05)
