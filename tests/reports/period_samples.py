"""A period to render, made as the program makes it: from the rows of a ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from reconciler.core.model import IntentOutcome, State
from reconciler.core.period.facts import (
    Asked,
    DecisionFacts,
    Deeds,
    Landed,
    LedgerFacts,
    ReturnFacts,
    RunCount,
    WriteCount,
)
from reconciler.core.period.report import PeriodReport
from reconciler.core.period.span import Span
from reconciler.core.period.summary import Both, summed

DAY = timedelta(days=1)
FIRST_OF_MARCH = datetime(2026, 3, 1, tzinfo=UTC)
WEEK = Span(FIRST_OF_MARCH, FIRST_OF_MARCH + 7 * DAY)

LEDGER = LedgerFacts(
    made_at=WEEK.until + timedelta(hours=9),
    ledger_since=FIRST_OF_MARCH - 90 * DAY,
    go_live=FIRST_OF_MARCH - 91 * DAY,
    watermark=WEEK.until + timedelta(hours=8),
    history_since=None,
    forgotten=0,
    not_understood=0,
)
NOTHING = Deeds((), 0, (), 0)


def one(number: int, created_at: datetime, **more: object) -> ReturnFacts:
    """A return that was pushed seven minutes after its creation, unless it is said otherwise."""
    values: dict[str, object] = {
        "return_id": str(8800 + number),
        "order_name": f"#{1000 + number}",
        "order_id": str(5550000000000 + number),
        "created_at": created_at,
        "content_since": created_at,
        "state": State.SYNCED,
        "reason": None,
        "since": created_at,
        "outcomes": ("refund",),
        "reasons": ("Too small",),
        "is_in_jetti": True,
        "vendors": (41,),
        "landed": (Landed(created_at + timedelta(minutes=7, seconds=number), True, True),),
    }
    return ReturnFacts(**(values | more))  # type: ignore[arg-type]


def waiting(number: int, created_at: datetime, state: State, reason: str) -> ReturnFacts:
    """A return that is not in Jetti."""
    return one(
        number, created_at, state=state, reason=reason, is_in_jetti=False, vendors=None, landed=()
    )


def made(
    returns: Sequence[ReturnFacts] | Iterator[ReturnFacts],
    by: str | None = None,
    ledger: LedgerFacts = LEDGER,
    now: Deeds = NOTHING,
    before: Deeds = NOTHING,
    decisions: Sequence[DecisionFacts] = (),
    span: Span = WEEK,
) -> PeriodReport:
    """The report of a week."""
    return summed(Asked(span, by), ledger, Both(now, before), returns, decisions, DAY)


def empty() -> PeriodReport:
    """Of a ledger that is new."""
    return made(())


def period(by: str | None = "reason", text: str | None = None) -> PeriodReport:
    """Something of everything; `text` stands wherever a service or a person has written."""
    start = FIRST_OF_MARCH + timedelta(hours=8)
    returns = [
        *(one(place, start + timedelta(hours=7 * place)) for place in range(1, 13)),
        one(13, start, reasons=("Too small", text, None), vendors=(41, 57, None)),
        one(14, start, outcomes=("exchange", "refund"), vendors=(None,)),
        one(15, start, outcomes=(text or "credit",), reasons=(text or "Damaged",), vendors=None),
        one(16, start, landed=(), vendors=(57,)),
        waiting(17, start, State.WAITING, text or "order #1017 is not in Jetti yet"),
        waiting(18, start + 6 * DAY, State.REVIEW, text or "matches 2 sales"),
        waiting(19, start + DAY, State.SKIPPED, text or "held in Loop"),
        *(one(place, start - timedelta(hours=17 * (place - 19))) for place in range(20, 26)),
    ]
    now = Deeds(
        (
            WriteCount(True, IntentOutcome.APPLIED, 14, 14),
            WriteCount(True, IntentOutcome.READ_BACK, 1, 1),
            WriteCount(True, IntentOutcome.REFUSED, 2, 2),
            WriteCount(False, IntentOutcome.APPLIED, 31, 15),
            WriteCount(False, None, 1, 1),
        ),
        15,
        (RunCount("scheduled", 0, 61), RunCount("scheduled", 5, 2), RunCount("sweep", None, 1)),
        2,
    )
    before = Deeds(
        (WriteCount(True, IntentOutcome.APPLIED, 6, 6), WriteCount(True, IntentOutcome.LOST, 1, 1)),
        6,
        (RunCount("scheduled", 0, 50),),
        0,
    )
    decisions = [
        DecisionFacts(
            start + 2 * DAY, "8819", text or "ignore", text or "anna", text or "by phone"
        ),
        DecisionFacts(start + DAY, text or "8815", "retry", None, None),
    ]
    ledger = LedgerFacts(
        made_at=LEDGER.made_at,
        ledger_since=FIRST_OF_MARCH - 90 * DAY,
        go_live=FIRST_OF_MARCH - 3 * DAY,
        watermark=FIRST_OF_MARCH + 6 * DAY,
        history_since=FIRST_OF_MARCH - 4 * DAY,
        forgotten=1,
        not_understood=2,
    )
    return made(returns, by, ledger, now, before, decisions)


def troubled(text: str) -> PeriodReport:
    """A period whose services and people have written nothing but this."""
    return period("outcome", text)
