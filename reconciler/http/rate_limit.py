"""Client-side rate limits."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from reconciler.clock import Clock
from reconciler.http.capacity import Supply, parse_capacity
from reconciler.log_events import Event

log = logging.getLogger("reconciler.http")

RESOLUTION = 0.001
"""Seconds. Shorter waits are skipped, and no clock here is finer."""
SLOWEST = 8.0
"""The largest factor by which requests slow down while a service keeps answering 429."""
MINUTE = 61.0
"""Seconds. One more than a minute has, since the way to the service varies."""
MARGIN = 0.02
"""By this share a distance between two requests is longer when it counts from the departure of the
first, since the second may be faster on its way by up to that."""
LONGEST_LEAD = 1.0
"""Seconds for which a connection may be open before its request is sent."""


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
    def due(self, write: bool, now: float) -> float:
        """When this request may be sent."""

    def take(self, write: bool, now: float) -> None:
        """Record that it is about to be sent."""

    def departed(self, now: float) -> None:
        """Record that all of it has been sent by now."""

    def answered(self, now: float, *, on_time: bool) -> None:
        """Record that it has certainly arrived by now; `on_time`: nothing held it up."""


class _EvenMinute:
    """Counts departures: evenly, with a tenth of the minute in reserve, and a whole minute's number
    in any minute.

    None of pyrate's buckets has both (docs/decisions/0011-own-rate-limit.md).
    """

    def __init__(self, pace: PerMinute) -> None:
        most = max(1, math.floor(pace.requests))
        self._step = MINUTE / most
        self._reserve = self._step * (max(1, round(most / 10)) - 1)
        self._even = -math.inf
        """When the next request would be sent if all were sent evenly."""
        self._sent: deque[float] = deque(maxlen=most)

    def due(self, write: bool, now: float) -> float:
        due = self._even - self._reserve
        if len(self._sent) == self._sent.maxlen:
            # safeguard: minute-limit
            due = max(due, self._sent[0] + MINUTE)
        return due

    def take(self, write: bool, now: float) -> None:
        self._even = max(self._even, now) + self._step
        self._sent.append(now)

    def departed(self, now: float) -> None:
        """Ignored: a request of a minute need not be timed so finely."""

    def answered(self, now: float, *, on_time: bool) -> None:
        """Ignored for the same reason."""


class _SpacedRequests:
    """Keeps two requests apart by the higher of their costs when they arrive.

    Counted from the departure of the first, with a margin, if nothing held it up on its way, or
    from its answer, by which it has certainly arrived, whichever is earlier.
    """

    def __init__(self, pace: PerSecond) -> None:
        self._costs = {False: 1 / pace.reads, True: 1 / pace.writes}
        self._last_cost = max(self._costs.values())
        self._departed: float | None = None
        self._answered: float | None = None

    def due(self, write: bool, now: float) -> float:
        if self._departed is None and self._answered is None:
            self._answered = now
        distance = max(self._costs[write], self._last_cost)
        due = math.inf if self._answered is None else self._answered + distance + RESOLUTION
        if self._departed is not None:
            # safeguard: departure-margin
            due = min(due, self._departed + max(distance * (1 + MARGIN), distance + RESOLUTION))
        return due

    def take(self, write: bool, now: float) -> None:
        self._last_cost = self._costs[write]
        self._departed, self._answered = now, None

    def departed(self, now: float) -> None:
        self._departed = now

    def answered(self, now: float, *, on_time: bool) -> None:
        self._answered = now
        # safeguard: late-arrivals
        if not on_time:
            self._departed = None


class Pacer:
    """Makes requests to one service wait their turn. Slows down after a 429, and while the service
    says that little is left."""

    def __init__(self, name: str, pace: PerMinute | PerSecond, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self.allows_overlap = isinstance(pace, PerMinute)
        """Whether a request may leave before the one before it is answered. Not where requests are
        kept apart by a distance: only the answer tells that one was held up."""
        self._limiter: _Limiter = (
            _EvenMinute(pace) if isinstance(pace, PerMinute) else _SpacedRequests(pace)
        )
        self._step = 60 / pace.requests if isinstance(pace, PerMinute) else 1 / pace.writes
        self._slowness = 1.0
        self._not_before = -math.inf
        self._left_at = -math.inf
        self._supply = (
            Supply(MINUTE, pace.requests, steady=False)
            if isinstance(pace, PerMinute)
            else Supply(1, pace.reads, steady=True)
        )
        self._lead = {False: 0.0, True: 0.0}
        """Seconds that it took lately from the end of `approach` to the turn, by kind."""
        self._approached: float | None = None

    def approach(self, *, write: bool) -> None:
        """Wait until shortly before the turn: what is done between here and the turn takes its
        time too. Raises Interrupted if a signal asked us to stop.
        """
        self._wait(write, ahead=self._lead[write])
        if self._approached is None:
            self._approached = self._clock.monotonic()

    def take_turn(self, *, write: bool) -> None:
        """Wait until a request may be sent, at once. Raises Interrupted as `approach` does."""
        if self._approached is not None:
            took = self._clock.monotonic() - self._approached
            # A way that was shorter once may be as long as before the next time.
            self._lead[write] = min(LONGEST_LEAD, max(took, self._lead[write] * 0.9))
            self._approached = None
        # safeguard: rate-limit
        self._wait(write)
        self._left_at = self._clock.monotonic()
        self._limiter.take(write, self._left_at)

    def delay(self) -> float:
        """Seconds until a read could be sent; 0 or less: now."""
        return self._delay(write=False)

    def departed(self) -> None:
        """Record that all of the request has been sent by now."""
        self._limiter.departed(self._clock.monotonic())

    def answered(self, *, on_time: bool = False) -> None:
        """Record that the request has arrived by now, or never will.

        `on_time`: nothing held it up, so that it had arrived as long after its departure as any
        other does.
        """
        self._limiter.answered(self._clock.monotonic(), on_time=on_time)

    def adapt(self, status: int) -> None:
        """Halve the speed after each 429, and speed up again with every other answer."""
        if status == 429:
            self._slowness = min(SLOWEST, self._slowness * 2)
        else:
            self._slowness = max(1.0, self._slowness * 0.8)
        if self._slowness > 1:
            self.pause(self._slowness * self._step)

    def heed(self, headers: Mapping[str, str]) -> None:
        """Slow down if others leave little of what the service takes; never speed up."""
        capacity = parse_capacity(headers)
        if capacity is None:
            return
        # safeguard: shared-capacity
        self._not_before = max(self._not_before, self._supply.not_before(capacity, self._left_at))
        if (wait := self._not_before - self._clock.monotonic()) > 1:
            log.info(
                "%s: only %d more requests are allowed for now; the next leaves in %.0f s",
                self._name, capacity.remaining, wait,
                extra=Event.CAPACITY_LOW.fields,
            )  # fmt: skip

    def pause(self, seconds: float) -> None:
        """Send nothing for `seconds`."""
        self._not_before = max(self._not_before, self._clock.monotonic() + seconds)

    def _wait(self, write: bool, ahead: float = 0.0) -> None:
        self._clock.check()
        while (delay := self._delay(write) - ahead) > RESOLUTION / 2:
            log.debug(
                "%s: waiting %.3f s for the next turn",
                self._name, delay,
                extra=Event.TURN_AWAITED.fields,
            )  # fmt: skip
            self._clock.wait(delay)

    def _delay(self, write: bool) -> float:
        now = self._clock.monotonic()
        return max(self._not_before, self._limiter.due(write, now)) - now
