"""The legal transitions between states of an entry; the ledger refuses every other."""

from __future__ import annotations

from functools import cache

from reconciler.core.model import State

# A state may always follow itself, when the reason, the next try or the attempts change.
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
            State.IGNORED,
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
    State.SYNCED: frozenset({State.PENDING, State.REVIEW, State.IGNORED}),
    State.WAITING: frozenset(
        {
            State.PENDING,
            State.IN_FLIGHT,
            State.SYNCED,
            State.FAILED,
            State.DEAD,
            State.SKIPPED,
            State.REVIEW,
            State.IGNORED,
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
            State.IGNORED,
        }
    ),
    # Restarted by a new fingerprint.
    State.DEAD: frozenset({State.PENDING, State.IGNORED}),
    State.SKIPPED: frozenset({State.PENDING, State.REVIEW}),
    # Left only when someone decides; with a write that has no answer, to be read back first.
    State.REVIEW: frozenset({State.PENDING, State.UNKNOWN, State.IGNORED}),
    State.IGNORED: frozenset({State.PENDING}),
}

REARMED_BY_CHANGE = frozenset(
    {State.SYNCED, State.WAITING, State.FAILED, State.DEAD, State.SKIPPED}
)
"""A new fingerprint makes these pending. `review` and `ignored` only record the newest `wanted`;
`in_flight` and `unknown` must first find out what became of their write."""

OPEN = frozenset({State.PENDING, State.IN_FLIGHT, State.UNKNOWN, State.WAITING, State.FAILED})
"""The program still has something to do."""

UNANSWERED = frozenset({State.IN_FLIGHT, State.UNKNOWN})
"""A write was sent, and nobody knows yet what became of it."""

NEEDS_A_PERSON = frozenset({State.DEAD, State.REVIEW})

TROUBLED = NEEDS_A_PERSON | UNANSWERED | {State.FAILED}
"""Tried without success, or waiting for someone to decide: these affect the exit code."""


_SPOKEN: dict[str, str] = {
    State.IN_FLIGHT: "in flight",
    State.REVIEW: "in review",
    State.UNKNOWN: "unanswered",
}


def spoken(state: str) -> str:
    """The state, by its name in the ledger, in the words of every page and message; they follow
    `is`. Another name is left as it is."""
    return _SPOKEN.get(state, state)


@cache
def predecessors(after: State) -> frozenset[State]:
    """The states from which `after` may be entered, itself included."""
    return frozenset({after} | {before for before, next_ in _FOLLOWS.items() if after in next_})
