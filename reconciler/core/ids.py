"""What an id of Loop looks like (loop.md#identifier-types)."""

from __future__ import annotations

LONGEST_ID = 20
"""Digits."""


def is_id(text: str) -> bool:
    """Whether it can be the id of a return, a line or an order: 1 to 20 digits."""
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_ID
