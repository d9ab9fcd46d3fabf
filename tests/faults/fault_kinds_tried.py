"""What is done to each kind of call: every kind of fault that the sandbox knows, in its forms.

`Form.name` is how it stands in the table of cells; its kind is the row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

CANARY = "canary"
"""In place of a host that must never hear from us."""


@dataclass(frozen=True)
class Form:
    """One form of one kind of fault."""

    kind: str
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`429 retry_after=text`"""
        told = (f"{name}={_told(value)}" for name, value in self.parameters.items())
        return " ".join((self.kind, *told))

    @property
    def is_slow(self) -> bool:
        """Whether it takes the machine's own time."""
        return self.kind in ("silence", "trickle") or self.parameters.get("ending") == "silence"


def _told(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


CUTS = [
    Form("delay", {"seconds": 0.02}),
    Form("trickle", {"seconds": 0.4}),
    Form("refuse"),
    Form("unreachable"),
    Form("reset_before_headers"),
    Form("reset_after_headers"),
    Form("reset_mid_body"),
    Form("silence"),
]
RATE_LIMITED_IN_A_ROW = [
    Form("429"),
    Form("429", {"retry_after": "seconds", "seconds": 7}),
    Form("429", {"retry_after": "date", "seconds": 7}),
    Form("429", {"retry_after": "negative"}),
    Form("429", {"retry_after": "text"}),
    Form("429", {"retry_after": "ten_years"}),
]
REFUSED = [Form(code) for code in ("400", "401", "403", "404", "409", "422")]
BROKEN = [Form(code) for code in ("500", "502", "503", "504")]
REDIRECTED = [
    Form("redirect", {"code": 302}),
    Form("redirect", {"code": 301, "to": f"http://{CANARY}/api/2026-07/warehouse/return/list"}),
    Form("redirect", {"code": 307, "to": f"http://{CANARY}/api/sale-returns.json"}),
    Form("redirect", {"code": 308, "to": f"https://{CANARY}/"}),
]
NONSENSE = [
    Form("html_200"),
    Form("empty_200"),
    Form("error_200"),
    Form("raw", {"body": "null"}),
    Form("gzip_bomb", {"megabytes": 20}),
    Form("truncated", {"at": 1}),
    Form("truncated", {"at": 40}),
    Form("truncated", {"at": -1}),
    Form("wrong_length", {"by": 10}),
    Form("wrong_length", {"by": -10}),
    Form("duplicate_answer"),
]
EVERY_CALL = [*CUTS, *RATE_LIMITED_IN_A_ROW, *REFUSED, *BROKEN, *REDIRECTED, *NONSENSE]

READS = [
    Form("stale_read", {"seconds": 150}),
    Form("filter_ignored"),
    Form("short_page", {"rows": 1}),
]
LISTS = [
    Form("raw", {"body": "[]"}),
    *(
        Form("parameters_dropped", {"names": [name]})
        for name in ("paginate", "cursor", "state", "filter", "from", "to", "pageSize")
    ),
]
COLLECTIONS = [
    Form("raw", {"body": '{"data":[]}'}),
    *(Form("parameters_dropped", {"names": [name]}) for name in ("where", "order", "limit")),
]

# Applied or not is the same to a client; both are tried. Not of a key or a body that is refused:
# a service that refuses those and acts all the same is not what the answer's meaning rests on.
_EITHER_WAY = [
    *(form for form in CUTS if form.kind in ("reset_before_headers", "silence")),
    *RATE_LIMITED_IN_A_ROW[:2],
    *(form for form in REFUSED if form.kind in ("404", "409")),
    *BROKEN,
    *REDIRECTED[:2],
    *(form for form in NONSENSE if form.kind in ("html_200", "empty_200", "error_200", "raw")),
    *(form for form in NONSENSE if form.kind == "gzip_bomb"),
]
WRITES = [
    *(Form(form.kind, {**form.parameters, "applied": True}) for form in _EITHER_WAY),
    Form("applied_then_lost"),
    Form("applied_then_lost", {"ending": "close"}),
    Form("applied_then_lost", {"ending": "silence"}),
    Form("not_applied_then_lost"),
    Form("not_applied_then_lost", {"ending": "close"}),
    Form("not_applied_then_lost", {"ending": "silence"}),
    Form("applied_later", {"seconds": 179}),
    Form("applied_later", {"seconds": 100}),
    Form("applied_later", {"seconds": 1}),
]


def dropped(*names: str) -> Iterator[Form]:
    """Each of these fields of a body gets lost on its way in."""
    return (Form("parameters_dropped", {"names": [name]}) for name in names)
