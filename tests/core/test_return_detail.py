"""What `show` says comes next, for every state an entry can be in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.core.field_changes import FieldChange
from reconciler.core.model import (
    Entry,
    Intent,
    Operation,
    Purpose,
    Return,
    SaleReturn,
    State,
    Wanted,
    Write,
)
from reconciler.core.records import Attempt, PastWrite, SetAside
from reconciler.core.return_detail import ReturnDetail, describe, what_next

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


AFTER = (
    "a write was sent and no answer is recorded: the first pass {} reads Jetti{} before anything "
    "else is written"
)
AGAIN = "; a change in Loop starts it again"
BY_HAND = (
    "nothing by itself: no more is written to Jetti for it; look at the order there and do by hand "
    "what is still wanted"
)
NEXT = [
    (entry(State.PENDING), "the next pass pushes it"),
    (entry(State.SYNCED), f"nothing: Jetti was told everything{AGAIN}"),
    (entry(State.SKIPPED), f"nothing: there is nothing to tell Jetti{AGAIN}"),
    (entry(State.DEAD), f"nothing by itself: it was given up for this version{AGAIN}"),
    (entry(State.REVIEW), BY_HAND),
    (entry(State.IGNORED), "nothing: a person decided so"),
    (
        entry(State.WAITING, next_try_at=NOON),
        "looked for in Jetti again from 2026-03-01 12:00:00Z; given up after 30 days",
    ),
    (
        entry(State.WAITING),
        "looked for in Jetti again in the next pass; given up after 30 days",
    ),
    (
        entry(State.FAILED, next_try_at=NOON, attempts=3),
        "tried again from 2026-03-01 12:00:00Z; 3 of 8 tries are spent",
    ),
    (entry(State.IN_FLIGHT), AFTER.format("in the next pass", "")),
    (
        entry(State.UNKNOWN, intents=(intent(),)),
        AFTER.format("after 2026-03-01 12:03:00Z", ""),
    ),
    (
        entry(State.IN_FLIGHT, intents=(intent(NOON), intent())),
        AFTER.format("after 2026-03-01 12:03:00Z", " for the second time"),
    ),
]


@pytest.mark.parametrize(("given", "said"), NEXT)
def test_the_next_step_has_its_time_and_reason(given: Entry, said: str) -> None:
    assert what_next(given) == said


def test_every_state_has_a_next() -> None:
    assert {given.state for given, _ in NEXT} == set(State)


def test_a_story_tells_everything_about_its_entry() -> None:
    given = entry(
        State.FAILED,
        reason="no luck",
        attempts=2,
        due_since=NOON - timedelta(hours=3),
        next_try_at=NOON + timedelta(hours=1),
        changed_at=NOON - timedelta(hours=2),
        pushed_fingerprint=b"\x02",
        sale_returns=(SaleReturn(21, "1001-21", 10, None, {}, ()),),
    )
    sent = (PastWrite(NOON, Operation.CREATE, 10, (1,), {}, NOON, None),)
    tried = (Attempt(NOON, Operation.CREATE, 10, "lost"),)

    assert describe(given, sent, tried) == ReturnDetail(
        return_id="8801",
        state="failed",
        reason="no luck",
        next=what_next(given),
        due_since=given.due_since,
        next_try_at=given.next_try_at,
        tries=2,
        changed_at=given.changed_at,
        fingerprint="01",
        pushed_fingerprint="02",
        seen=given.seen,
        wanted=given.wanted,
        pushed=given.sale_returns,
        writes=sent,
        attempts=tried,
    )
    assert describe(entry(State.PENDING), (), ()).pushed_fingerprint is None


def test_a_story_tells_what_a_person_should_know_besides() -> None:
    lacks = (FieldChange("status[1001-21]", "requested", "shipped"),)

    detail = describe(entry(State.SYNCED), (), (), remarks=("a late scan",), lacks=lacks)

    assert (detail.remarks, detail.lacks, detail.not_understood) == (("a late scan",), lacks, None)


# ------------------------------------------------------------- what makes no sense, what is stopped

NONSENSE = SetAside("8801", "8801", "#1", "labels[0].status: absent", True, NOON, NOON)
MORE = "not all that Loop says of it makes sense, see below"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.SYNCED, "nothing until all that Loop says of it makes sense; see below"),
        (State.SKIPPED, "nothing until all that Loop says of it makes sense; see below"),
        (State.PENDING, f"the next pass pushes it; and {MORE}"),
        (State.IGNORED, f"nothing: a person decided so; and {MORE}"),
    ],
)
def test_done_is_not_done_while_loop_says_more_than_is_understood(state: State, said: str) -> None:
    detail = describe(entry(state), (), (), not_understood=NONSENSE)

    assert (detail.next, detail.not_understood) == (said, NONSENSE)


@pytest.mark.parametrize("not_understood", [None, NONSENSE])
def test_nothing_comes_next_for_what_a_guard_stopped_until_a_person_lets_it_through(
    not_understood: SetAside | None,
) -> None:
    detail = describe(
        entry(State.PENDING), (), (), not_understood=not_understood, stopped_with="0123456789abcdef"
    )

    assert detail.next == (
        "nothing until a person lets plan 0123456789abcdef through with"
        " `reconciler run --accept-plan 0123456789abcdef`, or this return alone with"
        " `reconciler run --return 8801`"
    )
