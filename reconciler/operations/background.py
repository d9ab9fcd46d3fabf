"""What may hang, kept from holding anything up: a name that is not looked up, a listener that says
nothing, a disk that does not answer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import Generic, TypeVar

from reconciler.clock import Clock
from reconciler.errors import Interrupted
from reconciler.log_events import Event

T = TypeVar("T")

AFTER_A_SIGNAL = 3.0
"""Seconds for which anything in the background is still waited for once a signal has come."""
_LOOK_EVERY = 0.05

_log = logging.getLogger(__name__)


class Background(Generic[T]):
    """A function at work in a thread that ends with the process at the latest.

    Not by an executor: Python waits for the threads of one before it ends.
    """

    def __init__(self, what: str, act: Callable[[], T]) -> None:
        """`what` it is, for the log."""
        self.what = what
        self.value: T | None = None
        """What the function returned; None until then, and if it raised."""
        self._act = act
        # What it logs belongs to the run that goes on.
        context = copy_context()
        self._thread = threading.Thread(target=lambda: context.run(self._work), daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether the function has returned or raised."""
        return not self._thread.is_alive()

    def join(self) -> None:
        """Wait for it, however long it takes."""
        self._thread.join()

    def _work(self) -> None:
        try:
            self.value = self._act()
        except Exception as error:  # noqa: BLE001 - nothing that only tells may end a pass
            # Not its text: it may hold an address with a password in it.
            _log.warning(
                "%s: failed (%s)",
                self.what,
                type(error).__name__,
                extra=Event.ALARM_BROKE.fields,
            )


def wait_for(all_of: Sequence[Background[T]], seconds: float, clock: Clock) -> None:
    """Wait until all are over, but no longer than this, and only shortly after a signal. Those that
    are not over by then are left to themselves, with a line in the log. Never raises."""
    deadline = time.monotonic() + seconds
    is_told = False
    while not all(one.is_over for one in all_of):
        if not is_told and _is_stopped(clock):
            # safeguard: alarms-are-short-after-a-signal
            deadline, is_told = min(deadline, time.monotonic() + AFTER_A_SIGNAL), True
        if time.monotonic() >= deadline:
            break
        time.sleep(_LOOK_EVERY)
    for one in all_of:
        if not one.is_over:
            _log.warning(
                "%s: took too long and was left alone",
                one.what,
                extra=Event.ALARM_LEFT_ALONE.fields,
            )


def _is_stopped(clock: Clock) -> bool:
    try:
        clock.check()
    except Interrupted:
        return True
    return False
