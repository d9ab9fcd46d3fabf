"""Describes what is wrong with a row: the field's path and what kind of value is there.

Never the value itself: it may be someone's name.
"""

from __future__ import annotations

import re

from reconciler.loop.values import Unreadable

_AT = re.compile(r" - at `\$(?P<path>[^`]*)`")
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]*)`")
_EXPECTED = re.compile(r"Expected `(?P<kinds>[a-z |]+)`, got `(?P<found>[a-z]+)`")
_LONG = re.compile(r"Expected `(?P<kind>[a-z]+)` of length <= (?P<most>\d+)")
_KINDS = {"str": "text", "int": "number", "float": "number", "bool": "true or false"}
_KINDS |= {"array": "list"}
_WHOLE = "the row"
_NO_UNICODE = "Invalid UTF-8"
"""msgspec's message from 0.23 on; before, it raised a UnicodeDecodeError."""


def describe(error: Exception, prefix: str = "") -> str:
    """`line_items[2].provider_line_item_id: expected text, found null`.

    `prefix` is the path of what was decoded if that was only a part of the row. Our own
    `Unreadable` already names its field.
    """
    text = str(error)
    if isinstance(error, Unreadable):
        return text
    if _NO_UNICODE in text:
        problem = "a text is not valid Unicode"
        return f"{prefix}: {problem}" if prefix else problem
    at = _AT.search(text)
    path = f"{prefix}{at['path'] if at else ''}".lstrip(".")
    text = text[: at.start()] if at else text
    if missing := _MISSING.fullmatch(text):
        return f"{path}.{missing['field']}: missing".lstrip(".")
    if expected := _EXPECTED.fullmatch(text):
        kinds = [_kind(one) for one in expected["kinds"].split(" | ")]
        wanted = " or ".join(dict.fromkeys(kind for kind in kinds if kind != "null"))
        return f"{path or _WHOLE}: expected {wanted}, found {_kind(expected['found'])}"
    if long := _LONG.fullmatch(text):
        unit = "characters" if long["kind"] == "str" else "entries"
        return f"{path or _WHOLE}: more than {long['most']} {unit}"
    # A message about the JSON itself.
    return f"{path}: {text}" if path else text


def _kind(name: str) -> str:
    return _KINDS.get(name, name)
