"""What happened to a return is told in its order, and each write with the answer to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from reconciler.core.decisions import Decided
from reconciler.core.model import Entry, IntentOutcome, Operation, OwnedField, State
from reconciler.core.records import Attempt, PastWrite, SetAside
from reconciler.core.timeline import EventKind, known_since, timeline
from tests.core import samples

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTLE = timedelta(minutes=3)
SECOND = timedelta(seconds=1)
SHIPPED = {OwnedField.STATUS: "shipped"}


def write(
    at: datetime,
    outcome: IntentOutcome | None = IntentOutcome.APPLIED,
    operation: Operation = Operation.CREATE,
    target_id: int = 10,
    ahead: timedelta = timedelta(0),
) -> PastWrite:
    """Sent at that time by our clock, of which Jetti's is so far ahead."""
    items = (1, 2) if operation is Operation.CREATE else ()
    fields = {} if items else SHIPPED
    return PastWrite(at + ahead, operation, target_id, items, fields, at + SETTLE, outcome)


def answer(at: datetime, said: str = "applied", **more: object) -> Attempt:
    given: dict[str, object] = {"operation": Operation.CREATE, "target_id": 10, "status": 200}
    return Attempt(at=at, answer=said, **(given | more))  # type: ignore[arg-type]


def an_entry(**more: object) -> Entry:
    entry = samples.an_entry(state=State.SYNCED, changed_at=NOON, **more)
    seen = replace(entry.seen, created_at=NOON - SECOND * 60, updated_at=NOON - SECOND * 10)
    return replace(entry, seen=seen)


def test_everything_is_told_in_its_order() -> None:
    entry = an_entry(next_try_at=NOON + SECOND * 900)
    row = SetAside("8801", "8801", "#1", "state: absent", False, NOON + SECOND * 600, NOON)
    decided = Decided(NOON + SECOND * 300, "adopt", "anna", "it is the same", (21, 22))
    writes = [
        write(NOON + SECOND),
        write(NOON + SECOND * 2, None, Operation.UPDATE_SALE_RETURN, 21),
    ]

    told = timeline(entry, writes, [answer(NOON + SECOND * 2)], row, (decided,), settle=SETTLE)

    assert [event.kind for event in told] == [
        EventKind.CREATED,
        EventKind.CHANGED,
        EventKind.RECORDED,
        EventKind.WRITE,
        EventKind.WRITE,
        EventKind.DECISION,
        EventKind.NOT_UNDERSTOOD,
        EventKind.NEXT_TRY,
    ]
    assert sorted(told, key=lambda event: event.at) == list(told)
    texts = [event.text for event in told]
    assert texts[3] == "create on sale 10, of sale items 1, 2; applied (200)"
    assert "status shipped" in texts[4]
    assert "open until 2026-03-01 12:03:02Z" in texts[4]
    assert texts[5] == "decided by anna: adopt 21, 22: it is the same"
    assert "state: absent" in texts[6]


def test_what_never_changed_in_loop_was_only_created_there() -> None:
    entry = an_entry()
    seen = replace(entry.seen, updated_at=entry.seen.created_at)

    kinds = [event.kind for event in timeline(replace(entry, seen=seen), (), ())]

    assert kinds == [EventKind.CREATED, EventKind.RECORDED]


def test_what_was_looked_for_and_not_found_is_told() -> None:
    entry = an_entry(intents=(replace(samples.an_intent(), absent_at=NOON + SECOND),))

    assert EventKind.ABSENT in {event.kind for event in timeline(entry, (), ())}


def test_a_sale_return_is_told_by_its_reference_and_an_item_by_its_line() -> None:
    known = samples.pushed()
    [item] = known.items
    writes = [
        write(NOON, operation=Operation.UPDATE_SALE_RETURN, target_id=known.id),
        write(NOON, operation=Operation.UPDATE_ITEM, target_id=item.id),
        write(NOON, operation=Operation.UPDATE_ITEM, target_id=999),
    ]

    texts = [event.text for event in timeline(an_entry(sale_returns=(known,)), writes, ())][-3:]

    assert texts[0].startswith(f"update of sale return {known.reference} ({known.id}): status")
    assert texts[1].startswith(f"update of item {item.id} (order line {item.order_line_id}): ")
    assert texts[2].startswith("update of item 999: ")


# ------------------------------------------------------------------ which answer is to which write


class Tried(Struct, frozen=True):
    """A write, when it was answered, and whether the program lived to record that."""

    after: int
    """Seconds after the one before it had been answered."""
    takes: int
    is_recorded: bool
    target_id: int


tried = st.builds(
    Tried,
    after=st.integers(1, 100_000),
    takes=st.integers(0, 60),
    is_recorded=st.booleans(),
    target_id=st.sampled_from([10, 11]),
)


@given(
    st.lists(tried, max_size=8),
    st.integers(-7200, 7200),
)
def test_each_answer_is_told_to_its_write(history: list[Tried], ahead: int) -> None:
    """One after the other, as of one return they are; Jetti's clock may be wrong by hours."""
    writes: list[PastWrite] = []
    answers: list[Attempt] = []
    truth: list[Attempt | None] = []
    now = NOON
    for number, one in enumerate(history):
        now += SECOND * one.after
        outcome = IntentOutcome.APPLIED if one.is_recorded else IntentOutcome.ABSENT
        writes.append(write(now, outcome, target_id=one.target_id, ahead=SECOND * ahead))
        now += SECOND * one.takes
        said = answer(now, target_id=one.target_id, detail=str(number))
        answers += [said] if one.is_recorded else []
        truth.append(said if one.is_recorded else None)

    told = [
        event
        for event in timeline(an_entry(), writes, answers, settle=SETTLE)
        if event.write is not None
    ]

    assert [event.write for event in told] == writes
    assert [event.answer for event in told] == truth


def test_an_answer_whose_write_is_not_listed_any_more_is_told_by_itself() -> None:
    lone = answer(NOON, "refused", status=422, detail="api.sales.cancel.invalid", target_id=77)

    told = timeline(an_entry(), [write(NOON)], [lone], settle=SETTLE)

    [event] = [event for event in told if event.kind is EventKind.ANSWER]
    assert event.text == "create on sale 77: refused (422): api.sales.cancel.invalid"


def test_an_answer_is_told_also_where_settle_was_another_one_then() -> None:
    told = timeline(an_entry(), [write(NOON)], [answer(NOON + SECOND)], settle=timedelta(seconds=1))

    assert [event.answer is not None for event in told if event.write] == [True]


def test_what_became_of_a_lost_write_is_told_beside_its_answer() -> None:
    sent = write(NOON, IntentOutcome.READ_BACK)

    [event] = [
        event
        for event in timeline(an_entry(), [sent], [answer(NOON, "lost", status=504)], settle=SETTLE)
        if event.write
    ]

    assert event.text.endswith("; lost (504); read back")


# -------------------------------------------------------------------------------- the first trace


def test_it_is_known_since_its_first_trace() -> None:
    entry = an_entry(due_since=NOON - SECOND)
    row = SetAside("8801", "8801", "#1", "state: absent", False, NOON - SECOND * 9, NOON)

    assert known_since(an_entry(), (), None) == NOON
    assert known_since(entry, (), None) == NOON - SECOND
    assert known_since(entry, [answer(NOON - SECOND * 5)], None) == NOON - SECOND * 5
    assert known_since(entry, [answer(NOON - SECOND * 5)], row) == NOON - SECOND * 9
