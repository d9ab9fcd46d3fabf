"""stdout and stderr in hard places: closed, full, a broken pipe, a strange encoding."""

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
    """Make sure that the three standard descriptors are open and can carry every character.

    Python leaves closed ones closed, and the next file that is opened, the ledger perhaps, would
    get the number that something else may print to.
    """
    for number in _STANDARD:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def print_text(text: str) -> bool:
    """Print to stdout; False when it could not be written. A reader that went away is no error."""
    try:
        click.echo(text)
    except OSError as error:
        silence(sys.stdout)
        return error.errno == errno.EPIPE
    return True


def print_error(message: str, hint: str | None = None) -> None:
    """Print an error and the way out to stderr; nothing more can be done if that fails."""
    lines = [f"Error: {_block(message)}"] + ([f"Hint: {_block(hint)}"] if hint else [])
    with suppress(OSError):
        click.echo("\n".join(lines), err=True)


def print_note(text: str) -> None:
    """Print a remark to stderr."""
    with suppress(OSError):
        click.echo(text, err=True)


def is_terminal() -> bool:
    """Whether a person is watching stderr."""
    return sys.stderr is not None and sys.stderr.isatty()


def flush_all() -> None:
    """Write out what is left, so that Python's own last flush cannot change the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except (OSError, ValueError):
                silence(stream)


def _block(text: str) -> str:
    return "\n".join(safe(line, 2000) for line in text.split("\n"))


def silence(stream: object) -> None:
    """Send the rest of a stream that cannot be written to nowhere."""
    if isinstance(stream, io.TextIOWrapper):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
