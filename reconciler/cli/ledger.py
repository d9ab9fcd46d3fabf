"""`reconciler ledger …`: care of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli import completion, streams
from reconciler.cli.consent import asked
from reconciler.cli.exit_codes import DONE_UNSHOWN, UNDELIVERED, UNSHOWN, exit_codes
from reconciler.cli.groups import Group
from reconciler.cli.params import Span
from reconciler.cli.session import Session, session
from reconciler.core.text import safe
from reconciler.errors import worst

if TYPE_CHECKING:
    from reconciler.ledger.forgotten import Traces
    from reconciler.maintenance import Forgotten

_Command = TypeVar("_Command", bound=Callable[..., Any])
_PATIENCE = timedelta(minutes=2)
_Row = tuple[str, str | Path]
"""A label and what it says, or the path of a file."""
_HISTORY = {"intents": "answered writes", "malformed": "rows without an id that are gone"}
"""What tables are called where their names would mislead."""


def _wait(command: _Command) -> _Command:
    return click.option(
        "--wait",
        type=Span(),
        default=_PATIENCE,
        metavar="D",
        help="Wait up to this long for a run to finish. Default: 2m.",
    )(command)


_DONE = "done"
_EXIT_CODES = exit_codes(
    *(0, 2, 3, 7, 8, 75),
    zero="done; of check: all is sound",
    three=f"of check: something is to be looked at; else {DONE_UNSHOWN}",
)


@click.group(cls=Group, epilog=_EXIT_CODES)
def ledger() -> None:
    """Take care of the ledger: back it up, check it, upgrade it, delete from it.

    \b
    Examples:
      reconciler ledger backup --keep 14
      reconciler ledger check
      reconciler ledger forget 8812
    """


@ledger.command(epilog=exit_codes(0, 2, 3, 7, 8, 75, zero=_DONE, three=DONE_UNSHOWN))
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    metavar="N",
    help="Keep the newest N backups there, this one included, and remove older ones of this"
    " ledger. Default: all.",
)
@click.option("--to", "into", metavar="DIR", help="Directory. Default: the ledger's own.")
@_wait
@click.pass_context
def backup(context: click.Context, keep: int | None, into: str | None, wait: timedelta) -> int:
    """Copy the ledger into a file named after the time.

    Works while a run goes on. The copy is opened and checked before it gets its name, so that
    there is a whole one or none. Only files that are backups of this ledger are ever removed,
    never those made before an upgrade. One with --keep is the daily one: how it went is left
    beside the ledger, and `status` reports a failure, or that none has come for 48 hours.

    \b
    Examples:
      reconciler ledger backup
      reconciler ledger backup --keep 14              once a day
      reconciler ledger backup --to /mnt/elsewhere
    """
    call = session(context)
    settings = call.settings()

    from reconciler import maintenance

    made = maintenance.back_up(
        settings,
        call.runtime,
        into=Path(into).absolute() if into is not None else None,
        keep=keep,
        wait=wait.total_seconds(),
    )
    rows: list[_Row] = [
        ("ledger", made.ledger),
        ("backup", made.path),
        ("", f"{made.size:,} bytes, {_counted(made.entries, 'return')}, checked"),
        *(("removed", file) for file in made.removed),
    ]
    # Cron mails what is printed; a backup that went well is routine.
    return _say(call, rows) if not call.quiet else 0


_EXIT_CODES_OF_CHECK = exit_codes(
    *(0, 2, 3, 7, 8),
    zero="the ledger is sound",
    three=f"it is sound, but something is to be looked at; or {UNSHOWN}",
)


@ledger.command(epilog=_EXIT_CODES_OF_CHECK)
@click.pass_context
def check(context: click.Context) -> int:
    """Look the whole ledger through: the file, its schema, every row, and whether they agree.

    Reads only, and works while a run goes on. Exit code 8 means that the ledger is damaged or not
    as this version expects it; 3 that it is sound, but a return's state and its writes contradict
    each other, a time lies ahead of the clock, or something is in it that is not this program's.

    \b
    Examples:
      reconciler ledger check
    """
    call = session(context)
    settings = call.settings()

    from reconciler import maintenance

    found = maintenance.check(settings, call.runtime)
    rows: list[_Row] = [("ledger", settings.ledger_path), ("schema", str(found.schema))]
    for one in found.findings:
        rows.append(("DAMAGE" if one.is_damage else "LOOK AT", safe(one.what, 500)))
        rows.append(("", safe(one.hint, 500)))
    if not found.findings:
        rows.append(("sound", _counted(found.entries, "return")))
    if call.quiet and not found.exit_code:
        return 0
    return worst({found.exit_code, _say(call, rows)})


@ledger.command(epilog=exit_codes(0, 2, 3, 7, 8, 75, zero=_DONE, three=DONE_UNSHOWN))
@_wait
@click.pass_context
def upgrade(context: click.Context, wait: timedelta) -> int:
    """Bring an older ledger up to the schema of this version, after a backup.

    The next run would do the same; this is for whoever wants to see it done first.

    \b
    Examples:
      reconciler ledger upgrade
    """
    call = session(context)
    settings = call.settings()

    from reconciler import maintenance

    done = maintenance.upgrade(settings, call.runtime, wait.total_seconds())
    rows: list[_Row] = [("ledger", done.ledger)]
    if done.backup is None:
        rows.append(("schema", f"{done.after} already: there is nothing to do"))
    else:
        rows += [("schema", f"from {done.before} to {done.after}"), ("backup", done.backup)]
    return _say(call, rows)


@ledger.command(epilog=exit_codes(0, 2, 3, 7, 8, 75, zero=_DONE, three=DONE_UNSHOWN))
@click.option(
    "--older-than",
    type=Span(above_zero=True),
    required=True,
    metavar="D",
    help="Delete what is older than this.",
)
@_wait
@click.pass_context
def prune(context: click.Context, older_than: timedelta, wait: timedelta) -> int:
    """Delete old history: runs, windows, attempts, answered writes, and plans.

    Each run does that with 90d. No return and no write without an answer is ever deleted, nor
    what `status` judges by.

    \b
    Examples:
      reconciler ledger prune --older-than 30d
    """
    call = session(context)
    settings = call.settings()

    from reconciler import maintenance

    deleted = maintenance.prune(settings, call.runtime, older_than, wait.total_seconds())
    told = [f"{count} {_HISTORY.get(name, name)}" for name, count in deleted.items() if count]
    return _say(call, [("ledger", settings.ledger_path), ("deleted", ", ".join(told) or "nothing")])


@ledger.command(epilog=exit_codes(0, 2, 3, 7, 8, 75, 130, zero=_DONE, three=DONE_UNSHOWN))
@click.argument("return_id", metavar="RETURN", shell_complete=completion.returns)
@click.option("--yes", is_flag=True, help="Consent to what would be asked on a terminal.")
@_wait
@click.pass_context
def forget(context: click.Context, return_id: str, yes: bool, wait: timedelta) -> int:
    """Remove every trace of one return, for good, but a hash of its id.

    By the hash it is known when Loop lists it again: then it is only counted, and neither kept nor
    created. Nothing changes in Loop or in Jetti, where its sale returns stay. Refused while a
    write of it has no answer. Backups that still hold it are named; logs and reports are yours to
    see to. Repeat it if it was interrupted, or after restoring an older backup.

    \b
    Examples:
      reconciler ledger forget 8812
      reconciler ledger forget 8812 --yes             for a script: no question
    """
    call = session(context)
    settings = call.settings()

    from reconciler import maintenance

    ledger_path = settings.ledger_path

    def consent(traces: Traces) -> bool:
        question = _laid_out(call, _about_to_forget(traces, ledger_path))
        return yes or asked(question, call.runtime.clock)

    done = maintenance.forget(settings, call.runtime, return_id, consent, wait.total_seconds())
    return _say(call, _forgotten(done, ledger_path))


def _about_to_forget(traces: Traces, path: Path) -> list[_Row]:
    from reconciler.core.states import spoken

    on = f" on {safe(traces.order_name, 40)}" if traces.order_name else ""
    state = f", {spoken(traces.state)}" if traces.state else ""
    counts = ", ".join(f"{name} {count}" for name, count in sorted(traces.rows.items()))
    rows: list[_Row] = [
        ("ledger", path),
        ("forget", f"return {safe(traces.return_id, 40)}{on}{state}"),
        ("rows", counts),
    ]
    if traces.sale_returns:
        rows.append(("in Jetti", _stays(traces)))
    return rows


def _forgotten(done: Forgotten, path: Path) -> list[_Row]:
    traces = done.traces
    how = "was forgotten before" if traces.forgotten_at and not traces.exists else "is forgotten"
    rows: list[_Row] = [
        ("ledger", path),
        ("return", f"{safe(traces.return_id, 40)} {how}; the file was rewritten"),
    ]
    if traces.sale_returns:
        rows.append(("in Jetti", _stays(traces)))
    for file in done.backups:
        rows += [("backup", file), ("", "still holds it, or could not be read: delete it")]
    return rows


def _stays(traces: Traces) -> str:
    several = len(traces.sale_returns) > 1
    named = ", ".join(safe(one, 40) for one in traces.sale_returns)
    return f"sale return{'s' if several else ''} {named} {'stay' if several else 'stays'}"


def _say(call: Session, rows: list[_Row]) -> int:
    return 0 if streams.print_report(_laid_out(call, rows)) else UNDELIVERED


def _laid_out(call: Session, rows: list[_Row]) -> str:
    """Rows as wide as the terminal; but paths, which are to be copied, stay whole."""
    from reconciler.reports.layout import Layout
    from reconciler.reports.wording import line

    page = Layout(streams.columns(call.runtime.environ))
    lines: list[str] = []
    for label, what in rows:
        lines += page.labelled(label, what) if isinstance(what, str) else [line(label, str(what))]
    return "\n".join(lines)


def _counted(count: int, one: str) -> str:
    return f"{count:,} {one}{'' if count == 1 else 's'}"
