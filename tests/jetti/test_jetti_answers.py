from __future__ import annotations

import pytest

from reconciler.core.report import OutcomeKind
from reconciler.http import Answer
from reconciler.jetti.answers import Classified, Meaning, classify
from reconciler.jetti.told import Trouble, undelivered

PROBLEM = b'{"title": "api.sale_returns.update.invalid", "detail": "Somebody wrote something"}'
REFUSED = {400, 422}
STATUSES = [s for s in range(200, 600) if not 300 <= s < 400 and s not in (401, 403)]
"""Redirects are no answers to a write, and a refused key ends the run: `http` raises for both."""


def expected(status):
    if status < 300:
        return Meaning.APPLIED
    if status == 429:
        return Meaning.SLOW_DOWN
    return Meaning.REFUSED if status in REFUSED else Meaning.LOST


@pytest.mark.parametrize("body", [PROBLEM, b"", b"[]", b"<html>", b"\xff"])
def test_the_status_alone_tells_what_became_of_a_write(body):
    for status in STATUSES:
        assert classify(Answer(status, {}, body, None)).meaning is expected(status), status


def test_the_reason_names_status_and_code_and_quotes_nothing_else():
    assert classify(Answer(422, {}, PROBLEM, None)).reason == (
        "Jetti answered 422: api.sale_returns.update.invalid"
    )
    assert classify(Answer(500, {}, b"<html>secret</html>", None)).reason == "Jetti answered 500"
    assert Classified(Meaning.NOT_SENT, detail="cannot connect").reason == "Jetti: cannot connect"


@pytest.mark.parametrize(
    ("meaning", "outcome", "trouble"),
    [
        (Meaning.SLOW_DOWN, OutcomeKind.DEFERRED, Trouble.HURRY),
        (Meaning.NOT_SENT, OutcomeKind.DEFERRED, Trouble.OUTAGE),
        (Meaning.LOST, OutcomeKind.FAILED, Trouble.OUTAGE),
        (Meaning.REFUSED, OutcomeKind.FAILED, None),
    ],
)
def test_only_a_refusal_is_the_entry_s_own_trouble(meaning, outcome, trouble):
    told = undelivered(Classified(meaning, 500, "x"))

    assert (told.outcome, told.trouble) == (outcome, trouble)
