"""`reconciler retry`, `ignore` and `resolve`: what someone decides about returns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli import streams
from reconciler.cli.completion import returns_and_orders
from reconciler.cli.consent import asked, is_somebody_there
from reconciler.cli.exit_codes import DONE_UNSHOWN, UNDELIVERED, exit_codes
from reconciler.cli.listing import STATES
from reconciler.cli.params import Span
from reconciler.cli.session import session
from reconciler.cli.user import system_user

if TYPE_CHECKING:
    from reconciler.deciding import Prospect, Request

_Command = TypeVar("_Command", bound=Callable[..., Any])
_WAIT = timedelta(minutes=2)


def _common(command: _Command) -> _Command:
    for option in (
        click.option(
            "--wait",
            type=Span(),
            metavar="D",
            default=_WAIT,
            help="Wait up to this long for a run to finish. Default: 2m.",
        ),
        click.option("--yes", is_flag=True, help="Consent to what would be asked on a terminal."),
        click.option(
            "--version",
            metavar="V",
            help="Only if the return is still as it was when `show` gave this version.",
        ),
    ):
        command = option(command)
    return command


def _several(command: _Command) -> _Command:
    for option in (
        click.option(
            "--state",
            "states",
            type=click.Choice(STATES),
            multiple=True,
            metavar="S",
            help="With --all: the state they are in. May be repeated.",
        ),
        click.option("--all", "is_all", is_flag=True, help="All returns in a state: see --state."),
        click.argument(
            "names", metavar="[RETURN|ORDER…]", nargs=-1, shell_complete=returns_and_orders
        ),
    ):
        command = option(command)
    return command


_ZERO = "decided, or there was nothing to decide"
_EXIT_CODES = exit_codes(0, 2, 3, 7, 8, 75, 130, zero=_ZERO, three=DONE_UNSHOWN)


@click.command(epilog=_EXIT_CODES)
@_common
@click.option("--reason", metavar="TEXT", help="Why, for whoever reads it later.")
@_several
@click.pass_context
def retry(context: click.Context, /, **options: Any) -> int:
    """Have the next run take up returns that wait, failed, are dead, in review or ignored.

    They become pending, with no try spent; the run looks at Jetti first, so what is still in the
    way brings a return back to where it was. Those that are named are let past the guards; with
    --all the guards count them again. A write without an answer is read back first. Of a
    stopped plan it takes out the returns that are named. Nothing is written to Jetti by this.

    \b
    Examples:
      reconciler retry 8812
      reconciler retry '#1042' --version 3f9c01ab
      reconciler retry --all --state waiting --yes
    """
    return _decide_several(context, "retry", options)


@click.command(epilog=_EXIT_CODES)
@_common
@click.option("--reason", metavar="TEXT", required=True, help="Why, for whoever reads it later.")
@_several
@click.pass_context
def ignore(context: click.Context, /, **options: Any) -> int:
    """Leave returns alone that are in review, dead, failed, waiting or pending.

    Nothing more is done about them, whatever changes in Loop, until someone retries them; exit
    codes and `status` do not count them. One that is synced is taken by its own id, for what was
    deleted in Jetti on purpose. A row from Loop that is not understood is not reported
    any more unless its problem changes. Nothing is written to Jetti by this.

    \b
    Examples:
      reconciler ignore 8812 --reason 'settled by hand in Jetti'
      reconciler ignore --all --state dead --reason 'before the move' --yes
    """
    return _decide_several(context, "ignore", options)


_EXIT_CODES_OF_RESOLVE = exit_codes(*(0, 2, 3, 5, 6, 7, 8, 75, 130), zero=_ZERO, three=DONE_UNSHOWN)


@click.command(epilog=_EXIT_CODES_OF_RESOLVE)
@_common
@click.option("--reason", metavar="TEXT", help="Why, for whoever reads it later.")
@click.option("--create", is_flag=True, help="Create what no sale return of its own holds.")
@click.option(
    "--adopt",
    multiple=True,
    metavar="SALE_RETURN…",
    help="Its sale returns in Jetti, by id or reference.",
)
@click.argument("name", metavar="RETURN|ORDER", shell_complete=returns_and_orders)
@click.argument("further", metavar="", nargs=-1)
@click.pass_context
def resolve(context: click.Context, /, **options: Any) -> int:
    """Say which sale returns in Jetti are a return's, where the program could not tell.

    Reads Jetti and shows every sale return on the order, whose it is, and what the next run would
    write. --adopt takes those that are named as this return's: the next run brings them to what is
    wanted. --create says that none is that lacks the return's marker, and none that is cancelled:
    the next run creates what is missing, as far as units are left. Refused while a write may still
    take effect, and where the next run would put it back in review. Nothing is written to Jetti by
    this.

    \b
    Examples:
      reconciler resolve 8812 --adopt 1042-01
      reconciler resolve 8812 --adopt 501 502 --version 3f9c01ab
      reconciler resolve '#1042' --create --reason 'the other one is a gift'
    """
    adopt = options["adopt"]
    if adopt:
        # `--adopt A B`: an option takes one value, so the others come as arguments.
        adopt = (*adopt, *options["further"])
    elif options["further"]:
        raise click.UsageError("one return is resolved at a time")
    if bool(adopt) == options["create"]:
        raise click.UsageError("give either --adopt SALE_RETURN or --create")
    if any(not name.strip() for name in adopt):
        raise click.UsageError("--adopt needs a sale return")
    _require_text((options["name"], *adopt))

    from reconciler.core.decisions import Decision
    from reconciler.deciding import Request

    request = Request(
        Decision.ADOPT if adopt else Decision.CREATE,
        names=(options["name"],),
        sale_returns=tuple(adopt),
        reason=options["reason"],
        version=options["version"],
        wait=options["wait"].total_seconds(),
    )
    return _decide(context, request, is_agreed=options["yes"])


def _decide_several(context: click.Context, decision: str, options: dict[str, Any]) -> int:
    names, states, is_all = options["names"], options["states"], options["is_all"]
    if is_all and not states:
        raise click.UsageError("--all needs --state")
    if is_all and (names or options["version"]):
        raise click.UsageError("--all goes with --state, not with a return or --version")
    if states and not is_all:
        raise click.UsageError("--state goes with --all")
    if not names and not is_all:
        raise click.UsageError("name a return or an order, or give --all --state S")
    _require_text(names)

    from reconciler.core.decisions import Decision
    from reconciler.deciding import Request

    request = Request(
        Decision(decision),
        names=tuple(names),
        states=tuple(states),
        reason=options["reason"],
        version=options["version"],
        wait=options["wait"].total_seconds(),
    )
    return _decide(context, request, is_agreed=options["yes"])


def _decide(context: click.Context, request: Request, *, is_agreed: bool) -> int:
    if request.reason is not None:
        _require_reason(request.reason)
    call = session(context)
    settings = call.settings()

    from msgspec.structs import replace

    from reconciler import deciding
    from reconciler.reports import decision_text

    width = streams.columns(call.runtime.environ)

    def consent(shown: tuple[Prospect, ...]) -> bool:
        question = decision_text.question(request.decision, _pairs(shown), width)
        if is_agreed:
            return streams.print_text(question)
        if not is_somebody_there():
            streams.print_plain(question)
            return False
        return asked(question, call.runtime.clock)

    request = replace(request, by=system_user(call.runtime.environ))
    done = deciding.decide(settings, request, call.runtime, consent)
    text = decision_text.summary(request.decision, _pairs(done), width)
    return 0 if streams.print_text(text) else UNDELIVERED


def _pairs(shown: tuple[Prospect, ...]) -> list[tuple[Any, Any]]:
    return [(one.outlook, one.resolution) for one in shown]


def _require_text(names: tuple[str, ...]) -> None:
    for name in names:
        if name.encode(errors="ignore").decode() != name:
            raise click.UsageError(f"{name!r} is not text, so nothing can be called like that")


def _require_reason(reason: str) -> None:
    _require_text((reason,))
    if not reason.strip():
        raise click.UsageError("--reason is empty")
