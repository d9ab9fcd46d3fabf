"""The options of the whole program, taken behind a command as well as before it."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import click
from click.core import ParameterSource

from reconciler.cli import logs, streams
from reconciler.cli.session import caller, take_sandbox_time
from reconciler.core import sandbox_clock

_NAMES = frozenset({"config_file", "verbose", "quiet", "log_format", "sandbox_clock"})
_RARE = "sandbox_clock"  # shown once, by `reconciler --help`
_OF_THE_MACHINE = frozenset({"sandbox", "demo", "completion"})
"""Commands that work by the machine's clock, whichever is named."""


def set_up_logs(root: click.Context) -> None:
    """Have what is logged from now on as the global options say."""
    typed = root.params
    level = logs.level(root.invoked_subcommand, typed["verbose"], quiet=typed["quiet"])
    # Known already, since even an error of the command line is shown in this format.
    log_format = "json" if streams.JSON_LINES.get() else "text"
    steps = typed["verbose"] > 0  # also of a daemon, whose usual level would show them
    logs.change(level, log_format, caller(root).runtime.environ, steps=steps)


def take_sandbox_clock(root: click.Context) -> None:
    """Work by the clock of a sandbox, if one was named. Raises ConfigError."""
    url = root.params["sandbox_clock"] or caller(root).runtime.environ.get(sandbox_clock.VARIABLE)
    if url and root.invoked_subcommand not in _OF_THE_MACHINE:
        take_sandbox_time(root, url)


def add_behind(program: click.Group) -> None:
    """Let every command of the program take the program's own options, too."""
    options = [one for one in program.params if one.name in _NAMES]
    for command in _commands(program):
        command.params += map(_behind, options)


def _commands(group: click.Group) -> Iterator[click.Command]:
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from _commands(command)
        else:
            yield command


def _behind(option: click.Parameter) -> click.Parameter:
    other = copy.copy(option)
    other.expose_value, other.callback = False, _take
    if other.name == _RARE and isinstance(other, click.Option):
        # Before a time is read, which may be one ago.
        other.hidden = other.is_eager = True
    return other


def _take(context: click.Context, option: click.Parameter, value: object) -> None:
    """Take an option that was typed behind the command as if it had been typed before it."""
    name = option.name or ""
    root = context.find_root()
    if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
        return
    if context.resilient_parsing:  # a shell completes what is typed
        root.params[name] = value
        return
    # `-v run -v` is `-vv`.
    both = root.params["verbose"] + value if name == "verbose" else value
    root.params[name] = both
    if name == _RARE:
        take_sandbox_clock(root)
    set_up_logs(root)
