"""What someone meant who typed a command or an option that does not exist."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches

import click

_ALIKE = 0.75  # what is less alike was hardly meant

_COMMANDS = {
    "help": "reconciler --help",
    "version": "reconciler --version",
    "sync": "reconciler run",
    "reconcile": "reconciler run",
    "dry-run": "reconciler run --dry-run",
    "plan": "reconciler run --dry-run",
    "sweep": "reconciler run --sweep 120d",
    "daemon": "reconciler serve",
}
"""By what other programs call them."""
_OPTIONS: dict[tuple[str | None, str], str] = {
    ("run", "start"): "--from",
    ("run", "until"): "--to",
    ("run", "end"): "--to",
    ("run", "id"): "--return",
    ("run", "check"): "--dry-run",
    ("run", "json"): "--format json",
    ("init", "from"): "--since",
}


def of_command(typed: Sequence[str], commands: Collection[str]) -> str | None:
    """A sentence with the command that was meant; None where nobody knows."""
    name, rest = typed[0], typed[1:]
    if name == "help" and rest and rest[0] in commands:
        return f"Did you mean `reconciler {rest[0]} --help`?"
    if name in _COMMANDS:
        return f"Did you mean `{_COMMANDS[name]}`?"
    close = get_close_matches(name, commands, 1, _ALIKE)
    return f"Did you mean `reconciler {close[0]}`?" if close else None


def no_such_option(error: click.NoSuchOption, command: click.Command) -> click.UsageError:
    """The same error with the option that was meant, where that is known or some are much alike;
    click itself would suggest what is much less so."""
    typed = error.option_name
    known = _OPTIONS.get((command.name, typed.lstrip("-")))
    options = [option for param in command.params for option in param.opts]
    meant = [known] if known else get_close_matches(typed, options, cutoff=_ALIKE)
    question = f" Did you mean {' or '.join(map(repr, meant))}?" if meant else ""
    return click.UsageError(f"No such option {typed!r}.{question}", error.ctx)
