"""`init --adopt`: from when to look, how long to wait first, and whether it has looked everywhere.

An adoption that was broken off is on record in the ledger until one has looked at all of it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.clock import Clock
from reconciler.core.plan import CreationRules
from reconciler.core.records import By
from reconciler.core.report import Report, RunKind
from reconciler.core.request import RunRequest
from reconciler.core.settings import Policy
from reconciler.errors import Interrupted
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.runtime import Progress

_NEVER = datetime.max.replace(tzinfo=UTC)
_STEP = 5.0  # seconds between two signs that a wait goes on


def oldest_creatable(ledger: SqlLedger, start: datetime, now: datetime) -> datetime:
    """When the oldest return was created that this ledger could create; `start` at the latest.

    Jetti may have all of them. Whoever follows a stop that names `init --adopt` must be done with
    that one command.
    """
    due = (entry.seen.created_at for entry in ledger.entries.due(now))
    return min((start, ledger.meta.read().go_live, *due)).replace(microsecond=0)


def creation_rules(policy: Policy) -> CreationRules:
    """Go-live has not come, so that nothing would be created automatically."""
    return CreationRules(policy=policy, go_live=_NEVER, asked_for=False)


def begin(ledger: SqlLedger, start: datetime) -> RunRequest:
    """The pass that looks for every return since then, and for those that an adoption which was
    broken off had to look for."""
    unfinished = ledger.meta.read().adopting_since
    start = min(start, unfinished or start)
    ledger.meta.begin_adoption(start)
    return RunRequest(kind=RunKind.RANGE, start=start, by=By.UPDATED)


def wait_until_settled(
    ledger: SqlLedger, settle: timedelta, clock: Clock, progress: Progress
) -> None:
    """Wait for what a lost ledger's last run may have sent: it may still be about to take effect.

    That run ended before this ledger was made, however often a wait was broken off since. Raises
    Interrupted.
    """
    made_at = ledger.meta.read().created_at or clock.now()
    # safeguard: settle-before-adopting
    left = min(settle, made_at + settle - clock.now()).total_seconds()
    try:
        while left > 0:
            progress.settling(left)
            step = min(_STEP, left)
            clock.wait(step)
            left -= step
    except Interrupted as error:
        error.hint = "nothing was looked up yet: run `reconciler init --adopt` again"
        raise


def end(ledger: SqlLedger, report: Report) -> None:
    """Take the adoption off the record if it has looked everywhere."""
    # safeguard: adoption-is-complete
    if not report.run.failures:
        ledger.meta.end_adoption()
