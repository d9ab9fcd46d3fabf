"""What a command works with: the host, the settings, how much to say, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from reconciler.host import Host

if TYPE_CHECKING:
    from reconciler.config import Settings


@dataclass(frozen=True)
class Session:
    """One call of the program, global options included."""

    host: Host
    config_file: str | None
    quiet: bool

    def settings(self) -> Settings:
        """Read the settings. Raises ConfigError."""
        from reconciler import config

        return config.load(self.config_file, self.host.environ)


def session(context: click.Context) -> Session:
    """What this command was called with."""
    root = context.find_root()
    return Session(root.obj, root.params["config_file"], root.params["quiet"])
