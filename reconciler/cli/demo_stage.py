"""What the demo runs on: a sandbox, a ledger in a temporary directory, and the real commands."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from reconciler.cli import streams
from reconciler.cli.session import Caller
from reconciler.clock import Clock
from reconciler.reports.layout import Layout
from reconciler.runtime import Runtime
from reconciler.sandbox.orders import example_order
from reconciler.sandbox.sandbox import Sandbox, SandboxOptions
from reconciler.sandbox.server.serving import serving

_SHOP = SandboxOptions(
    seed=10,
    returns=160,
    start=datetime(2026, 3, 2, 9, tzinfo=UTC),
    frozen=True,
)
_AGE_OF_AN_ORDER = timedelta(days=9)
_LAG = 300.0
"""Seconds after which what has happened in Loop is read."""
_EXPECTED = frozenset({0, 3})
"""A shop always has some returns that need someone, so 3 is as good as 0."""


class SandboxTime:
    """The sandbox's clock as the program's `Clock`: waiting advances it."""

    def __init__(self, sandbox: Sandbox, real: Clock) -> None:
        self._sandbox, self._real = sandbox, real
        self._start = sandbox.clock.now()

    def now(self) -> datetime:
        return self._sandbox.clock.now()

    def monotonic(self) -> float:
        # The sandbox limits the rate by its own clock, so ours must not run ahead of it.
        return (self.now() - self._start).total_seconds()

    def wait(self, seconds: float) -> None:
        self.check()
        self._sandbox.advance(max(0.0, seconds))

    def check(self) -> None:
        self._real.check()


class Stage:
    """Runs commands, narrates, and collects what went wrong."""

    def __init__(self, sandbox: Sandbox, caller: Caller, directory: Path) -> None:
        self._perform = caller.perform
        self._sandbox = sandbox
        self._ledger = directory / "ledger.db"
        self._settings = directory / "reconciler.toml"
        self._settings.write_text("", encoding="utf-8")  # so that no other file is found
        self._width = streams.columns(caller.runtime.environ)
        variables = {
            **sandbox.environment(),
            "COLUMNS": str(self._width),
            "RECONCILER_CONFIG": str(self._settings),
            "RECONCILER_LEDGER": f"sqlite:///{self._ledger}",
        }
        self._runtime = Runtime(SandboxTime(sandbox, caller.runtime.clock), variables)
        self.problems: list[str] = []

    @staticmethod
    @contextmanager
    def on(directory: Path, caller: Caller) -> Iterator[Stage]:
        """Serve a sandbox and yield a stage on it."""
        sandbox = Sandbox(_SHOP)
        with serving(sandbox):
            yield Stage(sandbox, caller, directory)

    def say(self, text: str) -> None:
        """Print a paragraph of narration."""
        streams.print_text("\n" + "\n".join(Layout(self._width).wrapped(text)) + "\n")

    def perform(self, *arguments: str) -> None:
        """Run a command as if it had been typed."""
        streams.print_text(click.style(f"$ reconciler {shlex.join(arguments)}", bold=True))
        status = self._perform(arguments, self._runtime)
        self.expect(status in _EXPECTED, f"`{' '.join(arguments)}` ended with {status}")

    def expect(self, holds: bool, otherwise: str) -> None:
        """Add a problem unless the condition is true."""
        if not holds:
            self.problems.append(otherwise)

    def raise_by_hand(self) -> tuple[str, int]:
        """A customer returns one of two units, and staff raise a sale return for both in Jetti.

        Returns the order's name and the id of that sale return.
        """
        order = example_order(9001, self._sandbox.clock.now() - _AGE_OF_AN_ORDER, quantity=2)
        loop, jetti = self._sandbox.loop.store, self._sandbox.jetti.store
        sale_id = jetti.import_sale(order)
        loop.add_return(order, {order.lines[0].order_line_id: 1})
        [made] = jetti.raise_sale_return(
            sale_id, {item["id"]: 2 for item in jetti.sale_items(sale_id)}
        )
        self.advance(_LAG)
        return order.name, made

    def needs_nobody(self) -> bool:
        """Whether `status` says that all is well."""
        return self._perform(("-q", "status", "--output", os.devnull), self._runtime) == 0

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass in the shop."""
        self._sandbox.advance(seconds)

    # ------------------------------------------------------------------------------ inspection

    def ledger_bytes(self) -> bytes:
        """The ledger's file content."""
        return self._ledger.read_bytes()

    def writes(self) -> int:
        """The number of requests other than GETs that Jetti has received."""
        return sum(1 for one in self._sandbox.request_log.all() if one.method != "GET")

    def requests_to_jetti(self) -> int:
        """The number of requests that Jetti has received."""
        return sum(1 for one in self._sandbox.request_log.all() if one.service == "jetti")

    def forget_requests(self) -> None:
        """Restart the counts of requests."""
        self._sandbox.request_log.clear()

    def duplicates(self) -> int:
        """The number of sale items that one Loop return has brought back twice."""
        store = self._sandbox.jetti.store
        live = [row for row in store.sale_returns() if row["status"] != "cancelled"]
        claims = Counter(
            (row["externalId"], item["saleItemId"])
            for row in live
            if row["externalId"]
            for item in store.items_of(row["id"])
        )
        return sum(1 for count in claims.values() if count > 1)
