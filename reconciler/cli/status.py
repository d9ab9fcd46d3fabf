"""`reconciler status` and `reconciler show`, which only read."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import click

from reconciler.cli import announced, deliver, streams
from reconciler.cli.completion import returns_and_orders
from reconciler.cli.exit_codes import SHOWN, UNDELIVERED, UNSHOWN, exit_codes
from reconciler.cli.output_options import output_options
from reconciler.cli.params import Span
from reconciler.cli.session import Session, session
from reconciler.errors import ConfigError, ReconcilerError, worst

if TYPE_CHECKING:
    from reconciler.clock import Clock
    from reconciler.config import Settings
    from reconciler.inspection import Look


@click.command(epilog=exit_codes(0, 2, 3, 7, 8, zero="healthy", three=f"not healthy; or {UNSHOWN}"))
@click.option(
    "--max-age",
    type=Span(above_zero=True),
    metavar="D",
    help="Not healthy when the last complete pass ended longer ago than this.",
)
@click.option(
    "--changed",
    is_flag=True,
    help="Print only what changed since this was last printed, and a reminder each day.",
)
@click.option(
    "--notify",
    is_flag=True,
    help="Also send what changed since it was last sent to operations.notify.",
)
@output_options
@click.pass_context
def status(
    context: click.Context,
    max_age: timedelta | None,
    changed: bool,
    notify: bool,
    output_format: str,
    output: str | None,
) -> int:
    """Report whether all is well: exit code 0 if healthy, 3 if not.

    Not healthy means: a return is overdue, dead, failed or in review; the last pass ended with
    anything but 0 or 10 (with 3 only while something still needs a look), or was killed; the last
    complete pass is older than --max-age, or none came within an hour of init; the last complete
    sweep is older than 48 hours, once one has run; the last daily backup failed, or is older than
    48 hours, once one was made; init --adopt was not finished; a safety stop is still in force; or
    a time in the ledger is ahead of this machine's clock. Needs no keys, and works during a run.

    --changed and --notify remember in the ledger what they reported; else status
    never writes to it.

    \b
    Examples:
      reconciler status
      reconciler status --changed --max-age 45m   from cron: a mail per change
      reconciler status --notify --max-age 45m    the same, to operations.notify
      reconciler -q status                        prints only if not well
      reconciler status --format json
    """
    deliver.require_writable(output)
    call = session(context)
    settings = call.settings()

    if notify:
        _notify(settings, call.runtime.clock, max_age)
    if changed:
        return _print_what_changed(call, settings, max_age, output_format, output)

    from reconciler import inspection
    from reconciler.reports import as_json, status_text

    health = inspection.health(settings, call.runtime.clock, max_age)
    if output_format == "json":
        text = as_json.encode_status(health)
    else:
        text = status_text.render(health, streams.columns(call.runtime.environ))
    silent = call.quiet and health.healthy and output_format == "text" and output is None
    delivered = silent or deliver.hand_over(text, output)
    return health.exit_code if delivered else UNDELIVERED


def _notify(settings: Settings, clock: Clock, max_age: timedelta | None) -> None:
    if not settings.operations.notify:
        raise ConfigError(
            "--notify: operations.notify is not set", "set it to one or more Apprise URLs"
        )
    announced.require_known_addresses(settings)

    from reconciler import alarms

    alarms.notify(settings, clock, max_age)


def _print_what_changed(
    call: Session,
    settings: Settings,
    max_age: timedelta | None,
    output_format: str,
    output: str | None,
) -> int:
    from reconciler import alarms
    from reconciler.reports import alarm_text, as_json, status_text

    memory = alarms.Memory(settings, call.runtime.clock, alarms.PRINTED)
    try:
        look = memory.look(max_age)
    except ReconcilerError as error:
        if not memory.may_tell_trouble():
            return error.status
        memory.told_trouble()
        raise
    if look.news:
        text = as_json.encode_status(look.health)
        if output_format == "text":
            width = streams.columns(call.runtime.environ)
            news = alarm_text.render(look.news, width)
            text = f"{news}\n\n{status_text.render(look.health, width)}"
        if not deliver.hand_over(text, output):
            return UNDELIVERED
    memory.remember(look)
    return look.health.exit_code


@click.command(epilog=exit_codes(0, 2, 3, 5, 6, 7, 8, 129, 130, 143, zero=SHOWN, three=UNSHOWN))
@click.argument("name", metavar="RETURN|ORDER", shell_complete=returns_and_orders)
@click.option(
    "--against-jetti",
    is_flag=True,
    help="Also look the order up in Jetti: what it holds now, and whose each value is.",
)
@output_options
@click.pass_context
def show(
    context: click.Context, name: str, against_jetti: bool, output_format: str, output: str | None
) -> int:
    """Show everything about one return, or about all returns on an order.

    What was seen in Loop, what is wanted, what was pushed, each write and its answer, what happens
    next and why, and the commands that could settle it. Reads only the ledger.

    --against-jetti also reads Jetti, which needs its key: each field as it is now, beside what is
    wanted and what was last pushed, and whose value it is; every sale return on the order, whose it
    is, and what of it does not fit. Nothing is written, to the ledger neither. Where Jetti cannot
    be read, what the ledger knows is shown all the same, and the exit code is 5, 6 or 7.

    \b
    Examples:
      reconciler show 8812
      reconciler show '#1042'
      reconciler show 8812 --against-jetti
      reconciler show 8812 --format json
    """
    deliver.require_writable(output)
    call = session(context)
    settings = call.settings()
    if name.encode(errors="ignore").decode() != name:
        raise click.UsageError(f"{name!r} is not text, so neither a return nor an order")
    look = _look(call, settings) if against_jetti else None

    from reconciler import inspection
    from reconciler.reports import as_json, return_text

    found = inspection.details(settings, call.runtime.clock, name, look)
    for failure in found.failures:
        streams.print_error(failure.message, failure.hint)
    if output_format == "json":
        text = as_json.encode(found)
    else:
        text = return_text.render(found, streams.columns(call.runtime.environ))
    delivered = deliver.hand_over(text, output)
    return worst({found.exit_code, 0 if delivered else UNDELIVERED})


def _look(call: Session, settings: Settings) -> Look:
    settings.require_jetti_token()

    from reconciler import app  # slow to import: most look at the ledger alone

    return partial(app.look, settings, call.runtime)
