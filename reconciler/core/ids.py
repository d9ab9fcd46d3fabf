"""What an id of Loop looks like (loop.md#identifier-types)."""

from __future__ import annotations

import re

LONGEST_ID = 20
"""Digits."""

_ID = re.compile(rf"[0-9]{{1,{LONGEST_ID}}}", re.ASCII)


def is_id(text: str) -> bool:
    """Whether it can be the id of a return, a line or an order: 1 to 20 digits."""
    return _ID.fullmatch(text) is not None
