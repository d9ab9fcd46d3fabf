"""What `show` says comes next, for every state an entry can be in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from reconciler.core.decisions import possible, version
from reconciler.core.field_changes import FieldChange
from reconciler.core.left_over import LeftOver
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
from reconciler.core.return_detail import Known, ReturnDetail, SettlingCommand, describe, what_next
from reconciler.core.timeline import timeline
from tests.core import samples

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
    "in review": (entry(State.REVIEW), ("nothing", "reconciler retry", "ignore")),
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

    told = describe(given, sent, tried)

    assert told == ReturnDetail(
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
        never_pushed=(21,),
        known_since=NOON - timedelta(hours=3),
        timeline=timeline(given, sent, tried),
        version=version(given),
        commands=(
            SettlingCommand("reconciler run --return 8801", "tries it again now"),
            *map(SettlingCommand, possible(given)),
        ),
    )
    assert describe(entry(State.PENDING), (), ()).pushed_fingerprint is None


def test_a_story_tells_what_a_person_should_know_besides() -> None:
    lacks = (FieldChange("status[1001-21]", "requested", "shipped"),)

    detail = describe(entry(State.SYNCED), (), (), remarks=("a late scan",), lacks=lacks)

    assert (detail.remarks, detail.lacks, detail.not_understood) == (("a late scan",), lacks, None)


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=1)])
def test_loop_has_shown_no_later_change_only_as_far_as_it_was_read(ahead: timedelta) -> None:
    """One that somebody asked for may have changed after all that passes have read."""
    given = entry(State.SYNCED)
    given = replace(given, seen=replace(given.seen, updated_at=NOON + ahead))

    detail = describe(given, (), (), known=Known(watermark=NOON))

    assert detail.read_up_to == (None if ahead else NOON)


# ------------------------------------------------------------- what makes no sense, what is stopped

NONSENSE = SetAside("8801", "8801", "#1", "labels[0].status: absent", True, NOON, NOON)


@pytest.mark.parametrize("state", [State.SYNCED, State.SKIPPED])
def test_done_is_not_done_while_loop_says_more_than_is_understood(
    state: State, golden: Callable[[str], None]
) -> None:
    detail = describe(entry(state), (), (), not_understood=NONSENSE)

    assert detail.not_understood == NONSENSE
    assert detail.next != what_next(entry(state))
    assert "understood" in detail.next
    golden(detail.next)


@pytest.mark.parametrize("state", [State.PENDING, State.IGNORED])
def test_what_comes_next_is_told_with_what_is_not_understood(
    state: State, golden: Callable[[str], None]
) -> None:
    detail = describe(entry(state), (), (), not_understood=NONSENSE)

    assert detail.not_understood == NONSENSE
    assert detail.next.startswith(f"{what_next(entry(state))}; ")
    assert "understood" in detail.next
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


# ----------------------------------------------------------------- what was left, what is stopped


def synced(known: SaleReturn, wanted: Wanted, **more: object) -> Entry:
    return samples.an_entry(
        wanted,
        state=State.SYNCED,
        sale_returns=(known,),
        pushed_fingerprint=samples.an_entry().fingerprint,
        **more,
    )


A, A_AND_B = (samples.wanted_line("A"),), (samples.wanted_line("A"), samples.wanted_line("B"))
SHIPPED = (samples.wanted_parcel("shipped"),)
UNSHIPPED = FieldChange("status[1001-21]", "shipped", "requested")
HELD_ALREADY = "Jetti held it already when it was pushed, or someone had changed it there"
LEFT: dict[str, tuple[Entry, LeftOver]] = {
    "nothing": (synced(samples.pushed(), samples.wants(*A)), LeftOver()),
    "with a reason": (
        synced(samples.pushed(), samples.wants(*A, status="shipped"), reason="staff were ahead"),
        LeftOver((FieldChange("status[1001-21]", "requested", "shipped"),), ("staff were ahead",)),
    ),
    "without one": (
        synced(samples.pushed(), samples.wants(*A, status="shipped")),
        LeftOver((FieldChange("status[1001-21]", "requested", "shipped"),), (HELD_ALREADY,)),
    ),
    "no step forward": (
        synced(samples.pushed(status="shipped"), samples.wants(*A), reason="an older one"),
        LeftOver(
            (UNSHIPPED,), ("left in Jetti: status of 1001-21 is shipped, further than requested",)
        ),
    ),
    "a line": (
        synced(samples.pushed(), samples.wants(*A_AND_B)),
        LeftOver(
            (FieldChange("quantity[B]", None, 1),),
            ("policy or go-live kept lines of it from being created",),
        ),
    ),
}


@pytest.mark.parametrize("case", LEFT)
def test_what_the_last_push_left_is_shown_and_all_counts_as_pushed_only_without_it(
    case: str, golden: Callable[[str], None]
) -> None:
    given, left = LEFT[case]

    detail = describe(given, (), ())

    assert detail.left == left
    assert ("what is wanted was pushed" in detail.next) == (left == LeftOver())
    golden("\n".join((detail.next, *detail.left.reasons)))


def test_what_was_not_pushed_yet_was_not_left() -> None:
    given, _ = LEFT["without one"]

    assert describe(replace(given, pushed_fingerprint=b"older"), (), ()).left == LeftOver()
    assert describe(replace(given, sale_returns=()), (), ()).left == LeftOver()


def test_what_needs_a_decision_since_is_left_with_that_as_its_reason() -> None:
    gone = samples.pushed(status="cancelled")

    [reason] = describe(synced(gone, samples.wants(*A)), (), ()).left.reasons

    assert "1001-21 (21) is cancelled" in reason


@pytest.mark.parametrize("stopped_with", [None, "0123456789abcdef"])
def test_what_is_to_be_created_is_told_that_creation_is_stopped(
    stopped_with: str | None, golden: Callable[[str], None]
) -> None:
    """Nobody can open it, whatever plan is accepted."""
    given = samples.an_entry()

    detail = describe(given, (), (), stopped_with=stopped_with, creation_stopped="whole sale")

    assert detail.next.startswith("nothing: creation is stopped")
    assert detail.next.endswith(": whole sale")
    golden(detail.next)


def test_that_creation_is_stopped_concerns_what_is_to_be_created_alone() -> None:
    unanswered = samples.an_entry(state=State.UNKNOWN, intents=(samples.an_intent(),))
    known = samples.an_entry(sale_returns=(samples.pushed(),))

    for given in (unanswered, known, entry(State.SYNCED)):
        detail = describe(given, (), (), creation_stopped="whole sale")
        assert detail.next == what_next(given)
