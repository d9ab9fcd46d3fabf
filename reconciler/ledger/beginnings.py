"""What in a ledger begins with what was typed, for a shell that completes it.

A key was pressed and someone waits: the file is read by the driver alone, in a few milliseconds,
while all of SQLAlchemy would take half a second to import.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from urllib.parse import quote

from reconciler.core.order_name import bare
from reconciler.errors import ConfigError
from reconciler.ledger.location import path_of

_MOST = 50
_PATIENCE = 0.2  # seconds, while a run has the file locked
_AFTER_ALL = "\U0010ffff"

_RETURNS = "SELECT return_id FROM entries WHERE return_id >= ? AND return_id < ? LIMIT ?"
_ORDERS = "SELECT order_name FROM entries WHERE order_name >= ? AND order_name < ? LIMIT ?"


def return_ids(ledger: str | None, typed: str) -> list[str]:
    """Ids that begin so, at most fifty; none where the ledger cannot be read at once."""
    return _found(ledger, _RETURNS, typed)


def order_names(ledger: str | None, typed: str) -> list[str]:
    """Names that begin so, with or without the `#`; they are given without."""
    begin = bare(typed)
    found = _found(ledger, _ORDERS, begin) + _found(ledger, _ORDERS, f"#{begin}")
    return sorted(set(map(bare, found)))


def _found(ledger: str | None, query: str, begin: str) -> list[str]:
    if ledger is None:
        return []
    try:
        address = f"file:{quote(str(path_of(ledger)))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE)) as opened:
            rows = opened.execute(query, (begin, begin + _AFTER_ALL, _MOST))
            return [value for (value,) in rows]
    except (ConfigError, sqlite3.Error, OSError):
        return []
