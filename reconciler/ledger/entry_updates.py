"""How the wanted state of an entry changes: by a new version in Loop, or by a new mapping."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, bindparam, or_, select, true

from reconciler.core.model import Return, State, Wanted
from reconciler.core.states import OPEN, REARMED_BY_CHANGE
from reconciler.core.words import unknown_words
from reconciler.errors import LedgerError
from reconciler.ledger import bulk_insert
from reconciler.ledger.loading import columns_of
from reconciler.ledger.tables import entries, intents, stopped

Values = dict[str, Any]
"""Column values of one row; `this` is the return id of the row to change."""

NO_TRY_YET: Values = {"reason": None, "attempts": 0, "next_try_at": None}
START_ANEW: Values = {"state": State.PENDING, **NO_TRY_YET}

# safeguard: requested-returns-stay-accepted
_NOT_PUSHED = OPEN | {State.SKIPPED, State.DEAD}

_NEW = entries.insert()
_this = entries.c.return_id == bindparam("this")


class StoredEntry(Struct, frozen=True):
    """The columns that a new version is compared with."""

    return_id: str
    updated_at: datetime
    wanted: Wanted
    fingerprint: bytes
    pushed_fingerprint: bytes | None
    state: State
    due_since: datetime | None
    asked_for: int = 0
    accepted_fingerprint: bytes | None = None

    @property
    def is_still_asked_for(self) -> bool:
        """Whether someone asked for it and it was not pushed since; it may have been held or
        refused meanwhile."""
        accepted = self.accepted_fingerprint == self.fingerprint
        return bool(self.asked_for) and accepted and self.state in _NOT_PUSHED


def entries_before(connection: Connection, ids: list[str]) -> dict[str, StoredEntry]:
    """By return id; ids without an entry are left out."""
    columns = columns_of(entries, StoredEntry)
    rows = connection.execute(select(*columns).where(entries.c.return_id.in_(ids)))
    return {row.return_id: StoredEntry(*row) for row in rows}


def seen_values(seen: Return) -> Values:
    """The columns that follow what Loop shows."""
    return {
        "return_id": seen.id,
        "order_id": seen.order_id,
        "order_name": seen.order_name,
        "created_at": seen.created_at,
        "updated_at": seen.updated_at,
        "seen": seen,
        # safeguard: unknown-words-are-kept
        "unknown_words": unknown_words(seen) or None,
    }


def want_values(wanted: Wanted, fingerprint: bytes, version: str, now: datetime) -> Values:
    """The columns that follow what is wanted."""
    return {
        "wanted": wanted,
        "fingerprint": fingerprint,
        "mapping_version": version,
        "changed_at": now,
    }


def insert(connection: Connection, rows: list[Values]) -> None:
    """Add entries."""
    bulk_insert.insert(connection, _NEW, rows)


def update(connection: Connection, rows: list[Values]) -> None:
    """Replace columns of entries; states stay."""
    if rows:
        connection.execute(entries.update().where(_this), rows)


def fill_in_words(connection: Connection, ids: list[str]) -> None:
    """Add the unknown words of entries recorded by an older version, which did not keep them."""
    blank = entries.c.return_id.in_(ids) & entries.c.unknown_words.is_(None)
    rows = connection.execute(select(entries.c.return_id, entries.c.seen).where(blank))
    found = [{"this": row.return_id, "unknown_words": unknown_words(row.seen)} for row in rows]
    update(connection, [row for row in found if row["unknown_words"]])


def change(
    connection: Connection, changed: list[tuple[StoredEntry, Values]], now: datetime
) -> None:
    """Store new wants. Entries that were done or stuck become pending, with no attempt spent."""
    rearmed: list[Values] = []
    kept: list[Values] = []
    for before, values in changed:
        values = values | {"this": before.return_id, "due_since": _due_since(before, now)}
        # safeguard: acceptance-outlives-changes
        accepted = values["fingerprint"] if before.is_still_asked_for else None
        values["accepted_fingerprint"] = accepted or before.accepted_fingerprint
        if before.state in REARMED_BY_CHANGE:
            rearmed.append(values | START_ANEW)
        else:
            kept.append(values)
    update(connection, kept)
    _rearm(connection, rearmed)


def restamp(connection: Connection, stamped: list[tuple[StoredEntry, bytes, str]]) -> None:
    """Replace the fingerprint of equal wants by that of a new mapping, wherever it is stored.

    `stamped`: (entry, new fingerprint, new mapping version).
    """
    rows: list[Values] = []
    for before, fingerprint, version in stamped:
        up_to_date = before.pushed_fingerprint == before.fingerprint
        accepted = before.accepted_fingerprint == before.fingerprint
        rows.append(
            {
                "this": before.return_id,
                "fingerprint": fingerprint,
                "mapping_version": version,
                "pushed_fingerprint": fingerprint if up_to_date else before.pushed_fingerprint,
                "accepted_fingerprint": fingerprint if accepted else before.accepted_fingerprint,
                "old": before.fingerprint,
            }
        )
    if not rows:
        return
    renamed = [
        {"this": row["this"], "old": row.pop("old"), "new": row["fingerprint"]} for row in rows
    ]
    for table, still in ((intents, intents.c.closed_as.is_(None)), (stopped, true())):
        same = (table.c.return_id == bindparam("this"), table.c.fingerprint == bindparam("old"))
        connection.execute(
            table.update().where(*same, still).values(fingerprint=bindparam("new")), renamed
        )
    update(connection, rows)


def _due_since(before: StoredEntry, now: datetime) -> datetime | None:
    """Since when something is due, now that it has changed."""
    if before.state is State.IGNORED:
        return None
    since = before.due_since if before.state in OPEN | {State.REVIEW} else None
    return since or now


def _rearm(connection: Connection, rows: list[Values]) -> None:
    if not rows:
        return
    # Not `in_`, which takes no part in an executemany.
    rearmed = or_(*(entries.c.state == state for state in sorted(REARMED_BY_CHANGE)))
    statement = entries.update().where(_this, rearmed)
    if connection.execute(statement, rows).rowcount != len(rows):
        raise LedgerError("an entry changed its state while its news were being recorded")
