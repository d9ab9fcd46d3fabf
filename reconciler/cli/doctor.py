"""`reconciler doctor`, which looks at everything and changes nothing."""

from __future__ import annotations

import click

from reconciler.cli import deliver, streams
from reconciler.cli.exit_codes import UNDELIVERED, UNSHOWN, exit_codes
from reconciler.cli.output_options import output_options
from reconciler.cli.session import session

_EXIT_CODES = exit_codes(
    *(0, 2, 3, 6, 129, 130, 143),
    zero="no problem was found",
    three=f"a problem was found with something else than a key or a setting; or {UNSHOWN}",
)


@click.command(epilog=_EXIT_CODES)
@output_options
@click.pass_context
def doctor(context: click.Context, output_format: str, output: str | None) -> int:
    """Look for what is wrong with settings, keys, services, ledger and schedule.

    Sends GETs only and writes nothing, so it works during a run. Each finding says what it is, what
    follows, and what to do. What is missing is a finding, too; the rest is looked at all the same.
    Asks both services some thirty questions at most, within 40 seconds.

    \b
    Examples:
      reconciler doctor
      reconciler doctor --format json
    """
    deliver.require_writable(output)
    call = session(context)

    from reconciler import doctor as examination
    from reconciler.reports import as_json, doctor_text

    found = examination.examine(call.settings, call.runtime)
    if output_format == "json":
        text = as_json.encode(found)
    else:
        text = doctor_text.render(found, streams.columns(call.runtime.environ))
    return found.exit_code if deliver.hand_over(text, output) else UNDELIVERED
