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
    """Points at a second, and with a tie breaker also at a row within it."""

    column: str
    second: datetime
    forward: bool
    """False in `previousPageUrl`: the rows before the position are meant."""
    tie: int | None
    """The id of the row, where a tie breaker is in use."""


def encode(cursor: Cursor) -> str:
    """Base64url without padding, the documented example's own form."""
    fields: dict[str, Any] = {cursor.column: bare(cursor.second)}
    if cursor.tie is not None:
        fields["id"] = cursor.tie
    fields["_pointsToNextItems"] = cursor.forward
    return base64.urlsafe_b64encode(msgspec.json.encode(fields)).decode().rstrip("=")


def decode(text: str, column: str) -> Cursor | None:
    """None when it cannot be decoded, as Laravel has it.

    KeyError when it can be, but speaks of another column: Laravel raises there.
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
