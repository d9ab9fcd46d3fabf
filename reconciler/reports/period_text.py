"""The text output of `report`: both periods side by side, then what needs someone, then how the
returns are divided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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
from reconciler.reports.layout import NARROWEST, USUAL, Layout
from reconciler.reports.wording import counted, moment, order, span, state

_MOST = 10
"""Lines of a list; all of it is in the other forms."""
_MOST_GROUPS = 400
"""Every day of a year."""
_NAME = 38
"""Columns for what a line is about."""
_CELL, _NARROW_CELL = 12, 8
"""Columns for each figure."""
_GROUP, _GROUP_CELL = 16, 9
"""The same where there are more figures."""
_LONGEST = 70
_UNKNOWN = "(not known)"

_T = TypeVar("_T")


def render(report: PeriodReport, width: int = USUAL) -> str:
    """The whole report, without a trailing newline, in lines of at most `width` columns."""
    layout = Layout(max(width, NARROWEST))
    return "\n".join(one.rstrip() for one in _lines(report, layout))


def _lines(report: PeriodReport, layout: Layout) -> Iterator[str]:
    now, before = report.figures, report.before
    yield from layout.wrapped(f"{verdict(report)}.")
    yield from layout.labelled("period", span(now.start, now.end))
    yield from layout.labelled("before", span(before.start, before.end))
    yield from layout.labelled("read", f"Loop up to {moment(report.period.watermark)}")
    for remark in report.period.remarks:
        yield from layout.wrapped(f"- {remark}", 2)
    yield ""
    yield from _figures(now, before, layout)
    yield from _problems(report, layout)
    yield from _part("writes without effect", report.failed_writes, _failed_write, layout)
    yield from _groups(report, layout)
    yield from _shares("by state", report.states, state, layout)
    for by, rows in (("outcome", report.outcomes), ("reason", report.reasons)):
        if by != report.period.by:
            yield from _shares(f"by {by}", rows, _plain, layout)
    if report.period.by != "vendor":
        yield from _shares("by vendor, as Jetti numbers them", report.vendors, _plain, layout)
    yield from _part("runs", report.runs, _run, layout)
    yield from _part("decisions", report.decisions, _decision, layout)
    if report.next:
        yield ""
        yield from layout.command("next", report.next)


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
        ("  writes that create", lambda of: of.writes.creates),
        ("  writes that update", lambda of: of.writes.updates),
        ("  writes without effect", lambda of: of.writes.failed),
        ("  without an answer yet", lambda of: of.writes.unanswered),
        ("decisions", lambda of: of.decisions),
        ("runs that are kept", lambda of: of.runs),
        ("  failed or killed", lambda of: of.failed_runs),
    ]
    for name, of in rows:
        yield name, str(of(now)), str(of(before))


def _figures(now: Figures, before: Figures, layout: Layout) -> Iterator[str]:
    yield from _columns("", ("period", "before"), layout)
    for name, *both in figures(now, before):
        yield from _columns(name, both, layout)
    for what, latency in (("creation", now.since_created), ("last change", now.since_changed)):
        if latency.slowest_return is not None:
            slowest = f"slowest since its {what}: return {safe(latency.slowest_return, 40)}"
            yield from layout.wrapped(slowest, 2)


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


def _columns(name: str, cells: Sequence[str], layout: Layout) -> Iterator[str]:
    """A name, and two figures to the right of it."""
    wide = _CELL if layout.width >= _NAME + 2 * _CELL else _NARROW_CELL
    yield from _row(name, min(_NAME, layout.width - 2 * wide), cells, wide, layout)


def _row(name: str, room: int, cells: Sequence[str], wide: int, layout: Layout) -> Iterator[str]:
    """A name that needs more room has lines of its own. Letters that take two columns of a
    terminal count twice."""
    taken = len(name) + sum(east_asian_width(letter) in "WF" for letter in name)
    figures = "".join(f"{cell:>{wide}}" for cell in cells)
    if taken < room or (taken == room and figures.startswith(" ")):
        yield name + " " * (room - taken) + figures
        return
    inner = len(name) - len(name.lstrip())
    yield from layout.wrapped(name.strip(), inner + 2, first=inner)
    yield " " * room + figures


# ---------------------------------------------------------------------------------- lists


def _part(
    title: str,
    rows: Sequence[_T],
    shown: Callable[[_T, Layout], Iterable[str]],
    layout: Layout,
) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield from layout.wrapped(title)
    for row in rows[:_MOST]:
        yield from shown(row, layout)
    yield from _more(len(rows), _MOST, layout)


def _more(number: int, shown: int, layout: Layout) -> Iterator[str]:
    if number > shown:
        yield from layout.wrapped(
            f"… and {number - shown} more; the other formats list all", 4, first=2
        )


def _problems(report: PeriodReport, layout: Layout) -> Iterator[str]:
    number = report.period.open_problems
    if not number:
        return
    yield ""
    yield from layout.wrapped(
        f"{counted(number, 'open problem')} of these returns, the oldest first"
    )
    for one in report.problems[:_MOST]:
        yield from layout.wrapped(_problem(one), 6, first=2)
    if number > _MOST:
        more = f"… and {number - _MOST} more; `reconciler list` lists all"
        yield from layout.wrapped(more, 4, first=2)


def _problem(one: Problem) -> str:
    since = f" since {moment(one.since)}" if one.since is not None else ""
    why = f": {safe(one.reason)}" if one.reason else ""
    name = f"{order(one.order_name, one.order_id)}, return {safe(one.return_id, 20)}"
    return f"{name}: {state(one.state)}{since}{why}"


def _shares(
    title: str, rows: Sequence[Share], name: Callable[[str], str], layout: Layout
) -> Iterator[str]:
    def shown(row: Share, layout: Layout) -> Iterator[str]:
        what = _UNKNOWN if row.what is None else name(row.what)
        return _columns(f"  {what}", (str(row.returns), str(row.before)), layout)

    yield from _part(title, rows, shown, layout)


def _groups(report: PeriodReport, layout: Layout) -> Iterator[str]:
    if report.period.by is None:
        return
    by, rows = report.period.by, report.groups
    heads = ("returns", "before", "in Jetti", "to do", "decide", "median", "95 %")
    room = min(_GROUP, layout.width - _GROUP_CELL)
    fitting = (layout.width - room) // _GROUP_CELL
    yield ""
    yield from _row(f"by {by}", room, heads[:fitting], _GROUP_CELL, layout)
    for row in rows[:_MOST_GROUPS]:
        what = _UNKNOWN if row.what is None else _plain(row.what)
        yield from _row(f"  {what}", room, _cells(row)[:fitting], _GROUP_CELL, layout)
    yield from _more(len(rows), _MOST_GROUPS, layout)
    if fitting < len(heads):
        left = ", ".join(heads[fitting:])
        yield from layout.wrapped(f"no room for: {left}; the other formats have all", 4, first=2)


def _cells(row: Group) -> tuple[str, ...]:
    before = "-" if row.before is None else row.before
    counts = (row.returns, before, row.in_jetti, row.to_do, row.needs_a_person)
    return (*map(str, counts), took(row.median_seconds), took(row.p95_seconds))


def _plain(text: str) -> str:
    shown = safe(text, _LONGEST)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _failed_write(row: FailedWrites, layout: Layout) -> Iterator[str]:
    cells = (str(row.writes), str(row.before))
    return _columns(f"  {row.operation}: {_plain(row.outcome)}", cells, layout)


def _run(row: Runs, layout: Layout) -> Iterator[str]:
    ended = "not ended" if row.exit_code is None else f"exit {row.exit_code}"
    return _columns(f"  {_plain(row.kind)}, {ended}", (str(row.runs), str(row.before)), layout)


def _decision(row: DecisionMade, layout: Layout) -> Iterable[str]:
    by = f" by {safe(row.decided_by, 40)}" if row.decided_by else ""
    why = f": {safe(row.reason)}" if row.reason else ""
    made = f"{moment(row.decided_at)} {safe(row.decision, 20)}{by}"
    return layout.wrapped(f"{made}, return {safe(row.return_id, 20)}{why}", 6, first=2)
