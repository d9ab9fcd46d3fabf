"""`reconciler list`, which only reads."""

from __future__ import annotations

from datetime import datetime

import click

from reconciler.cli import deliver, streams
from reconciler.cli.exit_codes import SHOWN, UNDELIVERED, UNSHOWN, exit_codes
from reconciler.cli.output_options import output_options
from reconciler.cli.params import Moment
from reconciler.cli.session import session

# By name, because importing them would load half the program for `--help`.
STATES = (
    "pending",
    "in_flight",
    "unknown",
    "waiting",
    "failed",
    "dead",
    "review",
    "synced",
    "skipped",
    "ignored",
    "malformed",
)


@click.command("list", epilog=exit_codes(0, 2, 3, 7, 8, zero=SHOWN, three=UNSHOWN))
@click.option(
    "--state",
    "states",
    type=click.Choice(STATES),
    multiple=True,
    metavar="S",
    help="Only returns in this state, or rows that are malformed. May be repeated.",
)
@click.option(
    "--since",
    type=Moment(past=True),
    metavar="WHEN",
    help="Only what has been due since then or for less long; of what is settled, what changed.",
)
@click.option("--reason", metavar="TEXT", default="", help="Only where the reason holds this text.")
@output_options
@click.pass_context
def list_(
    context: click.Context,
    states: tuple[str, ...],
    since: datetime | None,
    reason: str,
    output_format: str,
    output: str | None,
) -> int:
    """List returns, the longest waiting first, with sums by state and by reason.

    Each with its order, its state, since when, why, and what happens next. Without options all
    that the ledger knows. Reads only the ledger, and works during a run.

    \b
    States:
      pending, in_flight, unknown, waiting, failed: not done yet
      dead, review: someone has to decide
      synced, skipped, ignored: nothing to do
      malformed: a row from Loop that is not understood at all

    \b
    Examples:
      reconciler list --state review --state dead
      reconciler list --state waiting --since 2d
      reconciler list --reason 'not in Jetti' --format json
    """
    deliver.require_writable(output)
    call = session(context)
    settings = call.settings()

    from reconciler import inspection
    from reconciler.core.listing import Filter
    from reconciler.reports import as_json, listing_text

    wanted = Filter(frozenset(states), since, reason)
    found = inspection.listing(settings, call.runtime.clock, wanted)
    if output_format == "json":
        text = as_json.encode(found)
    else:
        text = listing_text.render(found, streams.columns(call.runtime.environ))
    return 0 if deliver.hand_over(text, output) else UNDELIVERED
