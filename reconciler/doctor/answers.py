"""What answers of a service say besides their rows: the time, and what it still takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

from reconciler.core.diagnosis.services import RateFacts
from reconciler.http import Response
from reconciler.http.capacity import parse_capacity

T = TypeVar("T")

SECONDS = 20.0
"""That each service has to be asked (`deadline.within`)."""
_ABOUT_RATES = re.compile(r"[a-z0-9-]*(rate|limit|remaining|quota|throttle)[a-z0-9-]*", re.ASCII)
_LONGEST = 60


class Answers:
    """Notes what the latest answer said."""

    def __init__(self) -> None:
        self.date: datetime | None = None
        self.rate: RateFacts | None = None

    def noting(self, decode: Callable[[Response], T]) -> Callable[[Response], T]:
        """The same, and it is noted what the answer said."""

        def noted(answer: Response) -> T:
            self.date = answer.date or self.date
            self.rate = _rate(answer.headers)
            return decode(answer)

        return noted


def _rate(headers: Mapping[str, str]) -> RateFacts:
    names = (name for name in headers if len(name) <= _LONGEST and _ABOUT_RATES.fullmatch(name))
    capacity = parse_capacity(headers)
    return RateFacts(
        headers=tuple(sorted(names)),
        remaining=capacity.remaining if capacity else None,
        limit=capacity.limit if capacity else None,
    )
