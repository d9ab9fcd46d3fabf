"""`reconciler run`: one pass."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import announced, completion, deliver, progress, streams
from reconciler.cli.consent import consent
from reconciler.cli.exit_codes import exit_codes
from reconciler.cli.output_options import table_options
from reconciler.cli.params import Moment, Span
from reconciler.cli.session import session
from reconciler.cli.user import system_user
from reconciler.errors import ConfigError

if TYPE_CHECKING:
    from reconciler.core.report import Report
    from reconciler.core.request import RunRequest
    from reconciler.runtime import Runtime

_WHEN_HELP = "ISO date or date-time (UTC), or 7d for seven days ago."


@click.command(epilog=exit_codes())
@click.argument("more", nargs=-1, metavar="")
@click.option("--from", "start", type=Moment(past=True), metavar="WHEN", help=_WHEN_HELP)
@click.option(
    "--to",
    "end",
    type=Moment(end_of_day=True),
    metavar="WHEN",
    help="End of the range; a bare date means the end of that day. Default: now.",
)
@click.option(
    "--by",
    type=click.Choice(["updated", "created"]),
    help="Which time of a return the range applies to. Default: updated.",
)
@click.option(
    "--sweep",
    type=Span(above_zero=True),
    metavar="SPAN",
    help="Read this far back by creation date; the watermark stays. 120d nightly is usual.",
)
@click.option(
    "--return",
    "return_ids",
    multiple=True,
    metavar="ID…",
    help="Only this Loop return.",
    shell_complete=completion.returns,
)
@click.option(
    "--order",
    "order_names",
    multiple=True,
    metavar="NAME…",
    help="Only the returns on this order, such as '#1042'.",
    shell_complete=completion.orders,
)
@click.option("--dry-run", is_flag=True, help="Read and plan only: nothing is written anywhere.")
@click.option(
    "--since",
    type=Moment(past=True),
    metavar="WHEN",
    help="With --dry-run, before init: the go-live that `init --since` is about to set.",
)
@click.option(
    "--against-jetti", is_flag=True, help="With --dry-run: also look the orders up in Jetti."
)
@click.option(
    "--detailed-exitcode", is_flag=True, help="With --dry-run: exit 10 when changes are pending."
)
@click.option(
    "--accept-plan",
    metavar="DIGEST|FILE",
    help="Let this reviewed plan past the counting guards: its digest, or a dry run's JSON file.",
)
@click.option(
    "--yes",
    is_flag=True,
    help="With --from: answer yes in advance to what would be asked on a terminal.",
)
@click.option(
    "--max-writes",
    type=click.IntRange(min=0),
    metavar="N",
    help="Stop before the next return once N writes were sent; the rest stays pending.",
)
@click.option(
    "--max-seconds",
    type=Span(above_zero=True),
    metavar="S",
    help="Stop before the next return after this time. Default: 600 in a scheduled pass or sweep.",
)
@click.option(
    "--wait",
    type=Span(),
    metavar="D",
    help="Wait up to this long for another run to finish. Default: sweeps 15m, single runs and"
    " accepted plans 2m, else 0.",
)
@table_options
@click.pass_context
def run(
    context: click.Context, /, output_format: str, output: str | None, yes: bool, **asked: Any
) -> int:
    """Make one pass: read Loop, compare with the ledger, push what differs to Jetti.

    Without options it reads from the watermark and moves it. A range, a sweep and single returns
    leave the watermark alone. A range that would create more returns than guard.creates, or any
    from before go-live, shows a summary and asks on a terminal; elsewhere it stops with exit
    code 7.

    \b
    Examples:
      reconciler run                            what cron calls
      reconciler run --dry-run --against-jetti  what would happen
      reconciler run --dry-run --format html --output plan.html
      reconciler run --from 2026-01-01 --to 2026-01-31
      reconciler run --from 200d --yes          for a script: no question
      reconciler run --sweep 120d               once a night
      reconciler run --return 8812 8813         just these
      reconciler run --order '#1042' --dry-run
      reconciler run --accept-plan 3f9a2c81d0b4e657
    """
    from reconciler.cli.run_options import request

    call = session(context)
    run_request = request(**asked, user=system_user(call.runtime.environ))
    if yes and run_request.start is None:
        raise click.UsageError("--yes needs --from")
    settings = call.settings()
    if run_request.dry_run:
        announced.require_known_addresses(settings)

    from reconciler import app  # slow to import: only once the options are valid

    def act(runtime: Runtime) -> Report:
        try:
            deliver.require_writable(output)
        except ConfigError as error:
            app.record_failed_start(settings, run_request, runtime, error)
            raise
        with progress.shown(call, _work_of(run_request)) as watcher:
            asks = consent(
                given=yes,
                dry_run=run_request.dry_run,
                clock=runtime.clock,
                screen=watcher,
                width=streams.columns(call.runtime.environ),
            )
            within = dataclasses.replace(runtime, progress=watcher, consent=asks)
            return app.run(settings, run_request, within)

    return announced.run(
        settings,
        run_request,
        call.runtime,
        act,
        lambda report: deliver.report(report, call, output_format, output),
    )


def _work_of(request: RunRequest) -> str:
    """What is done with the changes, for who watches: a dry run never pushes."""
    if not request.dry_run:
        return "pushing"
    return "looking up in Jetti" if request.against_jetti else "planning"
