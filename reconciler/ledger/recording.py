"""What reading Loop teaches, stored window by window."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, bindparam, case

from reconciler.core.model import State, Wanted
from reconciler.core.ports import DrainedWindow, Observation
from reconciler.failpoints import Failpoint, hit
from reconciler.ledger import entry_updates, set_aside
from reconciler.ledger.entry_updates import Values
from reconciler.ledger.loading import BATCH, batched
from reconciler.ledger.part import Part
from reconciler.ledger.tables import entries, meta, windows


class Recording(Part):
    """The half of `core.ports.Ledger` that stores what is wanted."""

    def record(self, drained: DrainedWindow, now: datetime) -> None:
        """See `core.ports.Ledger`."""
        rest = iter(drained.observations)
        with self._store.writing() as connection:
            connection.execute(windows.insert(), self._window(drained, now))
            while batch := list(islice(rest, BATCH)):
                _observe(connection, _newest(batch), drained, now)
            _touch(connection, drained.touched)
            set_aside.clear(connection, drained.parsed)
            set_aside.forget_gone(connection, drained)
            set_aside.keep(connection, drained.malformed, now)
            _move_watermark(connection, drained.watermark)
            hit(Failpoint.WINDOW_COMMITTING)
        hit(Failpoint.WINDOW_COMMITTED)

    def remap(self, changed: Iterable[tuple[str, Wanted, bytes]], mapping_version: str) -> None:
        """See `core.ports.Ledger`."""
        now = self._clock.now()
        with self._store.writing() as connection:
            rest = iter(changed)
            while batch := list(islice(rest, BATCH)):
                _remap(connection, batch, mapping_version, now)
        hit(Failpoint.REMAPPED)

    def refund_attempts(self, ids: Collection[str]) -> None:
        """See `core.ports.Ledger`."""
        attempts = case((entries.c.attempts > 0, entries.c.attempts - 1), else_=0)
        with self._store.writing() as connection:
            for batch in batched(list(ids)):
                these, state = entries.c.return_id.in_(batch), entries.c.state
                values = entry_updates.START_ANEW | {"attempts": attempts}
                unknown = these & (state == State.UNKNOWN)
                connection.execute(entries.update().where(unknown).values(attempts=attempts))
                failed = these & (state == State.FAILED)
                connection.execute(entries.update().where(failed).values(values))

    def _window(self, drained: DrainedWindow, now: datetime) -> Values:
        return {
            "run_id": self._run_id,
            "starts_at": drained.window.start,
            "ends_at": drained.window.end,
            "read_by": drained.by,
            "rows": drained.rows,
            "recorded_at": now,
        }


def _newest(observations: Iterable[Observation]) -> list[Observation]:
    """One per return: the newest version, and of equal ones the last read."""
    newest: dict[str, Observation] = {}
    for observation in observations:
        kept = newest.get(observation.seen.id)
        if kept is None or observation.seen.updated_at >= kept.seen.updated_at:
            newest[observation.seen.id] = observation
    return list(newest.values())


def _observe(
    connection: Connection, batch: list[Observation], drained: DrainedWindow, now: datetime
) -> None:
    before = entry_updates.entries_before(
        connection, [observation.seen.id for observation in batch]
    )
    new: list[Values] = []
    same: list[Values] = []
    changed: list[tuple[entry_updates.StoredEntry, Values]] = []
    version = drained.mapping_version
    for observation in batch:
        row = before.get(observation.seen.id)
        seen = entry_updates.seen_values(observation.seen) | {"content": observation.content}
        want = entry_updates.want_values(observation.wanted, observation.fingerprint, version, now)
        if row is None:
            new.append(seen | want | entry_updates.START_ANEW | {"due_since": now})
        # safeguard: older-versions-are-ignored
        elif observation.seen.updated_at < row.updated_at:
            continue
        elif observation.fingerprint == row.fingerprint and row.state is not State.SKIPPED:
            same.append(seen | {"this": row.return_id})
        else:
            # Skipped by a rule that may look at what no one is told, such as the outcome.
            changed.append((row, seen | want))
    entry_updates.insert(connection, new)
    entry_updates.update(connection, same)
    entry_updates.change(connection, changed, now)


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


def _remap(
    connection: Connection,
    batch: list[tuple[str, Wanted, bytes]],
    version: str,
    now: datetime,
) -> None:
    before = entry_updates.entries_before(connection, [id_ for id_, _, _ in batch])
    stamped: list[tuple[entry_updates.StoredEntry, bytes, str]] = []
    changed: list[tuple[entry_updates.StoredEntry, Values]] = []
    for id_, wanted, fingerprint in batch:
        row = before[id_]
        if row.wanted == wanted:
            stamped.append((row, fingerprint, version))
        else:
            want = entry_updates.want_values(wanted, fingerprint, version, now)
            # The settings changed and not the return: the guard's share must not grow by it.
            del want["changed_at"]
            changed.append((row, want))
    entry_updates.restamp(connection, stamped)
    entry_updates.change(connection, changed, now)
    entry_updates.fill_in_words(connection, [id_ for id_, _, _ in batch])
