"""Asks whoever typed a range whether to continue."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

import click

from reconciler.cli import streams
from reconciler.clock import Clock
from reconciler.runtime import no_consent

if TYPE_CHECKING:
    from reconciler.core.guard import RangeSum

    Consent = Callable[[Callable[[], RangeSum]], bool]

_SIGNAL_CHECK_EVERY = 0.25  # seconds


class Screen(Protocol):
    """A display that has to make room for a question."""

    def paused(self) -> AbstractContextManager[None]:
        """Nothing is shown while the context lasts."""


def consent(*, given: bool, dry_run: bool, clock: Clock, screen: Screen, width: int) -> Consent:
    """Consent to a large range: given by `--yes`, else asked for on a terminal, else refused. A
    dry run does not ask: it shows what a run would ask about."""
    if given:
        return lambda _total: True
    # safeguard: no-question-in-a-dry-run
    if dry_run or not is_somebody_there():
        return no_consent
    return lambda total: _ask(total, clock, screen, width)


def asked(question: str, clock: Clock) -> bool:
    """Whether somebody is there and says yes to what is described."""
    if not is_somebody_there():
        return False
    streams.print_plain(question)
    return _says_yes(clock)


def is_somebody_there() -> bool:
    """Whether a question would be seen, and could be answered."""
    is_terminal = sys.stdin is not None and sys.stdin.isatty() and streams.is_terminal()
    # A question is no JSON.
    return is_terminal and not streams.JSON_LINES.get()


def _ask(total: Callable[[], RangeSum], clock: Clock, screen: Screen, width: int) -> bool:
    from reconciler.reports.layout import Layout  # late: few runs ask

    with screen.paused():
        summary = f"This range {total().why()}: {total().in_words()}."
        streams.print_plain("\n".join(Layout(width).wrapped(summary, 2)))
        return _says_yes(clock)


def _says_yes(clock: Clock) -> bool:
    click.echo("Continue? [y/N] ", nl=False, err=True)
    # Our signal handlers swallow the interrupt that would end a plain `input`.
    while not select.select([sys.stdin], [], [], _SIGNAL_CHECK_EVERY)[0]:
        clock.check()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
