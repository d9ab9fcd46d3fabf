"""A shop in which one pass has something of everything to do, ready to be set up many times.

It is lived through once, by the program itself; every further copy is the same history told to a
fresh sandbox, with the writes that the program made then and the ledger that it left.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from reconciler.core.model import Entry, State
from reconciler.ledger.opening import open_reader
from reconciler.sandbox.messages import Request
from reconciler.sandbox.request_log import LoggedRequest
from reconciler.sandbox.sandbox import Sandbox, SandboxOptions
from reconciler.sandbox.server.serving import serving
from tests.support.world import NOON, World

SETTINGS = """
[loop]
page_size = 2

[mapping.reasons]
"Too big" = "too_large"
"""
"""Pages of two, so that seven open returns have a first page, others, and a last one."""

PARTS = 7
"""Sale returns once everything is pushed, all of vendors, each of whom is told once."""


@dataclass(frozen=True)
class Cast:
    """The returns, by what the pass has to do with them."""

    labelled: str
    """In Jetti; a label was issued since."""
    cancelled: str
    """In Jetti; cancelled in Loop since."""
    fresh: str
    """One line with a reason that is mapped."""
    split: str
    """Two vendors, one of two units."""
    neighbour: str
    """Of the order that `split` is of."""
    waiting: str
    """Its order is not in Jetti yet."""
    ancient: str
    """From before go-live, on the order that `fresh` is of: looked for, never created."""

    @property
    def created(self) -> tuple[str, ...]:
        """Those that one pass creates."""
        return (self.fresh, self.split, self.neighbour)


class BusyShop(World):
    """The world with its returns; `begin` and `go_on` are what happens before and after the first
    pass."""

    cast: Cast

    def begin(self) -> None:
        """Two returns, of which the program will learn first."""
        self.labelled = self.returned(("Acme", 1))
        self.cancelled = self.returned(("Acme", 1))
        self.pass_time()

    def go_on(self) -> None:
        """The rest, a second apart, so that pages can be cut between them."""
        order = self.order(("Acme", 3), ("Bolt", 1), (None, 1))
        other = self.order(("Acme", 1), (None, 1))
        self.late_order = self.order(("Acme", 1), arrives=False)
        self.loop.label(self.labelled)
        self.loop.set_state(self.cancelled, "cancelled")
        self.cast = Cast(
            labelled=self.labelled,
            cancelled=self.cancelled,
            ancient=self._submitted_before_go_live(),
            fresh=self._next(self.submit(other, 1, 0)),
            split=self._next(self.submit(order, 2, 1)),
            neighbour=self._next(self.submit(order, 1, 0)),
            waiting=self._next(self.submit(self.late_order)),
        )
        [line] = self.seen(self.cast.fresh).lines
        self.loop.edit_line(self.cast.fresh, line.id, reason="Too big")
        self.pass_time()

    def heal(self) -> None:
        """Everything works again, the late order arrives, and what was refused gets news."""
        self.heals()
        self.connect = None
        self.jetti.import_sale(self.late_order)
        for return_id, entry in self.entries().items():
            if entry.state is State.DEAD:
                self._renew(return_id)

    def entries(self) -> dict[str, Entry]:
        """All that the ledger knows of."""
        with open_reader(self.ledger, self.clock) as ledger:
            return {e.id: e for e in ledger.entries.get([row.id for row in self.loop.returns()])}

    def _renew(self, return_id: str) -> None:
        """Another version, which wants something else."""
        row = self.seen(return_id)
        if row.state == "cancelled":
            self.loop.set_state(return_id, "open")
        elif row.labels:
            self.loop.move_label(return_id, "in_transit")
        else:
            self.loop.label(return_id)

    def _submitted_before_go_live(self) -> str:
        long_ago = self.clock.now() - timedelta(days=20)
        one = self.submit(self.orders[-2], 0, 1, at=long_ago)
        self.loop.touch(one)
        return self._next(one)

    def _next(self, return_id: str) -> str:
        self.pass_time(seconds=1)
        return return_id


@dataclass(frozen=True)
class Memories:
    """What is needed to set the shop up again, and how one calm pass goes from there."""

    writes: tuple[tuple[datetime, Request], ...]
    ledger: bytes
    begun: datetime
    calls: tuple[tuple[str, str], ...]
    """Service and operation of every call of a calm pass, in their order."""
    calls_of_singles: tuple[tuple[str, str], ...]
    """The same of a pass over the returns that are created, by their ids."""


def remember(directory: Path) -> Memories:
    """Live through the first pass, and through a calm one after it."""
    recorded: list[tuple[datetime, Request]] = []
    sandbox = _sandbox()
    sandbox.on_write = lambda request: recorded.append((sandbox.clock.now(), request))
    with serving(sandbox):
        shop = _opened(sandbox, directory)
        shop.begin()
        shop.go_live()
        assert shop.run().code == 0
        begun, writes = sandbox.clock.now(), tuple(recorded)
        ledger = (directory / "ledger.db").read_bytes()
        before = len(sandbox.request_log.all())
        shop.go_on()
        assert shop.run().code == 0
        calm = sandbox.request_log.all()[before:]
    again = Memories(writes, ledger, begun, _calls(calm), ())
    with set_up(again, directory) as shop:
        named = [f"--return={one}" for one in shop.cast.created]
        assert shop.run(*named).code == 0
        singles = shop.sandbox.request_log.all()
    return Memories(writes, ledger, begun, _calls(calm), _calls(singles))


def _calls(arrivals: list[LoggedRequest]) -> tuple[tuple[str, str], ...]:
    return tuple((one.service, one.operation) for one in arrivals)


@contextlib.contextmanager
def set_up(memories: Memories, directory: Path) -> Iterator[BusyShop]:
    """The shop as it stood before the calm pass, served again."""
    sandbox = _sandbox()
    with serving(sandbox):
        shop = _opened(sandbox, directory)
        shop.begin()
        for at, request in memories.writes:
            sandbox.clock.set(at)
            sandbox.exchange("jetti", request)
        sandbox.clock.set(memories.begun)
        sandbox.request_log.clear()
        (directory / "ledger.db").write_bytes(memories.ledger)
        shop.go_on()
        yield shop


def _sandbox() -> Sandbox:
    return Sandbox(SandboxOptions(returns=0, start=NOON, frozen=True, rate_limits=False))


def _opened(sandbox: Sandbox, directory: Path) -> BusyShop:
    shop = BusyShop(sandbox, directory)
    settings = directory / "reconciler.toml"
    settings.write_text(SETTINGS)
    shop.environ["RECONCILER_CONFIG"] = str(settings)
    return shop
