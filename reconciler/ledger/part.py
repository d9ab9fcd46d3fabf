"""What the parts of the ledger share: one store and the time of day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, CursorResult

from reconciler.clock import Clock
from reconciler.core.model import Entry
from reconciler.ledger.database import Store
from reconciler.ledger.loading import batched, load


def new_id(inserted: CursorResult[Any]) -> int:
    """The id that an inserted row was given."""
    key: Any = inserted.inserted_primary_key
    return int(key.id)


class Part:
    """A part of the ledger, working through its store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._run_id: int | None = None

    def _stream(self, ids: Sequence[str], condition: ColumnElement[bool]) -> Iterator[Entry]:
        """These entries, as far as they still fit, with no transaction open between two of them."""
        for batch in batched(ids):
            with self._store.reading() as connection:
                found = load(connection, batch, condition)
            yield from found
