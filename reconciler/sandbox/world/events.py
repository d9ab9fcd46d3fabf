"""The events of the pretend world."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct


class Event(Struct, frozen=True):
    """One event; `move` names the method of `Scenario` that plays it."""

    at: datetime
    move: str
    arguments: dict[str, Any]
