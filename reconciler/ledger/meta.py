"""What the ledger knows of itself: how far reading got, whose it is, what it may do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Executable, case, func, select

from reconciler.core.records import Meta
from reconciler.failpoints import Failpoint, hit
from reconciler.ledger.database import Database
from reconciler.ledger.tables import meta

_ROW = select(meta)


class SqlMetaRow:
    """The single row of `meta`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> Meta:
        with self._database.reading() as connection:
            row = connection.execute(_ROW).one()
        return Meta(
            go_live=row.go_live,
            watermark=row.watermark,
            mapping_version=row.mapping_version,
            shop=row.shop,
            account=row.account,
            proven_ids_key=row.proven_ids_key,
            creation_stopped=row.creation_stopped,
            creation_stopped_by=row.creation_stopped_by,
            has_pushed=bool(row.has_pushed),
            created_at=row.created_at,
            adopting_since=row.adopting_since,
            history_since=row.history_since,
        )

    def prove_create(self, ids_key: str) -> None:
        """Remember the `jetti.cancel_ids_key` with which a create got a part of a sale alone."""
        self._set(proven_ids_key=ids_key)

    def stop_creation(self, return_id: str, reason: str) -> None:
        """Refuse every create from now on, because of this return; an earlier reason stays."""
        # Both are compared before either is set.
        is_first = meta.c.creation_stopped.is_(None)
        by = case((is_first, return_id), else_=meta.c.creation_stopped_by)
        self._set(
            creation_stopped=func.coalesce(
                meta.c.creation_stopped, f"return {return_id}: {reason}"
            ),
            creation_stopped_by=by,
        )

    def pin(self, *, shop: str | None = None, account: str | None = None) -> None:
        """Remember the shop or account where none is pinned yet."""
        self._set(
            shop=func.coalesce(meta.c.shop, shop), account=func.coalesce(meta.c.account, account)
        )

    def repin(self) -> None:
        """Forget shop and account, so that the next run pins what it sees."""
        self._set(shop=None, account=None)

    def begin_adoption(self, since: datetime, go_live: datetime | None = None) -> None:
        """Remember that all since then is looked for in Jetti, until `end_adoption`.

        `go_live` replaces the ledger's; None leaves it.
        """
        moved = {} if go_live is None else {"go_live": go_live}
        self._set(adopting_since=since, **moved)

    def end_adoption(self) -> None:
        """Remember that everything was looked for."""
        self._set(adopting_since=None)

    def accept_mapping(self, mapping_version: str) -> None:
        """Remember that this mapping may change what was pushed."""
        self._set(mapping_version=mapping_version)

    def _set(self, **values: Any) -> None:
        commit(self._database, meta.update().values(values))


def commit(database: Database, statement: Executable) -> None:
    """Execute one statement in a transaction of its own."""
    with database.writing() as connection:
        connection.execute(statement)
    hit(Failpoint.IDENTITY_COMMITTED)
