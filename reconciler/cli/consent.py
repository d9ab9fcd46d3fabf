"""Asking the person who typed a range whether it is meant."""

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

_LOOK_UP_EVERY = 0.25  # seconds between two looks for a signal


class Screen(Protocol):
    """What may be in the way of a question."""

    def cleared(self) -> AbstractContextManager[None]:
        """Out of the way as long as the context lasts."""


def consent(*, given: bool, is_look: bool, clock: Clock, screen: Screen) -> Consent:
    """`--yes`, or a question where somebody can answer it, or nobody's. A dry run asks nobody: it
    shows what a run would ask about."""
    if given:
        return lambda _total: True
    # safeguard: no-question-in-a-dry-run
    if is_look or sys.stdin is None or not sys.stdin.isatty() or not streams.is_terminal():
        return no_consent
    return lambda total: _asked(total, clock, screen)


def _asked(total: Callable[[], RangeSum], clock: Clock, screen: Screen) -> bool:
    with screen.cleared():
        streams.print_note(f"This range is large: {total().in_words()}.")
        click.echo("Go on? [y/N] ", nl=False, err=True)
        # Our handlers swallow the interrupt that would end a plain `input`.
        while not select.select([sys.stdin], [], [], _LOOK_UP_EVERY)[0]:
            clock.check()
        return sys.stdin.readline().strip().lower() in ("y", "yes")
