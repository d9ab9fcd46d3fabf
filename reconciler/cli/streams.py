"""stdout and stderr, even if closed, full, a broken pipe or in a strange encoding."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

import click

from reconciler.core.instants import iso
from reconciler.core.text import safe
from reconciler.errors import ReconcilerError
from reconciler.log_events import RUN, Event

_STANDARD = (0, 1, 2)
_USUAL = 80


def _time_of_the_machine() -> datetime:
    return datetime.now(UTC)


_now: Callable[[], datetime] = _time_of_the_machine
NOW: ContextVar[Callable[[], datetime] | None] = ContextVar("now", default=None)
"""The time by a thread's own clock, where it has one (`date_by`)."""
JSON_LINES: ContextVar[bool] = ContextVar("json_lines", default=False)
"""Whether all of stderr is JSON, one object per line (`--log-format json`)."""


def open_all() -> None:
    """Make sure that the three standard descriptors are open and can encode every character.

    Python leaves closed ones closed. The next file to be opened, perhaps the ledger, would get
    that number, and something else might print into it.
    """
    for number in _STANDARD:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number: this one
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def print_text(text: str) -> bool:
    """Print to stdout; False if that failed. A reader that closed its pipe is not a failure."""
    return _to_stdout(lambda: click.echo(text))


def print_report(text: str) -> bool:
    """The same, in colour where the terminal has it."""
    from reconciler.cli import colours

    painted = colours.painted(text)
    if painted is None:
        return print_text(text)
    return _to_stdout(lambda: colours.show(painted))


def columns(environ: Mapping[str, str]) -> int:
    """How wide a report may be: as COLUMNS says, as the terminal is, or 80 where there is none."""
    return _columns_of(sys.stdout, environ)


def _columns_of(stream: TextIO, environ: Mapping[str, str]) -> int:
    named = environ.get("COLUMNS", "")
    if named.isascii() and named.isdigit() and int(named[:6]) > 0:
        return int(named[:6])
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL
    except (OSError, ValueError, AttributeError):  # no terminal, closed, none at all
        return _USUAL


def _to_stdout(write: Callable[[], None]) -> bool:
    try:
        write()
    except OSError as error:
        silence(sys.stdout)
        return error.errno == errno.EPIPE
    return True


def print_error(message: str, hint: str | None = None) -> None:
    """Print an error and a hint to stderr; a failure to do so is ignored."""
    lines = [f"Error: {_block(message)}"] + ([f"Hint: {_block(hint)}"] if hint else [])
    _to_stderr("\n".join(lines), "error", Event.ERROR, message, hint)


def print_note(text: str, event: Event) -> None:
    """Print a note to stderr; a failure to do so is ignored."""
    _to_stderr(text, "info", event, text)


def print_plain(text: str) -> None:
    """Print help that was not asked for, or a question, to stderr; a failure is ignored."""
    with suppress(OSError):
        click.echo(text, err=True)


def date_by(now: Callable[[], datetime]) -> Callable[[], datetime]:
    """Date lines of stderr by this clock, which the program follows; returns the one until now.
    Not only in this thread: a scheduler's says something, too."""
    global _now
    before, _now = _now, now
    return before


def now() -> datetime:
    """The time by which a line of stderr is dated; the machine's, if the clock cannot tell."""
    try:
        return (NOW.get() or _now)()
    except (
        ReconcilerError
    ):  # the sandbox that is followed is gone; the line is printed all the same
        return _time_of_the_machine()


def json_line(level: str, event: str | None, message: str, **more: object) -> str:
    """One line of stderr in JSON, with the time and the run; what is None is left out."""
    facts: dict[str, object] = {
        "time": iso(now()),
        "level": level,
        "event": event,
        "run": RUN.get(),
    }
    facts |= {"message": message, **more}
    return json.dumps({name: value for name, value in facts.items() if value is not None})


def is_terminal() -> bool:
    """Whether stderr is a terminal, also while progress is shown there. What older versions of
    rich put in its place answers that it is none."""
    stream = getattr(sys.stderr, "rich_proxied_file", sys.stderr)
    return stream is not None and stream.isatty()


def flush_all() -> None:
    """Flush both streams, so that Python's own last flush cannot change the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except (OSError, ValueError):
                silence(stream)


def _to_stderr(lines: str, level: str, event: Event, message: str, hint: str | None = None) -> None:
    if JSON_LINES.get():
        lines = json_line(level, event, _block(message), hint=_block(hint) if hint else None)
    elif is_terminal():
        lines = _fitted(lines)
    with suppress(OSError):
        click.echo(lines, err=True)


def _fitted(lines: str) -> str:
    """Lines broken between words, for who reads them on a terminal; a log keeps them whole."""
    try:
        from reconciler.reports.layout import Layout  # late: few commands have anything to say here
    except (ImportError, OSError):  # such as too many open files, of which this may tell
        return lines
    page = Layout(_columns_of(sys.stderr, os.environ))
    broken = (page.wrapped(line, 6, whole=True) or [""] for line in lines.split("\n"))
    return "\n".join(part for parts in broken for part in parts)


def _block(text: str) -> str:
    return "\n".join(safe(line, 2000) for line in text.split("\n"))


def silence(stream: object) -> None:
    """Discard all further output of a stream that cannot be written."""
    if isinstance(stream, io.TextIOWrapper):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
