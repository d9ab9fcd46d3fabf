"""`reconciler init`: create the ledger."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

from reconciler.cli import announced, progress, streams
from reconciler.cli.exit_codes import exit_codes
from reconciler.cli.params import Moment
from reconciler.cli.session import session
from reconciler.core.text import safe

if TYPE_CHECKING:
    from reconciler.app import Initialised


_EXIT_CODES = exit_codes(
    *(0, 2, 3, 4, 5, 6, 7, 8, 75, 129, 130, 143),
    zero="the ledger is ready; with --adopt all was looked up, and needs nobody",
    three="the ledger is ready, but of what --adopt looked up some failed, needs a decision, is"
    " malformed or waited too long",
)


@click.command(epilog=_EXIT_CODES)
@click.option(
    "--since",
    type=Moment(past=True),
    metavar="WHEN",
    help="Go-live time and first watermark: returns created before it are never created in Jetti"
    " automatically. Default: 24h ago. For a lost ledger: the day this program first went live.",
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

    Refuses to replace one that exists. Tries each key that is set first, and makes nothing if one
    is refused. On an existing ledger, --adopt and --repin do only their own part; the watermark
    stays. --adopt with an earlier --since moves go-live back to it as long as nothing was pushed
    from the ledger.

    --adopt makes the ledger, tries the keys, and then waits until jetti.settle (180 s) has passed
    since the ledger was created, because what the last run of a lost ledger sent may not have taken
    effect in Jetti yet, and shows its progress. If it is interrupted, run it again: `status`
    reports it as unfinished until it has looked everything up.

    \b
    Examples:
      reconciler init                              from 24 hours ago
      reconciler init --since 2026-01-31           from that day, 00:00 UTC
      reconciler init --since 2026-01-31 --adopt   after the ledger was lost
    """
    from reconciler import app

    call = session(context)
    settings = call.settings()
    announced.require_known_addresses(settings)
    with progress.shown(call, "looking up in Jetti", off_terminal_too=adopt) as watcher:
        runtime = dataclasses.replace(call.runtime, progress=watcher)
        made = app.initialise(settings, since=since, adopt=adopt, repin=repin, runtime=runtime)
    streams.print_text(_summary(made, since, streams.columns(call.runtime.environ)))
    return made.report.run.exit_code if made.report else 0


def _summary(made: Initialised, since: datetime | None, width: int) -> str:
    from reconciler.core.commands import init_adopt
    from reconciler.core.matching.created import PROVEN_BY
    from reconciler.reports import run_text
    from reconciler.reports.layout import Layout
    from reconciler.reports.wording import moment

    rows = [
        ("go-live", f"{moment(made.go_live)}: nothing older is created automatically"),
        *(("note", note) for note in _about_go_live(made, since)),
        ("watermark", f"{moment(made.watermark)}: reading continues from here"),
        *(("note", safe(why, 500)) for why in made.untried),
    ]
    if made.unproven:
        advice = (
            f"begin with {PROVEN_BY} (`reconciler run --order NAME`): that proves"
            " jetti.cancel_ids_key; until then creates go one by one"
        )
        rows.append(("advice", advice))
    if made.report is not None and made.report.run.failures:
        rows.append(("note", "not everything was looked up: go on once what failed is fixed"))
    page = Layout(width)
    # Whole, because the path is to be copied.
    lines = [f"The ledger is {'ready' if made.created else 'as it was'}: {safe(made.ledger)}"]
    for label, text in rows:
        lines += page.labelled(label, text)
    following = "reconciler run --dry-run"
    if made.report is None:
        return "\n".join([*lines, *page.typed(following, label="next")])
    if made.report.run.failures:
        following = init_adopt(made.go_live)
    return "\n".join([*lines, "", run_text.render(made.report, width, following)])


def _about_go_live(made: Initialised, since: datetime | None) -> Iterator[str]:
    """What somebody who rebuilds a lost ledger may not expect of its go-live."""
    from reconciler.core.commands import WHAT_DATE_IS
    from reconciler.core.instants import iso
    from reconciler.reports.wording import moment

    if made.go_live < made.go_live_before:
        yield f"go-live was {moment(made.go_live_before)} until now"
    elif since is not None and since < made.go_live:
        yield (
            "go-live stays; what is older is created by"
            f" `reconciler run --from {iso(since)}`, which asks first"
        )
    elif made.created and made.report and since is None:
        yield (
            "a lost ledger went live earlier than that; what it still had to create from before is"
            f" created by `reconciler run --from DATE`, which asks first, {WHAT_DATE_IS}"
        )
