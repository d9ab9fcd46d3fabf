"""What `show` says comes next, for every state an entry can be in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.core.model import Entry, Intent, Operation, Purpose, Return, State, Wanted, Write
from reconciler.core.story import tell, what_next

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def entry(state: State, **more: object) -> Entry:
    return Entry(
        seen=Return("8801", "open", NOON, NOON, None, "#1"),
        wanted=Wanted(Purpose.EXIST, "requested", (), ()),
        fingerprint=b"\x01",
        state=state,
        **more,  # type: ignore[arg-type]
    )


def intent(absent_at: datetime | None = None) -> Intent:
    write = Write(Operation.CREATE, 10, (1,))
    settle_at = NOON + timedelta(minutes=3)
    return Intent(1, "8801", b"\x01", write, (), NOON, settle_at, absent_at)


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_next(state: State) -> None:
    assert what_next(entry(state))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (entry(State.WAITING, next_try_at=NOON), "from 2026-03-01 12:00:00Z"),
        (entry(State.WAITING), "in the next pass"),
        (entry(State.FAILED, next_try_at=NOON, attempts=3), "3 of 8 tries are spent"),
        (
            entry(State.UNKNOWN, intents=(intent(),)),
            "after 2026-03-01 12:03:00Z reads Jetti before",
        ),
        (entry(State.IN_FLIGHT, intents=(intent(NOON),)), "reads Jetti for the second time"),
        (entry(State.REVIEW), "by hand"),
    ],
)
def test_the_next_step_has_its_time_and_reason(given: Entry, said: str) -> None:
    assert said in what_next(given)


def test_a_story_names_fingerprints_as_text() -> None:
    story = tell(entry(State.SYNCED, pushed_fingerprint=b"\x02"), (), ())

    assert (story.fingerprint, story.pushed_fingerprint) == ("01", "02")
