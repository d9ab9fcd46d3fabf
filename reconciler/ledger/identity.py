"""What the ledger knows of itself: where reading stands, whom it belongs to, what it may do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Executable, func, select

from reconciler.core.ports import Meta
from reconciler.failpoints import Failpoint, hit
from reconciler.ledger.part import Part
from reconciler.ledger.tables import meta, spellings


class Identity(Part):
    """The single row of `meta`, and how this shop spells its names."""

    def meta(self) -> Meta:
        """See `core.ports.Journal`."""
        with self._store.reading() as connection:
            row = connection.execute(select(meta)).one()
        return Meta(
            go_live=row.go_live,
            watermark=row.watermark,
            mapping_version=row.mapping_version,
            shop=row.shop,
            account=row.account,
            proven_ids_key=row.proven_ids_key,
            creation_stopped=row.creation_stopped,
            has_pushed=bool(row.has_pushed),
            created_at=row.created_at,
            adopting_since=row.adopting_since,
        )

    def prove_create(self, ids_key: str) -> None:
        """See `core.ports.Journal`."""
        self._set(proven_ids_key=ids_key)

    def learn_spelling(self, prefix: str, suffix: str, order_id: str) -> bool:
        """See `core.ports.Journal`. Written to only by the first two orders of a kind."""
        same = (spellings.c.prefix == prefix, spellings.c.suffix == suffix)
        with self._store.reading() as connection:
            known = connection.execute(select(spellings).where(*same)).one_or_none()
        if known is not None and (known.is_confirmed or known.order_id == order_id):
            return bool(known.is_confirmed)
        first = {"prefix": prefix, "suffix": suffix, "order_id": order_id}
        confirmed = spellings.update().where(*same).values(is_confirmed=1)
        self._write(spellings.insert().values(first) if known is None else confirmed)
        # safeguard: spelling-needs-two-orders
        return known is not None

    def stop_creation(self, reason: str) -> None:
        """See `core.ports.Journal`. The first reason stays until it is resolved."""
        self._set(creation_stopped=func.coalesce(meta.c.creation_stopped, reason))

    def pin(self, *, shop: str | None = None, account: str | None = None) -> None:
        """See `core.ports.Journal`."""
        self._set(
            shop=func.coalesce(meta.c.shop, shop), account=func.coalesce(meta.c.account, account)
        )

    def repin(self) -> None:
        """Forget shop and account, so that the next run pins what it sees."""
        self._set(shop=None, account=None)

    def begin_adoption(self, since: datetime) -> None:
        """Remember that all since then is looked for in Jetti, until `end_adoption`."""
        self._set(adopting_since=since)

    def end_adoption(self) -> None:
        """Everything was looked for."""
        self._set(adopting_since=None)

    def accept_mapping(self, mapping_version: str) -> None:
        """See `core.ports.Ledger`."""
        self._set(mapping_version=mapping_version)

    def _set(self, **values: Any) -> None:
        self._write(meta.update().values(values))

    def _write(self, statement: Executable) -> None:
        with self._store.writing() as connection:
            connection.execute(statement)
        hit(Failpoint.IDENTITY_COMMITTED)
