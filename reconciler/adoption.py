"""`init --adopt`: from when to look, how long to wait first, and whether it has looked everywhere.

An adoption that was broken off is on record in the ledger until one has looked at all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from reconciler.clock import Clock
from reconciler.core.commands import init_adopt
from reconciler.core.plan import CreationRules
from reconciler.core.records import By
from reconciler.core.report import Report, RunKind
from reconciler.core.request import RunRequest
from reconciler.core.settings import Policy
from reconciler.errors import Interrupted
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.runtime import Progress

_STEP = 5.0  # seconds between two signs that a wait goes on


def where_to_start(
    ledger: SqlLedger, since: datetime | None, now: datetime, default: timedelta
) -> datetime:
    """Since when to look: as somebody says; otherwise since go-live, and `default` ago at least.

    Earlier where a return is due that was created before, because Jetti may have it: whoever
    follows a stop that names `init --adopt` must be done with that one command.
    """
    due = (entry.seen.created_at for entry in ledger.entries.due(now))
    start = since or min(now - default, ledger.meta.read().go_live)
    return min((start, *due)).replace(microsecond=0)


def creation_rules(ledger: SqlLedger, policy: Policy) -> CreationRules:
    """As if go-live had not come: nothing would be created automatically."""
    go_live = ledger.meta.read().go_live
    return CreationRules(policy=policy, go_live=go_live, asked_for=False, only_looks=True)


def begin(ledger: SqlLedger, start: datetime, since: datetime | None) -> RunRequest:
    """The pass that looks for every return since `start`, and for those that an adoption which was
    broken off had to look for.

    `since` is what somebody named as the go-live. A ledger that never pushed takes it if it is the
    earlier one: it may stand for a lost ledger, whose go-live its own is not.
    """
    meta = ledger.meta.read()
    start = min(start, meta.adopting_since or start)
    # safeguard: go-live-of-a-lost-ledger
    moves = since is not None and since < meta.go_live and not meta.has_pushed
    ledger.meta.begin_adoption(start, since if moves else None)
    return RunRequest(kind=RunKind.RANGE, start=start, by=By.UPDATED)


@contextmanager
def before_looking(ledger: SqlLedger) -> Iterator[None]:
    """Whoever interrupts this block learns how to go on."""
    try:
        yield
    except Interrupted as error:
        again = init_adopt(ledger.meta.read().go_live)
        error.hint = f"nothing was looked up yet: run `{again}` again"
        raise


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
    while left > 0:
        progress.settling(left)
        step = min(_STEP, left)
        clock.wait(step)
        left -= step


def end(ledger: SqlLedger, report: Report) -> None:
    """Take the adoption off the record if it has looked everywhere."""
    # safeguard: adoption-is-complete
    if not report.run.failures:
        ledger.meta.end_adoption()
