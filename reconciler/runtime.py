"""The environment of a run: clock, variables, progress, consent and network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from reconciler.clock import Clock


class Progress(Protocol):
    """Receives the progress of a pass."""

    def reading(self, rows: int) -> None:
        """`rows` have been read so far."""

    def pushing(self, done: int, planned: int, seconds: float) -> None:
        """`done` of the `planned` changes have been handled; at the rate so far the rest takes
        `seconds`."""

    def settling(self, seconds: float) -> None:
        """`seconds` are left to wait for what a lost ledger may have sent last."""


def no_consent(_total: Any) -> bool:
    """The answer when there is no one to ask."""
    return False


class NoProgress:
    """Progress that is not shown."""

    def reading(self, rows: int) -> None:
        pass

    def pushing(self, done: int, planned: int, seconds: float) -> None:
        pass

    def settling(self, seconds: float) -> None:
        pass


@dataclass(frozen=True)
class Runtime:
    """What a run gets from outside, so that tests and the demo can supply their own."""

    clock: Clock
    environ: Mapping[str, str]
    progress: Progress = field(default_factory=NoProgress)
    consent: Callable[[Any], bool] = no_consent
    """Asks whoever typed a range whether to continue. Its argument is a function that computes the
    `core.guard.RangeSum` to show."""
    connect: Callable[[Any, Clock], Any] | None = None
    """Connects to an `http.Endpoint`; None means `http.connect`. Untyped, because importing the
    types would load half the program for `--help`."""
    on_hangup: Callable[[Callable[[], None]], None] = lambda act: None
    """Registers a callback for SIGHUP, which would otherwise end the program."""
    clock_of_a_thread: Callable[[], AbstractContextManager[Clock]] | None = None
    """Makes a clock for work in a thread of its own, where each thread needs one."""
    on_begun: Callable[[], None] = lambda: None
    """Called once the pass has the lock and its row of history. Must not wait, nor raise."""
    busy_seconds: float = 30.0
    """How long to wait while another process has the ledger locked; longer than any report or
    backup takes."""
