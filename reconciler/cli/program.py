"""The program `reconciler`: its global options, its commands, and where every error ends."""

from __future__ import annotations

import logging
import shlex
import signal
from collections.abc import Iterator, Sequence
from typing import Any

import click

from reconciler import __version__
from reconciler.cli import global_options, logs, spelling, streams
from reconciler.cli.completion import completion
from reconciler.cli.decide import ignore, resolve, retry
from reconciler.cli.demo import demo
from reconciler.cli.doctor import doctor
from reconciler.cli.exit_codes import exit_codes
from reconciler.cli.groups import Group
from reconciler.cli.history import history
from reconciler.cli.init import init
from reconciler.cli.ledger import ledger
from reconciler.cli.listing import list_
from reconciler.cli.period import report
from reconciler.cli.run import run
from reconciler.cli.sandbox import sandbox
from reconciler.cli.serve import serve
from reconciler.cli.session import caller
from reconciler.cli.status import show, status
from reconciler.cli.verify import verify
from reconciler.errors import Interrupted, LedgerLocked, ReconcilerError, unforeseen
from reconciler.log_events import Event

_log = logging.getLogger(__name__)

_WAITS = {"2m": 120.0, "15m": 900.0, "1h": 3600.0}
"""Waits to suggest, in seconds."""


class Program(Group):
    """Turns every exception of a command into a message on stderr and an exit code."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise spelling.no_such_option(error, self) from error

    def invoke(self, ctx: click.Context) -> Any:
        ctx.exit(self._status(ctx))

    def _status(self, context: click.Context) -> int:
        try:
            return int(super().invoke(context) or 0)
        except click.UsageError as error:
            name = context.invoked_subcommand or ""
            if error.ctx is None and name in self.commands:
                # click does not say whose option it is that lacks a value
                error.ctx = click.Context(self.commands[name], info_name=name, parent=context)
            if isinstance(error, click.NoSuchOption):
                raise spelling.no_such_option(error, self.commands.get(name, self)) from error
            raise
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except Interrupted as error:
            name = signal.Signals(error.signal_number).name
            streams.print_note(
                f"Stopped by {name}; {error.hint or 'the next run goes on from here'}.",
                Event.STOPPED_BY_SIGNAL,
            )
            return error.status
        except LedgerLocked as error:
            streams.print_error(str(error), self._how_to_wait(context, error))
            return error.exit_code
        except ReconcilerError as error:
            streams.print_error(str(error), error.hint)
            return error.exit_code
        except Exception as error:  # noqa: BLE001 - the last resort of the whole program
            _log.info("where it happened", exc_info=error, extra=Event.BUG.fields)
            streams.print_error(*unforeseen(error))
            return 1

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            meant = spelling.of_command(args, self.commands)
            if meant is None:
                raise
            raise click.UsageError(f"No such command {args[0]!r}. {meant}", ctx) from error

    def _how_to_wait(self, context: click.Context, error: LedgerLocked) -> str | None:
        """The command that was typed, with a longer wait, if it takes one."""
        command = self.commands[context.invoked_subcommand or ""]
        if isinstance(command, click.Group):
            named = (command.commands.get(word) for word in caller(context).arguments)
            command = next(filter(None, named), command)
        if not any("--wait" in option.opts for option in command.params):
            return error.hint
        longer = next((text for text, seconds in _WAITS.items() if seconds > error.waited), None)
        if longer is None:
            return error.hint
        typed = shlex.join(("reconciler", *_without_wait(caller(context).arguments)))
        return f"{error.hint}, or wait for it: `{typed} --wait {longer}`"


def _without_wait(arguments: Sequence[str]) -> Iterator[str]:
    """A command line without the option --wait and its value."""
    words = iter(arguments)
    for word in words:
        if word == "--wait":
            next(words, None)
        elif not word.startswith("--wait="):
            yield word


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog=exit_codes(),
)
@click.option("--config", "config_file", metavar="FILE", help="Settings file (TOML).")
@click.option(
    "-v", "--verbose", count=True, help="Log more: -v for what is done, -vv for every step."
)
@click.option(
    "-q",
    "--quiet",
    is_flag=True,
    help="Log errors only; a run or a status that ends with 0 prints no report as text.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the log on stderr.",
)
@click.option(
    "--sandbox-clock",
    metavar="URL",
    help="Work by the clock of `reconciler sandbox --play`; refused with any real service.",
)
@click.version_option(__version__, message="reconciler %(version)s")
@click.pass_context
def program(context: click.Context, /, **_global_options: object) -> None:
    """Keep Jetti's sale returns in step with Loop's returns.

    Reads what changed in Loop, compares it with a ledger of what was already done, pushes only
    what is new or different to Jetti, and remembers it. The report goes to stdout, the log to
    stderr.

    \b
    First steps:
      reconciler demo              the whole story with a pretend Loop and Jetti
      reconciler init --since 7d   create the ledger
      reconciler run --dry-run     see what would be done; nothing is written
      reconciler run               do it; this is what cron calls
    """
    context.with_resource(logs.to_stderr(caller(context).runtime.environ))
    global_options.set_up_logs(context)
    global_options.take_sandbox_clock(context)


for command in (
    init, run, serve, status, list_, show, verify, retry, ignore, resolve, history, report, ledger,
    sandbox,
    demo, completion, doctor,
):  # fmt: skip
    program.add_command(command)
global_options.add_behind(program)
