"""The state of Jetti and of a ledger, told so that two worlds can be compared: no ids that a
service or a table chose, no times, and none of the program's own code.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.world import World

_CHOSEN = frozenset({"id", "createdAt", "updatedAt", "purchaseId", "saleReturnId"})
_MAIL = frozenset({"dropshipProviderId", "reference"})
_ENTRY = """
    SELECT return_id, order_id, order_name, updated_at, wanted, fingerprint, mapping_version,
           state, reason, attempts, asked_for, pushed_fingerprint, due_since IS NULL,
           next_try_at IS NULL
      FROM entries ORDER BY return_id
"""
# Not `proven_ids_key`: a create that was recognised and not answered proves nothing to the program,
# which then sends the next one alone again.
_META = """
    SELECT go_live, watermark, mapping_version, shop, account, creation_stopped, has_pushed
      FROM meta
"""


def jetti_state(world: World) -> list[str]:
    """Every sale return that was ever made, with its items, and every mail to a vendor.

    None is ever deleted, so a second set at any moment shows here for good.
    """
    rows = []
    for row in world.jetti.sale_returns():
        items = [_told(item) for item in world.jetti.items_of(row["id"])]
        rows.append(_told(row) | {"vendor": row["purchaseId"] is not None, "items": items})
    mails = [{"mail": _mail(mail)} for mail in world.jetti.notifications()]
    return sorted(_text(row) for row in [*rows, *mails])


def ledger_state(ledger: Path) -> dict[str, Any]:
    """What it knows of every return, of itself, and of plans; nothing about past runs."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as raw:
        known = raw.execute("SELECT return_id, sale_id, fields, items FROM sale_returns")
        return {
            "whole": raw.execute("PRAGMA integrity_check").fetchall(),
            "entries": raw.execute(_ENTRY).fetchall(),
            "sale returns": sorted(
                (return_id, sale_id, fields, _text([_told(item) for item in json.loads(items)]))
                for return_id, sale_id, fields, items in known
            ),
            "open intents": raw.execute(
                "SELECT return_id, write FROM intents WHERE closed_as IS NULL"
            ).fetchall(),
            "meta": raw.execute(_META).fetchall(),
            "plans": sorted(
                (digest, sorted(json.loads(members)))
                for digest, members in raw.execute("SELECT digest, members FROM plans")
            ),
            # Whoever repeats one that was recorded, or not quite, says the same again.
            "decisions": raw.execute(
                "SELECT DISTINCT return_id, decision, reason FROM decisions ORDER BY 1, 2"
            ).fetchall(),
            "malformed": raw.execute("SELECT key, problem FROM malformed ORDER BY key").fetchall(),
        }


def state_of(world: World) -> dict[str, Any]:
    """Both."""
    return {"jetti": jetti_state(world), **ledger_state(world.directory / "ledger.db")}


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _CHOSEN}


def _mail(mail: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in _told(mail).items() if name in _MAIL}


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
