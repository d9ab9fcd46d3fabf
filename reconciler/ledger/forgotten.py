"""Returns that someone had forgotten: nothing is left of them but a hash of each id."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Table, delete, exists, func, or_, select
from sqlalchemy.dialects.sqlite import insert

from reconciler.core.decisions import why_not_forgotten
from reconciler.core.records import told_of_row
from reconciler.errors import LedgerError, SafetyStop
from reconciler.failpoints import Failpoint, hit
from reconciler.ledger.database import Database
from reconciler.ledger.loading import load
from reconciler.ledger.tables import (
    decisions,
    entries,
    forgotten,
    malformed,
    meta,
    metadata,
    plans,
    runs,
    spellings,
    told,
)

_INSTEAD = "(a forgotten return)"


class Traces(Struct, frozen=True):
    """What the ledger knows of a return that is about to be forgotten."""

    return_id: str
    order_name: str | None
    state: str | None
    """None where there is no entry: only a row that was not understood, or a decision."""
    sale_returns: tuple[str, ...]
    """In Jetti, where they stay; by their references."""
    rows: dict[str, int]
    """How many rows each table has of it."""
    version: str
    """Names all of this, so that what was shown is what is forgotten."""
    forgotten_at: datetime | None = None
    """When it was forgotten before; then there is nothing else."""

    @property
    def exists(self) -> bool:
        """Whether the ledger knows anything of it."""
        return bool(self.rows)


class SqlForgotten:
    """The table `forgotten`, and how a return gets into it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._hashes: frozenset[bytes] | None = None

    def among(self, ids: Collection[str]) -> set[str]:
        """Those of these returns that were forgotten."""
        if not ids:
            return set()
        if self._hashes is None:
            # Once: only `ledger forget` adds to them, under the lock that a run holds.
            with self._database.reading() as connection:
                self._hashes = frozenset(connection.execute(select(forgotten.c.hash)).scalars())
        hashes = self._hashes
        # safeguard: forgotten-returns-stay-forgotten
        return {id_ for id_ in ids if hash_of(id_) in hashes} if hashes else set()

    def traces(self, return_id: str) -> Traces:
        """What there is to forget."""
        with self._database.reading() as connection:
            return _traces(connection, return_id)

    def forget(self, return_id: str, shown: str, now: datetime) -> None:
        """Remove every trace of a return but the hash of its id, also from free pages.

        `shown` is the version of the traces that someone said yes to. Raises SafetyStop where they
        have changed since, or where forgetting would lose sight of something in Jetti. One that
        was forgotten before only has the file rewritten, which a kill may have prevented.
        """
        with self._database.writing() as connection:
            # Deleted content is overwritten, not only unlinked.
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
            traces = _traces(connection, return_id)
            if traces.version != shown:
                raise SafetyStop(
                    f"return {return_id} has changed since it was shown; nothing was forgotten",
                    "look at it again and repeat the command",
                )
            if traces.exists:
                _refuse_unfinished(connection, return_id)
                _remove(connection, return_id)
                new = {"hash": hash_of(return_id), "forgotten_at": now}
                connection.execute(insert(forgotten).values(new).on_conflict_do_nothing())
            hit(Failpoint.FORGETTING)
        self._hashes = None
        hit(Failpoint.FORGOTTEN)
        self._rewrite(return_id)
        hit(Failpoint.LEDGER_REWRITTEN)

    def _rewrite(self, return_id: str) -> None:
        """Earlier versions of its rows may be in free pages, and in free parts of others."""
        try:
            with self._database.exclusively() as raw:
                # safeguard: free-pages-are-forgotten-too
                raw.execute("VACUUM")
        except LedgerError as error:
            raise LedgerError(
                f"return {return_id} is forgotten, but free pages of the ledger may still show it:"
                f" {error}",
                f"{error.hint or 'see that error'}; then repeat the command",
            ) from error


def hash_of(return_id: str) -> bytes:
    """What is kept of a forgotten return. Whoever has the id can tell that it was forgotten."""
    return hashlib.blake2b(return_id.encode(), digest_size=32, person=b"forgotten").digest()


def _traces(connection: Connection, return_id: str) -> Traces:
    found = load(connection, [return_id])
    entry = found[0] if found else None
    rows = {
        table.name: count
        for table in _tables_about_returns()
        if (count := _count(connection, table, return_id))
    }
    plans_with_it = sum(
        any(one.return_id == return_id for one in members)
        for members in connection.execute(select(plans.c.members)).scalars()
    )
    rows |= {"plans": plans_with_it} if plans_with_it else {}
    hashed = select(forgotten.c.forgotten_at).where(forgotten.c.hash == hash_of(return_id))
    before = connection.execute(hashed).scalar_one_or_none()
    state = entry.state.value if entry else None
    facts = (state, entry and entry.fingerprint, entry and entry.sale_returns, sorted(rows.items()))
    return Traces(
        return_id=return_id,
        order_name=entry.seen.order_name if entry else None,
        state=state,
        sale_returns=tuple(one.reference for one in entry.sale_returns) if entry else (),
        rows=rows,
        version=hashlib.sha256(repr(facts).encode()).hexdigest()[:16],
        forgotten_at=before,
    )


def _tables_about_returns() -> list[Table]:
    """Every table that names returns; those that refer to an entry before it."""
    return [one for one in reversed(metadata.sorted_tables) if "return_id" in one.c]


def _of_it(table: Table, return_id: str) -> Any:
    named = table.c.return_id == return_id
    # safeguard: reported-rows-are-forgotten-too
    if table is told:
        return or_(named, table.c.key == told_of_row(return_id))
    # In the first schema the key was the only place of an id.
    return or_(named, table.c.key == return_id) if table is malformed else named


def _count(connection: Connection, table: Table, return_id: str) -> int:
    query = select(func.count()).select_from(table).where(_of_it(table, return_id))
    return int(connection.execute(query).scalar_one())


def _refuse_unfinished(connection: Connection, return_id: str) -> None:
    """Raise SafetyStop while only the ledger shows that something in Jetti belongs to it."""
    for entry in load(connection, [return_id]):
        refused = why_not_forgotten(entry)
        if refused:
            raise SafetyStop(
                f"return {return_id}: {refused}, so it cannot be forgotten",
                f"let a pass finish it, or look at it with `reconciler show {return_id}`",
            )
    reason = connection.execute(select(meta.c.creation_stopped)).scalar_one()
    # safeguard: what-stopped-creation-is-not-forgotten
    if reason is not None and _word(return_id).search(reason):
        raise SafetyStop(
            f"return {return_id} is why creation is stopped, so it cannot be forgotten: {reason}",
            "settle that first",
        )


def _remove(connection: Connection, return_id: str) -> None:
    order = select(entries.c.order_id).where(entries.c.return_id == return_id)
    order_id = connection.execute(order).scalar_one_or_none()
    for table in _tables_about_returns():
        connection.execute(delete(table).where(_of_it(table, return_id)))
    _remove_members(connection, return_id)
    _remove_mentions(connection, return_id)
    if order_id is not None:
        _remove_order(connection, order_id)


def _remove_members(connection: Connection, return_id: str) -> None:
    """Take it out of the plans that were kept; what else is in them can still be accepted."""
    for digest in connection.execute(select(plans.c.digest)).scalars().all():
        this = plans.c.digest == digest
        members = connection.execute(select(plans.c.members).where(this)).scalar_one()
        left = tuple(one for one in members if one.return_id != return_id)
        if not left:
            connection.execute(delete(plans).where(this))
        elif len(left) < len(members):
            connection.execute(plans.update().where(this).values(members=left))


def _remove_mentions(connection: Connection, return_id: str) -> None:
    """Sentences that name it: why a run ended, and why other returns are where they are."""
    word = _word(return_id)
    for table, columns in (
        (runs, (runs.c.message, runs.c.command)),
        (entries, (entries.c.reason,)),
        (decisions, (decisions.c.reason,)),
    ):
        key = next(iter(table.primary_key))
        for column in columns:
            query = select(key, column).where(column.contains(return_id, autoescape=True))
            for this, text in connection.execute(query).all():
                if word.search(text):
                    # A command that would name it cannot be typed any more.
                    instead = None if column is runs.c.command else word.sub(_INSTEAD, text)
                    changed = table.update().where(key == this).values({column.name: instead})
                    connection.execute(changed)


def _remove_order(connection: Connection, order_id: str) -> None:
    """The order by which a spelling was learnt, unless other returns still name it."""
    if connection.execute(select(exists().where(entries.c.order_id == order_id))).scalar_one():
        return
    of_it = spellings.c.order_id == order_id
    connection.execute(delete(spellings).where(of_it, spellings.c.is_confirmed == 0))
    connection.execute(spellings.update().where(of_it).values(order_id=""))


def _word(return_id: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(return_id)}(?![\w-])")
