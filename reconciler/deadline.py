"""A bound on how long a service may take, whatever it does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from msgspec import structs

from reconciler.clock import Clock
from reconciler.errors import ReconcilerError
from reconciler.http import Endpoint, connect
from reconciler.runtime import Runtime

CONNECT_WITHIN = 5.0
"""Seconds for a connection, and as many for its encryption: no clock is looked at meanwhile."""

EACH_WITHIN = 10.0
"""Seconds for one attempt, even if bytes keep trickling in."""


class _Deadline:
    """A clock that lets nothing wait, nor go on waiting for an answer, beyond a moment."""

    def __init__(self, clock: Clock, seconds: float, endpoint: Endpoint) -> None:
        self._clock = clock
        self._seconds = seconds
        self._until = clock.monotonic() + seconds
        self._endpoint = endpoint

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def wait(self, seconds: float) -> None:
        # safeguard: no-wait-beyond-the-deadline
        if self._clock.monotonic() + seconds > self._until:
            raise self._unavailable("could not be asked at its pace within")
        self._clock.wait(seconds)

    def check(self) -> None:
        self._clock.check()
        # safeguard: answers-before-the-deadline
        if self._clock.monotonic() > self._until:
            raise self._unavailable("did not answer within")

    def _unavailable(self, what: str) -> ReconcilerError:
        text = f"{what} {self._seconds:.0f} s"
        return self._endpoint.unavailable(f"{self._endpoint.name} {text}", cause=text)


def within(runtime: Runtime, seconds: float, each: float = EACH_WITHIN) -> Runtime:
    """The same, but a service that is connected to has this many seconds to be asked anything.

    After that, and where it would have to be waited for until after that, its endpoint's
    `unavailable` error is raised. An answer that has begun by then, and comes in small pieces, has
    `each` seconds.
    """

    def bounded(endpoint: Endpoint, clock: Clock) -> Any:
        # safeguard: pieces-of-an-answer-have-an-end
        brief = structs.replace(endpoint.timeouts, connect=CONNECT_WITHIN, total=each)
        limited = structs.replace(endpoint, timeouts=brief)
        return (runtime.connect or connect)(limited, _Deadline(clock, seconds, endpoint))

    return replace(runtime, connect=bounded)
