"""`reconciler history`: past runs."""

from __future__ import annotations

import click

from reconciler.cli import deliver, streams
from reconciler.cli.exit_codes import SHOWN, UNDELIVERED, UNSHOWN, exit_codes
from reconciler.cli.output_options import output_options
from reconciler.cli.session import session

_USUAL = 20


@click.command(epilog=exit_codes(0, 2, 3, 7, 8, zero=SHOWN, three=UNSHOWN))
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=_USUAL,
    show_default=True,
    metavar="N",
    help="Show this many runs.",
)
@output_options
@click.pass_context
def history(context: click.Context, limit: int, output_format: str, output: str | None) -> int:
    """Show past runs, newest first: kind, time, exit code, what each did and why it ended so.

    The ledger keeps them for 90 days; of several passes in a row that found nothing, only the
    last. Needs no keys, and works during a run.

    \b
    Examples:
      reconciler history
      reconciler history --limit 200 --format json
    """
    deliver.require_writable(output)
    call = session(context)
    settings = call.settings()

    from reconciler import inspection
    from reconciler.reports import as_json, history_text

    runs = inspection.history(settings, call.runtime.clock, limit)
    if output_format == "json":
        text = as_json.encode(runs)
    else:
        text = history_text.render(runs, streams.columns(call.runtime.environ))
    return 0 if deliver.hand_over(text, output) else UNDELIVERED
