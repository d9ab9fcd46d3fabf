"""Reports as JSON: the contract for other programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from reconciler.core.health import Health

# JSON allows these unescaped, but a terminal should not get them: delete, C1 controls, bidi
# controls, invisible characters, line separators.
_UNSAFE = re.compile(
    "[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


# The names in `status` for the fields of a row that was set aside, in order. The report of a pass
# uses the names of `SetAside`; both are contracts.
_SET_ASIDE_IN_STATUS = {
    "key": "key",
    "problem": "problem",
    "since": "first_seen",
    "return_id": "return_id",
    "order_name": "order_name",
    "is_partial": "is_partial",
    "last_seen": "last_seen",
}


def encode(report: msgspec.Struct) -> str:
    """The report as indented JSON; times are ISO 8601 in UTC with Z. Safe to print as it is."""
    return _encoded(report)


def encode_status(health: Health) -> str:
    """The report of `status`, in the same form."""
    report = msgspec.to_builtins(health)
    facts = report["facts"]
    facts["set_aside"] = [
        {name: row[field] for name, field in _SET_ASIDE_IN_STATUS.items()}
        for row in facts["set_aside"]
    ]
    return _encoded(report)


def _encoded(report: Any) -> str:
    try:
        text = msgspec.json.format(
            msgspec.json.encode(report, enc_hook=_unpacked), indent=2
        ).decode()
    except UnicodeEncodeError:  # a lone surrogate, which UTF-8 cannot encode but JSON can escape
        text = json.dumps(msgspec.to_builtins(report, enc_hook=_unpacked), indent=2)
    # Outside of strings JSON is plain ASCII, so every match is inside one.
    return _UNSAFE.sub(_escaped, text)


def _unpacked(packed: Iterable[msgspec.Struct]) -> list[msgspec.Struct]:
    """Encode packed values (`FieldChanges`) as a list."""
    return list(packed)


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
