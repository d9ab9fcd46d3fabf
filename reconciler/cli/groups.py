"""Groups of commands, listed in `--help` with whole summaries."""

from __future__ import annotations

import click


class Group(click.Group):
    """A group whose summaries are not cut."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    # The first sentence of its help.
                    (name, self.commands[name].get_short_help_str(limit=500))
                    for name in self.list_commands(ctx)
                ]
            )
