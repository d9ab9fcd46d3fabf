"""A world whose program runs in real processes on virtual time, can die at any point, and can be
put back to how it was before.
"""

from __future__ import annotations

import copy
import json
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler.sandbox.messages import Request
from reconciler.sandbox.sandbox import Sandbox, SandboxOptions
from reconciler.sandbox.server.serving import serving
from tests.crashes.shared_clock import SharedClock, SharedSandboxClock, SharedTime
from tests.crashes.zygote import Zygote
from tests.crashes.zygote_process import Order
from tests.support import sandbox_state
from tests.support.leaks import assert_no_leak, searched_directory
from tests.support.world import NOON, Ran, World

_HANDLER = "process_request_thread"


@dataclass(frozen=True)
class Death:
    """What happens at which hit."""

    at: int
    what: str = "kill"
    pages: int = 0
    """Of room that is left, when the disk gets full."""


@dataclass
class Life(Ran):
    """One process of the program, from birth to end; `code` is negative after a signal."""

    points: list[str] = field(default_factory=list)
    seconds: float = 0.0
    """Of the machine's time."""


@dataclass(frozen=True)
class Kept:
    """A world as it was."""

    instant: datetime
    state: bytes
    files: dict[str, bytes]
    orders: int


class MortalWorld(World):
    """The same world; `call` is a process of its own, and `unannounced` what broke a promise."""

    def __init__(self, sandbox: Sandbox, place: Path, zygote: Zygote, time_: SharedTime) -> None:
        super().__init__(sandbox, place / "ledger")
        self.directory.mkdir(exist_ok=True)
        self.place = place
        self._zygote = zygote
        self._output = place
        self.waits_for_rest = True
        self.clock = SharedClock(time_)  # type: ignore[assignment]
        self.unannounced: list[str] = []
        """Writes that reached Jetti while no ledger on the disk told of such an intent."""
        sandbox.on_write = self._see_write

    def beside(self, zygote: Zygote) -> MortalWorld:
        """The same world for further processes, while one of this world's stands still."""
        other = copy.copy(self)
        other._zygote, other._output = zygote, self.place / "beside"
        other._output.mkdir(exist_ok=True)
        other.waits_for_rest = False
        return other

    # ----------------------------------------------------------------------------- processes

    def lives(
        self,
        *arguments: str,
        death: Death | None = None,
        schema: str | None = None,
        forks: bool = True,
        born: Callable[[int], None] = lambda pid: None,
        stopped: Callable[[int], None] = lambda pid: None,
        **environ: str,
    ) -> Life:
        """One command line in a process of its own; everything it sent has arrived afterwards."""
        order = Order(
            arguments,
            {**self.environ, **environ},
            str(self.place / "time"),
            str(self._output),
            str(self.directory),
            at=death.at if death else None,
            what=death.what if death else "",
            pages=death.pages if death else 0,
            schema=schema,
            forks=forks,
        )
        began = time.monotonic()
        code = self._zygote.run(order, born=born, stopped=stopped)
        took = time.monotonic() - began
        if self.waits_for_rest:
            self._come_to_rest()
        stdout, stderr, points = (
            (self._output / name).read_text(encoding="utf-8")
            for name in ("stdout", "stderr", "points")
        )
        return Life(code, stdout, stderr, points=points.split(), seconds=took)

    def call(self, *arguments: str, **environ: str) -> Ran:
        return self.lives(*arguments, **environ)

    def _come_to_rest(self) -> None:
        """Wait until the sandbox has dealt with everything that the dead may have sent."""
        urls = self.sandbox.urls
        assert urls is not None
        for url in (urls.loop, urls.jetti):
            # Connections are accepted one after the other: what came before this one has begun.
            parts = urlsplit(url)
            with socket.create_connection((parts.hostname, parts.port), timeout=30) as last:
                last.shutdown(socket.SHUT_WR)
                last.recv(1)
        for thread in threading.enumerate():
            if _HANDLER in thread.name:
                thread.join(30)

    # ------------------------------------------------------------------------- then and now

    def keep(self) -> Kept:
        """Remember everything: both services, the ledger, the time."""
        files = {f.name: f.read_bytes() for f in self.directory.iterdir() if f.is_file()}
        return Kept(self.clock.now(), sandbox_state.pickled(self.sandbox), files, len(self.orders))

    def put_back(self, kept: Kept) -> None:
        """Everything is as it was."""
        assert_no_leak(self.directory)
        for file in self.directory.iterdir():
            shutil.rmtree(file) if file.is_dir() else file.unlink()
        for name, content in kept.files.items():
            (self.directory / name).write_bytes(content)
            (self.directory / name).chmod(0o600)
        sandbox_state.put_back(self.sandbox, kept.state)
        self.loop, self.jetti = self.sandbox.loop.store, self.sandbox.jetti.store
        self.sandbox.clock.set(kept.instant)
        del self.orders[kept.orders :]
        self.unannounced.clear()

    # ----------------------------------------------------------------------------- promises

    def _see_write(self, request: Request) -> None:
        """Before Jetti sees a write, the ledger on the disk must tell of it (P5)."""
        number = int(request.path.removesuffix("/cancel.json").split("/")[-1].removesuffix(".json"))
        known = [open_intents(ledger) for ledger in self.directory.glob("*.db")]
        if not any(number in intents for intents in known):
            self.unannounced.append(f"{request.method} {request.path}")


def open_intents(ledger: Path) -> list[int]:
    """What the writes without a known outcome are sent to, as the ledger on the disk has it."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as raw:
        rows = raw.execute("SELECT write FROM intents WHERE closed_as IS NULL").fetchall()
    return [int(json.loads(row)["target_id"]) for (row,) in rows]


@contextmanager
def mortal_world(zygote: Zygote, **options: Any) -> Iterator[MortalWorld]:
    """An empty shop at noon on 1 March 2026."""
    with searched_directory("crash-") as place:
        shared = SharedTime(place / "time")
        shared.set(NOON)
        settings = {"returns": 0, "rate_limits": False, **options}
        sandbox = Sandbox(SandboxOptions(**settings), clock=SharedSandboxClock(shared))
        with serving(sandbox):
            yield MortalWorld(sandbox, place, zygote, shared)
