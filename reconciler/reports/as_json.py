"""Reports as JSON: the contract for other programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from reconciler.core.health import Health

# JSON may carry these raw, a terminal should not: delete, C1 controls, bidi controls, invisible
# characters, line separators.
_UNSAFE = re.compile(
    "[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


# What `status` calls the fields of a row that was set aside, in its order. The report of a pass
# calls them as `SetAside` does; both are contracts.
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
    """The report, indented; times are ISO 8601 in UTC with Z. Safe to print as it is."""
    return _encoded(report)


def encode_status(health: Health) -> str:
    """The answer of `status`, in the same form."""
    told = msgspec.to_builtins(health)
    facts = told["facts"]
    facts["set_aside"] = [
        {name: row[field] for name, field in _SET_ASIDE_IN_STATUS.items()}
        for row in facts["set_aside"]
    ]
    return _encoded(told)


def _encoded(report: Any) -> str:
    try:
        text = msgspec.json.format(
            msgspec.json.encode(report, enc_hook=_unpacked), indent=2
        ).decode()
    except UnicodeEncodeError:  # half a character, which UTF-8 cannot carry but JSON can
        text = json.dumps(msgspec.to_builtins(report, enc_hook=_unpacked), indent=2)
    # Outside of strings JSON is plain ASCII, so whatever matches is inside of one.
    return _UNSAFE.sub(_escaped, text)


def _unpacked(packed: Iterable[msgspec.Struct]) -> list[msgspec.Struct]:
    """What a report keeps in a form of its own."""
    return list(packed)


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
