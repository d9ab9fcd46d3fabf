"""A service's response, and the three errors in its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from msgspec import DecodeError, Struct
from msgspec.json import Decoder


class Response(Struct, frozen=True):
    """A complete HTTP response. Its `repr` shows no headers and no body."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; the values of a repeated header are joined by commas."""
    body: bytes
    date: datetime | None
    """The Date header, aware UTC; None if it is missing or unreadable."""

    def __repr__(self) -> str:
        return f"<Answer {self.status}, {len(self.body)} bytes>"


class NotSent(Exception):
    """Not one byte of the request left: it was certainly not applied."""


class ResponseLost(Exception):
    """Bytes were sent and no valid answer came: the write may or may not have been applied.

    `str(error)` is a short reason: "timed out", "connection reset", "redirected (302)".
    """


class Refused(Exception):
    """The service answered a read with a status that a retry will not change (a 4xx)."""

    def __init__(self, status: int, title: str | None) -> None:
        super().__init__(f"answered {status}" + (f": {title}" if title else ""))
        self.status = status
        self.title = title
        """The reason in the body: Jetti's problem code or Laravel's message; see problem_title."""


class _Problem(Struct):
    title: str | None = None
    message: str | None = None


_problem = Decoder(_Problem)

# A machine code, Laravel's sentence about one of our parameters, or one of its fixed sentences.
# Any other text may be about a customer, and what we return is stored in the ledger.
_HARMLESS = re.compile(
    r"[a-z0-9_.]{1,100}|The [a-z0-9 ,._-]{1,190}|Too Many Attempts\.|Server Error|Unauthorized\.",
    re.ASCII,
)


def problem_title(body: bytes) -> str | None:
    """The `title` (jetti.md#problem-details) or `message` (loop.md#error-envelopes) of an error
    body. None if there is none, or if its form does not rule out personal data.
    """
    try:
        problem = _problem.decode(body)
    except (DecodeError, UnicodeError, RecursionError):
        return None
    for text in (problem.title, problem.message):
        # safeguard: error-texts-name-no-person
        if text and _HARMLESS.fullmatch(text):
            return text
    return None


# Half of a surrogate pair. Searched for by an expression, which is four times as fast as by `in`.
_SURROGATE = re.compile(rb"\\u[dD]")
# A JSON escape; the group is a lone surrogate.
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)


def replace_lone_surrogates(body: bytes) -> bytes:
    """The body with U+FFFD in place of every lone surrogate.

    Half a surrogate pair is what remains of an emoji when a text is cut to a length. Decoders
    reject it, so one customer's comment would make a whole page unreadable forever.
    """
    if _SURROGATE.search(body) is None:
        return body
    return _ESCAPE.sub(lambda found: b"\\ufffd" if found[1] else found[0], body)


@lru_cache(maxsize=4)  # it changes once a second
def parse_http_date(text: str | None) -> datetime | None:
    """An HTTP date (RFC 9110 5.6.7) as aware UTC; None if missing or unreadable."""
    try:
        moment = parsedate_to_datetime(text or "")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
