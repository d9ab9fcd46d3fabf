"""Progress of a pass. On a terminal: bars if rich is installed, otherwise one line that is
overwritten. Elsewhere, for commands that take long while someone waits: a line now and then."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

import click

from reconciler.cli import streams
from reconciler.cli.session import Session
from reconciler.clock import Clock
from reconciler.core import duration
from reconciler.log_events import Event
from reconciler.runtime import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars


_SETTLING = "waiting for writes that a lost ledger's last run may have sent (jetti.settle)"
_PRINT_EVERY = 30.0  # seconds between two lines without a terminal
_WORTH_TELLING = 60.0  # seconds


class ProgressDisplay(Progress, Protocol):
    """Progress that can be hidden while a question is asked."""

    def paused(self) -> AbstractContextManager[None]:
        """Nothing is shown while the context lasts."""


@contextmanager
def shown(call: Session, *, off_terminal_too: bool = False) -> Iterator[ProgressDisplay]:
    """Show progress on stderr while the pass runs; on a terminal, clean up afterwards.

    `off_terminal_too`: also show it without a terminal, unless `--quiet`.
    """
    is_terminal = streams.is_terminal() and not streams.JSON_LINES.get()
    if not call.quiet and off_terminal_too and not is_terminal:
        yield _PeriodicLines(call.runtime.clock)
        return
    if call.quiet or not is_terminal:
        yield _Forwarded(call.runtime.progress)
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bars
    except ImportError:
        yield from _single_line()
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _RichBars(bars)


class _Forwarded:
    """Progress that is passed on to the runtime's own and not shown here."""

    def __init__(self, progress: Progress) -> None:
        self.reading = progress.reading
        self.pushing = progress.pushing
        self.settling = progress.settling

    def paused(self) -> AbstractContextManager[None]:
        return nullcontext()


def _single_line() -> Iterator[ProgressDisplay]:
    line = _SingleLine()
    try:
        yield line
    finally:
        line.clear()


class _RichBars:
    """Progress bars drawn by rich."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._read = bars.add_task("reading", total=None)
        self._pushed = bars.add_task("pushing", total=None, visible=False)
        self._settled = bars.add_task(_SETTLING, total=None, visible=False)
        self._longest = 0.0

    def reading(self, rows: int) -> None:
        self._bars.update(self._read, completed=rows)

    def pushing(self, done: int, planned: int, seconds: float) -> None:
        said = f"pushing{_rest(seconds)}"
        self._bars.update(
            self._pushed, completed=done, total=planned, description=said, visible=True
        )

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._bars.stop()
        try:
            yield
        finally:
            self._bars.start()

    def settling(self, seconds: float) -> None:
        self._longest = max(self._longest, seconds)
        done = round(self._longest - seconds)
        self._bars.update(self._settled, completed=done, total=round(self._longest), visible=True)


class _SingleLine:
    """One line that is overwritten."""

    def reading(self, rows: int) -> None:
        self._write(f"reading: {rows} returns")

    def pushing(self, done: int, planned: int, seconds: float) -> None:
        self._write(f"pushing: {done} of {planned}{_rest(seconds)}")

    def settling(self, seconds: float) -> None:
        self._write(f"{_SETTLING}: {seconds:.0f} s more")

    def clear(self) -> None:
        self._write("")

    def paused(self) -> AbstractContextManager[None]:
        self.clear()
        return nullcontext()

    def _write(self, text: str) -> None:
        click.echo(f"\r\x1b[K{text}", nl=False, file=sys.stderr)


class _PeriodicLines:
    """A new line when a stage begins, and every half minute while it lasts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stage = ""
        self._printed_at = 0.0

    def reading(self, rows: int) -> None:
        self._print("reading", f"reading Loop: {rows} returns so far")

    def pushing(self, done: int, planned: int, seconds: float) -> None:
        said = f"looking up in Jetti: {done} of {planned} returns{_rest(seconds)}"
        self._print("pushing", said)

    def settling(self, seconds: float) -> None:
        self._print("settling", f"{_SETTLING}: {seconds:.0f} s more")

    def paused(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _print(self, stage: str, text: str) -> None:
        now = self._clock.monotonic()
        if stage != self._stage or now - self._printed_at >= _PRINT_EVERY:
            self._stage, self._printed_at = stage, now
            streams.print_note(text, Event.PROGRESS)


def _rest(seconds: float) -> str:
    """How long all that is planned takes at the rate so far; a pass may end before that."""
    if seconds < _WORTH_TELLING:
        return ""
    return f", {duration.estimate(seconds)} for the rest at this rate"
