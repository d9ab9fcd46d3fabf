"""What became of one change: the result of pushing it, before it is in the report."""

from __future__ import annotations

from enum import Enum, auto

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core.model import SaleReturn
from reconciler.core.report import ChangeKind, OutcomeKind, ReportedChange, SaleReturnName
from reconciler.jetti.responses import Classified, Meaning

AS_WANTED = "Jetti already holds what is wanted"


class JettiFailure(Enum):
    """What went wrong when the fault was not the entry's own."""

    OUTAGE = auto()
    """Jetti failed or could not be reached."""
    UNUSABLE = auto()
    """Jetti answered a lookup with what cannot be used: a refusal, or rows that were not asked for.
    Its own fault if it does so whatever is asked."""
    RATE_LIMITED = auto()
    """Jetti asked us to slow down."""


class PushResult(Struct, frozen=True):
    """An outcome with what a reader should know about it."""

    outcome: OutcomeKind
    reason: str | None = None
    sale_returns: tuple[SaleReturnName, ...] = ()
    jetti_failure: JettiFailure | None = None
    cause: str | None = None
    """What Jetti did, without its name, where that was why: `answered 503`."""
    remarks: tuple[str, ...] = ()


def undelivered(classified: Classified) -> PushResult:
    """The result of a write that was not plainly applied."""
    match classified.meaning:
        case Meaning.SLOW_DOWN:
            return PushResult(
                OutcomeKind.DEFERRED,
                classified.reason,
                (),
                JettiFailure.RATE_LIMITED,
                classified.cause,
            )
        case Meaning.NOT_SENT:
            return PushResult(
                OutcomeKind.DEFERRED, classified.reason, (), JettiFailure.OUTAGE, classified.cause
            )
        case Meaning.LOST:
            # The entry is unanswered then, which is no word for an outcome.
            reason = f"{classified.reason}; unanswered, so it will be read back"
            return PushResult(OutcomeKind.FAILED, reason, (), JettiFailure.OUTAGE, classified.cause)
        case _:
            return PushResult(OutcomeKind.FAILED, classified.reason)


def without_writes(kind: ChangeKind, result: PushResult) -> PushResult:
    """The result where nothing had to be written after all: of what would have changed Jetti it
    is no push."""
    # safeguard: nothing-written-is-no-push
    if kind not in (ChangeKind.UPDATE, ChangeKind.CANCEL):
        return result
    return replace(result, outcome=OutcomeKind.SKIPPED, reason=result.reason or AS_WANTED)


def taken_over(reported: ReportedChange) -> ReportedChange:
    """A planned create of which Jetti had all already, as what it comes to; others stay."""
    if reported.change is not ChangeKind.CREATE:
        return reported
    return replace(reported, change=ChangeKind.ADOPT, planned=ChangeKind.CREATE)


def named(sale_returns: tuple[SaleReturn, ...]) -> tuple[SaleReturnName, ...]:
    """Sale returns as people find them in Jetti."""
    return tuple(SaleReturnName(known.id, known.reference) for known in sale_returns)
