from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model import Window
from reconciler.core.windows import (
    check_clock,
    check_plausible,
    check_progress,
    cut,
    readable_until,
)
from reconciler.errors import ImplausibleListing, SafetyStop, SourceError
from tests.core.samples import DAY, HOUR, MINUTE, NOON

SECOND = timedelta(seconds=1)


def test_a_span_is_cut_oldest_first_with_shared_edges():
    windows = cut(NOON, NOON + 70 * DAY, 30 * DAY)

    assert [(w.start - NOON, w.end - NOON) for w in windows] == [
        (0 * DAY, 30 * DAY),
        (30 * DAY, 60 * DAY),
        (60 * DAY, 70 * DAY),
    ]


@pytest.mark.parametrize("span", [timedelta(0), -SECOND, -DAY])
def test_an_empty_span_has_no_windows(span):
    assert cut(NOON, NOON + span, DAY) == ()


def test_a_span_of_exactly_the_longest_is_one_window():
    assert cut(NOON, NOON + DAY, DAY) == (Window(NOON, NOON + DAY),)


@given(st.integers(1, 10_000), st.integers(1, 3_000))
def test_windows_cover_the_span_without_a_gap_and_none_is_too_long(minutes, longest):
    end, most = NOON + minutes * MINUTE, longest * MINUTE
    windows = cut(NOON, end, most)

    assert (windows[0].start, windows[-1].end) == (NOON, end)
    assert all(one.end == after.start for one, after in pairwise(windows))
    assert all(timedelta(0) < w.end - w.start <= most for w in windows)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(NOON, NOON + HOUR), (NOON + HOUR, NOON), (NOON, NOON)]
)
def test_reading_ends_a_lag_behind_the_slower_clock(ours, theirs):
    assert readable_until(ours, theirs, 2 * MINUTE) == NOON - 2 * MINUTE


def test_the_end_is_rounded_down_to_the_second():
    now = NOON + timedelta(microseconds=999_999)

    assert readable_until(now, now, timedelta(0)) == NOON


def test_a_clock_a_day_behind_the_watermark_is_borne_and_no_more():
    check_clock(NOON, NOON + DAY)
    check_clock(NOON, NOON - 300 * DAY)
    with pytest.raises(SafetyStop, match="clock"):
        check_clock(NOON, NOON + DAY + SECOND)


WINDOW = Window(NOON, NOON + HOUR)
FIVE = {"1", "2", "3", "4", "5"}


@pytest.mark.parametrize(
    ("known", "read"),
    [(set(), set()), (FIVE - {"5"}, set()), (FIVE, {"5"}), (FIVE, FIVE), (FIVE, {"5", "9"})],
)
def test_a_listing_is_believed_when_something_known_reappears_or_little_was_known(known, read):
    check_plausible(known, read, WINDOW)


@pytest.mark.parametrize("read", [set(), {"9"}])
def test_a_listing_without_any_of_five_known_is_not_believed(read):
    with pytest.raises(ImplausibleListing, match="none of 5") as refused:
        check_plausible(FIVE, read, WINDOW)
    assert refused.value.exit_code == 4


# ------------------------------------------------ a clock that was set back is no quiet day


def before(**span: float) -> datetime:
    return NOON - timedelta(**span)


@pytest.mark.parametrize("earlier", [before(hours=-5), before(), before(minutes=60)])
def test_small_steps_back_are_nothing_to_speak_of(earlier):
    check_progress(earlier, NOON, NOON)
    check_progress(NOON, earlier, NOON)


@pytest.mark.parametrize(
    ("now", "server_now", "whose"),
    [(before(hours=5), before(), "this machine"), (before(), before(minutes=61), "Loop")],
)
def test_a_longer_step_back_is_no_complete_reading(now, server_now, whose):
    with pytest.raises(SourceError, match=f"^{whose} says that it is 2026-03-01"):
        check_progress(now, server_now, NOON)
