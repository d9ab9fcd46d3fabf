"""Reports as Markdown (docs/reports.md#markdown), to be pasted into an issue or a chat: whatever a
service has sent is shown as text, and nothing of it is interpreted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from reconciler.core.instants import iso
from reconciler.core.period.report import PeriodReport
from reconciler.core.text import safe
from reconciler.core.verification.report import Verification
from reconciler.reports.tables import NAME, TOP, VALUE, Cell, Made, Table, tables
from reconciler.reports.wording import command_line

_ESCAPES = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>#|~&$^="})
"""What a backslash turns into plain text, anywhere in a line."""
_BREAK = "\u200b"
"""Without width. Mentions, references, emoji and links are sought in what is shown, in which a
backslash is gone."""
_REFERENCE = re.compile(
    r"(?<=[@#!~%&$])(?=\w)|(?<=:)(?=[^\s\d]|\d{3}|\d[a-z])|(?<=[wW]{3})(?=\.)"
    r"|(?<=[^\W_]\.)(?=[^\W\d_])|(?<=GH-)(?=\d)"
)
_MAY_REFER = re.compile(r"[@#!~%&$.]|:[^\s]|GH-")
_HARMLESS = re.compile(r"[0-9A-Za-z ]*")
_COMMANDS = ("command", "next", "repaired_by")
_FACTS = "Facts"
_TITLES = {
    "changes": "Changes",
    "problems": "Needs a look",
    "malformed": "Not understood",
    "unknown_words": "Unknown words",
    "windows": "Windows",
    "failures": "What went wrong",
    "remarks": "Notes",
    "differences": "Differences",
    "undecided": "Waiting for a decision",
    "in_work": "Still in work",
    "not_read": "Not read",
    "states": "By state",
    "outcomes": "By outcome",
    "reasons": "By reason",
    "vendors": "By vendor",
    "groups": "One by one",
    "failed_writes": "Writes without effect",
    "runs": "Runs",
    "decisions": "Decisions",
}
_FIRST = ("failures", "not_read", "problems", "malformed", "undecided", "differences", "changes")
"""What someone has to look at comes before what went well; the rest as in JSON."""


_CODE = re.compile(r"[^`|\\]+")


def render(report: Made) -> str:
    """The whole report, without a trailing newline."""
    return "\n".join(_lines(report))


def plain(text: str) -> str:
    """The text, on one line, as Markdown that shows it and does nothing."""
    if _HARMLESS.fullmatch(text):  # most cells of a long plan
        return text
    line = " ".join(text.splitlines())
    return _escaped(_REFERENCE.sub(_BREAK, line) if _MAY_REFER.search(line) else line)


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


def _lines(report: Made) -> Iterator[str]:
    yield f"## {_title(report)}"
    if message := _message(report):
        yield from ("", f"Why: {plain(safe(message, len(message)))}")
    found = tables(report)
    for table in sorted((one for one in found if NAME not in one.columns), key=_order):
        yield from _section(table)
    facts = (one for one in found if NAME in one.columns)
    yield from ("", f"### {_FACTS}", "", *_table((NAME, VALUE), _rows(facts)))
    if following := command_line(report.next):
        # Not as text: whoever copies it would copy what keeps references from being found.
        fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", f"`{following}")))
        yield from ("", "Next:", "", fence, following, fence)


def _message(report: Made) -> str | None:
    if isinstance(report, PeriodReport):
        return None
    return report.verify.message if isinstance(report, Verification) else report.run.message


def _title(report: Made) -> str:
    if isinstance(report, PeriodReport):
        return f"Returns from {iso(report.figures.start)} to {iso(report.figures.end)}"
    if isinstance(report, Verification):
        of = report.verify
        return f"Verified {iso(of.start)} to {iso(of.end)}, exit code {of.exit_code}"
    run = report.run
    name = "Dry run" if run.dry_run else "Run" if run.id is None else f"Run {run.id}"
    return f"{name} ({run.kind.value}), exit code {run.exit_code}"


def _order(table: Table) -> tuple[bool, int]:
    is_repair = table.path.startswith("repair.")
    name = table.path.rpartition(".")[2]
    return is_repair, _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _section(table: Table) -> Iterator[str]:
    rows = [*table.rows]
    if not rows:
        return
    # An empty column says nothing.
    is_empty = [all(row[place] in (None, "") for row in rows) for place in range(len(rows[0]))]
    columns = [name for name, empty in zip(table.columns, is_empty, strict=True) if not empty]
    title = _TITLES[table.path.rpartition(".")[2]]
    of = " of the repair" if table.path.startswith("repair.") else ""
    yield from ("", f"### {title}{of} ({len(rows)})", "")
    yield from _table(columns or table.columns[:1], (_cells(table, row, is_empty) for row in rows))


def _cells(table: Table, row: Sequence[Cell], is_empty: Sequence[bool]) -> Iterator[str]:
    for name, cell, empty in zip(table.columns, row, is_empty, strict=True):
        if not empty:
            yield _written(name, cell)


def _rows(facts: Iterable[Table]) -> Iterator[Sequence[str]]:
    for table in facts:
        of = "" if table.path == TOP else f"{table.path}."
        for name, cell in table.rows:
            yield _escaped(f"{of}{name}"), _written(str(name), cell)


def _table(columns: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"| {' | '.join(map(_escaped, columns))} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _written(name: str, cell: Cell) -> str:
    if cell is None:
        return ""
    if name in _COMMANDS and _CODE.fullmatch(str(cell)):
        return f"`{cell}`"
    return "<br>".join(plain(one) for one in str(cell).split("\n"))
