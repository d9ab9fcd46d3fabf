"""Loop's formats: money, the three forms of time, the three forms of an absent value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

NOTHING = "N/A"
"""Loop's value in some fields where others have null or an empty text (loop.md#absent-values)."""


def money(amount: int) -> str:
    """Cents as text with two decimals."""
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    return f"{sign}{amount // 100}.{amount % 100:02d}"


def milliseconds(instant: datetime) -> str:
    """`2023-01-01T22:27:15.000Z`, as documented for returns."""
    return instant.isoformat()[:19] + ".000Z"


def offset(instant: datetime) -> str:
    """`2022-11-02T00:13:08+00:00`, as captured for returns."""
    return instant.isoformat()[:19] + "+00:00"


def bare(instant: datetime) -> str:
    """`2022-11-02 00:13:08`, as captured for line items and in all of details; UTC."""
    return instant.isoformat(" ")[:19]


def php_date(instant: datetime | None) -> dict[str, Any] | None:
    """A serialised PHP `DateTime`, as in `outcomes_processed_at` (loop.md#processing-fields)."""
    if instant is None:
        return None
    return {"date": bare(instant) + ".000000", "timezone_type": 3, "timezone": "UTC"}


def order_number(order_name: str) -> str | None:
    """1000 less than the number in the name (loop.md#order-number-offset)."""
    digits = order_name.lstrip("#")
    return str(int(digits) - 1000) if digits.isdigit() else None


def parse_time(text: str) -> datetime:
    """Aware UTC from any form that working clients send (loop.md#date-time-parameter-forms).

    Raises ValueError for anything else, including an offset whose `+` arrived as a space.
    """
    if not text[:1].isdigit() or text.count(" ") > 1 or (" " in text and "T" in text):
        raise ValueError(text)
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
