"""What a service says of the requests that it still takes, whoever sends them.

Loop says how many are left of a minute (loop.md#rate-limit-headers). Jetti says something of the
kind under names that are not known (jetti.md#rate-limit-headers), so the usual spellings are looked
for whatever the service: `X-RateLimit-Remaining`, `X-Rate-Limit-Remaining`, `RateLimit-Remaining`,
and `RateLimit` in both forms that it has had.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from msgspec import Struct

SCARCE = 0.1
"""Below this share of the limit what is left is made to last."""
WITHOUT_DECLINE = 1.0
"""Seconds at most for what has not become less since the last answer: there is a steady supply, or
the header does not mean what it seems to."""

_PREFIXES = ("x-ratelimit-", "x-rate-limit-", "ratelimit-")
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
# `"default";r=50;t=30`, and before that `limit=100, remaining=50, reset=30`.
_FIELD = re.compile(r"\b(limit|remaining|r)=(\d{1,9})(?!\d)", re.ASCII)


class Capacity(Struct, frozen=True):
    """How many requests a service still takes, and of how many if that is known."""

    remaining: int
    limit: int | None


def parse_capacity(headers: Mapping[str, str]) -> Capacity | None:
    """What the headers of an answer say; None if they say nothing, or nothing that can be true."""
    capacity = _of_names(headers) or _of_fields(headers.get("ratelimit", ""))
    if capacity is None or capacity.limit is None:
        return capacity
    return capacity if 0 < capacity.limit >= capacity.remaining else None


def _of_names(headers: Mapping[str, str]) -> Capacity | None:
    for prefix in _PREFIXES:
        remaining = _whole(headers.get(f"{prefix}remaining"))
        if remaining is not None:
            return Capacity(remaining, _whole(headers.get(f"{prefix}limit")))
    return None


def _of_fields(value: str) -> Capacity | None:
    # The first policy of several; the others are of other spans.
    fields = {name: int(number) for name, number in reversed(_FIELD.findall(value))}
    remaining = fields.get("remaining", fields.get("r"))
    return None if remaining is None else Capacity(remaining, fields.get("limit"))


def _whole(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if _WHOLE.fullmatch(text) else None


class Supply:
    """Makes a scarce capacity last until there is more.

    It is not known when that is. Of a bucket that fills up steadily: a second after the last
    request. Of a minute: at its end, which comes at the latest a minute after the request with
    which the number last rose, or was first seen.
    """

    def __init__(self, period: float, limit: float, *, steady: bool) -> None:
        """`period` in seconds; `limit` is how many a period has where the service does not say."""
        self._period = period
        self._limit = limit
        self._steady = steady
        self._before: int | None = None
        self._ends_at = -math.inf

    def not_before(self, capacity: Capacity, left_at: float) -> float:
        """When the request after the one that left then may leave; a time that is past: at once."""
        remaining, before = capacity.remaining, self._before
        self._before = remaining
        fell = before is not None and remaining < before
        if self._steady or not fell or left_at >= self._ends_at:
            self._ends_at = left_at + self._period
        if remaining >= SCARCE * (capacity.limit or self._limit):
            return -math.inf
        # Others went on meanwhile, and will.
        each = before - remaining if before is not None and fell else 1
        spaced = (self._ends_at - left_at) / (remaining // each + 1)
        return left_at + (spaced if fell else min(spaced, WITHOUT_DECLINE))
