"""The text output of `doctor`."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.diagnosis.finding import Diagnosis, Level
from reconciler.core.text import safe
from reconciler.reports.wording import counted, line, moment

_MARKS = {Level.OK: " ", Level.ADVICE: "-", Level.PROBLEM: "!"}
_LONGEST = 500


def render(diagnosis: Diagnosis) -> str:
    """The verdict, then every finding with what to do about it."""
    return "\n".join(_lines(diagnosis))


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    problems = sum(finding.level is Level.PROBLEM for finding in diagnosis.findings)
    yield f"Found {counted(problems, 'problem')}:" if problems else "Nothing wrong was found."
    yield ""
    for finding in diagnosis.findings:
        mark = _MARKS[finding.level]
        yield f"  {mark} {finding.area}: {safe(finding.text, _LONGEST)} [{finding.name}]"
        if finding.todo:
            yield f"      {safe(finding.todo, _LONGEST)}"
    yield ""
    yield line("time", moment(diagnosis.at))
