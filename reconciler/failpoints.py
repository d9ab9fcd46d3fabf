"""Failpoints: named places at which a run may die. Hitting one normally does nothing.

`tests/crashes` watches them and kills the process at each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum


class Failpoint(StrEnum):
    """Each member is hit at one place in the program."""

    LOCK_TAKEN = "lock taken"
    LOCK_LET_GO = "lock about to be let go"
    FILE_MADE = "a new ledger or backup made, not yet named"
    FILE_NAMED = "a new ledger or backup named"
    OLD_BACKUP_REMOVED = "a backup removed that newer ones replace"
    BACKED_UP = "backed up before a migration"
    MIGRATING = "inside the migrating transaction"
    MIGRATED = "migrated"
    LEDGER_OPENED = "ledger opened"
    RUN_BEGUN = "row of the run committed"
    REMAPPED = "a portion of a new mapping committed"
    PAGE_PARSED = "page parsed"
    PROBE_PARSED = "probe parsed"
    WINDOW_COMMITTING = "before a window's commit"
    WINDOW_COMMITTED = "after a window's commit"
    IDENTITY_COMMITTED = "what the ledger knows of itself committed"
    ACCEPTANCE_COMMITTED = "an acceptance committed"
    PLAN_MADE = "plan made"
    PLAN_KEPT = "plan of a range kept"
    PLAN_STOPPED = "stopped plan kept, its members stopped"
    GUARD_PASSED = "guard passed"
    MARKERS_SEEN = "after the markers' lookup"
    SALES_SEEN = "after the sales' lookup"
    SALE_RETURNS_SEEN = "after the sale returns' lookup"
    INTENT_COMMITTING = "before an intent's commit"
    INTENT_COMMITTED = "after an intent's commit"
    PART_SENT = "part of a request sent"
    REQUEST_SENT = "request sent"
    ANSWER_RECEIVED = "answer to a write received"
    CREATED = "between a create and what follows it"
    ABSENCE_NOTED = "first absence of an unanswered create noted"
    PUT_DONE = "between two writes to sale returns"
    PENDING_COMMITTING = "before the commit of pending"
    PENDING_COMMITTED = "after the commit of pending"
    SYNCED_COMMITTING = "before the commit of synced"
    SYNCED_COMMITTED = "after the commit of synced"
    UNKNOWN_COMMITTING = "before the commit of unknown"
    UNKNOWN_COMMITTED = "after the commit of unknown"
    WAITING_COMMITTING = "before the commit of waiting"
    WAITING_COMMITTED = "after the commit of waiting"
    FAILED_COMMITTING = "before the commit of failed"
    FAILED_COMMITTED = "after the commit of failed"
    SKIPPED_COMMITTING = "before the commit of skipped"
    SKIPPED_COMMITTED = "after the commit of skipped"
    DEAD_COMMITTING = "before the commit of dead"
    DEAD_COMMITTED = "after the commit of dead"
    REVIEW_COMMITTING = "before the commit of review"
    REVIEW_COMMITTED = "after the commit of review"
    DECISION_COMMITTING = "before the commit of a decision"
    DECISION_COMMITTED = "after the commit of a decision"
    RUN_FINISHING = "before the run's last commit"
    PRUNING = "inside the deletion of what is old"
    PRUNED = "what is old deleted on request"
    FORGETTING = "before the commit that forgets a return"
    FORGOTTEN = "a return forgotten, free pages not yet"
    LEDGER_REWRITTEN = "the ledger rewritten without free pages"
    RUN_FINISHED = "after the run's last commit"
    REPORT_WRITTEN = "report written, not yet named"
    REPORT_NAMED = "report named"


_watcher: Callable[[Failpoint], None] | None = None
"""The program's only global state: failpoints are as deep as a commit or a socket, and the layers
above should not have to pass this down."""


def hit(point: Failpoint) -> None:
    """Report to the watcher, if there is one, that the run has come to this point."""
    if _watcher is not None:
        _watcher(point)


@contextmanager
def watched(watcher: Callable[[Failpoint], None]) -> Iterator[None]:
    """Call `watcher` with every point that is hit; it may end the process or raise."""
    global _watcher
    before, _watcher = _watcher, watcher
    try:
        yield
    finally:
        _watcher = before
