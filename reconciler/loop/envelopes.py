"""Loop's envelopes: page, bare array and details, told apart from errors sent with status 200.

Each function raises ValueError (which makes a read retry, then give up) if the body is not what
was asked for. Nothing received is quoted.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from reconciler.core.model import Malformed
from reconciler.http import Response
from reconciler.loop.problems import describe
from reconciler.loop.values import (
    Id,
    Name,
    Unreadable,
    Word,
    if_readable,
    read_id,
    read_text,
    read_time,
)


class Page(Struct):
    """One page as Loop sends it with `paginate=true` (loop.md#response-envelope)."""

    returns: list[Raw]
    nextPageUrl: str | None  # noqa: N815 - Loop's own spelling
    error: Raw | UnsetType = UNSET
    errors: Raw | UnsetType = UNSET


class Found(Struct, frozen=True):
    """What is read from details: enough to find the row in the list."""

    id: str
    state: str
    created_at: datetime


class _Identity(Struct):
    id: Id


class _Details(Struct):
    state: Word
    created_at: str


class _Named(Struct):
    order_name: Name


class _ErrorText(Struct):
    message: str = ""


class _Errors(Struct):
    error: _ErrorText | str | None = None
    errors: _ErrorText | str | None = None


_page = msgspec.json.Decoder(Page)
_array = msgspec.json.Decoder(list[Raw])
_one_or_many = msgspec.json.Decoder(dict[str, Raw] | list[Raw])
_identity = msgspec.json.Decoder(_Identity)
_details = msgspec.json.Decoder(_Details)
_named = msgspec.json.Decoder(_Named)
_errors = msgspec.json.Decoder(_Errors)


def read_page(answer: Response) -> Page:
    """A page. Raises ValueError for a bare array or an error in its place."""
    page = _page.decode(answer.body)
    # safeguard: errors-are-not-empty-pages
    if page.error is not UNSET or page.errors is not UNSET:
        raise ValueError("an error with status 200")
    return page


def read_array(answer: Response) -> list[Raw]:
    """The bare array that a request without `paginate` gets."""
    return _array.decode(answer.body)


def read_details(answer: Response) -> list[Found | Malformed]:
    """The returns that details found; empty if it reports, with status 200 or 404, no match.

    One whose state or time cannot be understood is malformed and does not affect the others.

    What Loop sends for an order with several returns is unknown
    (loop.md#orders-with-several-returns): an object and an array are both accepted.
    """
    if _is_no_match(answer):
        return []
    found = _one_or_many.decode(answer.body)
    return [_found(row) for row in (found if isinstance(found, list) else [Raw(answer.body)])]


def _found(row: Raw) -> Found | Malformed:
    return_id = read_id(_identity.decode(row).id, "id")
    try:
        details = _details.decode(row)
        state = read_text(details.state, "state")
        if state is None:
            raise Unreadable("state", "absent")
        return Found(return_id, state, read_time(details.created_at, "created_at"))
    except (msgspec.DecodeError, ValueError) as error:
        problem = describe(error)
    name = if_readable(lambda: read_text(_named.decode(row).order_name, "order_name"))
    return Malformed(return_id, problem, return_id=return_id, order_name=name)


def _is_no_match(answer: Response) -> bool:
    """`{"error":{"message":"No return found with this ID."}}` (loop.md#details-without-a-match).

    No other error may be taken for "no such return", not even the 404 of a wrong path.
    """
    try:
        errors = _errors.decode(answer.body)
    except msgspec.ValidationError:
        return False
    error = errors.error or errors.errors
    if error is None:
        return False
    message = error if isinstance(error, str) else error.message
    if "no return found" in message.lower():
        return True
    raise ValueError("an error with status 200")
