"""A clock that was set back must not look like a quiet day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.core.windows import check_progress
from reconciler.errors import SourceError

WATERMARK = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(**before: float) -> datetime:
    return WATERMARK - timedelta(**before)


@pytest.mark.parametrize("earlier", [at(hours=-5), at(), at(minutes=60)])
def test_small_steps_back_are_nothing_to_speak_of(earlier):
    check_progress(earlier, WATERMARK, WATERMARK)
    check_progress(WATERMARK, earlier, WATERMARK)


@pytest.mark.parametrize(
    ("now", "server_now", "whose"),
    [(at(hours=5), at(), "this machine"), (at(), at(minutes=61), "Loop")],
)
def test_a_longer_step_back_is_no_complete_reading(now, server_now, whose):
    with pytest.raises(SourceError, match=f"^{whose} says that it is 2026-03-01"):
        check_progress(now, server_now, WATERMARK)
