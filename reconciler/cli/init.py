"""`reconciler init`: create the ledger."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING

import click

from reconciler.cli import progress, streams
from reconciler.cli.exit_codes import exit_codes
from reconciler.cli.params import Moment
from reconciler.cli.session import session
from reconciler.core.text import safe

if TYPE_CHECKING:
    from reconciler.app import Initialised


@click.command(epilog=exit_codes(0, 2, 3, 4, 5, 6, 7, 8, 75, 129, 130, 143))
@click.option(
    "--since",
    type=Moment(past=True),
    metavar="WHEN",
    help="Go-live and first watermark: nothing older is created in Jetti by itself. Default: 24h.",
)
@click.option(
    "--adopt",
    is_flag=True,
    help="Also recognise what Jetti already has; writes nothing to Jetti.",
)
@click.option(
    "--repin",
    is_flag=True,
    help="Accept that the Loop shop or the Jetti account has a new name.",
)
@click.pass_context
def init(context: click.Context, since: datetime | None, adopt: bool, repin: bool) -> int:
    """Create the ledger.

    Refuses to replace one that exists. On an existing ledger --adopt and --repin do their part
    and move no watermark.

    --adopt first lets jetti.settle (180 s) pass since the ledger was made, because what a lost
    ledger's last run sent may still be about to take effect in Jetti, and shows that it goes on.
    Broken off, it is to be run again: until it has looked everywhere, `status` says so.

    \b
    Examples:
      reconciler init                        from 24 hours ago
      reconciler init --since 2026-01-31     from that day, 00:00 UTC
      reconciler init --since 120d --adopt   rebuild a lost ledger from what Jetti has
    """
    from reconciler import app

    call = session(context)
    settings = call.settings()
    with progress.shown(call, off_terminal_too=adopt) as watcher:
        runtime = dataclasses.replace(call.runtime, progress=watcher)
        made = app.initialise(settings, since=since, adopt=adopt, repin=repin, runtime=runtime)
    streams.print_text(_summary(made))
    return made.report.run.exit_code if made.report else 0


def _summary(made: Initialised) -> str:
    from reconciler.core.matching.created import PROVEN_BY
    from reconciler.reports import run_text
    from reconciler.reports.wording import line, moment

    lines = [
        f"The ledger is {'ready' if made.created else 'as it was'}: {safe(made.ledger)}",
        line("go-live", f"{moment(made.go_live)}: nothing older is created by itself"),
        line("watermark", f"{moment(made.watermark)}: reading goes on from here"),
    ]
    if made.unproven:
        lines.append(line("first", f"{PROVEN_BY}: its create proves jetti.cancel_ids_key"))
    following = "reconciler run --dry-run"
    if made.report:
        lines += ["", run_text.render(made.report)]
        if made.report.run.failures:
            following = "reconciler init --adopt, once that is put right: not all was looked for"
    return "\n".join([*lines, line("next", following)])
