"""Client-side rate limits."""

from __future__ import annotations

import logging
import math
from typing import Protocol

from msgspec import Struct
from pyrate_limiter import Rate, TokenBucket

from reconciler.clock import Clock

log = logging.getLogger("reconciler.http")

RESOLUTION = 0.001
"""Seconds. Shorter waits are skipped, and no clock here is finer."""
SLOWEST = 8.0
"""The largest factor by which requests slow down while a service keeps answering 429."""


class PerMinute(Struct, frozen=True):
    """At most `requests` in any minute, a tenth of them in one burst (loop.md#request-quota)."""

    requests: float


class PerSecond(Struct, frozen=True):
    """One budget for both kinds: a read costs 1/reads of a second, a write 1/writes.

    In any second the costs add up to at most one (jetti.md#safe-pace, #documented-limit, the
    stricter wording). That also holds right after another process: the first request waits as if
    the most expensive one had just been sent.
    """

    reads: float
    writes: float


class _Limiter(Protocol):
    def delay(self, write: bool, now: float) -> float:
        """Seconds until this request may be sent; 0 takes the turn."""

    def answered(self, now: float) -> None:
        """Record that the last request has certainly arrived by now."""


class _Bucket:
    """pyrate's token bucket without its Limiter, which sleeps and keeps a thread."""

    def __init__(self, pace: PerMinute) -> None:
        burst = max(1, round(pace.requests / 10))
        # The sustained rate and the burst share the minute.
        sustained = max(1, math.floor(pace.requests - (burst if pace.requests > 1 else 0)))
        self._rates = [Rate(sustained, 60_000, burst=burst)]
        self._algorithm = TokenBucket()
        self._state = self._algorithm.initial(self._rates)

    def delay(self, write: bool, now: float) -> float:
        self._state, decision = self._algorithm.step(self._rates, self._state, int(now * 1000), 1)
        return (decision.retry_after_ms or 0) / 1000

    def answered(self, now: float) -> None:
        """Ignored: the bucket counts departures."""


class _SpacedRequests:
    """Keeps two requests apart by the higher of their costs, from the first one's answer on.

    Hand-written, because none of pyrate's buckets keeps this promise: they let a burst plus the
    refill through within one second, and they count departures, so that a slow first and a fast
    second request arrive closer together than they left.
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
    """Makes requests to one service wait their turn, and slows down after a 429."""

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
        """Wait now for the turn of a write; if the next request is that write it does not wait."""
        if not self._reserved:
            self.take_turn(write=True)
            self._reserved = True

    def take_turn(self, *, write: bool) -> None:
        """Wait until a request may be sent. Raises Interrupted if a signal asked us to stop."""
        self._clock.check()
        # A read in between uses up the reserved turn: the write after it must wait for its own.
        reserved, self._reserved = self._reserved, False
        if write and reserved:
            return
        # safeguard: rate-limit
        while (delay := self._delay(write)) > 0:
            log.debug("%s: waiting %.3f s for the next turn", self._name, delay)
            self._clock.wait(delay)

    def answered(self) -> None:
        """Record that the request has arrived by now, or never will."""
        self._limiter.answered(self._clock.monotonic())

    def adapt(self, status: int) -> None:
        """Halve the speed after each 429, and speed up again with every other answer."""
        if status == 429:
            self._slowness = min(SLOWEST, self._slowness * 2)
        else:
            self._slowness = max(1.0, self._slowness * 0.8)
        if self._slowness > 1:
            self.pause(self._slowness * self._step)

    def pause(self, seconds: float) -> None:
        """Send nothing for `seconds`."""
        self._not_before = max(self._not_before, self._clock.monotonic() + seconds)

    def _delay(self, write: bool) -> float:
        now = self._clock.monotonic()
        rest = self._not_before - now
        return rest if rest > RESOLUTION / 2 else self._limiter.delay(write, now)
