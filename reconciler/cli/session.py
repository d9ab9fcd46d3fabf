"""What a command works with: the runtime, the settings, how much to say, and where."""

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
    """Who calls the program; the object of click's outermost context."""

    runtime: Runtime
    perform: Callable[[Sequence[str], Runtime], int]
    """Carries out another command line; the demo does. Answers its exit code."""


@dataclass(frozen=True)
class Session:
    """One call of the program, global options included."""

    runtime: Runtime
    config_file: str | None
    quiet: bool

    def settings(self) -> Settings:
        """Read the settings. Raises ConfigError."""
        from reconciler import config

        return config.load(self.config_file, self.runtime.environ)


def caller(context: click.Context) -> Caller:
    """Who called this command."""
    found: Caller = context.find_root().obj
    return found


def session(context: click.Context) -> Session:
    """What this command was called with."""
    root = context.find_root()
    return Session(caller(root).runtime, root.params["config_file"], root.params["quiet"])
