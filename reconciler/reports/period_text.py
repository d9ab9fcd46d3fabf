"""The text output of `report`: both periods side by side, then what needs someone, then how the
returns are divided."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar
from unicodedata import east_asian_width

from reconciler.core import duration
from reconciler.core.period.report import (
    DecisionMade,
    FailedWrites,
    Figures,
    Group,
    Latency,
    PeriodReport,
    Runs,
    Share,
)
from reconciler.core.report import Problem
from reconciler.core.text import safe
from reconciler.reports.wording import (
    command_line,
    counted,
    indented,
    line,
    moment,
    order,
    span,
    state,
    wrapped,
)

_MOST = 10
"""Lines of a list; all of it is in the other forms."""
_MOST_GROUPS = 400
"""Every day of a year."""
_NAME = 38
"""Columns for what a line is about."""
_GROUP = 16
"""The same where there are more figures."""
_LONGEST = 70
_UNKNOWN = "(not known)"

_T = TypeVar("_T")


def render(report: PeriodReport) -> str:
    """The whole report, without a trailing newline."""
    return "\n".join(one.rstrip() for text in _lines(report) for one in text.split("\n"))


def _lines(report: PeriodReport) -> Iterator[str]:
    now, before = report.figures, report.before
    yield f"{verdict(report)}."
    yield line("period", span(now.start, now.end))
    yield line("before", span(before.start, before.end))
    yield line("read", f"Loop up to {moment(report.period.watermark)}")
    for remark in report.period.remarks:
        yield from wrapped(remark, "  ", first="- ")
    yield ""
    yield from _figures(now, before)
    yield from _problems(report)
    yield from _part("writes without effect", report.failed_writes, _failed_write)
    yield from _groups(report)
    yield from _shares("by state", report.states, state)
    for by, rows in (("outcome", report.outcomes), ("reason", report.reasons)):
        if by != report.period.by:
            yield from _shares(f"by {by}", rows, _plain)
    if report.period.by != "vendor":
        yield from _shares("by vendor, as Jetti numbers them", report.vendors, _plain)
    yield from _part("runs", report.runs, _run)
    yield from _part("decisions", report.decisions, _decision)
    if following := command_line(report.next):
        yield ""
        yield line("next", following)


def verdict(report: PeriodReport) -> str:
    """The period in one sentence."""
    now = report.figures
    if not now.returns:
        return "No return was created in Loop in this period"
    sentence = f"{counted(now.returns, 'return')}: {now.in_jetti} in Jetti"
    if (median := now.since_created.median_seconds) is not None:
        sentence += f", half of those that were pushed within {duration.estimate(median)}"
    if number := report.period.open_problems:
        sentence += f"; {counted(number, 'needs', 'need')} a look"
    return sentence


def figures(now: Figures, before: Figures) -> Iterator[tuple[str, str, str]]:
    """The figures of both periods by their names; what is a part of another begins with blanks."""
    rows: list[tuple[str, Callable[[Figures], int | str]]] = [
        ("returns created in Loop", lambda of: of.returns),
        ("  in Jetti", lambda of: of.in_jetti),
        ("    were there already", lambda of: of.taken_over),
        ("    how they came there not recorded", lambda of: of.not_recorded),
        ("  still to do", lambda of: of.to_do),
        ("  someone has to decide", lambda of: of.needs_a_person),
        ("  nothing to do (skipped, ignored)", lambda of: of.nothing_to_do),
        *_latency("from creation to Jetti", lambda of: of.since_created),
        *_latency("from the last change to Jetti", lambda of: of.since_changed),
        ("returns written to Jetti", lambda of: of.writes.returns),
        ("  creates", lambda of: of.writes.creates),
        ("  updates", lambda of: of.writes.updates),
        ("  writes without effect", lambda of: of.writes.failed),
        ("  without an answer yet", lambda of: of.writes.unanswered),
        ("decisions", lambda of: of.decisions),
        ("runs that are kept", lambda of: of.runs),
        ("  failed or killed", lambda of: of.failed_runs),
    ]
    for name, of in rows:
        yield name, str(of(now)), str(of(before))


def _figures(now: Figures, before: Figures) -> Iterator[str]:
    yield _columns("", "period", "before")
    for name, *both in figures(now, before):
        yield _columns(name, *both)
    for what, latency in (("creation", now.since_created), ("last change", now.since_changed)):
        if latency.slowest_return is not None:
            yield f"slowest since its {what}: return {safe(latency.slowest_return, 40)}"


def _latency(
    what: str, of: Callable[[Figures], Latency]
) -> Iterator[tuple[str, Callable[[Figures], int | str]]]:
    yield f"{what}, returns", lambda both: of(both).returns
    yield "  median", lambda both: took(of(both).median_seconds)
    yield "  95th percentile", lambda both: took(of(both).p95_seconds)
    yield "  slowest", lambda both: took(of(both).slowest_seconds)


def took(seconds: int | None) -> str:
    """How long something took; a dash where nothing was measured."""
    return "-" if seconds is None else duration.estimate(seconds)


def _columns(name: str, *cells: str) -> str:
    return _padded(name, _NAME) + "".join(f"{cell:>12}" for cell in cells)


def _padded(text: str, width: int) -> str:
    """With blanks behind it; letters that take two columns of a terminal count twice."""
    taken = len(text) + sum(east_asian_width(letter) in "WF" for letter in text)
    return text + " " * (width - taken) if taken < width else f"{text}\n{'':<{width}}"


# ---------------------------------------------------------------------------------- lists


def _part(title: str, rows: Sequence[_T], shown: Callable[[_T], Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield title
    for row in rows[:_MOST]:
        yield from shown(row)
    yield from _more(len(rows), _MOST)


def _more(number: int, shown: int) -> Iterator[str]:
    if number > shown:
        yield f"  … and {number - shown} more; the other formats list all"


def _problems(report: PeriodReport) -> Iterator[str]:
    number = report.period.open_problems
    if not number:
        return
    yield ""
    yield f"{counted(number, 'open problem')} of these returns, the oldest first"
    for one in report.problems[:_MOST]:
        yield from _problem(one)
    if number > _MOST:
        yield f"  … and {number - _MOST} more; `reconciler list` lists all"


def _problem(one: Problem) -> Sequence[str]:
    since = f" since {moment(one.since)}" if one.since is not None else ""
    why = f": {safe(one.reason)}" if one.reason else ""
    name = f"{order(one.order_name, one.order_id)}, return {safe(one.return_id, 20)}"
    return indented(f"{name}: {state(one.state)}{since}{why}")


def _shares(title: str, rows: Sequence[Share], name: Callable[[str], str]) -> Iterator[str]:
    def shown(row: Share) -> Sequence[str]:
        what = _UNKNOWN if row.what is None else name(row.what)
        return (_named(what, str(row.returns), str(row.before)),)

    yield from _part(title, rows, shown)


def _groups(report: PeriodReport) -> Iterator[str]:
    if report.period.by is None:
        return
    by, rows = report.period.by, report.groups
    yield ""
    heads = ("returns", "before", "in Jetti", "to do", "decide", "median", "95 %")
    yield _padded(f"by {by}", _GROUP) + "".join(f"{head:>9}" for head in heads)
    for row in rows[:_MOST_GROUPS]:
        what = _UNKNOWN if row.what is None else _plain(row.what)
        yield _padded(f"  {what}", _GROUP) + "".join(f"{cell:>9}" for cell in _cells(row))
    yield from _more(len(rows), _MOST_GROUPS)


def _cells(row: Group) -> Sequence[str]:
    before = "-" if row.before is None else row.before
    counts = (row.returns, before, row.in_jetti, row.to_do, row.needs_a_person)
    return (*map(str, counts), took(row.median_seconds), took(row.p95_seconds))


def _plain(text: str) -> str:
    shown = safe(text, _LONGEST)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _named(what: str, *cells: str) -> str:
    return _columns(f"  {what}", *cells)


def _failed_write(row: FailedWrites) -> Sequence[str]:
    return (_named(f"{row.operation}: {row.outcome}", str(row.writes), str(row.before)),)


def _run(row: Runs) -> Sequence[str]:
    ended = "not ended" if row.exit_code is None else f"exit {row.exit_code}"
    return (_named(f"{_plain(row.kind)}, {ended}", str(row.runs), str(row.before)),)


def _decision(row: DecisionMade) -> Sequence[str]:
    by = f" by {safe(row.decided_by, 40)}" if row.decided_by else ""
    why = f": {safe(row.reason)}" if row.reason else ""
    return indented(
        f"{moment(row.decided_at)} {safe(row.decision, 20)}{by},"
        f" return {safe(row.return_id, 20)}{why}"
    )
