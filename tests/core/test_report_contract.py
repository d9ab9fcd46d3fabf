"""The report's names are a contract (architecture.md#the-report-as-a-contract): keys may be added,
never renamed."""

from __future__ import annotations

from msgspec import json

from reconciler.core.field_changes import FieldChange, FieldChanges
from reconciler.core.report import (
    ChangeKind,
    Counts,
    JettiRequests,
    LoopRequests,
    OutcomeKind,
    ReadWindow,
    Report,
    ReportedChange,
    Requests,
    RunFacts,
    RunKind,
    SaleReturnName,
    Watermarks,
)
from reconciler.reports import as_json
from tests.core.samples import DAY, NOON

REPORT = Report(
    run=RunFacts(
        id=1,
        kind=RunKind.SCHEDULED,
        dry_run=False,
        started_at=NOON,
        finished_at=NOON,
        windows=(ReadWindow(NOON - DAY, NOON),),
        watermark=Watermarks(NOON - DAY, NOON),
        exit_code=0,
        digest="0" * 16,
    ),
    counts=Counts(),
    requests=Requests(LoopRequests(1), JettiRequests(2, 3)),
    changes=(
        ReportedChange(
            "1",
            "#1",
            None,
            ChangeKind.CREATE,
            OutcomeKind.PUSHED,
            sale_returns=(SaleReturnName(1, "1-01"),),
            fields=FieldChanges([FieldChange("status", None, "requested")]),
        ),
    ),
)

KEYS = {
    "": "run counts requests changes",
    "run": "id kind dry_run started_at finished_at windows watermark exit_code digest",
    "run.windows": "from to drained",
    "run.watermark": "before after",
    "counts": "seen new changed unchanged created updated cancelled adopted skipped waiting failed"
    " review malformed pending",
    "requests": "loop jetti",
    "requests.loop": "get",
    "requests.jetti": "get write",
    "changes": "return_id order_name order_id change outcome reason sale_returns fields",
    "changes.sale_returns": "id reference",
    "changes.fields": "field before after",
}


def keys_of(value, path=""):
    """Dotted path of each object -> its keys; lists are looked through."""
    if isinstance(value, list):
        return {k: v for one in value for k, v in keys_of(one, path).items()}
    if not isinstance(value, dict):
        return {}
    found = {path: set(value)}
    for name, inner in value.items():
        found |= keys_of(inner, f"{path}.{name}".lstrip("."))
    return found


def test_every_key_of_the_contract_is_there():
    found = keys_of(json.decode(as_json.encode(REPORT)))

    for path, names in KEYS.items():
        assert set(names.split()) <= found[path], path


def test_the_words_of_the_contract_are_there():
    runs = ["scheduled", "sweep", "range", "single"]
    assert [kind.value for kind in RunKind] == [*runs, "verify"], "the last of no `run`"
    assert [kind.value for kind in ChangeKind] == ["create", "update", "cancel", "adopt"]
    assert {kind.value for kind in OutcomeKind} == {
        *("planned", "pushed", "waiting", "failed", "review", "skipped", "deferred"),
    }
