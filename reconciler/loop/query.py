"""Queries of Loop's list, and the cursor of the next page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

import msgspec
from msgspec import Struct

from reconciler.core.model import Window
from reconciler.core.records import By
from reconciler.loop.values import read_time

LIST = "/warehouse/return/list"
DETAILS = "/warehouse/return/details"
LONGEST_CURSOR = 4096

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(microsecond=0, tzinfo=UTC)

_PORTS = {"https": 443, "http": 80}

COLUMN = {By.UPDATED: "updated_at", By.CREATED: "created_at"}


class ListQuery(Struct, frozen=True):
    """A query of the list. `state` is a single value (loop.md#state-filter)."""

    window: Window
    by: By
    state: str
    page_size: int

    def page(self, cursor: str | None = None) -> str:
        """The raw query of one page. Every parameter is sent each time (loop.md#next-page-link)."""
        after = {} if cursor is None else {"cursor": cursor}
        return encode(
            # safeguard: parameters-sent-again
            self._window() | {"paginate": "true", "pageSize": str(self.page_size)} | after
        )

    def unpaged(self) -> str:
        """The raw query for the whole window as a bare array."""
        return encode(self._window())

    def _window(self) -> dict[str, str]:
        # Always both ends: `from` alone means the 24 hours after it (loop.md#time-window).
        return {
            "from": _bound(self.window.start),
            "to": _bound(self.window.end + timedelta(microseconds=999_999)),
            "filter": COLUMN[self.by],
            "state": self.state,
        }


def around(moments: Collection[datetime], by: By, state: str, page_size: int) -> ListQuery:
    """A query from one second before the first moment to one after the last, in whole seconds.

    At either end of the calendar, where there is no such second, the window ends there.
    """
    first, last = (moment.replace(microsecond=0) for moment in (min(moments), max(moments)))
    margin = timedelta(seconds=1)
    start = max(first, _FIRST + margin) - margin
    end = min(last, _LAST - margin) + margin
    return ListQuery(Window(start, end), by, state, page_size)


def encode(parameters: dict[str, str]) -> str:
    """A query string; a space becomes %20, never a plus."""
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())


def _bound(moment: datetime) -> str:
    """`2026-03-01 10:00:00` in UTC without an offset, the form of the newest specification; a
    client that sent offsets had to remove them again (loop.md#date-time-parameter-forms)."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "seconds")


def next_cursor(next_url: str | None, base_url: str) -> str | None:
    """The cursor of the next page; None on the last. Nothing else of the link is used.

    Raises ValueError for a link to another host or without a usable cursor. A service behind a
    proxy may link to itself by `http`: accepted, because the link itself is never followed.
    """
    if not next_url:
        return None
    link = urlsplit(next_url[: 4 * LONGEST_CURSOR])
    # safeguard: next-link-stays-on-its-host
    if (link.scheme or link.netloc) and not _is_same_host(link, urlsplit(base_url)):
        raise ValueError(f"the next page's link leads away from {urlsplit(base_url).hostname}")
    cursors = parse_qs(link.query).get("cursor", [])
    # Measured also as it will be sent: three characters for each byte that needs encoding.
    longest = max(map(len, [next_url, *(quote(cursor, safe="") for cursor in cursors)]))
    if len(cursors) != 1 or longest > 2 * LONGEST_CURSOR:
        raise ValueError("the next page's link names no usable cursor")
    return cursors[0]


def _is_same_host(link: SplitResult, home: SplitResult) -> bool:
    """Whether it is the same host, by either scheme, at the same or the scheme's default port."""
    if (
        link.scheme not in (*_PORTS, "")
        or link.hostname != home.hostname
        or link.username is not None
    ):
        return False
    return link.port in (None, home.port, _PORTS.get(link.scheme))


def cursor_fields(cursor: str) -> dict[str, object]:
    """What a cursor of Laravel's form holds (loop.md#cursor-format). Raises ValueError."""
    padded = cursor + "=" * (-len(cursor) % 4)
    return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=dict[str, object])


def link_parameters(next_url: str) -> frozenset[str]:
    """The names of the parameters in the link of the next page."""
    return frozenset(parse_qs(urlsplit(next_url[: 4 * LONGEST_CURSOR]).query))


def cursor_columns(cursor: str) -> dict[By, datetime | None]:
    """The column that the pages are ordered by, and the cursor's time in it.

    Laravel's cursor is base64url of JSON with both (loop.md#cursor-format, #cursor-column).
    Both columns, without a time, if the cursor cannot be decoded.
    """
    try:
        fields = cursor_fields(cursor)
        named = {by: fields[column] for by, column in COLUMN.items() if column in fields}
        times = {by: read_time(str(value)) for by, value in named.items()}
    except (binascii.Error, ValueError, RecursionError):
        times = {}
    return dict(times) if times else dict.fromkeys(COLUMN)
