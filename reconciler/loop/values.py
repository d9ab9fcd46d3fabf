"""Loop's forms of ids, times, texts and absent values (loop.md#identifier-types,
#timestamp-forms)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from msgspec import DecodeError, Meta

from reconciler.core.ids import is_id

T = TypeVar("T")

LONGEST_TEXT = 4000
"""Characters. Nothing that we store is longer, so a row with a longer text is set aside."""

LONGEST_NAME = 255
"""Characters of an order's name. It is used in queries to Jetti, so it must fit into a URL."""

Text = Annotated[str, Meta(max_length=LONGEST_TEXT)] | int | None
"""A text that may be sent as a number, or be absent."""
Name = Annotated[str, Meta(max_length=LONGEST_NAME)] | int
"""The name of an order: `#1042`, or another format that the shop has chosen."""
Word = Annotated[str, Meta(max_length=LONGEST_NAME)]
"""One of Loop's own words, such as a state."""
Id = Annotated[str, Meta(max_length=LONGEST_TEXT)] | int
"""Text in the list, a number in details and in labels (loop.md#identifier-types,
#differences-from-the-list-row)."""

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ]((?:[01]\d|2[0-3]):\d\d:)(\d\d)(\.\d{1,9})? ?(Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
# The forms that Loop's answers have so far, which need no reassembly.
_USUAL_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII
)
_ABSENT = frozenset({"", "N/A", "n/a"})
_SHOP = re.compile(r"[a-z0-9.-]{1,253}", re.ASCII)
_LOOP_HOST = ".loopreturns.com"


class Unreadable(ValueError):
    """A value that is invalid for its field; the message names field and reason, not the value."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")

    def inside(self, path: str) -> Unreadable:
        """The same of a part of the row, named with the part's own path."""
        return Unreadable(*f"{path}.{self}".split(": ", 1))


def if_readable(read: Callable[[], T]) -> T | None:
    """One field of a malformed row; None if it cannot be read either."""
    try:
        return read()
    except (DecodeError, ValueError, RecursionError):
        return None


def read_id(value: Id, field: str) -> str:
    """An id as 1 to 20 digits. Raises Unreadable."""
    text = str(value)
    if not is_id(text):
        raise Unreadable(field, "not an id of 1 to 20 digits")
    return text


def read_text(value: Text, field: str) -> str | None:
    """A text, or None for each of Loop's forms of an absent value. Raises Unreadable."""
    if value is None:
        return None
    text = str(value).strip()
    if "\0" in text:
        raise Unreadable(field, "holds a NUL character")
    return None if text in _ABSENT else text


def read_time(value: str, field: str = "time") -> datetime:
    """Aware UTC from any of Loop's forms; a time without an offset is UTC
    (loop.md#date-time-parameter-forms, #timestamp-forms).

    `2023-01-01T22:27:15.000Z`, `2022-11-02T00:13:08+00:00`, `2022-11-02 00:13:08`; a leap second
    counts as the second before it. Raises Unreadable.
    """
    text = value if _USUAL_TIME.fullmatch(value) else _usual_form(value, field)
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(field, "not a time that exists") from None


def _usual_form(value: str, field: str) -> str:
    match = _TIME.fullmatch(value)
    if match is None:
        raise Unreadable(field, "not a time")
    day, minute, second, fraction, offset = match.groups()
    second = "59" if second == "60" else second
    return f"{day}T{minute}{second}{(fraction or '')[:7]}{offset or 'Z'}"


def read_shop(status_page_url: str | None) -> str | None:
    """The shop's label in the host of a status page; the rest of the link is secret.

    `https://{shop}.loopreturns.com/…` (loop.md#status-page-link); for another host, all of the
    host. None if there is no valid host.
    """
    if status_page_url is None:
        return None
    authority = status_page_url.find("//") + 2
    path = status_page_url.find("/", authority)
    return _shop_of(status_page_url if path < 0 else status_page_url[:path])


@lru_cache(maxsize=16)  # all returns of a shop have the same
def _shop_of(origin: str) -> str | None:
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return None
    shop = host.removesuffix(_LOOP_HOST)
    return shop if _SHOP.fullmatch(shop) else None
