"""What a command works with: the runtime, the settings and the global options."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from reconciler.cli import streams
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
    in_sandbox_time: bool = False
    """Whether the clock is a sandbox's."""


@dataclass(frozen=True)
class Session:
    """One call of the program, global options included."""

    runtime: Runtime
    config_file: str | None
    quiet: bool
    in_sandbox_time: bool = False

    def settings(self) -> Settings:
        """Read the settings. Raises ConfigError, also where a sandbox's clock does not fit them."""
        from reconciler import config
        from reconciler.cli import logs

        settings = config.load(self.config_file, self.runtime.environ)
        logs.hide(settings.operations.secrets)
        if self.in_sandbox_time:
            from reconciler.cli import sandbox_clock

            sandbox_clock.require_sandbox(settings)
        return settings

    @contextmanager
    def of_another_thread(self) -> Iterator[Session]:
        """The same session, for work in a thread of its own."""
        if self.runtime.clock_of_a_thread is None:
            yield self
            return
        with self.runtime.clock_of_a_thread() as clock:
            before = streams.NOW.set(clock.now)
            try:
                yield replace(self, runtime=replace(self.runtime, clock=clock))
            finally:
                streams.NOW.reset(before)


def take_sandbox_time(root: click.Context, url: str) -> None:
    """From now on work by the clock of the sandbox at `url`. Raises ConfigError."""
    from reconciler.cli import sandbox_clock

    found = caller(root)
    runtime = sandbox_clock.follow(found.runtime, url)
    streams.date_by(runtime.clock.now)
    root.obj = replace(found, runtime=runtime, in_sandbox_time=True)


def caller(context: click.Context) -> Caller:
    """The caller of this command."""
    found: Caller = context.find_root().obj
    return found


def session(context: click.Context) -> Session:
    """The session of this command."""
    root = context.find_root()
    found = caller(root)
    return Session(
        found.runtime, root.params["config_file"], root.params["quiet"], found.in_sandbox_time
    )
