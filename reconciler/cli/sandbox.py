"""`reconciler sandbox`: a pretend Loop and Jetti to try things on."""

from __future__ import annotations

import os
import shlex
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from reconciler.cli import streams
from reconciler.cli.exit_codes import exit_codes
from reconciler.cli.session import session
from reconciler.core import duration
from reconciler.core.sandbox_clock import VARIABLE
from reconciler.errors import ConfigError

if TYPE_CHECKING:
    from reconciler.sandbox.sandbox import Sandbox, Urls

_AN_HOUR = 3600.0
_PORT = click.IntRange(0, 65535)
_FASTEST = 1_000_000.0


class Speed(click.ParamType):  # type: ignore[type-arg]
    """How much faster time passes: a factor, or a span over the time that it is to take here."""

    name = "speed"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        played, _, here = str(value).partition("/")
        try:
            speed = duration.parse(played) / duration.parse(here) if here else float(played)
        except (ValueError, ArithmeticError):
            speed = 0.0
        if not 1 <= speed <= _FASTEST:
            self.fail(f"{value!r} is not a speed; write a factor of at least 1, or 7d/1m", param)
        return speed


@click.command(epilog=exit_codes(2, 129, 130, 143))
@click.option("--seed", type=int, default=1, show_default=True, help="Which pretend shop to serve.")
@click.option(
    "--returns",
    type=click.IntRange(0, 1_000_000),
    default=300,
    show_default=True,
    help="Number of returns in Loop; 0 for an empty shop.",
)
@click.option("--loop-port", type=_PORT, default=0, help="Default: any free port.")
@click.option("--jetti-port", type=_PORT, default=0, help="Default: any free port.")
@click.option("--control-port", type=_PORT, default=0, help="Default: any free port.")
@click.option("--no-rate-limits", is_flag=True, help="Answer as fast as possible.")
@click.option(
    "--play",
    "speed",
    type=Speed(),
    is_flag=False,
    flag_value="1",
    metavar="[SPEED]",
    help="Keep the shop alive: labels, parcels, cancellations, new returns. SPEED is how much"
    " faster than here time passes there: 10000, or 7d/1m for a week in a minute.",
)
@click.pass_context
def sandbox(
    context: click.Context,
    seed: int,
    returns: int,
    loop_port: int,
    jetti_port: int,
    control_port: int,
    no_rate_limits: bool,
    speed: float | None,
) -> int:
    """Serve a pretend Loop and Jetti on this machine until a signal ends them.

    Prints `export` lines with the settings that use them, including a ledger of their own in this
    directory, and the address of the control interface (clock, scenario, faults). Each start is a
    new shop, with a new ledger.

    With --play the program is to work by the shop's clock, which is printed too: what it waits for
    passes as fast as there. While a command is at work, time passes there as it does here.

    \b
    Examples:
      reconciler sandbox           paste what it prints into another terminal
      reconciler sandbox --returns 10000 --no-rate-limits
      reconciler sandbox --loop-port 8081 --jetti-port 8082 --play
      reconciler sandbox --returns 3000 --play 10000
    """
    from reconciler.sandbox.sandbox import Sandbox, SandboxOptions
    from reconciler.sandbox.server.serving import serving

    served = Sandbox(
        SandboxOptions(
            seed=seed,
            returns=returns,
            rate_limits=not no_rate_limits,
            alive=speed is not None,
            speed=speed or 1.0,
            ports=(loop_port, jetti_port, control_port),
        )
    )
    clock = session(context).runtime.clock
    try:
        with serving(served) as urls:
            streams.print_text(_settings(served, urls))
            while True:
                clock.wait(_AN_HOUR)
    except OSError as error:
        ports = f"--loop-port {loop_port}, --jetti-port {jetti_port}, --control-port {control_port}"
        raise ConfigError(
            f"{ports}: {os.strerror(error.errno or 0)}", "choose other ports, or none for free ones"
        ) from error


def _settings(served: Sandbox, urls: Urls) -> str:
    variables = {
        **served.environment(),
        "RECONCILER_LEDGER": f"sqlite:///{_new_ledger(urls)}",
        "SANDBOX_CONTROL_URL": urls.control,
    }
    if served.options.alive:
        variables[VARIABLE] = urls.control
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def _new_ledger(urls: Urls) -> Path:
    """Where this shop's ledger is to be: where there is none yet. Each start makes a new shop, with
    an empty Jetti, so what the ledger of another has pushed is not there.

    By the port, which no two sandboxes have at a time; one that is given may have been used before.
    """
    name = f"sandbox-{urlsplit(urls.jetti).port}"
    names = chain([f"{name}.db"], (f"{name}-{number}.db" for number in count(2)))
    return next(path for path in map(Path.absolute, map(Path, names)) if not path.exists())
