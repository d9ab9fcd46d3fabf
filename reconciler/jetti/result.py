"""What became of one entry, as the steps of a push hand it on."""

from __future__ import annotations

from enum import Enum, auto

from msgspec import Struct

from reconciler.core.model import SaleReturn
from reconciler.core.report import OutcomeKind, SaleReturnName
from reconciler.jetti.responses import Classified, Meaning


class Trouble(Enum):
    """Whose fault it was, when it was not the entry's."""

    OUTAGE = auto()
    """Jetti failed or could not be reached."""
    UNUSABLE = auto()
    """Jetti answered a question with what cannot be used: a refusal, or rows of others. Its own
    fault where it does so whatever is asked."""
    RATE_LIMITED = auto()
    """Jetti asked us to slow down."""


class PushResult(Struct, frozen=True):
    """An outcome with what a person should read about it."""

    outcome: OutcomeKind
    reason: str | None = None
    sale_returns: tuple[SaleReturnName, ...] = ()
    trouble: Trouble | None = None
    cause: str | None = None
    """What Jetti did, without its name, where that was the trouble and it was asked."""
    left_alone: tuple[str, ...] = ()
    """Fields of the plan that are not written: a person's value stays."""
    remarks: tuple[str, ...] = ()


def undelivered(classified: Classified) -> PushResult:
    """The outcome of a write that was not plainly applied."""
    match classified.meaning:
        case Meaning.SLOW_DOWN:
            return PushResult(
                OutcomeKind.DEFERRED, classified.reason, (), Trouble.RATE_LIMITED, classified.cause
            )
        case Meaning.NOT_SENT:
            return PushResult(
                OutcomeKind.DEFERRED, classified.reason, (), Trouble.OUTAGE, classified.cause
            )
        case Meaning.LOST:
            reason = f"{classified.reason}; will be read back"
            return PushResult(OutcomeKind.FAILED, reason, (), Trouble.OUTAGE, classified.cause)
        case _:
            return PushResult(OutcomeKind.FAILED, classified.reason)


def named(sale_returns: tuple[SaleReturn, ...]) -> tuple[SaleReturnName, ...]:
    """Sale returns as people find them in Jetti."""
    return tuple(SaleReturnName(known.id, known.reference) for known in sale_returns)
