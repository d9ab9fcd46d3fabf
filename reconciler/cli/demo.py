"""`reconciler demo`: the whole story in under a minute, against a pretend Loop and Jetti."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import streams
from reconciler.cli.exit_codes import exit_codes
from reconciler.cli.session import caller

if TYPE_CHECKING:
    from reconciler.cli.demo_stage import Stage

_THREE_DAYS = 3 * 24 * 3600.0


@click.command(epilog=exit_codes(0, 1, 129, 130, 143))
@click.pass_context
def demo(context: click.Context) -> int:
    """Show the whole story in under a minute; nothing outside a temporary directory is touched.

    A pretend Loop and Jetti are served on this machine. Then init, a dry run, a run, three days of
    changes in Loop, another run, one more that finds nothing, and a look at the result: real
    commands over real HTTP, with a clock that need not wait. Exits with 1 if the story goes
    wrong.

    \b
    Example:
      reconciler demo
    """
    from reconciler.cli.demo_stage import Stage

    with (
        tempfile.TemporaryDirectory(prefix="reconciler-demo-") as directory,
        Stage.on(Path(directory), caller(context)) as stage,
    ):
        _story(stage)
    for problem in stage.problems:
        streams.print_error(f"the demo went wrong: {problem}")
    return 1 if stage.problems else 0


def _story(stage: Stage) -> None:
    stage.say(
        "A pretend shop: Loop holds 160 returns of the last 200 days, Jetti the orders they are"
        " on, split over some forty vendors."
    )
    stage.perform("init", "--since", "7d")
    stage.say(
        "First a look. A dry run sends GETs only and leaves the ledger as it is, byte by byte."
    )
    before = stage.ledger_bytes()
    stage.perform("run", "--dry-run")
    stage.expect(stage.ledger_bytes() == before, "the dry run changed the ledger")
    stage.expect(stage.writes() == 0, "something was written to Jetti by a dry run")

    stage.say("Now for real: each create is announced in the ledger, sent once, and checked.")
    stage.perform("run")
    created = stage.writes()
    stage.expect(created > 0, "the run wrote nothing to Jetti")

    stage.say("Three days pass in Loop: labels are scanned, returns are made, cancelled, closed.")
    stage.advance(_THREE_DAYS)
    stage.perform("run")
    stage.expect(stage.writes() > created, "the changes of three days did not reach Jetti")

    stage.say(
        "The same again, at once: nothing is new, so Jetti is not even asked. Where nobody"
        " watches, under cron, such a run prints nothing at all."
    )
    stage.forget_requests()
    stage.perform("run")
    stage.expect(stage.requests_to_jetti() == 0, "a run without news asked Jetti")

    stage.say("And how do things stand?")
    stage.perform("status")
    stage.expect(stage.duplicates() == 0, "Jetti holds a sale return twice")
    stage.say(
        "That was the whole job. With your own keys it is the same three commands:"
        " reconciler init, reconciler run --dry-run, reconciler run."
    )
