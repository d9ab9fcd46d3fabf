"""What happened to one return, in its order: in Loop, in the ledger, and each write and its answer.

Loop's times are by its own clock; all others by this machine's, but for a write whose answer is not
recorded, which has the time by Jetti's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from reconciler.core.decisions import Decided
from reconciler.core.instants import to_the_second
from reconciler.core.model import Entry, Fields, Operation
from reconciler.core.records import Attempt, PastWrite, SetAside


class EventKind(StrEnum):
    """What kind of thing happened."""

    CREATED = "created"
    CHANGED = "changed"
    NOT_UNDERSTOOD = "not understood"
    RECORDED = "recorded"
    WRITE = "write"
    ANSWER = "answer"
    """To a write that is not listed any more."""
    ABSENT = "absent"
    DECISION = "decision"
    NEXT_TRY = "next try"


class Event(Struct, frozen=True):
    """One thing that happened, or is to come."""

    at: datetime
    kind: EventKind
    text: str
    write: PastWrite | None = None
    answer: Attempt | None = None
    """To that write."""


def timeline(
    entry: Entry,
    writes: Sequence[PastWrite],
    attempts: Sequence[Attempt],
    not_understood: SetAside | None = None,
    decisions: Sequence[Decided] = (),
    *,
    settle: timedelta = timedelta(0),
) -> tuple[Event, ...]:
    """Everything that the ledger can date. Writes and answers come oldest first; `settle` is
    `jetti.settle`, by which each answer finds its write."""
    pushing = list(_in_their_order(entry, writes, attempts, settle))
    recorded = (*_of_the_ledger(entry, not_understood), *map(_of_decision, decisions))
    events = [*_of_loop(entry), *recorded, *pushing]
    return tuple(sorted(events, key=lambda event: event.at))  # stable


def known_since(
    entry: Entry, attempts: Sequence[Attempt], not_understood: SetAside | None
) -> datetime | None:
    """The earliest trace of it in the ledger, by this machine's clock."""
    traces = [entry.changed_at, entry.due_since, *(attempt.at for attempt in attempts)]
    traces += [not_understood.first_seen] if not_understood is not None else []
    return min((at for at in traces if at is not None), default=None)


def _of_loop(entry: Entry) -> Iterator[Event]:
    seen = entry.seen
    yield Event(seen.created_at, EventKind.CREATED, "created in Loop")
    if seen.updated_at > seen.created_at:
        yield Event(seen.updated_at, EventKind.CHANGED, "last changed in Loop")


def _of_the_ledger(entry: Entry, not_understood: SetAside | None) -> Iterator[Event]:
    if entry.changed_at is not None:
        yield Event(entry.changed_at, EventKind.RECORDED, "recorded as it is wanted now")
    if not_understood is not None:
        part = "in part" if not_understood.is_partial else "at all"
        text = f"not understood {part}: {not_understood.problem}"
        yield Event(not_understood.first_seen, EventKind.NOT_UNDERSTOOD, text)
    for intent in entry.intents:
        if intent.absent_at is not None:
            text = "what became of the open write was looked for in Jetti: nothing"
            yield Event(intent.absent_at, EventKind.ABSENT, text)
    if entry.next_try_at is not None:
        yield Event(entry.next_try_at, EventKind.NEXT_TRY, "due for the next try from here on")


def _of_decision(one: Decided) -> Event:
    by = f" by {one.decided_by}" if one.decided_by else ""
    which = f" {', '.join(map(str, one.sale_returns))}" if one.sale_returns else ""
    why = f": {one.reason}" if one.reason else ""
    text = f"decided{by}: {one.decision}{which}{why}"
    return Event(one.decided_at, EventKind.DECISION, text)


# ------------------------------------------------------------------------- writes and their answers


def _in_their_order(
    entry: Entry, writes: Sequence[PastWrite], attempts: Sequence[Attempt], settle: timedelta
) -> Iterator[Event]:
    """One event for each write, with its answer, and one for each answer without a write. Of one
    return only one write is under way at a time, so each comes after the one before it, whatever
    Jetti's clock says."""
    places = _answers(writes, attempts, settle)
    latest: datetime | None = None
    for write, place in zip(writes, places, strict=True):
        answer = None if place is None else attempts[place]
        at = answer.at if answer is not None else write.at
        latest = at if latest is None else max(at, latest)
        yield Event(latest, EventKind.WRITE, _of_write(entry, write, answer), write, answer)
    for place, attempt in enumerate(attempts):
        if place not in places:
            what = _target(entry, attempt.operation, attempt.target_id)
            text = f"{what}: {_of_answer(attempt)}"
            yield Event(attempt.at, EventKind.ANSWER, text, None, attempt)


def _answers(
    writes: Sequence[PastWrite], attempts: Sequence[Attempt], settle: timedelta
) -> list[int | None]:
    """The place of the recorded answer to each write, None where there is none: the program died,
    or the key was refused.

    By this machine's clock a write was sent at `settle_at - settle`. An answer belongs to the last
    such write to the same place that was sent by then.
    """
    found: list[int | None] = [None] * len(writes)
    for number, attempt in enumerate(attempts):
        fitting = [
            place
            for place, write in enumerate(writes)
            if found[place] is None
            and (write.operation, write.target_id) == (attempt.operation, attempt.target_id)
        ]
        sent = [place for place in fitting if writes[place].settle_at - settle <= attempt.at]
        if fitting:
            # The setting may have been another one then.
            found[sent[-1] if sent else fitting[0]] = number
    return found


def _of_write(entry: Entry, write: PastWrite, answer: Attempt | None) -> str:
    what = _target(entry, write.operation, write.target_id)
    if write.sale_item_ids:
        plural = "s" if len(write.sale_item_ids) > 1 else ""
        what += f", of sale item{plural} {', '.join(map(str, write.sale_item_ids))}"
    if write.fields:
        what += f": {_set(write.fields)}"
    parts = [_of_answer(answer)] if answer is not None else []
    if write.outcome is None:
        parts.append(f"what became of it is open until {to_the_second(write.settle_at)}")
    elif answer is None or answer.answer != write.outcome:
        parts.append(str(write.outcome))
    return "; ".join((what, *parts))


def _of_answer(attempt: Attempt) -> str:
    status = f" ({attempt.status})" if attempt.status is not None else ""
    return f"{attempt.answer}{status}" + (f": {attempt.detail}" if attempt.detail else "")


def _target(entry: Entry, operation: Operation, target_id: int) -> str:
    """What was written, and where."""
    if operation is Operation.CREATE:
        return f"create on sale {target_id}"
    if operation is Operation.UPDATE_SALE_RETURN:
        name = next((one.reference for one in entry.sale_returns if one.id == target_id), None)
        return f"update of sale return {f'{name} ({target_id})' if name else target_id}"
    items = (item for one in entry.sale_returns for item in one.items)
    line = next((item.order_line_id for item in items if item.id == target_id), None)
    return f"update of item {target_id}" + (f" (order line {line})" if line else "")


def _set(fields: Fields) -> str:
    return ", ".join(
        f"{name} {'-' if value is None else value}" for name, value in sorted(fields.items())
    )
