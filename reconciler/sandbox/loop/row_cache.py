"""A cache of encoded rows: a long listing is read repeatedly while few of its rows change."""

from __future__ import annotations

import msgspec

from reconciler.sandbox.loop.model import SandboxReturn
from reconciler.sandbox.loop.rows import list_row
from reconciler.sandbox.loop.store import LoopStore
from reconciler.sandbox.loop.switches import LoopSwitches

_ENCODER = msgspec.json.Encoder()


class RowCache:
    """Caches by object: rows are frozen, so the same object always has the same bytes."""

    def __init__(self, store: LoopStore, switches: LoopSwitches) -> None:
        self._store, self._switches = store, switches
        self._form: tuple[object, ...] = ()
        self._encoded: dict[str, tuple[SandboxReturn, bytes]] = {}

    def array(self, rows: tuple[SandboxReturn, ...]) -> bytes:
        """A JSON array of rows."""
        switches = self._switches
        form = (
            self._store.shop,
            switches.created_at_form,
            switches.extra_fields,
            switches.top_level_label,
            switches.untied_label,
        )
        if form != self._form:
            self._form = form
            self._encoded.clear()
        return b"[" + b",".join([self._row(row) for row in rows]) + b"]"

    def _row(self, row: SandboxReturn) -> bytes:
        known = self._encoded.get(row.id)
        if known is not None and known[0] is row:
            return known[1]
        encoded = _ENCODER.encode(list_row(row, self._switches, self._store.shop))
        self._encoded[row.id] = (row, encoded)
        return encoded
