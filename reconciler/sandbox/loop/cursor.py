"""Laravel's cursor: a position in an ordered list, as base64url of JSON (loop.md#cursor-format)."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from reconciler.sandbox.loop.encoding import bare


class Cursor(Struct, frozen=True):
    """A position: a second, and with a tie-breaker also a row within it."""

    column: str
    second: datetime
    forward: bool
    """False in `previousPageUrl`: the page has the rows before the position."""
    tie: int | None
    """The id of the row, if a tie-breaker is in use."""


def encode(cursor: Cursor) -> str:
    """Base64url without padding, as in the documented example."""
    fields: dict[str, Any] = {cursor.column: bare(cursor.second)}
    if cursor.tie is not None:
        fields["id"] = cursor.tie
    fields["_pointsToNextItems"] = cursor.forward
    return base64.urlsafe_b64encode(msgspec.json.encode(fields)).decode().rstrip("=")


def decode(text: str, column: str) -> Cursor | None:
    """The cursor, or None if it cannot be decoded, as in Laravel.

    Raises KeyError if it is for another column: Laravel raises there too.
    """
    try:
        fields = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return None
    if not isinstance(fields, dict) or "_pointsToNextItems" not in fields:
        return None
    second = datetime.fromisoformat(fields[column]).replace(tzinfo=UTC)
    tie = fields.get("id")
    return Cursor(
        column, second, bool(fields["_pointsToNextItems"]), None if tie is None else int(tie)
    )
