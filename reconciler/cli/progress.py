"""How far a pass has got, on a terminal only: a bar where rich is installed, else one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

import click

from reconciler.cli import streams
from reconciler.cli.session import Session
from reconciler.host import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars


class Watcher(Progress, Protocol):
    """Progress that a question may push aside."""

    def cleared(self) -> AbstractContextManager[None]:
        """Nothing is shown as long as the context lasts."""


@contextmanager
def shown(call: Session) -> Iterator[Watcher]:
    """Show progress on stderr while the pass runs, and leave nothing of it behind."""
    if call.quiet or not streams.is_terminal():
        yield _Unseen(call.host.progress)
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


class _Line:
    """One line that is written over and over."""

    def reading(self, rows: int) -> None:
        self._write(f"reading: {rows} returns")

    def pushing(self, done: int, planned: int) -> None:
        self._write(f"pushing: {done} of {planned}")

    def clear(self) -> None:
        self._write("")

    def cleared(self) -> AbstractContextManager[None]:
        self.clear()
        return nullcontext()

    def _write(self, text: str) -> None:
        click.echo(f"\r\x1b[K{text}", nl=False, file=sys.stderr)
