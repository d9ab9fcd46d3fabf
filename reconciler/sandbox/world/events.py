"""What happens in the pretend world, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct


class Event(Struct, frozen=True):
    """One thing that happens. `move` names a move of the scenario."""

    at: datetime
    move: str
    arguments: dict[str, Any]
