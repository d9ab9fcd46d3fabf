"""The request for one pass, from the command line or the scheduler."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.core.records import By, PlanMember
from reconciler.core.report import RunKind


class RunRequest(Struct, frozen=True, kw_only=True):
    """One pass as requested; free of contradictions."""

    kind: RunKind = RunKind.SCHEDULED
    start: datetime | None = None
    """The start of a range; None for every other kind."""
    end: datetime | None = None
    """The end of a range; None means as far as can be read."""
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
    """The digest of a plan that was reviewed."""
    accept_members: tuple[PlanMember, ...] = ()
    """The members of a plan that was reviewed, from a dry run's JSON report."""
    max_writes: int | None = None
    max_seconds: float | None = None
    wait: float = 0.0
    """Seconds to wait for the lock."""

    @property
    def reaches_jetti(self) -> bool:
        """Whether requests go to Jetti: not in a dry run that uses the ledger alone."""
        return not self.dry_run or self.against_jetti
