from __future__ import annotations

import pytest

from reconciler.core.model import SaleReturn
from reconciler.core.report import ChangeKind, OutcomeKind, SaleReturnName
from reconciler.http import Response
from reconciler.jetti.responses import Classified, Meaning, classify
from reconciler.jetti.result import JettiFailure, PushResult, named, undelivered, without_writes

PROBLEM = b'{"title": "api.sale_returns.update.invalid", "detail": "Somebody wrote something"}'
REFUSED = {400, 422}
STATUSES = [s for s in range(100, 600) if s not in (401, 403)]
"""A refused key ends the run: `http` raises for it."""


def expected(status):
    if status in range(200, 300):
        return Meaning.APPLIED
    if status == 429:
        return Meaning.SLOW_DOWN
    return Meaning.REFUSED if status in REFUSED else Meaning.LOST


@pytest.mark.parametrize("body", [PROBLEM, b"", b"[]", b"<html>", b"\xff"])
def test_the_status_alone_tells_what_became_of_a_write(body):
    for status in STATUSES:
        classified = classify(Response(status, {}, body, None))
        assert (classified.meaning, classified.status) == (expected(status), status)


def test_the_reason_names_status_and_code_and_quotes_nothing_else():
    assert classify(Response(422, {}, PROBLEM, None)).reason == (
        "Jetti answered 422: api.sale_returns.update.invalid"
    )
    assert classify(Response(500, {}, b"<html>secret</html>", None)).reason == "Jetti answered 500"
    assert Classified(Meaning.NOT_SENT, detail="cannot connect").reason == "Jetti: cannot connect"


_X = "Jetti answered 500: x"


@pytest.mark.parametrize(
    ("meaning", "expected"),
    [
        (
            Meaning.SLOW_DOWN,
            PushResult(OutcomeKind.DEFERRED, _X, (), JettiFailure.RATE_LIMITED, "answered 500"),
        ),
        (
            Meaning.NOT_SENT,
            PushResult(OutcomeKind.DEFERRED, _X, (), JettiFailure.OUTAGE, "answered 500"),
        ),
        (
            Meaning.LOST,
            PushResult(
                OutcomeKind.FAILED,
                "Jetti answered 500: x; unanswered, so it will be read back",
                jetti_failure=JettiFailure.OUTAGE,
                cause="answered 500",
            ),
        ),
        (Meaning.REFUSED, PushResult(OutcomeKind.FAILED, _X)),
    ],
)
def test_only_a_refusal_is_the_entry_s_own_trouble(meaning, expected):
    assert undelivered(Classified(meaning, 500, "x")) == expected


def test_people_find_a_sale_return_by_its_id_and_its_reference():
    raised = SaleReturn(9, "SR-9", sale_id=5, purchase_id=None, fields={}, items=())

    assert named((raised,)) == (SaleReturnName(9, "SR-9"),)


@pytest.mark.parametrize("kind", list(ChangeKind))
@pytest.mark.parametrize("reason", [None, "left in Jetti"])
def test_an_update_that_wrote_nothing_is_no_push(kind, reason):
    pushed = PushResult(OutcomeKind.PUSHED, reason, (SaleReturnName(9, "SR-9"),))

    found = without_writes(kind, pushed)

    if kind in (ChangeKind.UPDATE, ChangeKind.CANCEL):
        why = reason or "Jetti already holds what is wanted"
        assert found == PushResult(OutcomeKind.SKIPPED, why, pushed.sale_returns)
    else:
        assert found == pushed
