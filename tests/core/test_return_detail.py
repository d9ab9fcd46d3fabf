"""What `show` says comes next, for every state an entry can be in."""

from __future__ import annotations

from collections.abc import Callable
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


NEXT: dict[str, tuple[Entry, tuple[str, ...]]] = {
    "pending": (entry(State.PENDING), ("next pass",)),
    "synced": (entry(State.SYNCED), ("nothing", "change in Loop")),
    "skipped": (entry(State.SKIPPED), ("nothing", "change in Loop")),
    "dead": (entry(State.DEAD), ("nothing", "change in Loop")),
    "in review": (entry(State.REVIEW), ("nothing", "by hand")),
    "ignored": (entry(State.IGNORED), ("nothing",)),
    "waiting": (
        entry(State.WAITING, next_try_at=NOON),
        ("from 2026-03-01 12:00:00Z", "30 days"),
    ),
    "waiting, without a time": (entry(State.WAITING), ("next pass", "30 days")),
    "failed": (
        entry(State.FAILED, next_try_at=NOON, attempts=3),
        ("from 2026-03-01 12:00:00Z", "3 of 8"),
    ),
    "in flight": (entry(State.IN_FLIGHT), ("next pass",)),
    "unknown": (entry(State.UNKNOWN, intents=(intent(),)), ("after 2026-03-01 12:03:00Z",)),
    "looked for once": (
        entry(State.IN_FLIGHT, intents=(intent(NOON), intent())),
        ("after 2026-03-01 12:03:00Z", "second time"),
    ),
}


@pytest.mark.parametrize("case", NEXT)
def test_the_next_step_has_its_time_and_reason(case: str, golden: Callable[[str], None]) -> None:
    given, facts = NEXT[case]

    said = what_next(given)

    for fact in facts:
        assert fact in said
    golden(said)


def test_every_state_has_a_next() -> None:
    assert {given.state for given, _ in NEXT.values()} == set(State)


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


@pytest.mark.parametrize("state", [State.SYNCED, State.SKIPPED])
def test_done_is_not_done_while_loop_says_more_than_is_understood(
    state: State, golden: Callable[[str], None]
) -> None:
    detail = describe(entry(state), (), (), not_understood=NONSENSE)

    assert detail.not_understood == NONSENSE
    assert detail.next != what_next(entry(state))
    assert "see below" in detail.next
    golden(detail.next)


@pytest.mark.parametrize("state", [State.PENDING, State.IGNORED])
def test_what_comes_next_is_told_with_what_is_not_understood(
    state: State, golden: Callable[[str], None]
) -> None:
    detail = describe(entry(state), (), (), not_understood=NONSENSE)

    assert detail.not_understood == NONSENSE
    assert detail.next.startswith(f"{what_next(entry(state))}; ")
    assert "see below" in detail.next
    golden(detail.next)


@pytest.mark.parametrize("not_understood", [None, NONSENSE], ids=["whole", "in part"])
def test_nothing_comes_next_for_what_a_guard_stopped_until_a_person_lets_it_through(
    not_understood: SetAside | None, golden: Callable[[str], None]
) -> None:
    detail = describe(
        entry(State.PENDING), (), (), not_understood=not_understood, stopped_with="0123456789abcdef"
    )

    assert "nothing" in detail.next
    assert "`reconciler run --accept-plan 0123456789abcdef`" in detail.next
    assert "`reconciler run --return 8801`" in detail.next
    golden(detail.next)
