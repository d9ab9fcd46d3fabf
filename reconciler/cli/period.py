"""`reconciler report`: a period, from the ledger."""

from __future__ import annotations

from datetime import datetime

import click

from reconciler.cli import deliver, streams
from reconciler.cli.exit_codes import SHOWN, UNDELIVERED, UNSHOWN, exit_codes
from reconciler.cli.output_options import table_options
from reconciler.cli.params import created_within
from reconciler.cli.session import session
from reconciler.core.instants import iso

# By name, because importing them would load half the program for `--help`.
GROUPINGS = ("day", "week", "vendor", "reason", "outcome")


@click.command(epilog=exit_codes(0, 2, 3, 7, 8, zero=SHOWN, three=UNSHOWN))
@created_within("30d")
@click.option(
    "--by",
    type=click.Choice(GROUPINGS),
    help="Also show each day, week, vendor, reason or outcome in Loop.",
)
@table_options
@click.pass_context
def report(
    context: click.Context,
    start: datetime | None,
    end: datetime | None,
    by: str | None,
    output_format: str,
    output: str | None,
) -> int:
    """Report on a period, beside the one of the same length before it.

    Tells of the returns that were created in Loop in it: how many are in Jetti, by state,
    outcome, reason and vendor, how long it took from their creation and from their last change,
    and which need someone now. And what was done in it: writes to Jetti, what failed, runs and
    decisions. It says where the ledger does not know everything.

    Reads only the ledger, needs no keys, and works during a run.

    \b
    Examples:
      reconciler report
      reconciler report --from 7d --by day
      reconciler report --from 2026-01-01 --to 2026-01-31 --by vendor --format csv
    """
    call = session(context)
    now = call.runtime.clock.now()
    last = now if end is None else min(end, now)
    if start is not None and start >= last:
        raise click.UsageError(f"--from {iso(start)} is not before --to {iso(last)}")
    deliver.require_writable(output)
    settings = call.settings()

    from reconciler import inspection
    from reconciler.core.period.facts import Asked
    from reconciler.core.period.span import Span
    from reconciler.reports import forms

    found = inspection.period(settings, call.runtime.clock, Asked(Span.of(start, end, now), by))
    text = forms.rendered(found, output_format, streams.columns(call.runtime.environ))
    return 0 if deliver.hand_over(text, output) else UNDELIVERED
