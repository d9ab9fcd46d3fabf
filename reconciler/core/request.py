"""What a person or a scheduler asks of one pass."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.core.records import By, PlanMember
from reconciler.core.report import RunKind


class RunRequest(Struct, frozen=True, kw_only=True):
    """One pass, as asked for; already free of contradictions."""

    kind: RunKind = RunKind.SCHEDULED
    start: datetime | None = None
    """Of a range; None otherwise."""
    end: datetime | None = None
    """Of a range; None means as far as can be read."""
    by: By = By.UPDATED
    sweep: timedelta | None = None
    """How far back a sweep reads; None for every other kind."""
    return_ids: tuple[str, ...] = ()
    order_names: tuple[str, ...] = ()
    dry_run: bool = False
    against_jetti: bool = False
    """A dry run that looks the orders up."""
    detailed_exitcode: bool = False
    """A dry run that ends with 10 when changes are pending."""
    accept_digest: str | None = None
    """The plan that a person has reviewed, by its name."""
    accept_members: tuple[PlanMember, ...] = ()
    """The members of a plan that a person has reviewed, from a dry run's JSON report."""
    max_writes: int | None = None
    max_seconds: float | None = None
    wait: float = 0.0
    """Seconds to wait for the lock."""

    @property
    def reaches_jetti(self) -> bool:
        """Whether requests go to Jetti: in every pass but a dry run by the ledger alone."""
        return not self.dry_run or self.against_jetti
