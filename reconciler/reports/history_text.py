"""Past runs as text."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core import duration
from reconciler.core.past_runs import PastRun, PastRuns
from reconciler.core.text import safe
from reconciler.reports.wording import moment, what_was_done

_FATES = {"going on": "is going on", "killed": "was killed"}


def render(history: PastRuns) -> str:
    """The runs, newest first, one line each and a second one for why it ended like that."""
    if not history.runs:
        return "no run yet"
    head = f"{'run':>7}  {'kind':<9}  {'began':<20}  {'took':>4}  exit  what it did"
    return "\n".join([head, *(line for run in history.runs for line in _lines(run))])


def _lines(run: PastRun) -> Iterator[str]:
    name = f"{run.id:>7}  {safe(run.kind, 12):<9}  {moment(run.started_at)}"
    if run.finished_at is None:
        yield f"{name}  {_FATES.get(run.fate, run.fate)}"
        return
    took = duration.approximate(run.finished_at - run.started_at)
    yield f"{name}  {took:>4}  {run.exit_code!s:>4}  {what_was_done(run.counts)}".rstrip()
    if run.accepted_by:
        yield f"{'':>9}its plan was accepted by {safe(run.accepted_by, 60)}"
    if run.message:
        yield f"{'':>9}{safe(run.message, 1000)}"
    if run.command:
        yield f"{'':>9}go on with: {safe(run.command, 1000)}"
