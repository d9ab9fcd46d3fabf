"""The program `reconciler`: its global options, its commands, and where every error ends."""

from __future__ import annotations

import logging
import signal
from typing import Any

import click

from reconciler import __version__
from reconciler.cli import logs, streams
from reconciler.cli.demo import demo
from reconciler.cli.exit_codes import exit_codes
from reconciler.cli.init import init
from reconciler.cli.run import run
from reconciler.cli.sandbox import sandbox
from reconciler.cli.serve import serve
from reconciler.cli.session import caller
from reconciler.cli.status import show, status
from reconciler.errors import Interrupted, ReconcilerError, unforeseen

_log = logging.getLogger(__name__)


class Program(click.Group):
    """Turns every exception of a command into a message on stderr and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        ctx.exit(self._status(ctx))

    def _status(self, context: click.Context) -> int:
        try:
            return int(super().invoke(context) or 0)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except Interrupted as error:
            name = signal.Signals(error.signal_number).name
            streams.print_note(f"Stopped by {name}; {error.hint or 'nothing is left half done'}.")
            return error.status
        except ReconcilerError as error:
            streams.print_error(str(error), error.hint)
            return error.exit_code
        except Exception as error:  # noqa: BLE001 - the last resort of the whole program
            _log.info("where it happened", exc_info=error)
            streams.print_error(*unforeseen(error))
            return 1


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=exit_codes(),
)
@click.option("--config", "config_file", metavar="FILE", help="Settings file (TOML).")
@click.option(
    "-v", "--verbose", count=True, help="Log more: -v for what is done, -vv for every step."
)
@click.option("-q", "--quiet", is_flag=True, help="Log errors only; success is silent.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the log on stderr.",
)
@click.version_option(__version__, message="reconciler %(version)s")
@click.pass_context
def program(
    context: click.Context, config_file: str | None, verbose: int, quiet: bool, log_format: str
) -> None:
    """Keep Jetti's sale returns in step with Loop's returns.

    Reads what changed in Loop, compares it with a ledger of what was already done, pushes only
    what is new or different to Jetti, and remembers it. The report goes to stdout, the log to
    stderr.

    \b
    First steps:
      reconciler demo                 the whole story against a pretend Loop and Jetti
      reconciler init --since 7d      create the ledger
      reconciler run --dry-run        see what would be done; nothing is written
      reconciler run                  do it; this is what cron calls
    """
    runtime = caller(context).runtime
    level = logs.level(context.invoked_subcommand, verbose, quiet=quiet)
    context.with_resource(logs.to_stderr(level, log_format, runtime.environ))


for command in (init, run, serve, status, show, sandbox, demo):
    program.add_command(command)
