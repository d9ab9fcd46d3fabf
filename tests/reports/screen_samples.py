"""What `history`, `list` and `doctor` show, to render."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.core.diagnosis.finding import Diagnosis, Finding, Level, Name
from reconciler.core.listing import Counted, Listed, Listing
from reconciler.core.past_runs import PastRun, PastRuns

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def past(text: str | None = None) -> PastRuns:
    """A run that goes on, one that was stopped, one that was accepted, one that was killed."""
    accept = (
        "reconciler run --from 2026-02-01T00:00:00Z --by created --accept-plan 0123456789abcdef"
    )
    why = text or "plan 0123456789abcdef of this range was not carried out, because it is large"
    counts = {"seen": 31, "new": 26, "created": 12, "sale_returns_made": 19, "review": 1}
    return PastRuns(
        (
            _run(12_346, None, "going on"),
            _run(12_345, 7, kind="range", message=why, command=accept),
            _run(12_344, 0, counts=counts, accepted_by=text or "mara as reconciler"),
            _run(9, None, "killed", kind="sweep"),
            _run(8, 7, kind=text or "scheduled", message=why, command=text or accept),
        )
    )


def _run(number: int, exit_code: int | None, fate: str = "ended", **more: object) -> PastRun:
    given: dict[str, object] = {
        "kind": "scheduled", "counts": {}, "message": None, "command": None,
    }  # fmt: skip
    return PastRun(
        id=number,
        started_at=NOON,
        finished_at=None if exit_code is None else NOON + timedelta(seconds=66),
        fate=fate,
        exit_code=exit_code,
        **(given | more),  # type: ignore[arg-type]
    )


def listing(text: str | None = None) -> Listing:
    """A return in review, one that is settled, and a row without its id."""
    why = text or "order line 14800000013334 is a bundle or part of one; raise the sale return"
    then = "nothing until someone decides with `reconciler retry`, `resolve` or `ignore`"
    return Listing(
        now=NOON,
        returns=(
            Listed("8801", text or "#1001", "555", "review", NOON - 50 * HOUR, why, then),
            Listed("8802", "", "556", "skipped", NOON - HOUR, None, text or then),
            Listed(None, text or "", None, "malformed", None, why, then),
        ),
        by_state=(Counted(1, "review"), Counted(1, "skipped"), Counted(1, "malformed")),
        by_reason=(Counted(1234, why), Counted(2, "the order is not in Jetti yet")),
    )


def diagnosis(text: str | None = None) -> Diagnosis:
    """One finding of each level."""
    found = text or "Loop shows what it still takes (x-ratelimit-limit), 298 of 300 just now"
    todo = text or "let `reconciler ledger backup --keep 14` run once a day, or name another place"
    return Diagnosis(
        NOON,
        (
            Finding(Level.OK, "Loop", Name.RATE, found),
            Finding(Level.ADVICE, "ledger", Name.NO_BACKUP, found, todo),
            Finding(Level.PROBLEM, "ledger", Name.NOT_HEALTHY, found, todo, 3),
        ),
    )
