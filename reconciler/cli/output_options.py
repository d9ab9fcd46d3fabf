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
        help="Write the report there instead of stdout: whole or not at all, for you alone.",
    )(command)
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How the report is written.",
    )(command)
