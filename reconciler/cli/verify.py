"""`reconciler verify`: whether Loop, the ledger and Jetti agree."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from reconciler.cli import deliver, progress, streams
from reconciler.cli.exit_codes import UNDELIVERED, UNSHOWN, exit_codes
from reconciler.cli.output_options import table_options
from reconciler.cli.params import Span, created_within
from reconciler.cli.session import session
from reconciler.core.instants import iso
from reconciler.errors import worst

if TYPE_CHECKING:
    from reconciler.core.verification.report import Verification

_WAIT = timedelta(minutes=2)


_EXIT_CODES = exit_codes(
    *(0, 1, 2, 3, 4, 5, 6, 7, 8, 75, 129, 130, 143),
    zero="Loop, the ledger and Jetti agree, with --repair once it is done",
    three="they do not agree, or something is dead, in review or malformed; with --repair also what"
    f" a pass ends with 3 for; or {UNSHOWN}",
)


@click.command(epilog=_EXIT_CODES)
@created_within("120d")
@click.option(
    "--repair",
    is_flag=True,
    help="Take the lock, and settle what can be: record what Loop shows, push again what is lost.",
)
@click.option(
    "--wait",
    type=Span(),
    metavar="D",
    help="With --repair: wait up to this long for another run to finish. Default: 2m.",
)
@table_options
@click.pass_context
def verify(
    context: click.Context,
    start: datetime | None,
    end: datetime | None,
    repair: bool,
    wait: timedelta | None,
    output_format: str,
    output: str | None,
) -> int:
    """Check over a range whether Loop, the ledger and Jetti agree.

    Lists returns that are in Loop and not in the ledger, or newer; in the ledger and not in Loop;
    in Jetti unlike what was last pushed, and whose edit that is; in Jetti twice; deleted there;
    and marked there with a return that the ledger does not know. Each with the change that would
    settle it, and the command that makes it. Exit code 0 if all agree, 3 if not.

    Sends GETs only, never writes to the ledger, and works during a run, at half the pace. While
    both ask, Jetti may answer 429 until one of them ends with 5: rather wait for the run.

    With --repair what is listed as missing or newer is recorded as Loop shows it, and what a lost
    write of ours left is pushed again; both under the guards of a sweep, and nothing that is not
    listed. What someone set in Jetti stays, and nothing that is there twice is removed.

    \b
    Examples:
      reconciler verify
      reconciler verify --from 7d --format json
      reconciler verify --format html --output verify.html
      reconciler verify --from 2026-01-01 --to 2026-01-31
      reconciler verify --repair
    """
    from reconciler.core.verification.report import VerifyRequest

    if wait is not None and not repair:
        raise click.UsageError("--wait needs --repair")
    if start and end and start >= end:
        raise click.UsageError(f"--from {iso(start)} is not before --to {iso(end)}")
    deliver.require_writable(output)
    call = session(context)
    settings = call.settings()
    seconds = (wait if wait is not None else _WAIT).total_seconds() if repair else 0.0
    request = VerifyRequest(start=start, end=end, repair=repair, wait=seconds)

    from reconciler import app  # slow to import: only once the options are valid

    with progress.shown(call, "comparing with Jetti") as watcher:
        found = app.verify(settings, request, dataclasses.replace(call.runtime, progress=watcher))
    width = streams.columns(call.runtime.environ)
    return _deliver(found, output_format, output, width)


def _deliver(found: Verification, output_format: str, output: str | None, width: int) -> int:
    from reconciler.reports import forms

    text = forms.rendered(found, output_format, width)
    done = "what was to be repaired is recorded; " if found.repair is not None else ""
    delivered = deliver.hand_over(text, output, done)
    return worst({found.verify.exit_code, 0 if delivered else UNDELIVERED})
