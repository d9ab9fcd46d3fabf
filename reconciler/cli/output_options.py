"""`--format` and `--output`, the same for every command that has a report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def output_options(command: _Command) -> _Command:
    """Give a command both options."""
    command = click.option(
        "--output",
        metavar="FILE",
        help="Write the report to FILE instead of stdout (atomically, mode 0600).",
    )(command)
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Format of the report.",
    )(command)
