"""Returns in Loop, and how to read all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.core.model import Window
from reconciler.core.records import By
from reconciler.errors import SourceError
from reconciler.http import Endpoint, PerMinute
from reconciler.sandbox.loop.model import SandboxLabel, SandboxLine, SandboxReturn

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
DAY = Window(NOON - timedelta(days=1), NOON)


def loop_endpoint(base_url: str, key: str, **changes) -> Endpoint:
    defaults = {
        "name": "Loop",
        "base_url": base_url,
        "key_header": ("X-Authorization", key),
        "key_setting": "LOOP_API_KEY",
        "unavailable": SourceError,
        "pace": PerMinute(60_000),
    }
    return Endpoint(**(defaults | changes))


def row(number: int, updated: datetime, state: str = "open", **changes) -> SandboxReturn:
    """A return of one line and one label; created when it was last changed unless told."""
    line = SandboxLine(id=str(700_000 + number), order_line_id=str(900_000 + number), sku="TEE-S")
    label = SandboxLabel("USPS", f"9400{number:08d}", "in_transit", updated, line_ids=(line.id,))
    defaults = {
        "id": str(number),
        "state": state,
        "created_at": updated,
        "updated_at": updated,
        "order_id": str(60_000_000 + number),
        "order_name": f"#{1000 + number}",
        "provider_order_id": str(4_800_000_000 + number),
        "customer": "canary.person@example.test",
        "lines": (line,),
        "labels": (label,),
    }
    return SandboxReturn(**(defaults | changes))


def read_all(reader, window: Window = DAY, by: By = By.UPDATED):
    """Everything read, newest version of each id; and the malformed rows."""
    found, malformed = {}, []
    for page in reader.read(window, by):
        for one in page.returns:
            known = found.get(one.id)
            if known is None or known.updated_at <= one.updated_at:
                found[one.id] = one
        malformed += page.malformed
    return found, malformed
