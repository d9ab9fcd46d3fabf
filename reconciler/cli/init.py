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
    help="Go-live time and first watermark: returns created before it are never created in Jetti"
    " automatically. Default: 24h ago.",
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

    Refuses to replace one that exists. On an existing ledger, --adopt and --repin do only their
    own part; the watermark stays.

    --adopt first waits until jetti.settle (180 s) has passed since the ledger was created, because
    what the last run of a lost ledger sent may not have taken effect in Jetti yet, and shows its
    progress. If it is interrupted, run it again: `status` reports it as unfinished until it has
    looked everything up.

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
        line("go-live", f"{moment(made.go_live)}: nothing older is created automatically"),
        line("watermark", f"{moment(made.watermark)}: reading continues from here"),
    ]
    if made.unproven:
        lines.append(line("first", f"{PROVEN_BY}: its create proves jetti.cancel_ids_key"))
    following = "reconciler run --dry-run"
    if made.report:
        lines += ["", run_text.render(made.report)]
        if made.report.run.failures:
            following = "reconciler init --adopt, once that is fixed: not everything was looked up"
    return "\n".join([*lines, line("next", following)])
