"""Deleting history: what a run deletes when it ends, and `ledger prune` with another span."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, or_, select

from reconciler.failpoints import Failpoint, hit
from reconciler.ledger.malformed import WITHOUT_AN_ID
from reconciler.ledger.tables import (
    attempts,
    intents,
    malformed,
    meta,
    plans,
    runs,
    stopped,
    windows,
)

KEPT = timedelta(days=90)
"""Older runs, windows, attempts, closed intents and plans are deleted, as README promises."""

_HISTORY = (windows, runs, attempts, intents)

COMPLETE = (0, 3)
"""Exit codes of a pass that read and pushed all it could; 3 only says that some returns need
someone's attention."""


def prune(connection: Connection, older_than: timedelta, now: datetime) -> dict[str, int]:
    """Delete history that is older; how many rows of each table. No entry, nothing unanswered.

    What `status` judges by stays, however old: of each kind the last run, the last that ended and
    the last complete one.
    """
    cutoff = now - older_than
    by_kind = select(func.max(runs.c.id)).group_by(runs.c.kind)
    # safeguard: judged-by-runs-stay
    judged = (by_kind, by_kind.where(runs.c.finished_at.is_not(None)),
              by_kind.where(runs.c.exit_code.in_(COMPLETE)))  # fmt: skip
    stay = [runs.c.id.not_in(these) for these in judged]
    # A row that is not understood is no history: sweeps show those that are still there, but only
    # as far back as they reach.
    not_seen_since = now - max(older_than, KEPT)
    deleted: dict[str, int] = {}
    for statement in (
        delete(windows).where(windows.c.recorded_at < cutoff),
        delete(runs).where(runs.c.started_at < cutoff, *stay),
        delete(attempts).where(attempts.c.at < cutoff),
        # safeguard: open-intents-are-kept
        delete(intents).where(intents.c.closed_as.is_not(None), intents.c.sent_at < cutoff),
        # One that is stopped waits for `--accept-plan`.
        delete(plans).where(
            plans.c.kept_at < cutoff, plans.c.digest.not_in(select(stopped.c.digest))
        ),
        # Nothing else shows that a row without an id and without a time of its own is gone.
        delete(malformed).where(WITHOUT_AN_ID, malformed.c.last_seen < not_seen_since),
    ):
        deleted[str(statement.table)] = connection.execute(statement).rowcount
        hit(Failpoint.PRUNING)
    if any(deleted[table.name] for table in _HISTORY):
        earlier = or_(meta.c.history_since.is_(None), meta.c.history_since < cutoff)
        connection.execute(meta.update().where(earlier).values(history_since=cutoff))
    return deleted
