"""How far a pass has got: on a terminal a bar where rich is installed, else one line that is
written over; elsewhere, for what takes long while a person waits, a line now and then."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

import click

from reconciler.cli import streams
from reconciler.cli.session import Session
from reconciler.clock import Clock
from reconciler.runtime import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars


_SETTLING = "waiting for what a lost ledger's last run may have sent (jetti.settle)"
_SELDOM = 30.0  # seconds between two lines where nobody watches


class Watcher(Progress, Protocol):
    """Progress that a question may push aside."""

    def cleared(self) -> AbstractContextManager[None]:
        """Nothing is shown as long as the context lasts."""


@contextmanager
def shown(call: Session, *, tells_all: bool = False) -> Iterator[Watcher]:
    """Show progress on stderr while the pass runs, and leave nothing of it behind on a terminal.

    `tells_all`: also without a terminal, unless all is to be quiet.
    """
    if not call.quiet and tells_all and not streams.is_terminal():
        yield _Lines(call.runtime.clock)
        return
    if call.quiet or not streams.is_terminal():
        yield _Unseen(call.runtime.progress)
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bars
    except ImportError:
        yield from _line()
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Bar(bars)


class _Unseen:
    """Progress that is shown elsewhere, or nowhere."""

    def __init__(self, progress: Progress) -> None:
        self.reading = progress.reading
        self.pushing = progress.pushing
        self.settling = progress.settling

    def cleared(self) -> AbstractContextManager[None]:
        return nullcontext()


def _line() -> Iterator[Watcher]:
    line = _Line()
    try:
        yield line
    finally:
        line.clear()


class _Bar:
    """A bar of rich's."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._read = bars.add_task("reading", total=None)
        self._pushed = bars.add_task("pushing", total=None, visible=False)
        self._settled = bars.add_task(_SETTLING, total=None, visible=False)
        self._longest = 0.0

    def reading(self, rows: int) -> None:
        self._bars.update(self._read, completed=rows)

    def pushing(self, done: int, planned: int) -> None:
        self._bars.update(self._pushed, completed=done, total=planned, visible=True)

    @contextmanager
    def cleared(self) -> Iterator[None]:
        self._bars.stop()
        try:
            yield
        finally:
            self._bars.start()

    def settling(self, seconds: float) -> None:
        self._longest = max(self._longest, seconds)
        done = round(self._longest - seconds)
        self._bars.update(self._settled, completed=done, total=round(self._longest), visible=True)


class _Line:
    """One line that is written over and over."""

    def reading(self, rows: int) -> None:
        self._write(f"reading: {rows} returns")

    def pushing(self, done: int, planned: int) -> None:
        self._write(f"pushing: {done} of {planned}")

    def settling(self, seconds: float) -> None:
        self._write(f"{_SETTLING}: {seconds:.0f} s more")

    def clear(self) -> None:
        self._write("")

    def cleared(self) -> AbstractContextManager[None]:
        self.clear()
        return nullcontext()

    def _write(self, text: str) -> None:
        click.echo(f"\r\x1b[K{text}", nl=False, file=sys.stderr)


class _Lines:
    """A line of its own when something new begins, and every half a minute while it goes on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._what = ""
        self._told_at = 0.0

    def reading(self, rows: int) -> None:
        self._tell("reading", f"reading Loop: {rows} returns so far")

    def pushing(self, done: int, planned: int) -> None:
        self._tell("pushing", f"looking in Jetti: {done} of {planned} returns")

    def settling(self, seconds: float) -> None:
        self._tell("settling", f"{_SETTLING}: {seconds:.0f} s more")

    def cleared(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _tell(self, what: str, text: str) -> None:
        now = self._clock.monotonic()
        if what != self._what or now - self._told_at >= _SELDOM:
            self._what, self._told_at = what, now
            streams.print_note(text)
