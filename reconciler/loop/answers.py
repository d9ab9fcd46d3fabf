"""Loop's envelopes: page, bare array and details, told apart from errors sent with status 200.

Each function raises ValueError (which a read takes as "try again, then give up") when the body
is not what was asked for. Nothing received is quoted.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from reconciler.http import Answer
from reconciler.loop.values import Id, Word, read_id, read_text, read_time


class Page(Struct):
    """One page as Loop sends it with `paginate=true` (apis/loop.md 3.1)."""

    returns: list[Raw]
    nextPageUrl: str | None  # noqa: N815 - Loop's own spelling
    error: Raw | UnsetType = UNSET
    errors: Raw | UnsetType = UNSET


class Found(Struct, frozen=True):
    """What details is asked for: enough to find the row in the list."""

    id: str
    state: str
    created_at: datetime


class _Details(Struct):
    id: Id
    state: Word
    created_at: str


class _ErrorText(Struct):
    message: str = ""


class _Errors(Struct):
    error: _ErrorText | str | None = None
    errors: _ErrorText | str | None = None


_page = msgspec.json.Decoder(Page)
_array = msgspec.json.Decoder(list[Raw])
_details = msgspec.json.Decoder(_Details | list[_Details])
_errors = msgspec.json.Decoder(_Errors)


def read_page(answer: Answer) -> Page:
    """A page; a bare array or an error in its place is a ValueError."""
    page = _page.decode(answer.body)
    if page.error is not UNSET or page.errors is not UNSET:
        raise ValueError("an error with status 200")
    return page


def read_array(answer: Answer) -> list[Raw]:
    """The bare array that a call without `paginate` gets."""
    return _array.decode(answer.body)


def read_details(answer: Answer) -> list[Found]:
    """The returns that details found; empty when it says, with status 200 or 404, none.

    What it sends for an order with several returns is unknown (apis/loop.md section 11, 14):
    one object and an array of them are both taken.
    """
    if _says_none(answer):
        return []
    found = _details.decode(answer.body)
    rows = found if isinstance(found, list) else [found]
    return [_found(row) for row in rows]


def _found(row: _Details) -> Found:
    state = read_text(row.state, "state")
    if state is None:
        raise ValueError("state: absent")
    return Found(read_id(row.id, "id"), state, read_time(row.created_at, "created_at"))


def _says_none(answer: Answer) -> bool:
    """`{"error":{"message":"No return found with this ID."}}` (apis/loop.md 3.3).

    Any other error must not pass for "there is no such return", nor must the 404 of a wrong path.
    """
    try:
        errors = _errors.decode(answer.body)
    except msgspec.ValidationError:
        return False
    said = errors.error or errors.errors
    if said is None:
        return False
    message = said if isinstance(said, str) else said.message
    if "no return found" in message.lower():
        return True
    raise ValueError("an error with status 200")
