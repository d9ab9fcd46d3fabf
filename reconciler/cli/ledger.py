"""`reconciler ledger …`: care of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli import completion, streams
from reconciler.cli.consent import asked
from reconciler.cli.exit_codes import UNDELIVERED, exit_codes
from reconciler.cli.groups import Group
from reconciler.cli.params import Span
from reconciler.cli.session import session
from reconciler.core.text import safe
from reconciler.errors import worst

if TYPE_CHECKING:
    from reconciler.ledger.forgotten import Traces
    from reconciler.maintenance import Forgotten

_Command = TypeVar("_Command", bound=Callable[..., Any])
_PATIENCE = timedelta(minutes=2)
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


@click.group(cls=Group, epilog=exit_codes(0, 2, 3, 7, 8, 75))
def ledger() -> None:
    """Take care of the ledger: back it up, check it, upgrade it, delete from it.

    \b
    Examples:
      reconciler ledger backup --keep 14
      reconciler ledger check
      reconciler ledger forget 8812
    """


@ledger.command(epilog=exit_codes(0, 2, 7, 8, 75))
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
    lines = [
        f"ledger     {made.ledger}",
        f"backup     {made.path}",
        f"           {made.size:,} bytes, {_counted(made.entries, 'return')}, checked",
        *(f"removed    {file}" for file in made.removed),
    ]
    # Cron mails what is printed; a backup that went well is routine.
    return _say(lines) if not call.quiet else 0


@ledger.command(epilog=exit_codes(0, 2, 3, 7, 8))
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
    lines = [f"ledger     {settings.ledger_path}", f"schema     {found.schema}"]
    for one in found.findings:
        lines.append(f"{'DAMAGE' if one.is_damage else 'LOOK AT':<11}{safe(one.what, 500)}")
        lines.append(f"           {safe(one.hint, 500)}")
    if not found.findings:
        lines.append(f"sound      {_counted(found.entries, 'return')}")
    if call.quiet and not found.exit_code:
        return 0
    return worst({found.exit_code, _say(lines)})


@ledger.command(epilog=exit_codes(0, 2, 7, 8, 75))
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
    lines = [f"ledger     {done.ledger}"]
    if done.backup is None:
        lines.append(f"schema     {done.after} already: there is nothing to do")
    else:
        lines += [f"schema     from {done.before} to {done.after}", f"backup     {done.backup}"]
    return _say(lines)


@ledger.command(epilog=exit_codes(0, 2, 7, 8, 75))
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
    return _say(
        [f"ledger     {settings.ledger_path}", f"deleted    {', '.join(told) or 'nothing'}"]
    )


@ledger.command(epilog=exit_codes(0, 2, 7, 8, 75, 130))
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
        question = "\n".join(_about_to_forget(traces, ledger_path))
        return yes or asked(question, call.runtime.clock)

    done = maintenance.forget(settings, call.runtime, return_id, consent, wait.total_seconds())
    return _say(_forgotten(done, ledger_path))


def _about_to_forget(traces: Traces, path: Path) -> list[str]:
    on = f" on {safe(traces.order_name, 40)}" if traces.order_name else ""
    state = f", {traces.state.replace('_', ' ')}" if traces.state else ""
    rows = ", ".join(f"{name} {count}" for name, count in sorted(traces.rows.items()))
    lines = [
        f"ledger     {path}",
        f"forget     return {safe(traces.return_id, 40)}{on}{state}",
        f"rows       {rows}",
    ]
    if traces.sale_returns:
        lines.append(f"in Jetti   {_stays(traces)}")
    return lines


def _forgotten(done: Forgotten, path: Path) -> list[str]:
    traces = done.traces
    how = "was forgotten before" if traces.forgotten_at and not traces.exists else "is forgotten"
    lines = [
        f"ledger     {path}",
        f"return     {safe(traces.return_id, 40)} {how}; the file was rewritten",
    ]
    if traces.sale_returns:
        lines.append(f"in Jetti   {_stays(traces)}")
    for file in done.backups:
        lines.append(f"backup     {file} still holds it, or could not be read: delete it")
    return lines


def _stays(traces: Traces) -> str:
    several = len(traces.sale_returns) > 1
    named = ", ".join(safe(one, 40) for one in traces.sale_returns)
    return f"sale return{'s' if several else ''} {named} {'stay' if several else 'stays'}"


def _say(lines: list[str]) -> int:
    return 0 if streams.print_text("\n".join(lines)) else UNDELIVERED


def _counted(count: int, one: str) -> str:
    return f"{count:,} {one}{'' if count == 1 else 's'}"
