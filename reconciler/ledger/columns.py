"""Column types: instants as text that sorts by time, states as words, structures as JSON text."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware time, kept as UTC text of fixed width so that text order is time order.

    A naive time is refused: nobody could say later which zone it meant.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if value.tzinfo is not UTC:
            if value.tzinfo is None:
                raise ValueError(f"a time without a zone cannot be stored: {value.isoformat()}")
            value = value.astimezone(UTC)
        return value.isoformat(timespec="microseconds")[:26] + "Z"

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _instant(value)


class EnumText(TypeDecorator[StrEnum]):
    """One of a fixed set, kept as its own word and checked when it is read."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words
        self._by_word = {word.value: word for word in words}

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        if value is None:
            return None
        return self._by_word.get(value) or msgspec.convert(value, self.words)


class JsonText(TypeDecorator[Any]):
    """A frozen type of `core.model`, kept as JSON text and checked when it is read. Text that was
    written in place comes back as bytes."""

    impl = Text
    cache_ok = True

    def __init__(self, shape: Any) -> None:
        super().__init__()
        self.shape = shape
        self._decoder = msgspec.json.Decoder(shape)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | bytes | None, dialect: Dialect) -> Any:
        return None if value is None else self._decoder.decode(value)


def _instant(written: object) -> datetime:
    """A time as it was stored; anything else is damage, reported like that of a structure."""
    try:
        instant = datetime.fromisoformat(written if isinstance(written, str) else "")
    except ValueError:
        raise msgspec.ValidationError("not a time") from None
    if instant.tzinfo is None:
        raise msgspec.ValidationError("a time without its zone")
    return instant
