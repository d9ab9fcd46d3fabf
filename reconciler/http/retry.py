"""When a read is retried, and how long to wait before."""

from __future__ import annotations

import copy
import logging
import random
import re
from collections.abc import Callable, Mapping
from datetime import datetime

import httpx
from httpx_retries import Retry
from msgspec import Struct

from reconciler.clock import Clock
from reconciler.http.response import parse_http_date
from reconciler.log_events import Event

log = logging.getLogger("reconciler.http")

TRIES = 4
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
LONGEST_RETRY_AFTER = 300.0
"""Seconds that a service may ask us to wait; if it asks for more, this run stops."""
RETRIES_ALWAYS_ALLOWED = 10
RETRIES_PER_REQUEST = 0.1

_SECONDS = re.compile(r"\d{1,12}(\.\d{1,12})?", re.ASCII)


class UnusableResponse(Exception):
    """An answer that a retry would not improve: a redirect, an encoding, too many bytes."""


class InvalidResponse(ValueError):
    """The body or status of an answer is invalid; a retry may help."""


class RetryAfterTooLong(Exception):
    """Retry-After is longer than a run may wait."""

    def __init__(self, cause: str, seconds: float) -> None:
        super().__init__(f"{cause} and asks to wait {seconds:.0f} s")
        self.seconds = seconds


TRANSIENT = (
    httpx.TimeoutException,
    httpx.NetworkError,
    httpx.RemoteProtocolError,
    InvalidResponse,
)


def is_transient(status: int) -> bool:
    """Whether a retry may get a better answer."""
    return status in (408, 429) or status >= 500


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait: whole or fractional seconds, or an HTTP date relative to `now`.

    None if the header is missing, unreadable or not positive.
    """
    text = (text or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text) or None
    moment = parse_http_date(text)
    seconds = (moment - now).total_seconds() if moment else 0.0
    return seconds if seconds > 0 else None


def asked_to_wait(status: int, headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds from Retry-After; a date is relative to the answer's own Date if it has one.

    Raises RetryAfterTooLong if it is longer than a run may wait.
    """
    seconds = parse_retry_after(
        headers.get("retry-after"), parse_http_date(headers.get("date")) or now
    )
    if seconds is not None and seconds > LONGEST_RETRY_AFTER:
        raise RetryAfterTooLong(f"answered {status}", seconds)
    return seconds


class Budget:
    """Limits retries to a tenth of all requests, but at least ten, to spare a failing service."""

    def __init__(self) -> None:
        self.requests = 0
        self.retries = 0

    @property
    def is_spent(self) -> bool:
        return self.retries >= max(RETRIES_ALWAYS_ALLOWED, RETRIES_PER_REQUEST * self.requests)


class RetryContext(Struct, frozen=True):
    """What all retries of a service share."""

    name: str
    clock: Clock
    rng: random.Random
    budget: Budget


class ReadRetry(Retry):
    """httpx-retries' policy with our clock, randomness and budget, and a log line per wait.

    It also handles what the library does not: a fractional Retry-After, a wait that a signal can
    end, and a Retry-After longer than we are willing to wait.
    """

    def __init__(
        self,
        context: RetryContext,
        expected: frozenset[int],
        accept: Callable[[httpx.Response], None],
    ) -> None:
        super().__init__(
            total=TRIES - 1,
            allowed_methods=["GET"],
            retry_on_exceptions=TRANSIENT,
            validate_response=accept,
        )
        self._context = context
        self._expected = expected

    def is_retryable_status_code(self, status_code: int) -> bool:
        return status_code not in self._expected and is_transient(status_code)

    def is_exhausted(self) -> bool:
        return super().is_exhausted() or self._context.budget.is_spent

    def increment(self) -> ReadRetry:
        later = copy.copy(self)
        later.attempts_made += 1
        return later

    def backoff_strategy(self) -> float:
        """Full jitter: anywhere from 0 to a ceiling that doubles each time. Seconds."""
        ceiling = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (self.attempts_made - 1))
        return self._context.rng.uniform(0, ceiling)

    def sleep(self, response: httpx.Response | Exception) -> None:
        """Wait as long as asked, or for the backoff. Raises RetryAfterTooLong, Interrupted."""
        seconds, cause = self._next_wait(response)
        log.info(
            "%s: %s; try %d of %d in %.1f s",
            self._context.name, cause, self.attempts_made + 1, TRIES, seconds,
            extra=Event.READ_RETRIED.fields,
        )  # fmt: skip
        self._context.budget.retries += 1
        self._context.clock.wait(seconds)

    def _next_wait(self, response: httpx.Response | Exception) -> tuple[float, str]:
        if isinstance(response, Exception):
            return self.backoff_strategy(), reason(response)
        if not self.is_retryable_status_code(response.status_code):
            return self.backoff_strategy(), "the answer was not what was asked for"
        cause = f"answered {response.status_code}"
        asked = asked_to_wait(response.status_code, response.headers, self._context.clock.now())
        if asked is not None:
            # It may have come a while ago, if it was sent ahead.
            passed = self._context.clock.monotonic() - response.extensions["answered_at"]
            return max(0.0, asked - passed) + self._context.rng.uniform(0, FIRST_WAIT), cause
        wait = self.backoff_strategy()
        # We were too fast, so the jitter must not shrink the wait to nothing.
        return (max(wait, FIRST_WAIT) if response.status_code == 429 else wait), cause


def reason(error: Exception) -> str:
    """A transport failure in a few words, quoting nothing that was received."""
    match error:
        case httpx.TimeoutException():
            return "timed out"
        case httpx.ConnectError():
            return f"cannot connect ({error})"
        case httpx.NetworkError():
            return "connection reset"
        case httpx.RemoteProtocolError():
            return "the answer broke off or was not HTTP"
        case InvalidResponse() | UnusableResponse() | RetryAfterTooLong():
            return str(error)
        case _:
            return type(error).__name__
