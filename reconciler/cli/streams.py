"""stdout and stderr, even if closed, full, a broken pipe or in a strange encoding."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress

import click

from reconciler.core.text import safe

_STANDARD = (0, 1, 2)


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
    try:
        click.echo(text)
    except OSError as error:
        silence(sys.stdout)
        return error.errno == errno.EPIPE
    return True


def print_error(message: str, hint: str | None = None) -> None:
    """Print an error and a hint to stderr; a failure to do so is ignored."""
    lines = [f"Error: {_block(message)}"] + ([f"Hint: {_block(hint)}"] if hint else [])
    with suppress(OSError):
        click.echo("\n".join(lines), err=True)


def print_note(text: str) -> None:
    """Print a note to stderr; a failure to do so is ignored."""
    with suppress(OSError):
        click.echo(text, err=True)


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


def _block(text: str) -> str:
    return "\n".join(safe(line, 2000) for line in text.split("\n"))


def silence(stream: object) -> None:
    """Discard all further output of a stream that cannot be written."""
    if isinstance(stream, io.TextIOWrapper):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
