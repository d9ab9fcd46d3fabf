"""`reconciler demo`: the whole story in under a minute, against a pretend Loop and Jetti."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import deliver, streams
from reconciler.cli.exit_codes import exit_codes
from reconciler.cli.session import caller

if TYPE_CHECKING:
    from reconciler.cli.demo_stage import Stage

_THREE_DAYS = 3 * 24 * 3600.0


@click.command(epilog=exit_codes(0, 1, 2, 129, 130, 143, zero="all went as it should"))
@click.option(
    "--html", metavar="FILE", help="Write the report of the second run to FILE, as a page."
)
@click.pass_context
def demo(context: click.Context, html: str | None) -> int:
    """Show the whole story in under a minute; nothing outside a temporary directory is touched.

    A pretend Loop and Jetti are served on this machine. Then init, a dry run, a run, three days
    of changes in Loop, another run, one more that finds nothing, a return that someone has to
    decide about, and a look at the result: real commands over real HTTP, with a clock that
    skips every wait. Exits with 1 if anything goes wrong.

    \b
    Examples:
      reconciler demo
      reconciler demo --html demo.html
    """
    from reconciler.cli.demo_stage import Stage

    if html == deliver.STDOUT:
        raise click.UsageError("--html -: the story goes to stdout, so name a file for the page")
    deliver.require_writable(html, "--html")

    with (
        tempfile.TemporaryDirectory(prefix="reconciler-demo-") as directory,
        Stage.on(Path(directory), caller(context)) as stage,
    ):
        _story(stage, html)
    for problem in stage.problems:
        streams.print_error(f"the demo went wrong: {problem}")
    if html is not None and not stage.problems:
        streams.print_text(f"\nThe second run's report is in {os.path.abspath(html)}")
    return 1 if stage.problems else 0


def _story(stage: Stage, html: str | None) -> None:
    stage.say(
        "A pretend shop: Loop has 160 returns from the last 200 days, and Jetti has their orders,"
        " split across some forty vendors."
    )
    stage.perform("init", "--since", "7d")
    stage.say("First a dry run: it sends GETs only and leaves the ledger untouched, byte for byte.")
    before = stage.ledger_bytes()
    stage.perform("run", "--dry-run")
    stage.expect(stage.ledger_bytes() == before, "the dry run changed the ledger")
    stage.expect(stage.writes() == 0, "something was written to Jetti by a dry run")

    stage.say("Now for real: each create is recorded in the ledger, sent once, and checked.")
    stage.perform("run")
    created = stage.writes()
    stage.expect(created > 0, "the run wrote nothing to Jetti")

    stage.say(
        "Three days pass in Loop: labels are scanned, returns are opened, cancelled and closed."
    )
    stage.advance(_THREE_DAYS)
    if html is None:
        stage.perform("run")
    else:
        stage.perform("run", "--format", "html", "--output", html)
        stage.perform("history", "--limit", "1")
    stage.expect(stage.writes() > created, "the changes of three days did not reach Jetti")

    stage.say(
        "Run it again right away: nothing has changed, so no request goes to Jetti. Under cron"
        " such a run prints nothing at all."
    )
    stage.forget_requests()
    stage.perform("run")
    stage.expect(stage.requests_to_jetti() == 0, "a run with nothing new sent requests to Jetti")

    _decision(stage)

    stage.say("And the state of things:")
    stage.perform("status")
    stage.expect(stage.needs_nobody(), "after the decision someone is still needed")
    stage.expect(stage.duplicates() == 0, "Jetti holds a sale return twice")
    stage.say(
        "That was the whole job. With your own keys it is the same three commands:"
        " reconciler init, reconciler run --dry-run, reconciler run."
    )


def _decision(stage: Stage) -> None:
    stage.say(
        "A customer sends back one of two units, and someone has raised a sale return for both in"
        " Jetti by hand. Is it this return's? The program does not guess: it asks."
    )
    order, sale_return = stage.raise_by_hand()
    stage.perform("run")
    stage.expect(not stage.needs_nobody(), "nobody was asked about an unmarked sale return")

    stage.say("It is. A decision writes nothing to Jetti; the next run does what follows from it.")
    stage.perform("resolve", order, "--adopt", str(sale_return), "--yes", "--reason", "same parcel")
    stage.perform("run")
