"""How fast a service may be asked."""

from __future__ import annotations

import logging
import math
from typing import Protocol

from msgspec import Struct
from pyrate_limiter import Rate, TokenBucket

from reconciler.clock import Clock

log = logging.getLogger("reconciler.http")

RESOLUTION = 0.001
"""Seconds. Shorter waits are not worth one, and no clock here is finer."""
SLOWEST = 8.0
"""A service that keeps answering 429 is asked up to that many times more slowly."""


class PerMinute(Struct, frozen=True):
    """So many requests in any minute, a tenth of them at once (loop.md#request-quota)."""

    requests: float


class PerSecond(Struct, frozen=True):
    """One bucket for both kinds: a read costs 1/reads of a second, a write 1/writes.

    In any second the costs add up to one at most (jetti.md#safe-pace, #documented-limit, the
    stricter wording), also right after another process: the first request waits as if the dearest
    had just been sent.
    """

    reads: float
    writes: float


class _Limiter(Protocol):
    def delay(self, write: bool, now: float) -> float:
        """Seconds until this request may leave; 0 takes the turn."""

    def answered(self, now: float) -> None:
        """The request that took the last turn has surely arrived by now."""


class _Bucket:
    """pyrate's token bucket without its Limiter, which sleeps and keeps a thread."""

    def __init__(self, pace: PerMinute) -> None:
        burst = max(1, round(pace.requests / 10))
        # What is sustained and what is sent at once share the minute.
        sustained = max(1, math.floor(pace.requests - (burst if pace.requests > 1 else 0)))
        self._rates = [Rate(sustained, 60_000, burst=burst)]
        self._algorithm = TokenBucket()
        self._state = self._algorithm.initial(self._rates)

    def delay(self, write: bool, now: float) -> float:
        self._state, decision = self._algorithm.step(self._rates, self._state, int(now * 1000), 1)
        return (decision.retry_after_ms or 0) / 1000

    def answered(self, now: float) -> None:
        """Of no interest: the bucket counts departures."""


class _SpacedRequests:
    """Between two requests lies the cost of the dearer, counted from the earlier one's answer.

    By hand, because no bucket of pyrate keeps the promise: they let the sum of a burst and of
    what flows in meanwhile through one second, and they stamp the departure, so that a slow
    first and a quick second request arrive closer together than they left.
    """

    def __init__(self, pace: PerSecond) -> None:
        self._costs = {False: 1 / pace.reads, True: 1 / pace.writes}
        self._last_cost = max(self._costs.values())
        self._last_seen: float | None = None

    def delay(self, write: bool, now: float) -> float:
        if self._last_seen is None:
            self._last_seen = now
        cost = self._costs[write]
        due = self._last_seen + max(cost, self._last_cost) + RESOLUTION
        if due - now > RESOLUTION / 2:
            return due - now
        self._last_cost, self._last_seen = cost, now
        return 0.0

    def answered(self, now: float) -> None:
        self._last_seen = now


class Pacer:
    """Takes turns for one service, slows down when it is told to and waits by the clock."""

    def __init__(self, name: str, pace: PerMinute | PerSecond, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._limiter: _Limiter = (
            _Bucket(pace) if isinstance(pace, PerMinute) else _SpacedRequests(pace)
        )
        self._step = 60 / pace.requests if isinstance(pace, PerMinute) else 1 / pace.writes
        self._slowness = 1.0
        self._not_before = -math.inf
        self._reserved = False

    def reserve(self) -> None:
        """Wait for the turn of a write now; if that is the next request it does not wait again."""
        if not self._reserved:
            self.take_turn(write=True)
            self._reserved = True

    def take_turn(self, *, write: bool) -> None:
        """Wait until a request may leave. Raises Interrupted when a signal asked us to stop."""
        self._clock.check()
        # A read that goes first uses the turn up: the write after it must wait for its own.
        reserved, self._reserved = self._reserved, False
        if write and reserved:
            return
        # safeguard: rate-limit
        while (delay := self._delay(write)) > 0:
            log.debug("%s: waiting %.3f s for the next turn", self._name, delay)
            self._clock.wait(delay)

    def answered(self) -> None:
        """The request has arrived there by now, or never will."""
        self._limiter.answered(self._clock.monotonic())

    def adapt(self, status: int) -> None:
        """Slow down by half after each 429, get faster again with every other answer."""
        if status == 429:
            self._slowness = min(SLOWEST, self._slowness * 2)
        else:
            self._slowness = max(1.0, self._slowness * 0.8)
        if self._slowness > 1:
            self.rest(self._slowness * self._step)

    def rest(self, seconds: float) -> None:
        """Send nothing for that long."""
        self._not_before = max(self._not_before, self._clock.monotonic() + seconds)

    def _delay(self, write: bool) -> float:
        now = self._clock.monotonic()
        rest = self._not_before - now
        return rest if rest > RESOLUTION / 2 else self._limiter.delay(write, now)
