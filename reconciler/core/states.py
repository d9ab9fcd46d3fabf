"""Which state of an entry may follow which; the ledger refuses every other step."""

from __future__ import annotations

from reconciler.core.model import State

# A state may always follow itself: the reason, the next try or the attempts changed.
_FOLLOWS: dict[State, frozenset[State]] = {
    State.PENDING: frozenset(
        {
            State.IN_FLIGHT,
            State.SYNCED,
            State.WAITING,
            State.FAILED,
            State.DEAD,
            State.SKIPPED,
            State.REVIEW,
        }
    ),
    # The answer came (pending: more writes to go), was lost, or the service refused.
    State.IN_FLIGHT: frozenset(
        {
            State.PENDING,
            State.SYNCED,
            State.UNKNOWN,
            State.FAILED,
            State.DEAD,
            State.REVIEW,
        }
    ),
    # Only a read-back after settle leads out.
    State.UNKNOWN: frozenset({State.PENDING, State.SYNCED, State.DEAD, State.REVIEW}),
    State.SYNCED: frozenset({State.PENDING, State.REVIEW}),
    State.WAITING: frozenset(
        {
            State.PENDING,
            State.IN_FLIGHT,
            State.SYNCED,
            State.FAILED,
            State.DEAD,
            State.SKIPPED,
            State.REVIEW,
        }
    ),
    State.FAILED: frozenset(
        {
            State.PENDING,
            State.IN_FLIGHT,
            State.SYNCED,
            State.WAITING,
            State.DEAD,
            State.SKIPPED,
            State.REVIEW,
        }
    ),
    # Re-armed by a new fingerprint.
    State.DEAD: frozenset({State.PENDING}),
    State.SKIPPED: frozenset({State.PENDING, State.REVIEW}),
    # Left only by a person's decision.
    State.REVIEW: frozenset({State.PENDING, State.IGNORED}),
    State.IGNORED: frozenset({State.PENDING}),
}

REARMED_BY_CHANGE = frozenset(
    {State.SYNCED, State.WAITING, State.FAILED, State.DEAD, State.SKIPPED}
)
"""A new fingerprint makes these pending; `review` and `ignored` only keep the newest want, and
`in_flight` and `unknown` must first learn what became of their write."""

OPEN = frozenset({State.PENDING, State.IN_FLIGHT, State.UNKNOWN, State.WAITING, State.FAILED})
"""Something is still to be done by the program itself."""

NEEDS_A_PERSON = frozenset({State.DEAD, State.REVIEW})

TROUBLED = NEEDS_A_PERSON | {State.FAILED, State.UNKNOWN, State.IN_FLIGHT}
"""Tried without success, or waiting for a person: the exit code speaks of these."""


def predecessors(after: State) -> frozenset[State]:
    """The states from which `after` may be entered, itself included."""
    return frozenset({after} | {before for before, next_ in _FOLLOWS.items() if after in next_})


def is_legal(before: State, after: State) -> bool:
    """Whether an entry may go from `before` to `after`."""
    return before is after or after in _FOLLOWS[before]
