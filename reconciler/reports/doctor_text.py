"""The text output of `doctor`."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.diagnosis.finding import Diagnosis, Level
from reconciler.core.text import safe
from reconciler.reports.layout import USUAL, Layout
from reconciler.reports.wording import NO_BREAK, counted, moment

_MARKS = {Level.OK: NO_BREAK, Level.ADVICE: "-", Level.PROBLEM: "!"}
_LONGEST = 500


def render(diagnosis: Diagnosis, width: int = USUAL) -> str:
    """The verdict, then every finding with what to do about it."""
    return "\n".join(_lines(diagnosis, Layout(width)))


def _lines(diagnosis: Diagnosis, page: Layout) -> Iterator[str]:
    problems = sum(finding.level is Level.PROBLEM for finding in diagnosis.findings)
    yield f"Found {counted(problems, 'problem')}:" if problems else "Nothing wrong was found."
    yield ""
    for finding in diagnosis.findings:
        said = f"{finding.area}: {safe(finding.text, _LONGEST)} [{finding.name}]"
        yield from page.indented(f"{_MARKS[finding.level]} {said}", 2)
        if finding.todo:
            yield from page.below(safe(finding.todo, _LONGEST))
    yield ""
    yield from page.labelled("time", moment(diagnosis.at))
