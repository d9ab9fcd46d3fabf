"""What comes back from a service, and the three ways in which nothing useful does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from msgspec import DecodeError, Struct
from msgspec.json import Decoder


class Response(Struct, frozen=True):
    """A complete HTTP answer. Its text form shows no headers and no body."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; of a repeated header, the values joined by a comma."""
    body: bytes
    date: datetime | None
    """The Date header, aware, UTC; None where it is missing or unreadable."""

    def __repr__(self) -> str:
        return f"<Answer {self.status}, {len(self.body)} bytes>"


class NotSent(Exception):
    """Not one byte of the request left: it was certainly not applied."""


class ResponseLost(Exception):
    """Bytes left and no valid answer came: the write may or may not have been applied.

    `str(error)` is a short reason: "timed out", "connection reset", "redirected (302)".
    """


class Refused(Exception):
    """The service answered a read with a status that no repetition will change (a 4xx)."""

    def __init__(self, status: int, title: str | None) -> None:
        super().__init__(f"answered {status}" + (f": {title}" if title else ""))
        self.status = status
        self.title = title
        """What the body gives as reason: Jetti's problem code or Laravel's message, shortened."""


class _Problem(Struct):
    title: str | None = None
    message: str | None = None


_problem = Decoder(_Problem)

# A machine code, a sentence of Laravel's about a parameter of ours, or one that it always sends.
# Whatever else stands there may be about a customer, and what we return is kept in the ledger.
_HARMLESS = re.compile(
    r"[a-z0-9_.]{1,100}|The [a-z0-9 ,._-]{1,190}|Too Many Attempts\.|Server Error|Unauthorized\.",
    re.ASCII,
)


def problem_title(body: bytes) -> str | None:
    """The `title` (jetti.md#problem-details) or `message` (loop.md#error-envelopes) of an error
    body, if any.

    Only where it has a form that cannot name a person; else None.
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


# An escape of JSON; the group is half of a surrogate pair without its other half.
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)


def replace_lone_surrogates(body: bytes) -> bytes:
    """The body with U+FFFD for every half of a character.

    That is what is left of an emoji where somebody cut a text to a length. No decoder takes it,
    so that one customer's comment would make a whole page unreadable, for ever.
    """
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _ESCAPE.sub(lambda found: b"\\ufffd" if found[1] else found[0], body)


def parse_http_date(text: str | None) -> datetime | None:
    """An HTTP date (RFC 9110 5.6.7) as aware UTC; None where there is none that can be read."""
    try:
        moment = parsedate_to_datetime(text or "")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
