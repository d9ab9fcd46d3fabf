"""A pretend shop without rate limits, and the environment of a program that works for it."""

from __future__ import annotations

import contextlib
import gc
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.sandbox.orders import SandboxOrder, SandboxOrderLine
from reconciler.sandbox.sandbox import Sandbox, SandboxOptions
from reconciler.sandbox.server.serving import serving


class Shop:
    """Loop and Jetti on ports of this machine, and one ledger."""

    def __init__(self, sandbox: Sandbox, directory: Path) -> None:
        self.sandbox = sandbox
        self.ledger = directory / "ledger.db"
        self.environ = {
            **sandbox.environment(),
            "PATH": os.defpath,
            "HOME": str(directory),
            "RECONCILER_LEDGER": f"sqlite:///{self.ledger}",
            "RECONCILER_LOOP__REQUESTS_PER_MINUTE": "1000000",
            "RECONCILER_JETTI__READS_PER_SECOND": "100000",
            "RECONCILER_JETTI__WRITES_PER_SECOND": "100000",
            "RECONCILER_GUARD__CREATES": "1000000",
        }

    def with_settings(self, **settings: str) -> dict[str, str]:
        """The environment with other settings: `guard__creates` for `guard.creates`."""
        return self.environ | {f"RECONCILER_{name.upper()}": v for name, v in settings.items()}

    def recorded(self) -> int:
        """Returns in the ledger."""
        with contextlib.closing(sqlite3.connect(self.ledger)) as ledger:
            [[count]] = ledger.execute("SELECT count(*) FROM entries")
        return int(count)

    def prove_the_id_list(self) -> None:
        """As after a create that asked for a part of its order and got no more. Before anything was
        pushed, the guard looks for what a lost ledger may have created."""
        with contextlib.closing(sqlite3.connect(self.ledger)) as ledger, ledger:
            ledger.execute("UPDATE meta SET proven_ids_key = 'ids', has_pushed = 1")

    def fresh_returns(self, count: int) -> None:
        """Returns of an hour ago, each of one line of an order of its own."""
        now = datetime.now(UTC)
        for number in range(count):
            order = _order(number, now)
            self.sandbox.jetti.store.import_sale(order)
            self.sandbox.loop.store.add_return(order, at=now - timedelta(hours=1))


@contextlib.contextmanager
def shop(**options: Any) -> Iterator[Shop]:
    """Opens a shop; the options are those of the sandbox."""
    sandbox = Sandbox(SandboxOptions(rate_limits=False, **options))
    # Or it would search 100,000 returns for reference cycles again and again while it serves them.
    gc.freeze()
    with serving(sandbox), tempfile.TemporaryDirectory() as directory:
        yield Shop(sandbox, Path(directory))


def _order(number: int, now: datetime) -> SandboxOrder:
    line = SandboxOrderLine(
        order_line_id=str(11_500_000_000_000 + number),
        variant_id=str(41_800_000_000_000 + number),
        product_id=str(7_000_000 + number),
        sku=f"SKU-{number}",
        title="Thing",
        quantity=1,
        price="25.00",
        vendor=f"Vendor {number % 7}",
    )
    return SandboxOrder(
        str(4_800_000_000_000 + number), f"#{1000 + number}", now - timedelta(days=9), (line,)
    )
