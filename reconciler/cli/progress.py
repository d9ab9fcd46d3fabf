"""Progress of a pass. On a terminal: bars if rich is installed, otherwise one line that is
overwritten. Elsewhere, for commands that take long while someone waits: a line now and then."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
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
_SHOWN_AFTER = 2.0  # seconds; what is over by then need not flicker
_PRINT_EVERY = 30.0  # seconds between two lines without a terminal


class ProgressDisplay(Progress, Protocol):
    """Progress that can be hidden while a question is asked."""

    def paused(self) -> AbstractContextManager[None]:
        """Nothing is shown while the context lasts."""


@contextmanager
def shown(call: Session, work: str, *, off_terminal_too: bool = False) -> Iterator[ProgressDisplay]:
    """Show progress on stderr while the pass runs; on a terminal, clean up afterwards.

    `work` is what is done with the changes: pushing, planning, looking up. `off_terminal_too`: also
    show it without a terminal, unless `--quiet`.
    """
    clock = call.runtime.clock
    said = _Said(work, clock)
    is_terminal = streams.is_terminal() and not streams.JSON_LINES.get()
    if not call.quiet and off_terminal_too and not is_terminal:
        yield _PeriodicLines(said, clock)
        return
    if call.quiet or not is_terminal:
        yield _Forwarded(call.runtime.progress)
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bars
    except ImportError:
        yield from _single_line(_SingleLine(said, clock))
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _RichBars(bars, said, clock)


class _Forwarded:
    """Progress that is passed on to the runtime's own and not shown here."""

    def __init__(self, progress: Progress) -> None:
        self.reading = progress.reading
        self.pushing = progress.pushing
        self.settling = progress.settling

    def paused(self) -> AbstractContextManager[None]:
        return nullcontext()


def _single_line(line: _SingleLine) -> Iterator[ProgressDisplay]:
    try:
        yield line
    finally:
        line.clear()


class _Said:
    """The progress in words, with the rate since the stage began."""

    def __init__(self, work: str, clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._began: dict[str, tuple[float, int]] = {}
        """By stage, when it was first shown, and how much was done by then."""

    def reading(self, rows: int) -> str:
        return f"reading Loop: {rows} returns{self._rate('reading', rows)}"

    def pushing(self, done: int, planned: int, seconds: float) -> str:
        rate = self._rate("pushing", done)
        # A pass may end before that, for a budget.
        rest = f", {duration.estimate(seconds)} to go at this rate" if seconds >= 1 else ""
        return f"{self._work}: {done} of {planned} returns{rate}{rest}"

    def settling(self, seconds: float) -> str:
        return f"{_SETTLING}: {seconds:.0f} s more"

    def _rate(self, stage: str, done: int) -> str:
        now = self._clock.monotonic()
        began, before = self._began.setdefault(stage, (now, done))
        if now - began < 1:
            return ""
        rate = (done - before) / (now - began)
        return f", {rate:.0f} a second" if rate >= 10 else f", {rate * 60:.0f} a minute"


class _RichBars:
    """Progress bars drawn by rich."""

    def __init__(self, bars: Bars, said: _Said, clock: Clock) -> None:
        self._bars = bars
        self._said = said
        self._after = _after_a_while(clock)
        self._read = bars.add_task("", total=None, visible=False)
        self._pushed = bars.add_task("", total=None, visible=False)
        self._settled = bars.add_task(_SETTLING, total=None, visible=False)
        self._longest = 0.0

    def reading(self, rows: int) -> None:
        said = self._said.reading(rows)
        self._bars.update(self._read, completed=rows, description=said, visible=self._after())

    def pushing(self, done: int, planned: int, seconds: float) -> None:
        said = self._said.pushing(done, planned, seconds)
        self._bars.update(
            self._pushed, completed=done, total=planned, description=said, visible=self._after()
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

    def __init__(self, said: _Said, clock: Clock) -> None:
        self._said = said
        self._after = _after_a_while(clock)

    def reading(self, rows: int) -> None:
        self._write(self._said.reading(rows))

    def pushing(self, done: int, planned: int, seconds: float) -> None:
        self._write(self._said.pushing(done, planned, seconds))

    def settling(self, seconds: float) -> None:
        self._draw(self._said.settling(seconds))

    def clear(self) -> None:
        self._draw("")

    def paused(self) -> AbstractContextManager[None]:
        self.clear()
        return nullcontext()

    def _write(self, text: str) -> None:
        if self._after():
            self._draw(text)

    def _draw(self, text: str) -> None:
        click.echo(f"\r\x1b[K{text}", nl=False, file=sys.stderr)


def _after_a_while(clock: Clock) -> Callable[[], bool]:
    """Whether a pass that begins now has gone on for longer than it is worth to show."""
    shown_from = clock.monotonic() + _SHOWN_AFTER
    return lambda: clock.monotonic() >= shown_from


class _PeriodicLines:
    """A new line when a stage begins, and every half minute while it lasts."""

    def __init__(self, said: _Said, clock: Clock) -> None:
        self._said = said
        self._clock = clock
        self._stage = ""
        self._printed_at = 0.0

    def reading(self, rows: int) -> None:
        self._print("reading", self._said.reading(rows))

    def pushing(self, done: int, planned: int, seconds: float) -> None:
        self._print("pushing", self._said.pushing(done, planned, seconds))

    def settling(self, seconds: float) -> None:
        self._print("settling", self._said.settling(seconds))

    def paused(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _print(self, stage: str, text: str) -> None:
        now = self._clock.monotonic()
        if stage != self._stage or now - self._printed_at >= _PRINT_EVERY:
            self._stage, self._printed_at = stage, now
            streams.print_note(text, Event.PROGRESS)
