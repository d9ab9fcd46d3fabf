"""Attribute values: what a body may set, and how a query's text is converted for a column."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec import structs

from reconciler.sandbox.jetti.schema import Field, Resource, Row
from reconciler.sandbox.jetti.tables import timestamp

# Ids and quantities are 32-bit integers (jetti.md#value-formats).
_LARGEST_INTEGER = 2**31 - 1
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


class InvalidValue(ValueError):
    """A value that the column does not accept; the text says why."""


def convert(field: Field, value: Any, string_limit: int = 0) -> Any:
    """The value as the column stores it. Raises `InvalidValue`.

    Strings accept numbers (`externalId: 1234` is stored as "1234") and booleans accept 0 and 1
    (jetti.md#value-formats, #external-id-rules); `string_limit` 0 means no limit.
    """
    if value is None:
        if field.nullable:
            return None
        raise InvalidValue("must not be null")
    try:
        converted = _CONVERTERS[field.type](value)
    except (ValueError, OverflowError) as error:
        raise InvalidValue(str(error)) from None
    if field.values and converted not in field.values:
        raise InvalidValue(f"is not one of {', '.join(field.values)}")
    if field.type == "string" and 0 < string_limit < len(converted):
        raise InvalidValue(f"is longer than {string_limit} characters")
    return converted


def as_stored(resource: Resource, attributes: Row) -> Row:
    """Attributes as the columns store them, accepting values outside an enumeration.

    Live rows show such values (jetti.md#purchase-statuses-outside-the-schema). Unknown names are
    left to the table.
    """
    return {
        name: convert(structs.replace(resource.fields[name], values=()), value)
        if name in resource.fields
        else value
        for name, value in attributes.items()
    }


def _string(value: Any) -> str:
    if isinstance(value, str):
        if "\0" in value:
            raise InvalidValue("holds a null character")
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise InvalidValue("is not a string")


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str, float)):
        raise InvalidValue("is not an integer")
    number = int(value)
    if abs(number) > _LARGEST_INTEGER or number != float(value):
        raise InvalidValue("is not an integer of 32 bits")
    return number


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, str, float)):
        raise InvalidValue("is not a number")
    number = float(value)
    if not math.isfinite(number):
        raise InvalidValue("is not a finite number")
    return number


def _boolean(value: Any) -> bool:
    found = _BOOLEANS.get(str(value).lower())
    if found is None:
        raise InvalidValue("is not a boolean")
    return found


def _date(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidValue("is not a date")
    instant = datetime.fromisoformat(value)
    return timestamp(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


def _strings(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise InvalidValue("is not a list")
    return [_string(member) for member in value]


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "text": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "strings": _strings,
    "json": lambda value: value,
}
