"""Past runs as text."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core import duration
from reconciler.core.past_runs import PastRun, PastRuns
from reconciler.core.text import safe
from reconciler.reports.layout import USUAL, Layout
from reconciler.reports.wording import moment, what_was_done

_FATES = {"going on": "is going on", "killed": "was killed"}
_HANG = 9
"""Columns before what belongs to a run, on lines below it."""
_NARROW = 72
"""Below this many columns what a run did has too little room beside the others."""


def render(history: PastRuns, width: int = USUAL) -> str:
    """The runs, newest first, as a table; below each why it ended like that. On a narrow screen
    without the columns, each value with its name."""
    if not history.runs:
        return "no run yet"
    page = Layout(width)
    if width < _NARROW:
        return "\n".join(line for run in history.runs for line in _listed(run, page))
    longest = max(3, *(len(str(run.id)) for run in history.runs))
    head = page.columns(_cells(longest, "run", "kind", "began", "took", "exit"), "what it did", 0)
    rows = (line for run in history.runs for line in _row(run, longest, page))
    return "\n".join([*head, *rows])


def _cells(longest: int, *values: str) -> tuple[str, ...]:
    number, kind, began, *others = values
    return (
        f"{number:>{longest}}",
        f"{kind:<9}",
        f"{began:<20}",
        *(f"{one:>4}" for one in others),
    )


def _row(run: PastRun, longest: int, page: Layout) -> Iterator[str]:
    name = (str(run.id), safe(run.kind, 12), moment(run.started_at))
    if run.finished_at is None:
        yield from page.columns(_cells(longest, *name), _fate(run), _HANG)
        return
    took = duration.approximate(run.finished_at - run.started_at)
    cells = _cells(longest, *name, took, str(run.exit_code))
    hang = sum(map(len, cells)) + 2 * len(cells)
    yield from page.columns(cells, what_was_done(run.counts), hang)
    yield from _why(run, page)


def _listed(run: PastRun, page: Layout) -> Iterator[str]:
    name = (str(run.id), safe(run.kind, 12), moment(run.started_at))
    if run.finished_at is None:
        yield from page.columns(name, _fate(run), 2)
        return
    took = duration.approximate(run.finished_at - run.started_at)
    did = what_was_done(run.counts)
    yield from page.columns((*name, f"took {took}", f"exit {run.exit_code}"), did, 2)
    yield from _why(run, page)


def _fate(run: PastRun) -> str:
    return _FATES.get(run.fate, run.fate)


def _why(run: PastRun, page: Layout) -> Iterator[str]:
    hang = _HANG if page.width >= _NARROW else 4
    if run.accepted_by:
        accepted = f"its plan was accepted by {safe(run.accepted_by, 60)}"
        yield from page.wrapped(accepted, hang, first=hang)
    if run.message:
        yield from page.wrapped(safe(run.message, 1000), hang, first=hang)
    if run.command:
        # On lines of its own: what is copied from there is the command and nothing else.
        yield from page.wrapped("go on with:", hang, first=hang)
        yield from page.typed(safe(run.command, 1000), by=hang)
