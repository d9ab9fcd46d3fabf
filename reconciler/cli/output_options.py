"""`--format` and `--output`, the same for every command that has a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


FORMS = ("text", "json")
"""What every report can be written as."""
TABLES = ("csv", "markdown", "html")
"""What else the reports of `run`, `verify` and `report` can be written as (`reports.forms`)."""


def output_options(command: _Command) -> _Command:
    """Give a command both options."""
    return _options(command, FORMS)


def table_options(command: _Command) -> _Command:
    """The same, for a report that can be written as a table, too."""
    return _options(command, (*FORMS, *TABLES))


def _options(command: _Command, forms: Sequence[str]) -> _Command:
    command = click.option(
        "--output",
        metavar="FILE",
        help="Write the report to FILE (atomically, mode 0600); - is stdout, which is the default.",
    )(command)
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(forms),
        default="text",
        show_default=True,
        help="Format of the report.",
    )(command)
