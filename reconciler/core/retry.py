"""The transitions of an entry whose push failed or has to wait."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from reconciler.core.matching.result import DECIDE, NotReady
from reconciler.core.model import Entry, IntentOutcome, State
from reconciler.core.records import Attempt, Transition

# Eight tries over a little more than a day: long enough for a problem with one order's data to be
# noticed and fixed, short enough that a return that always fails is reported the next day.
_AFTER_FAILURE = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=8),
    timedelta(hours=12),
)
TRIES = len(_AFTER_FAILURE) + 1

_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=6)
ORDERS_ARRIVE_WITHIN = timedelta(days=30)
"""An order that is still missing after this will never come; the entry becomes dead."""
LINES_FOLLOW_WITHIN = timedelta(hours=1)
"""An order is imported with its lines; a line still missing after this will never come."""


def tries(entry: Entry) -> int:
    """Failed tries so far; a lookup of an order that is not there yet is not a failure."""
    return 0 if entry.state is State.WAITING else entry.attempts


def failed(
    entry: Entry,
    reason: str,
    now: datetime,
    attempt: Attempt | None = None,
    *,
    closes: IntentOutcome | None,
) -> Transition:
    """A try failed for this entry alone: retry later, or dead once all tries are spent.

    `closes` is the outcome of its unresolved intents; None leaves them open.
    """
    spent = tries(entry) + 1
    if spent >= TRIES:
        reason = f"{reason} (given up after {spent} tries)"
        return Transition(
            State.DEAD, reason, attempts=spent, intents_closed_as=closes, attempt=attempt
        )
    pause = _AFTER_FAILURE[spent - 1] * _jitter(entry.id, spent)
    return Transition(
        State.FAILED,
        reason,
        attempts=spent,
        next_try_at=now + pause,
        intents_closed_as=closes,
        attempt=attempt,
    )


def waits(entry: Entry, wait: NotReady, now: datetime, patience: timedelta) -> Transition:
    """The order is missing: look again after 1 minute, doubling up to 6 hours, for 30 days.

    A line that is still missing after `policy.patience` although its order is there will hardly
    come automatically, so the entry goes to review. Even if patience is 0 and waiting is reported
    at once, a line has an hour to follow its order, because a review is never left automatically.
    """
    since = entry.due_since or now
    if wait.order_found and now - since >= (patience or LINES_FOLLOW_WITHIN):
        there = f": {wait.found_instead}" if wait.found_instead else ""
        return Transition(State.REVIEW, f"{wait.reason}{there}. {DECIDE}")
    if now - since >= ORDERS_ARRIVE_WITHIN:
        return Transition(State.DEAD, f"{wait.reason}, for {ORDERS_ARRIVE_WITHIN.days} days")
    looked = (entry.attempts if entry.state is State.WAITING else 0) + 1
    doubled = _FIRST_WAIT * 2 ** min(looked - 1, 16)
    pause = min(doubled, _LONGEST_WAIT) * _jitter(entry.id, looked)
    return Transition(State.WAITING, wait.reason, attempts=looked, next_try_at=now + pause)


def _jitter(return_id: str, count: int) -> float:
    """1.0 to 1.25: different from return to return, but the same on every replay."""
    drawn = sha256(f"{return_id}:{count}".encode()).digest()[0]
    return 1 + drawn / 1023
