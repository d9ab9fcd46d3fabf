"""A shop in Loop, its orders in Jetti, and the program between them, on one frozen clock.

Requests are real HTTP, without sockets unless a world is made with them; the ledger is a real
file. Time stands still until the story lets it pass; whatever the program waits for passes in the
sandbox too.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.cli import perform
from reconciler.clock import Clock
from reconciler.core.model import Entry
from reconciler.errors import Interrupted
from reconciler.http import Endpoint, Service, connect
from reconciler.ledger.opening import open_reader
from reconciler.runtime import Runtime
from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.faults.registry import Fault, ServiceName
from reconciler.sandbox.loop.model import SandboxReturn
from reconciler.sandbox.orders import SandboxOrder, SandboxOrderLine
from reconciler.sandbox.sandbox import Sandbox, SandboxOptions
from reconciler.sandbox.server.serving import serving
from tests.support import report_schema
from tests.support.beginnings import played, with_new_ledger
from tests.support.in_process import Network, in_process
from tests.support.leaks import assert_no_leak, found_in

NO_KEYS = {"LOOP_API_KEY": "", "JETTI_API_TOKEN": ""}
ONE_LINE = "99999"
"""Columns of a terminal on which no sentence is wrapped: stories ask what is said, and not where a
line of it ends."""
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BUSY_SECONDS = 30.0


class FrozenClock:
    """The sandbox's clock as the program sees it; waiting moves it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.waited: list[float] = []
        self.stop_with: int | None = None
        self.stop_after_writes: int | None = None
        """Interrupts the program once so many writes have reached Jetti."""
        self.stop_after_requests_to_jetti: int | None = None
        """The same by requests of any kind."""
        self.ahead = 0.0
        """Seconds by which the program's clock is wrong; a sandbox's never is."""

    @property
    def is_right(self) -> bool:
        """It is neither ahead nor about to stop the program."""
        stops = (self.stop_with, self.stop_after_writes, self.stop_after_requests_to_jetti)
        return self.ahead == 0 and stops == (None, None, None)

    def now(self) -> datetime:
        return self._sandbox.clock.now() + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        return self._sandbox.clock.now().timestamp()

    def wait(self, seconds: float) -> None:
        self.check()
        self.waited.append(seconds)
        self._sandbox.advance(max(0.0, seconds))

    def check(self) -> None:
        if self.stop_with is not None:
            raise Interrupted(self.stop_with)
        if self.stop_after_writes is not None and self._writes() >= self.stop_after_writes:
            raise Interrupted(signal.SIGINT)
        most = self.stop_after_requests_to_jetti
        if most is not None and self._requests() > most:
            raise Interrupted(signal.SIGINT)

    def _requests(self) -> int:
        return sum(one.service == "jetti" for one in self._sandbox.request_log.all())

    def _writes(self) -> int:
        arrivals = self._sandbox.request_log.all()
        return sum(one.service == "jetti" and one.method != "GET" for one in arrivals)


@dataclass
class Ran:
    """What one call of the program left behind; it told nobody's secrets."""

    code: int
    stdout: str
    stderr: str
    report: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert found_in(self.stdout + self.stderr) == []

    @property
    def outcomes(self) -> dict[str, tuple[str, str]]:
        """Return id -> (change, outcome)."""
        return {
            change["return_id"]: (change["change"], change["outcome"])
            for change in self.report["changes"]
        }

    @property
    def jetti_requests(self) -> tuple[int, int]:
        """GETs and writes that left for Jetti."""
        jetti = self.report["requests"]["jetti"]
        return jetti["get"], jetti["write"]

    def reason(self, return_id: str) -> str:
        [change] = [c for c in self.report["changes"] if c["return_id"] == return_id]
        return change["reason"] or ""


class World:
    """One merchant's world."""

    stands_still = True
    """Time passes only when a story lets it."""

    def __init__(self, sandbox: Sandbox, directory: Path, network: Network | None = None) -> None:
        """`network` leads to the sandbox; without one it has to serve on ports."""
        self.sandbox = sandbox
        self.loop, self.jetti = sandbox.loop.store, sandbox.jetti.store
        self.clock = FrozenClock(sandbox)
        self.ledger = f"sqlite:///{directory}/ledger.db"
        self.directory = directory
        self.busy_seconds = BUSY_SECONDS
        """How long the program waits for whoever else has the ledger open."""
        self.orders: list[SandboxOrder] = []
        self._network = network
        self.connect: Callable[[Endpoint, Clock], Any] | None = self.reach if network else None
        """How the program reaches the services; None: as it does by itself, over sockets."""
        self.environ = {
            **sandbox.environment(),
            "RECONCILER_LEDGER": self.ledger,
            # The sandbox does not limit the rate here, and virtual time is no reason to wait.
            "RECONCILER_JETTI__READS_PER_SECOND": "1000",
            "RECONCILER_JETTI__WRITES_PER_SECOND": "1000",
            "RECONCILER_LOOP__REQUESTS_PER_MINUTE": "100000",
            "COLUMNS": ONE_LINE,
        }

    @property
    def is_plain(self) -> bool:
        """Nobody watches what the program does, nothing breaks, and the program has the time."""
        return (
            self._network is not None
            and self._network.is_unwatched
            and self.connect == self.reach
            and self.sandbox.on_write is None
            and not self.sandbox.faults.active()
            and self.clock.is_right
            and self.busy_seconds == BUSY_SECONDS
        )

    # ------------------------------------------------------------------------------- people

    def order(
        self, *lines: tuple[str | None, int], arrives: bool = True, **more: Any
    ) -> SandboxOrder:
        """A customer's order: (vendor, quantity) per line; None is in-house stock."""
        number = 1001 + len(self.orders)
        order = SandboxOrder(
            order_id=str(4_800_000_000_000 + number),
            name=f"#{number}",
            created_at=self.clock.now() - timedelta(days=9),
            lines=tuple(
                SandboxOrderLine(
                    order_line_id=str(11_500_000_000_000 + number * 10 + place),
                    variant_id=str(41_800_000_000_000 + number * 10 + place),
                    product_id=str(7_000_000 + number * 10 + place),
                    sku=f"SKU-{number}-{place}",
                    title=f"Thing {place}",
                    quantity=quantity,
                    price="25.00",
                    vendor=vendor,
                    **more,
                )
                for place, (vendor, quantity) in enumerate(lines)
            ),
        )
        self.orders.append(order)
        if arrives:
            self.jetti.import_sale(order)
        return order

    def submit(self, order: SandboxOrder, *quantities: int, **attributes: Any) -> str:
        """The customer returns so many units of each line; all of one line by default 1."""
        units = quantities or tuple(1 for _ in order.lines)
        by_line = {
            line.order_line_id: count
            for line, count in zip(order.lines, units, strict=False)
            if count
        }
        return self.loop.add_return(order, by_line, **attributes).id

    def returned(self, *lines: tuple[str | None, int], **attributes: Any) -> str:
        """A new order and the return of one unit of each of its lines."""
        return self.submit(self.order(*(lines or (("Acme", 1),))), **attributes)

    def trusted(self) -> str:
        """Go live and push a return that proves the id list: what fails later holds back nothing
        else. It comes of an order of two lines, of which one comes back."""
        return played(self, _trusted)

    def seen(self, return_id: str) -> SandboxReturn:
        return self.loop.get(return_id)

    def pass_time(self, **span: float) -> None:
        """Time passes; by default enough for Loop's lag and for a settled write."""
        self.sandbox.advance(timedelta(**(span or {"minutes": 5})).total_seconds())

    def breaks(
        self,
        operation: str,
        kind: str,
        *,
        service: ServiceName = "jetti",
        nth: int | None = None,
        last: int | None = None,
        **parameters: Any,
    ) -> None:
        """Calls of an operation go wrong, until healed or as `nth` and `last` say."""
        fault = Fault(service, kind, operation, nth=nth, last=last, parameters=parameters)
        self.sandbox.faults.add(fault)

    def heals(self) -> None:
        """Everything works again."""
        self.sandbox.faults.clear()

    # -------------------------------------------------------------------------- the program

    def reach(self, endpoint: Endpoint, clock: Clock) -> Service:
        """A service as the program connects to it, in this world."""
        return connect(endpoint, clock, rng=random.Random(7), network=self._network)

    def call(self, *arguments: str, **environ: str) -> Ran:
        """One command line, in this process."""
        stdout, stderr = io.StringIO(), io.StringIO()
        known = {**self.environ, **environ}
        runtime = Runtime(self.clock, known, connect=self.connect, busy_seconds=self.busy_seconds)
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            code = perform(arguments, runtime)
        report_schema.check(arguments, stdout.getvalue())
        return Ran(code, stdout.getvalue(), stderr.getvalue())

    def run(self, *arguments: str, **environ: str) -> Ran:
        """`reconciler run …`, with its report as JSON."""
        ran = self.call("run", *arguments, "--format", "json", **environ)
        if ran.stdout:
            ran.report = json.loads(ran.stdout)
        return ran

    def go_live(self, since: str = "7d", *options: str) -> None:
        """`reconciler init`, which tries no keys here unless it adopts: what is asked later is
        counted, and a request takes its time."""
        if "--adopt" in options:
            self._init("--since", since, *options)
        else:
            arguments = ("--since", since, *options)
            with_new_ledger(self, arguments, lambda: self._init(*arguments, **NO_KEYS))

    def _init(self, *arguments: str, **environ: str) -> None:
        ran = self.call("init", *arguments, **environ)
        assert ran.code == 0, ran.stderr

    # ------------------------------------------------------------------ the state of the world

    def in_jetti(self, return_id: str) -> list[dict[str, Any]]:
        """The sale returns that carry this return's marker, as people would describe them."""
        rows = [row for row in self.jetti.sale_returns() if row["externalId"] == return_id]
        return [self.described(row) for row in rows]

    def on_order(self, order: SandboxOrder) -> list[dict[str, Any]]:
        """Every sale return of an order, whoever made it."""
        [sale] = [s for s in self.jetti.sales() if s["externalId"] == order.order_id]
        return [self.described(row) for row in self.jetti.sale_returns(sale["id"])]

    def described(self, row: dict[str, Any]) -> dict[str, Any]:
        lines = {item["id"]: item["externalId"] for item in self.jetti.sale_items(row["saleId"])}
        return {
            "id": row["id"],
            "marker": row["externalId"],
            "status": row["status"],
            "tracking": row["trackingNumber"],
            "tracking_status": row["trackingStatus"],
            "vendor": row["purchaseId"] is not None,
            "notes": row["notes"],
            "lines": {
                lines[item["saleItemId"]]: item["quantity"]
                for item in self.jetti.items_of(row["id"])
            },
        }

    def item_ids(self, order: SandboxOrder) -> list[int]:
        """The order's lines as Jetti numbers them."""
        return [int(item["id"]) for item in self.jetti.sale_items(self.sale_id(order))]

    def sale_id(self, order: SandboxOrder) -> int:
        [sale] = [s for s in self.jetti.sales() if s["externalId"] == order.order_id]
        return int(sale["id"])

    def entry(self, return_id: str) -> Entry:
        with open_reader(self.ledger, self.clock) as ledger:
            [entry] = ledger.entries.get([return_id])
        return entry

    def state(self, return_id: str) -> str:
        return self.entry(return_id).state.value

    def watermark(self) -> datetime:
        with open_reader(self.ledger, self.clock) as ledger:
            return ledger.meta.read().watermark

    def writes(self) -> list[str]:
        """Operations that reached Jetti and were not GETs, oldest first."""
        return [
            arrival.operation
            for arrival in self.sandbox.request_log.all()
            if arrival.service == "jetti" and not arrival.operation.startswith("GET")
        ]


def _trusted(world: World) -> str:
    world.go_live()
    one = world.submit(world.order(("Acme", 1), ("Acme", 1)), 1, 0)
    world.pass_time()
    assert world.run().code == 0
    return one


@contextlib.contextmanager
def a_world(directory: Path, *, sockets: bool = False, **options: Any) -> Iterator[World]:
    """An empty shop at noon on 1 March 2026; nothing that it told in confidence stays behind.

    With `sockets` both services listen on ports, for processes and for whoever speaks HTTP.
    """
    settings = {"returns": 0, "start": NOON, "frozen": True, "rate_limits": False, **options}
    sandbox = Sandbox(SandboxOptions(**settings))
    with contextlib.ExitStack() as running:
        if sockets:
            running.enter_context(serving(sandbox))
            yield World(sandbox, directory)
        else:
            yield World(sandbox, directory, running.enter_context(in_process(sandbox)))
    assert_no_leak(directory)


__all__ = ["NOON", "NO_KEYS", "FrozenClock", "Ran", "SandboxClock", "World", "a_world"]
