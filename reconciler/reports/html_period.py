"""What the page about a period shows, as values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from reconciler.core.period.report import Group, PeriodReport, Share
from reconciler.core.text import safe
from reconciler.reports import html_advice, period_text
from reconciler.reports.html_advice import Open
from reconciler.reports.html_run import Facts, Tile
from reconciler.reports.wording import command_line, moment, span, state

MOST_ROWS = 1_000
"""Of a table of shares or groups."""

_LONGEST = 120
_UNKNOWN = "(not known)"
_HEADS = {
    "day": "Day",
    "week": "Week",
    "vendor": "Vendor",
    "reason": "Reason",
    "outcome": "Outcome in Loop",
}


class Figure(Struct, frozen=True):
    """One figure of both periods."""

    name: str
    is_part: bool
    """Of the one above it."""
    now: str
    before: str


class Bar(Struct, frozen=True):
    """What some returns have in common, and a bar for how many they are."""

    name: str
    cells: tuple[str, ...]
    percent: float
    """Of the longest bar in the table."""


class Table(Struct, frozen=True):
    """Bars below each other."""

    title: str
    head: str
    rows: tuple[Bar, ...]
    more: int


class PeriodPage(Struct, frozen=True):
    """Everything that the page shows of a period."""

    name: str
    at: str
    verdict: str
    tone: str
    badge: str
    failures: tuple[tuple[str, str], ...]
    next: str
    tiles: tuple[Tile, ...]
    now: str
    before: str
    figures: tuple[Figure, ...]
    problems: tuple[Open, ...]
    more_problems: int
    groups: Table | None
    shares: tuple[Table, ...]
    failed_writes: tuple[tuple[str, ...], ...]
    runs: tuple[tuple[str, ...], ...]
    decisions: tuple[tuple[str, ...], ...]
    ledger: Facts
    remarks: tuple[str, ...]


def page(report: PeriodReport) -> PeriodPage:
    """A period as the page shows it."""
    facts, now, before = report.period, report.figures, report.before
    return PeriodPage(
        name=f"Returns, {span(now.start, now.end)}",
        at=moment(facts.made_at),
        verdict=period_text.verdict(report),
        tone="look" if facts.open_problems else "well",
        badge="Needs a look" if facts.open_problems else "Nothing needs a look",
        failures=(),
        next=command_line(report.next) or "",
        tiles=tuple(_tiles(report)),
        now=span(now.start, now.end),
        before=span(before.start, before.end),
        figures=tuple(
            Figure(_titled(name), name.startswith(" "), *both)
            for name, *both in period_text.figures(now, before)
        ),
        problems=tuple(html_advice.opened(one, facts.made_at) for one in report.problems),
        more_problems=facts.open_problems - len(report.problems),
        groups=_groups(report),
        shares=tuple(_shares(report)),
        failed_writes=tuple(
            (one.operation, safe(one.outcome, 40), *_numbers(one.writes, one.returns, one.before))
            for one in report.failed_writes
        ),
        runs=tuple(
            (safe(one.kind, 40), _ended(one.exit_code), *_numbers(one.runs, one.before))
            for one in report.runs
        ),
        decisions=tuple(
            (
                moment(one.decided_at),
                safe(one.decision, 40),
                safe(one.return_id, 20),
                safe(one.decided_by, 60) if one.decided_by else "–",
                safe(one.reason, 500) if one.reason else "–",
            )
            for one in report.decisions
        ),
        ledger=(
            ("Loop was read up to", moment(facts.watermark)),
            ("Go-live", moment(facts.go_live)),
            ("Made", moment(facts.ledger_since)),
            ("History is whole since", moment(facts.history_since or facts.ledger_since)),
        ),
        remarks=facts.remarks,
    )


def _tiles(report: PeriodReport) -> Iterator[Tile]:
    now = report.figures
    yield Tile(f"{now.returns:,}", "created in Loop")
    yield Tile(f"{now.in_jetti:,}", "in Jetti")
    if now.since_created.returns:
        yield Tile(_took(now.since_created.median_seconds), "from creation to Jetti, median")
        yield Tile(_took(now.since_created.p95_seconds), "the same, 95th percentile")
    for number, what in (
        (now.to_do, "still to do"),
        (now.needs_a_person, "dead or in review"),
        (now.writes.failed, "writes without effect"),
    ):
        if number:
            yield Tile(f"{number:,}", what)


def _groups(report: PeriodReport) -> Table | None:
    if report.period.by is None:
        return None
    rows = [(one.what, one.returns, _cells(one)) for one in report.groups]
    head = _HEADS[report.period.by]
    return _table(f"By {report.period.by}", head, rows, _named)


def _cells(one: Group) -> tuple[str, ...]:
    counts = _numbers(one.in_jetti, one.to_do, one.needs_a_person)
    before = "–" if one.before is None else f"{one.before:,}"
    return (f"{one.returns:,}", before, *counts, _took(one.median_seconds),
            _took(one.p95_seconds), _took(one.slowest_seconds))  # fmt: skip


def _shares(report: PeriodReport) -> Iterator[Table]:
    by: tuple[tuple[str, str, Sequence[Share], Callable[[str | None], str]], ...] = (
        ("By state", "State", report.states, lambda what: state(what or "")),
        ("By outcome", "Outcome in Loop", report.outcomes, _named),
        ("By reason", "Reason", report.reasons, _named),
        ("By vendor", "Vendor, as Jetti numbers them", report.vendors, _named),
    )
    for title, head, shares, name in by:
        rows = [(one.what, one.returns, _numbers(one.returns, one.before)) for one in shares]
        # What was asked for has a table of its own.
        if rows and title != f"By {report.period.by}":
            yield _table(title, head, rows, name)


def _table(
    title: str,
    head: str,
    rows: Sequence[tuple[str | None, int, tuple[str, ...]]],
    name: Callable[[str | None], str],
) -> Table:
    longest = max((number for _, number, _ in rows), default=0) or 1
    shown = tuple(
        Bar(name(what), cells, round(100 * number / longest, 1))
        for what, number, cells in rows[:MOST_ROWS]
    )
    return Table(title, head, shown, len(rows) - len(shown))


def _named(what: str | None) -> str:
    return _UNKNOWN if what is None else safe(what, _LONGEST)


def _numbers(*numbers: int) -> tuple[str, ...]:
    return tuple(f"{number:,}" for number in numbers)


def _ended(exit_code: int | None) -> str:
    return "not ended" if exit_code is None else str(exit_code)


def _titled(name: str) -> str:
    text = name.strip()
    return f"{text[:1].upper()}{text[1:]}"


def _took(seconds: int | None) -> str:
    return "–" if seconds is None else period_text.took(seconds)
