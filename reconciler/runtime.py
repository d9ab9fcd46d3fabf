"""What the program is given by the machine it runs on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from reconciler.clock import Clock


class Progress(Protocol):
    """Told how a pass gets on; shown on a terminal."""

    def reading(self, rows: int) -> None:
        """So many rows have been read so far."""

    def pushing(self, done: int, planned: int) -> None:
        """So many of the planned changes have been dealt with."""

    def settling(self, seconds: float) -> None:
        """So long is waited still for what a lost ledger may have sent last."""


def nobody(_total: Any) -> bool:
    """Consent where nobody can be asked."""
    return False


class Silence:
    """Progress that nobody watches."""

    def reading(self, rows: int) -> None:
        """Nothing."""

    def pushing(self, done: int, planned: int) -> None:
        """Nothing."""

    def settling(self, seconds: float) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Runtime:
    """The surroundings of a run, so that tests and the demo can bring their own."""

    clock: Clock
    environ: Mapping[str, str]
    progress: Progress = field(default_factory=Silence)
    consent: Callable[[Any], bool] = nobody
    """Asks the person who typed a range, given what works out its `core.guard.RangeSum`."""
    connect: Callable[[Any, Clock], Any] | None = None
    """How services are reached, given an `http.Endpoint`; None: `http.connect` itself. Not typed,
    because what a runtime names must not load half the program for `--help`."""
    on_hangup: Callable[[Callable[[], None]], None] = lambda act: None
    """Has SIGHUP call back from now on, instead of ending the program."""
    busy_seconds: float = 30.0
    """How long somebody else may hold up the ledger; longer than any report or backup takes."""
