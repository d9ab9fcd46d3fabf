"""What a command works with: the runtime, the settings and the global options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from reconciler.runtime import Runtime

if TYPE_CHECKING:
    from reconciler.config import Settings


@dataclass(frozen=True)
class Caller:
    """What calls the program; the object of click's outermost context."""

    runtime: Runtime
    perform: Callable[[Sequence[str], Runtime], int]
    """Runs another command line and returns its exit code; the demo uses it."""
    arguments: tuple[str, ...] = ()
    """The command line, for hints that repeat it."""


@dataclass(frozen=True)
class Session:
    """One call of the program, global options included."""

    runtime: Runtime
    config_file: str | None
    quiet: bool

    def settings(self) -> Settings:
        """Read the settings. Raises ConfigError."""
        from reconciler import config
        from reconciler.cli import logs

        settings = config.load(self.config_file, self.runtime.environ)
        logs.hide(settings.operations.secrets)
        return settings


def caller(context: click.Context) -> Caller:
    """The caller of this command."""
    found: Caller = context.find_root().obj
    return found


def session(context: click.Context) -> Session:
    """The session of this command."""
    root = context.find_root()
    return Session(caller(root).runtime, root.params["config_file"], root.params["quiet"])
