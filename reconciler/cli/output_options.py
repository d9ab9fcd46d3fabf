"""`--format` and `--output`, the same for every command that has a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.cli import deliver
from reconciler.core.plain import plain


class _ReportFile(click.ParamType):  # type: ignore[type-arg]
    """Where a report is to go; refused before anything is done when it cannot go there."""

    name = "file"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        why = deliver.why_unwritable(Path(value))
        if why is not None:
            self.fail(f"{plain(value, 200)}: {why}", param, ctx)
        return value


_Command = TypeVar("_Command", bound=Callable[..., Any])


def output_options(command: _Command) -> _Command:
    """Give a command both options."""
    command = click.option(
        "--output",
        type=_ReportFile(),
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
