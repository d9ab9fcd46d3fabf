"""How the names of this shop's orders differ from the references that Jetti shows."""

from __future__ import annotations

from sqlalchemy import select

from reconciler.ledger.database import Database
from reconciler.ledger.meta import commit
from reconciler.ledger.tables import spellings


class SqlSpellings:
    """The table `spellings`: what an order's name has before and after Jetti's reference."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def learn(self, prefix: str, suffix: str, order_id: str) -> bool:
        """Remember that this order's name is Jetti's reference between these two; whether another
        order has shown the same. Only the first two orders of a kind are written down."""
        same = (spellings.c.prefix == prefix, spellings.c.suffix == suffix)
        with self._database.reading() as connection:
            known = connection.execute(select(spellings).where(*same)).one_or_none()
        if known is not None and (known.is_confirmed or known.order_id == order_id):
            return bool(known.is_confirmed)
        first = {"prefix": prefix, "suffix": suffix, "order_id": order_id}
        confirmed = spellings.update().where(*same).values(is_confirmed=1)
        commit(self._database, spellings.insert().values(first) if known is None else confirmed)
        # safeguard: spelling-needs-two-orders
        return known is not None
