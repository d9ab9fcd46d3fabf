"""The row of history of a pass: opened before anything else, and closed however the pass ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from reconciler.clock import Clock
from reconciler.core.pass_result import PassStart
from reconciler.core.ports import Ledger
from reconciler.core.request import RunRequest
from reconciler.errors import LedgerError, ReconcilerError, Unforeseen
from reconciler.log_events import RUN


@contextmanager
def recorded(ledger: Ledger, request: RunRequest, clock: Clock) -> Iterator[PassStart]:
    """A pass in history. Whoever comes to a report closes the row with it (`finish`); what is
    raised inside closes it here, so that `status` can tell how the pass ended."""
    started_at, meta = clock.now(), ledger.meta.read()
    start = PassStart(
        run=ledger.runs.begin(request.kind, started_at),
        watermark=meta.watermark,
        creation_stopped=meta.creation_stopped,
    )
    if not request.dry_run:
        RUN.set(start.run.id)
    try:
        yield start
    except ReconcilerError as error:
        _close(ledger, start, clock, error)
        raise
    except Exception as error:
        _close(ledger, start, clock, Unforeseen(error))
        raise


def _close(ledger: Ledger, start: PassStart, clock: Clock, ended_by: ReconcilerError) -> None:
    at = clock.now()
    with suppress(LedgerError):  # perhaps it is what broke; the error itself is raised in any case
        ledger.runs.finish(
            start.run,
            at=at,
            exit_code=ended_by.status,
            counts={},
            message=str(ended_by),
            command=ended_by.command,
        )
