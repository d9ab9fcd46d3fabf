"""What was read from Loop: each window is recorded whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam

from reconciler.core.batches import batched
from reconciler.core.model import State
from reconciler.core.records import DrainedWindow, Observation
from reconciler.core.states import OPEN
from reconciler.failpoints import Failpoint, hit
from reconciler.ledger import entry_updates, malformed
from reconciler.ledger.database import Database
from reconciler.ledger.entry_updates import Values
from reconciler.ledger.tables import entries, meta, windows


class SqlWindows:
    """The table `windows`, and all that a window changes in other tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, drained: DrainedWindow, now: datetime) -> None:
        """Store all that a window showed and move the watermark, in one transaction."""
        with self._database.writing() as connection:
            connection.execute(windows.insert(), _row(drained, now))
            for batch in batched(drained.observations):
                _observe(connection, _newest(batch), drained, now)
            _touch(connection, drained.touched)
            malformed.clear(connection, drained.parsed)
            malformed.forget_gone(connection, drained)
            malformed.keep(connection, drained.malformed, now)
            _move_watermark(connection, drained.watermark)
            hit(Failpoint.WINDOW_COMMITTING)
        hit(Failpoint.WINDOW_COMMITTED)


def _row(drained: DrainedWindow, now: datetime) -> Values:
    return {
        "run_id": drained.run_id,
        "starts_at": drained.window.start,
        "ends_at": drained.window.end,
        "read_by": drained.by,
        "rows": drained.rows,
        "recorded_at": now,
    }


def _newest(observations: list[Observation]) -> list[Observation]:
    """One per return: the newest version, and of equal ones the last read."""
    if len({observation.seen.id for observation in observations}) == len(observations):
        return observations
    newest: dict[str, Observation] = {}
    for observation in observations:
        kept = newest.get(observation.seen.id)
        if kept is None or observation.seen.updated_at >= kept.seen.updated_at:
            newest[observation.seen.id] = observation
    return list(newest.values())


def _observe(
    connection: Connection, batch: list[Observation], drained: DrainedWindow, now: datetime
) -> None:
    known = [observation.seen.id for observation in batch if not observation.is_new]
    before = entry_updates.entries_before(connection, known) if known else {}
    new: list[Values] = []
    same: list[Values] = []
    changed: list[tuple[entry_updates.StoredEntry, Values]] = []
    version = drained.mapping_version
    for observation in batch:
        row = before.get(observation.seen.id)
        seen = entry_updates.seen_values(observation.seen)
        seen["content"] = observation.content
        want = entry_updates.want_values(observation.wanted, observation.fingerprint, version, now)
        if row is None:
            new.append({**seen, **want, **_start(observation, now)})
        # safeguard: older-versions-are-ignored
        elif observation.seen.updated_at < row.updated_at:
            continue
        elif observation.fingerprint == row.fingerprint and row.state is not State.SKIPPED:
            same.append(seen | {"this": row.return_id})
        else:
            # Skipped by a rule that may depend on what is not pushed, such as the outcome.
            changed.append((row, seen | want))
    entry_updates.insert(connection, new)
    entry_updates.update(connection, same)
    entry_updates.change(connection, changed, now)


def _start(observation: Observation, now: datetime) -> Values:
    """The columns of a new entry that steps change later."""
    state = observation.state
    return {
        **entry_updates.NO_TRY_YET,
        "state": state,
        "reason": observation.reason,
        "due_since": now if state in OPEN else None,
    }


def _touch(connection: Connection, touched: Sequence[tuple[str, datetime]]) -> None:
    if not touched:
        return
    this = entries.c.return_id == bindparam("this")
    older = entries.c.updated_at < bindparam("newer")
    connection.execute(
        entries.update().where(this, older).values(updated_at=bindparam("newer")),
        [{"this": id_, "newer": updated_at} for id_, updated_at in touched],
    )


def _move_watermark(connection: Connection, watermark: datetime | None) -> None:
    if watermark is not None:
        # safeguard: watermark-never-moves-back
        forwards = meta.c.watermark < watermark
        connection.execute(meta.update().where(forwards).values(watermark=watermark))
