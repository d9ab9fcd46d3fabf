"""What the page about a pass shows, as values; the templates in `page/` put them in their place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from msgspec import Struct

from reconciler.core import duration
from reconciler.core.report import (
    ChangeKind,
    OutcomeKind,
    Report,
    ReportedChange,
    RunFacts,
    RunKind,
)
from reconciler.core.text import safe
from reconciler.reports import html_advice, html_bars, html_changes, html_fields, run_text
from reconciler.reports.html_advice import NotUnderstood, Open, Word
from reconciler.reports.html_bars import Bars
from reconciler.reports.html_changes import Group, Row
from reconciler.reports.html_fields import Alike
from reconciler.reports.wording import command_line, counted, moment, sentence

MOST_ROWS = 10_000
"""Changes that are listed; a browser is slow with more, and the page is large."""
_MOST_WINDOWS = 200

_TONES = {0: "well", 10: "well", 3: "look", 4: "look", 5: "look", 75: "look"}
_BADGES = {
    "well": "All went well",
    "look": "Needs a look",
    "stop": "Stopped",
}


class Tile(Struct, frozen=True):
    """One number at the top."""

    number: str
    what: str


class Window(Struct, frozen=True):
    """A span that was read."""

    start: str
    end: str
    drained: bool


Facts: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values."""


class RunPage(Struct, frozen=True):
    """Everything that the page shows of a pass."""

    name: str
    at: str
    verdict: str
    tone: str
    badge: str
    exit_code: int
    consequence: str | None
    failures: tuple[tuple[str, str], ...]
    """Message, empty where the verdict says it, and hint."""
    next: str
    digest: str
    """Empty where there is no plan to apply."""
    accept: str
    """The command that applies exactly this plan; empty where it is the same command once more."""
    is_dry: bool
    listed_by: str
    """What lists all changes; of a run, which is over, all returns as they are now."""
    problems_listed_by: str
    rows_listed_by: str
    """What lists all rows and words that are not understood."""
    problems: tuple[Open, ...]
    more_problems: int
    malformed: tuple[NotUnderstood, ...]
    more_malformed: int
    words: tuple[Word, ...]
    more_words: int
    not_done: tuple[Group, ...]
    tiles: tuple[Tile, ...]
    bars: tuple[Bars, ...]
    changes_title: str
    rows: Iterable[Row]
    """Can be iterated once."""
    listed: int
    """How many rows there are."""
    more_rows: int
    outcome_of_all: str
    """Empty where it differs from row to row."""
    has_goods: bool
    has_vendors: bool
    alike: Alike
    skipped: tuple[Group, ...]
    left: tuple[Group, ...]
    is_cut: bool
    """Whether not all orders of these are named."""
    windows: tuple[Window, ...]
    more_windows: int
    watermark: str
    reading: Facts
    standing_of: str
    """Which returns are counted in `standing`."""
    standing: Facts
    """How returns are now, whatever this run did."""
    requests: Facts
    timing: Facts
    remarks: tuple[str, ...]


def page(report: Report) -> RunPage:
    """The report of a pass as the page shows it."""
    run = report.run
    told: list[ReportedChange] = []
    left: list[ReportedChange] = []
    for change in report.changes:
        if not _is_skipped(change):
            (left if _is_left(change) else told).append(change)
    told = html_changes.ranked(told)
    shown = told[:MOST_ROWS]
    common = html_fields.alike(shown)
    outcomes = {html_changes.outcome(change) for change in shown}
    skipped = tuple(html_changes.grouped(filter(_is_skipped, report.changes)))
    looked_for = tuple(html_changes.grouped(left))
    verdict = run_text.verdict(report)
    tone = _TONES.get(run.exit_code, "stop")
    return RunPage(
        name=run_text.name(run),
        at=moment(run.finished_at),
        verdict=sentence(verdict),
        tone=tone,
        badge="Nothing was written" if run.dry_run and tone == "well" else _BADGES[tone],
        exit_code=run.exit_code,
        consequence=run_text.consequence(run),
        failures=tuple(_failures(run)),
        next=command_line(report.next) or "",
        digest=safe(run.digest, 20) if _is_applicable(run, told) else "",
        accept=_accept(report),
        is_dry=run.dry_run,
        listed_by="--format csv" if run.dry_run else "reconciler list --format json",
        problems_listed_by=run_text.lists_problems(report),
        rows_listed_by="--format json" if run.dry_run else "reconciler status --format json",
        problems=tuple(html_advice.problems(report)),
        more_problems=report.problems_left_out
        + max(0, len(report.problems) - html_advice.MOST_PROBLEMS),
        malformed=tuple(html_advice.malformed(report)),
        more_malformed=max(0, len(report.malformed) - html_advice.MOST_PROBLEMS),
        words=tuple(html_advice.unknown_words(report)),
        more_words=max(0, len(report.unknown_words) - html_advice.MOST_WORDS),
        not_done=tuple(html_advice.not_done(told)),
        tiles=tuple(_tiles(report, told)),
        bars=tuple(_bars(told)),
        changes_title=_changes_title(run, shown),
        rows=html_changes.rows(shown, common),
        listed=len(shown),
        more_rows=len(told) - len(shown),
        alike=common,
        outcome_of_all=outcomes.pop() if len(outcomes) == 1 else "",
        has_goods=any(True for change in shown for _ in change.lines),
        has_vendors=any(change.vendors for change in shown),
        skipped=skipped,
        left=looked_for,
        is_cut=any(group.rest for group in (*skipped, *looked_for)),
        windows=tuple(
            Window(moment(one.start), moment(one.end), one.drained)
            for one in run.windows[:_MOST_WINDOWS]
        ),
        more_windows=max(0, len(run.windows) - _MOST_WINDOWS),
        watermark=run_text.watermark(run).replace("->", "→"),
        reading=tuple(_reading(report)),
        standing_of=run_text.standing_of(run),
        standing=tuple(_standing(report)),
        requests=tuple(_requests(report)),
        timing=tuple(_timing(report)),
        remarks=tuple(safe(remark, 1000) for remark in run.remarks if remark != run.message),
    )


def _changes_title(run: RunFacts, shown: Iterable[ReportedChange]) -> str:
    if run.dry_run:
        return "What would change"
    # Of what is stopped the fields are those that would be written.
    has_changed = any(
        one.outcome is OutcomeKind.PUSHED or (any(one.fields) and not one.stopped) for one in shown
    )
    return "What changed" if has_changed else "What was to change"


def _is_skipped(change: ReportedChange) -> bool:
    return change.outcome is OutcomeKind.SKIPPED and not change.stopped


def _is_left(change: ReportedChange) -> bool:
    """Whether it was looked for in Jetti and left: there may be as many as skipped ones."""
    is_looked_for = change.change is ChangeKind.ADOPT and not change.stopped
    return is_looked_for and change.outcome is OutcomeKind.DEFERRED


# ----------------------------------------------------------------------------------- what to do


def _failures(run: RunFacts) -> Iterator[tuple[str, str]]:
    known = run_text.fact(run)
    for one in run.failures:
        message = "" if one.message == known else safe(one.message, 1000)
        hint = safe(one.hint, 1000) if one.hint else ""
        if message or hint:
            yield message, hint


def _is_applicable(run: RunFacts, told: Iterable[ReportedChange]) -> bool:
    """Whether the digest names something that is still to be done, and can be accepted."""
    return run.would_go_live is None and any(
        one.stopped or (run.dry_run and one.outcome is OutcomeKind.PLANNED) for one in told
    )


def _accept(report: Report) -> str:
    run = report.run
    if "--accept-plan" in report.next and run.digest in report.next:
        return command_line(report.next) or ""
    if run.kind is not RunKind.SCHEDULED:
        return ""
    return f"reconciler run --accept-plan {safe(run.digest, 20)}"


# -------------------------------------------------------------------------------------- numbers


def _tiles(report: Report, told: Iterable[ReportedChange]) -> Iterator[Tile]:
    kinds: Counter[ChangeKind] = Counter()
    outcomes: Counter[str] = Counter()
    for change in told:
        if change.stopped or change.outcome not in (OutcomeKind.PUSHED, OutcomeKind.PLANNED):
            outcomes[html_changes.outcome(change)] += 1
        else:
            kinds[change.change] += 1
    dry = report.run.dry_run
    for kind in ChangeKind:
        if kinds[kind]:
            what = f"to {html_changes.VERBS[kind]}" if dry else html_changes.DONE[kind]
            yield Tile(f"{kinds[kind]:,}", what)
    of_which = "in this plan" if dry else "in this run"
    for outcome, count in outcomes.items():
        # The ledger may have more that wait or failed: they are counted below.
        yield Tile(f"{count:,}", f"{outcome} {of_which}")
    sums = report.sums
    if sums.vendors:
        yield Tile(f"{sums.vendors:,}", "vendor" if sums.vendors == 1 else "vendors")
    if sums.before_go_live:
        yield Tile(f"{sums.before_go_live:,}", "from before go-live")
    if sums.seconds_at_pace and dry:
        yield Tile(_spelled(sums.seconds_at_pace), "at Jetti's pace")


def _spelled(seconds: float) -> str:
    """`3.4 days`, `12 hours`, `40 min`, `45 s`."""
    estimated = duration.estimate(seconds)
    return f"{estimated[:-1].removesuffix('.0')} {_UNITS[estimated[-1]]}"


_UNITS = {"d": "days", "h": "hours", "m": "min", "s": "s"}


def _bars(told: Iterable[ReportedChange]) -> Iterator[Bars]:
    vendors: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for change in told:
        vendors.update({html_changes.vendor(name) for name in change.vendors})
        reasons.update({line.reason for line in change.lines if line.reason})
        outcomes[html_changes.outcome(change)] += 1
    found = (
        html_bars.bars("By vendor", "Vendor", vendors),
        html_bars.bars("By reason", "The customer's reason", reasons),
        html_bars.bars("By outcome", "Outcome", outcomes),
        html_bars.by_time(change.changed_at for change in told if change.changed_at),
    )
    yield from (one for one in found if one is not None)


def _reading(report: Report) -> Iterator[tuple[str, str]]:
    counts = report.counts
    yield "Returns read", f"{counts.seen:,}"
    for what, number in (
        ("New", counts.new),
        ("Changed", counts.changed),
        ("Unchanged", counts.unchanged),
        ("Skipped", counts.skipped),
        ("Forgotten, of which nothing is kept", counts.forgotten),
    ):
        if number:
            yield what, f"{number:,}"


def _standing(report: Report) -> Iterator[tuple[str, str]]:
    counts = report.counts
    for what, number in (
        ("Pending", counts.pending),
        ("Waiting", counts.waiting),
        ("Failed", counts.failed),
        ("In review", counts.review),
        ("Given up", counts.dead),
        ("With an unanswered write", counts.unanswered),
        ("Not understood", counts.malformed),
    ):
        if number:
            yield what, f"{number:,}"


def _requests(report: Report) -> Iterator[tuple[str, str]]:
    loop, jetti = report.requests.loop, report.requests.jetti
    yield "To Loop", f"{loop.get:,} reads{_retried(loop.retries)}"
    reads = counted(jetti.get, "read")
    writes = counted(jetti.write, "write")
    yield "To Jetti", f"{reads}{_retried(jetti.retries)}, {writes}"


def _retried(retries: int) -> str:
    return f" ({retries:,} of them tried again)" if retries else ""


def _timing(report: Report) -> Iterator[tuple[str, str]]:
    run = report.run
    yield "Began", moment(run.started_at)
    yield "Ended", moment(run.finished_at)
    yield "Took", duration.approximate(run.finished_at - run.started_at)
    backlog = report.backlog
    if backlog is not None and backlog.left:
        left = counted(backlog.left, "return")
        if backlog.seconds_left is not None:
            so = "about" if backlog.is_measured else "at least"
            left += f", {so} {duration.estimate(backlog.seconds_left)}"
        yield "Left for later passes", left
    if run.would_go_live is not None:
        yield "Go-live that it leads to", moment(run.would_go_live)
    yield "Digest of the plan", safe(run.digest, 20)
    if run.accepted_by:
        yield "Accepted by", safe(run.accepted_by, 60)
