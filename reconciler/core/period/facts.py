"""What the ledger tells of a period: rows as they were recorded, nothing added up that the report
could add up itself."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from reconciler.core.model import IntentOutcome, State
from reconciler.core.period.span import Span

LANDED = frozenset(
    {
        IntentOutcome.APPLIED,
        IntentOutcome.READ_BACK,
        IntentOutcome.SHORT,
        IntentOutcome.OVERREACHED,
    }
)
"""Writes after which Jetti holds at least a part of what they wrote."""


class Landed(Struct, frozen=True, gc=False):
    """A write to Jetti that took effect."""

    sent_at: datetime
    """By Jetti's clock if its answers carry a Date."""
    is_create: bool
    is_current: bool
    """Whether it was for what is wanted of the return now, and not for an earlier version."""


class ReturnFacts(Struct, frozen=True, gc=False):
    """One return as it is now."""

    return_id: str
    order_name: str
    order_id: str | None
    created_at: datetime
    """In Loop."""
    content_since: datetime
    """When Loop last changed anything in it that this program reads."""
    state: State
    reason: str | None
    since: datetime | None
    """Since when something is due or, where nothing is, when it was recorded as it is."""
    outcomes: tuple[str, ...]
    """Loop's, as `core.model.Return` has them."""
    reasons: tuple[str | None, ...]
    """The merchant's wording, of each line; None where Loop gives none."""
    is_in_jetti: bool
    """Whether sale returns of it are known."""
    vendors: tuple[int | None, ...] | None
    """Jetti's ids, of all its sale returns; None among them for goods of the shop's own. None
    where that was not recorded."""
    landed: tuple[Landed, ...] = ()
    """In the order in which they were sent."""


class WriteCount(Struct, frozen=True):
    """Writes of a period that are alike."""

    is_create: bool
    outcome: IntentOutcome | None
    """None while nobody knows."""
    writes: int
    returns: int
    """Different ones."""


class RunCount(Struct, frozen=True):
    """Runs of a period that are alike."""

    kind: str
    exit_code: int | None
    """None of a run that goes on or was killed."""
    runs: int


class DecisionFacts(Struct, frozen=True):
    """A decision that someone made."""

    decided_at: datetime
    return_id: str
    decision: str
    decided_by: str | None
    reason: str | None


class Deeds(Struct, frozen=True):
    """What was done in a period, for returns of any age."""

    writes: tuple[WriteCount, ...]
    returns_written: int
    """Returns of which at least one write took effect."""
    runs: tuple[RunCount, ...]
    decisions: int


class LedgerFacts(Struct, frozen=True):
    """The ledger itself, as far as it says what a report can know."""

    made_at: datetime
    """When the facts were read."""
    ledger_since: datetime
    """When the ledger was made."""
    go_live: datetime
    watermark: datetime
    history_since: datetime | None
    """Since when no history was deleted; None if none ever was."""
    forgotten: int
    """Returns that someone had forgotten since the earlier of both periods began."""
    not_understood: int
    """Rows of Loop that are not understood at all; those of another time are left out, as far as
    their time can be read."""


class Asked(Struct, frozen=True):
    """What the report is to be about."""

    span: Span
    by: str | None = None
    """`day`, `week`, `vendor`, `reason` or `outcome`."""
