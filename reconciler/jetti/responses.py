"""What an answer to a write means (architecture.md#answers-to-writes; jetti.md#errors,
#error-handling)."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from reconciler.http import Response
from reconciler.http.response import problem_title


class Meaning(StrEnum):
    """What became of a write, as far as its answer tells."""

    APPLIED = "applied"
    SLOW_DOWN = "slow down"
    """429: not applied, says Jetti; read back all the same before the next write."""
    REFUSED = "refused"
    """400, 422: this version of the return will never be accepted."""
    LOST = "lost"
    """Perhaps applied: only a read-back can tell."""
    NOT_SENT = "not sent"
    """Not one byte left."""


class Classified(Struct, frozen=True):
    """The meaning, with what a reader should know about it."""

    meaning: Meaning
    status: int | None = None
    detail: str | None = None

    @property
    def reason(self) -> str:
        """For the entry: `Jetti answered 422: api.sale_returns.update.invalid`."""
        if self.status is None:
            return f"Jetti: {self.detail}"
        return f"Jetti answered {self.status}" + (f": {self.detail}" if self.detail else "")

    @property
    def cause(self) -> str | None:
        """What Jetti did, without its name: `answered 503`, `timed out`."""
        return self.detail if self.status is None else f"answered {self.status}"


_REFUSING = frozenset({400, 422})


def classify(answer: Response) -> Classified:
    """The meaning of an answer, by its status: bodies of errors may hold anything or nothing.

    404 and 409 are no refusals: the write may have been applied, so they are read back. So is a 500
    that carries an `api.` code, which Jetti also uses for mistakes of the caller
    (jetti.md#error-statuses, #error-handling): such a refusal ends once the tries are spent.
    """
    status = answer.status
    if 200 <= status < 300:
        return Classified(Meaning.APPLIED, status)
    title = problem_title(answer.body)
    if status == 429:
        return Classified(Meaning.SLOW_DOWN, status, title)
    if status in _REFUSING:
        return Classified(Meaning.REFUSED, status, title)
    return Classified(Meaning.LOST, status, title)
