"""Run as a script: has the program loaded, and forks a child for each command that it is given.

It has one thread, so that a fork copies nothing half done, and says on stdout what becomes of
each child: its pid, whether it stopped, how it ended.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from reconciler.cli import streams
from reconciler.cli.main import perform, stop_on_signals
from reconciler.failpoints import Failpoint, watched
from reconciler.ledger import opening
from reconciler.ledger.schema import Schema
from reconciler.runtime import Runtime
from tests.crashes.shared_clock import SharedClock, SharedTime

# What a command loads only when it needs it would be loaded again in every child.
_LAZY = (
    "alembic.command", "encodings.idna", "platformdirs.unix", "reconciler.app",
    "reconciler.cli.run_options", "reconciler.inspection", "reconciler.jetti.targets",
    "reconciler.reports.as_json", "reconciler.reports.run_text",
)  # fmt: skip

_connect = sqlite3.connect


class Order(msgspec.Struct, frozen=True):
    """A command, and the hit at which something happens to it."""

    arguments: tuple[str, ...]
    environ: dict[str, str]
    time: str
    """File of the shared time."""
    directory: str
    """Where `stdout`, `stderr` and `points` are left."""
    home: str
    """The working directory."""
    at: int | None = None
    """Counted over all points, from 1."""
    what: str = ""
    """A key of `deaths`."""
    pages: int = 0
    """By how many the ledger may still grow once the disk is full."""
    schema: str | None = None
    """Directory of the migrations of a later version, which the command then is of."""
    forks: bool = True
    """False: the zygote itself carries it out, and has learnt it for its children."""


class Said(msgspec.Struct, frozen=True):
    """What the zygote says about a child."""

    pid: int
    stopped: bool = False
    status: int | None = None
    """As `os.waitpid` gives it, once it has ended."""


class Disk:
    """SQLite's own limit of pages: after `fill` no ledger grows that is open at some point."""

    def __init__(self) -> None:
        self._handles: list[sqlite3.Connection] = []
        self._pages: int | None = None
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "sqlite3.connect/handle":
            self._handles.append(arguments[0])

    def fill(self, pages: int) -> None:
        """From now on none grows by more than so many pages."""
        self._pages = pages
        self.keep_full()

    def keep_full(self) -> None:
        """Limit what was opened since; once is enough."""
        if self._pages is None:
            return
        for handle in self._handles:
            with suppress(sqlite3.ProgrammingError):  # closed
                (size,) = handle.execute("PRAGMA page_count").fetchone()
                handle.execute(f"PRAGMA max_page_count = {size + self._pages}")
        self._handles.clear()


def _connect_with_small_pages(*arguments: Any, **more: Any) -> sqlite3.Connection:
    """A ledger that is made now will need another page for nearly everything that it is told."""
    raw = _connect(*arguments, **more)
    raw.execute("PRAGMA page_size = 512")
    return raw


def fill_the_disk(directory: Path) -> None:
    """Write until no byte more fits on the disk of this directory."""
    with suppress(OSError), open(directory / "filler", "wb", buffering=0) as file:
        for size in (65536, 512, 1):
            with suppress(OSError):
                while file.write(b"\0" * size) == size:
                    pass


def _send(number: signal.Signals) -> Callable[[Order], None]:
    return lambda _: os.kill(os.getpid(), number)


def deaths(disk: Disk) -> dict[str, Callable[[Order], None]]:
    """What may happen at a point."""
    return {
        "kill": _send(signal.SIGKILL),
        "term": _send(signal.SIGTERM),
        "int": _send(signal.SIGINT),
        "stop": _send(signal.SIGSTOP),
        "full": lambda order: disk.fill(order.pages),
        "filled": lambda order: fill_the_disk(Path(order.home)),
    }


def _watcher(order: Order, trace: int) -> Callable[[Failpoint], None]:
    disk, hits = Disk(), 0
    happens = deaths(disk)
    if order.what == "full":
        sqlite3.connect = _connect_with_small_pages

    def watch(point: Failpoint) -> None:
        nonlocal hits
        hits += 1
        os.write(trace, f"{point.name}\n".encode())
        if hits == order.at:
            happens[order.what](order)
        disk.keep_full()

    return watch


def _redirect(order: Order) -> int:
    """Descriptors as a shell would set them up; answers the one that points are written to."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(Path(order.directory, name), flags, 0o600), number)
    return os.open(Path(order.directory, "points"), flags, 0o600)


def live(order: Order) -> int:
    """The whole life of a child: what `main` does, on the shared time."""
    trace = _redirect(order)
    os.chdir(order.home)
    streams.open_all()
    os.umask(0o077)
    clock = SharedClock(SharedTime(Path(order.time)))
    stop_on_signals(clock)
    with watched(_watcher(order, trace)):
        if order.schema is not None:
            later = Schema("0010", order.schema)
            opening.open_ledger = partial(opening.open_ledger, schema=later)
        return perform(order.arguments, Runtime(clock, order.environ))


def _child(order: Order) -> None:
    code = 1
    try:
        code = live(order)
    except BaseException:  # noqa: BLE001 - nothing may run on in the copy of the zygote
        traceback.print_exc()
    streams.flush_all()
    os._exit(code)


def _follow(pid: int) -> None:
    while True:
        _, status = os.waitpid(pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            _say(Said(pid, status=status))
            return
        _say(Said(pid, stopped=True))


def _say(said: Said) -> None:
    os.write(1, msgspec.json.encode(said) + b"\n")


def _learn(order: Order) -> None:
    """Carry an order out in this process, which is itself again afterwards."""
    streams_ = [os.dup(number) for number in range(3)]
    code = live(order)
    streams.flush_all()
    for number, kept in enumerate(streams_):
        os.dup2(kept, number)
        os.close(kept)
    gc.collect()
    gc.freeze()
    _say(Said(os.getpid()))
    _say(Said(os.getpid(), status=code << 8))


def main() -> None:
    for name in _LAZY:
        importlib.import_module(name)
    decoder = msgspec.json.Decoder(Order)
    while line := sys.stdin.buffer.readline():
        order = decoder.decode(line)
        if not order.forks:
            _learn(order)
            continue
        pid = os.fork()
        if pid == 0:
            _child(order)
        _say(Said(pid))
        _follow(pid)


if __name__ == "__main__":
    main()
