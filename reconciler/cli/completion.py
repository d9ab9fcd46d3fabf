"""`reconciler completion`, and what a shell may complete from the ledger.

Whatever goes wrong only means that nothing is completed.
"""

from __future__ import annotations

import click

from reconciler.cli import streams
from reconciler.cli.exit_codes import UNDELIVERED, UNSHOWN, exit_codes
from reconciler.cli.session import caller
from reconciler.errors import ReconcilerError

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_RECONCILER_COMPLETE"


@click.command(epilog=exit_codes(0, 2, 3, zero="printed", three=UNSHOWN))
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print what makes a shell complete commands, options, return ids and orders.

    \b
    Examples:
      reconciler completion bash   to be appended to ~/.bashrc
      reconciler completion zsh    to ~/.zshrc
      reconciler completion fish   to ~/.config/fish/completions/reconciler.fish
    """
    from click.shell_completion import get_completion_class

    program = context.find_root().command
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"{shell} is not known to this version of click")
    script = kind(program, {}, "reconciler", _VARIABLE).source()
    return 0 if streams.print_text(script) else UNDELIVERED


def returns(context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    """Ids of returns that begin so."""
    from reconciler.ledger import beginnings

    return beginnings.return_ids(_ledger(context), typed)


def orders(context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    """Names of orders that begin so, without the `#`, which a shell takes for a comment."""
    from reconciler.ledger import beginnings

    return beginnings.order_names(_ledger(context), typed)


def returns_and_orders(context: click.Context, parameter: click.Parameter, typed: str) -> list[str]:
    """Both."""
    return returns(context, parameter, typed) + orders(context, parameter, typed)


def _ledger(context: click.Context) -> str | None:
    """Its URL; None where no settings can be read."""
    from reconciler import config

    root = context.find_root()
    try:
        return config.load(root.params.get("config_file"), caller(root).runtime.environ).ledger
    except ReconcilerError:
        return None
