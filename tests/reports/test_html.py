"""The page of a report: the facts of the value, nothing that is hostile, and one file alone."""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from benchmarks.large_report import large_report
from reconciler.core.field_changes import FieldChange, FieldChanges
from reconciler.core.model import OwnedField
from reconciler.core.period.report import PeriodReport
from reconciler.core.report import ChangeKind, Changes, OutcomeKind, Report, ReportedChange
from reconciler.core.verification.report import Verification
from reconciler.reports import as_html, html_bars, html_changes, run_text, verification_text
from reconciler.reports.forms import rendered
from reconciler.reports.html_fields import LABELS
from tests.reports import samples
from tests.reports.html_samples import attacked, carried_out, differing, planned
from tests.reports.period_samples import empty, period, troubled
from tests.support.html_page import Page

GOLDEN = Path(__file__).parent.parent / "golden" / "report.html"
MADE: dict[str, Callable[[], Report | Verification | PeriodReport]] = {
    **{
        name: getattr(samples, name)
        for name in (
            "quiet", "busy", "dry", "stopped", "uncreated", "uncreatable", "unread", "hostile",
        )
    },
    "planned": planned,
    "carried_out": carried_out,
    "attacked": attacked,
    "differing": differing,
    "repaired": lambda: differing(carried_out()),
    "period": period,
    "period_by_day": lambda: period("day"),
    "period_empty": empty,
    "period_attacked": lambda: troubled(samples.HOSTILE),
}  # fmt: skip


def page_of(report: Report | Verification | PeriodReport) -> Page:
    return Page(rendered(report, "html"))


def row_of(page: Page, order: str) -> str:
    [row] = [row for row in page.table("Changes").rows if row[0].split("\n")[0] == order]
    return "\n".join(row)


# ------------------------------------------------------------------------------------ one file


@pytest.mark.parametrize("name", MADE)
def test_it_is_one_page_that_needs_nothing_else(name: str) -> None:
    text = rendered(MADE[name](), "html")
    page = Page(text)

    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert text.endswith("</html>")
    used = {(tag, attribute) for tag, given in page.tags for attribute in given}
    assert not {attribute for _, attribute in used} & {"src", "href", "style", "srcset", "action"}
    assert not [attribute for _, attribute in used if attribute.startswith("on")]
    tags = Counter(tag for tag, _ in page.tags)
    assert (tags["script"], tags["style"], tags["h1"], tags["title"]) == (1, 1, 1, 1)


@pytest.mark.covers("F103")
@pytest.mark.parametrize("name", MADE)
def test_the_policy_allows_this_style_and_this_script_alone(name: str) -> None:
    text = rendered(MADE[name](), "html")
    [style] = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)

    def allowed(part: str) -> str:
        return f"'sha256-{b64encode(sha256(part.encode()).digest()).decode()}'"

    assert Page(text).policy.split("; ") == [
        "default-src 'none'",
        f"style-src {allowed(style)}",
        f"script-src {allowed(script)}",
        "base-uri 'none'",
        "form-action 'none'",
    ]


@pytest.mark.parametrize("name", MADE)
def test_headings_go_down_by_one_and_every_table_says_what_it_is(name: str) -> None:
    page = page_of(MADE[name]())

    levels = [int(tag[1]) for tag, _ in page.headings]
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert all(text for _, text in page.headings)
    for table in page.tables:
        assert table.caption
        assert all(table.heads)
        assert {len(row) for row in table.rows} <= {len(table.heads)}
    scopes = [given.get("scope") for tag, given in page.tags if tag == "th"]
    assert set(scopes) <= {"row", "col"}


# ----------------------------------------------------------------------------- nothing hostile


@pytest.mark.covers("F101", "F102", "F103")
@pytest.mark.parametrize("name", ["hostile", "attacked", "period_attacked"])
def test_what_comes_from_elsewhere_is_text_and_cannot_steer(name: str) -> None:
    text = rendered(MADE[name](), "html")

    for line in text.split("\n"):
        assert line.isprintable() or not line
    marks = "".join("x" if unicodedata.combining(one) else " " for one in text)
    assert "xxxx" not in marks
    tags = {tag for tag, _ in Page(text).tags}
    assert not tags & {"img", "a", "iframe", "object", "form", "input", "link", "base"}
    assert len(text) < 200_000


@pytest.mark.covers("F103")
def test_no_template_can_forget_to_make_text_plain() -> None:
    careless = as_html.environment().from_string("<p title='{{ it }}'>{{ it }}")

    assert careless.render(it="<b>\u202e'\x1b") == (
        "<p title='&lt;b&gt;\\u202e&#39;\\x1b'>&lt;b&gt;\\u202e&#39;\\x1b"
    )


@pytest.mark.covers("F103")
@given(st.text(st.characters(), max_size=40))
def test_no_text_becomes_markup(text: str) -> None:
    plain, strange = carried_out(), carried_out()
    [first, *rest] = strange.changes
    first = structs.replace(
        first, order_name=text, reason=text, vendors=(text,), remarks=(text,),
        lines=[structs.replace(line, product=text, reason=text) for line in first.lines],
        fields=FieldChanges([FieldChange(text, text, text)]),
    )  # fmt: skip
    strange = structs.replace(strange, changes=(first, *rest))

    def names(report: Report) -> set[str]:
        return {tag for tag, _ in page_of(report).tags}

    assert names(strange) <= names(plain) | {"code"}


def test_a_hostile_report_reads_as_agreed(golden_file: Callable[[Path, str], None]) -> None:
    """Without style, script and their hashes, which say nothing about the report."""
    text = rendered(attacked(), "html")
    text = re.sub(r"<(style|script)>.*?</\1>", r"<\1></\1>", text, flags=re.DOTALL)

    golden_file(GOLDEN, re.sub(r"sha256-[^&]+", "sha256-", text))


# ---------------------------------------------------------------------------------- its facts


@pytest.mark.parametrize(
    "name", [name for name, make in MADE.items() if isinstance(make(), Report)]
)
def test_title_and_heading_tell_the_verdict_of_the_text_report(name: str) -> None:
    report = MADE[name]()
    assert isinstance(report, Report)
    page = page_of(report)

    headline = run_text.render(report, 100_000).split("\n")[0]
    [(_, verdict)] = [one for one in page.headings if one[0] == "h1"]
    assert verdict[1:] in headline
    assert page.title.startswith(verdict)
    assert f"Exit code {report.run.exit_code}" in page.paragraphs[1]


@pytest.mark.parametrize("make", [differing, lambda: differing(carried_out())])
def test_of_a_verification_too(make: Callable[[], Verification]) -> None:
    found = make()
    page = page_of(found)

    [(_, verdict)] = [one for one in page.headings if one[0] == "h1"]
    assert verdict in verification_text.render(found, 100_000)
    assert page.title.startswith(verdict)


@pytest.mark.parametrize("make", [planned, carried_out, samples.dry, samples.stopped])
def test_every_change_has_a_row_with_all_that_the_report_knows(make: Callable[[], Report]) -> None:
    report = make()
    page = page_of(report)
    in_common = " ".join(one for one in page.paragraphs if "each also gets" in one)

    changes = [one for one in report.changes if one.outcome is not OutcomeKind.SKIPPED]
    assert len(page.table("Changes").rows) == len(changes)
    for change in changes:
        row = row_of(page, change.order_name)
        assert change.return_id in row
        for line in change.lines:
            assert (line.product or line.sku or "") in row
            assert (line.reason or "") in row
        assert all(name in row for name in change.vendors)
        assert all(remark in row for remark in change.remarks)
        assert change.stopped or (change.reason or "") in row
        assert all(found.reference in row for found in change.sale_returns)
        assert ("before go-live" in row) == change.before_go_live
        for field in change.fields:
            assert_shown(field, change, row, in_common)


def assert_shown(field: FieldChange, change: ReportedChange, row: str, in_common: str) -> None:
    name, _, place = field.field.partition("[")
    after = "nothing" if field.after is None else str(field.after)
    if field.before is not None or change.change is not ChangeKind.CREATE:
        before = "nothing" if field.before is None else str(field.before)
        of = f" of {'line ' if name == 'quantity' else ''}{place.rstrip(']')}" if place else ""
        assert f"{LABELS[OwnedField(name)]}{of} {before} → {after}" in row
    elif name == "quantity":
        assert f"{place.rstrip(']')} × {after}" in row
    elif after not in row:
        said = after.replace(change.return_id, "‹its return id›")
        assert f"{LABELS[OwnedField(name)]} {said}" in in_common


def test_what_differs_from_the_others_is_said_in_its_row() -> None:
    changes = [*planned(10).changes]
    odd = FieldChanges(
        structs.replace(one, after="warehouse") if one.field == "saleReturnSource" else one
        for one in changes[2].fields
        if one.field != "notes"
    )
    changes[2] = structs.replace(changes[2], fields=odd)
    page = page_of(structs.replace(planned(10), changes=tuple(changes)))

    assert "Source: warehouse" in row_of(page, changes[2].order_name)
    assert "no Notes" in row_of(page, changes[2].order_name)
    assert "Source" not in row_of(page, changes[1].order_name)


def test_what_needs_someone_comes_first() -> None:
    rows = page_of(carried_out()).table("Changes").rows

    outcomes = [row[1].split("\n")[1] for row in rows]
    assert outcomes == sorted(
        outcomes, key=["failed", "in review", "waiting", "done", "deferred"].index
    )


def test_what_a_guard_keeps_back_comes_before_what_was_done() -> None:
    rows = page_of(samples.stopped()).table("Changes").rows

    assert [row[1].split("\n")[1] for row in rows] == ["stopped", "stopped", "done"]


def test_numbers_at_the_top_are_those_of_the_report() -> None:
    facts = page_of(planned(40)).facts

    assert facts["to create"] == ["32"]
    assert facts["to update"] == ["8"]
    assert facts["vendors"] == ["5"]
    assert facts["from before go-live"] == ["4"]
    assert facts["at Jetti's pace"] == ["2 min"]


def test_bars_count_the_returns() -> None:
    report = carried_out()
    page = page_of(report)
    told = [one for one in report.changes if one.outcome is not OutcomeKind.SKIPPED]

    def bars(caption: str) -> dict[str, int]:
        return {row[0]: int(row[1]) for row in page.table(caption).rows}

    assert bars("By vendor") == {
        "Northwind Apparel": len(told) // 2, "vendor 41": len(told) // 2,
        "Fjord & Loom": len(told) - len(told) // 2,
    }  # fmt: skip
    assert sum(bars("By outcome").values()) == len(told)
    days = Counter(f"{one.changed_at:%Y-%m-%d}" for one in told)
    assert bars("By day") == days


def test_the_longest_bar_is_whole_and_the_others_in_proportion() -> None:
    drawn = html_bars.bars("t", "w", {"a": 3, "b": 12, "c": 6})

    assert drawn is not None
    assert [(bar.name, bar.percent) for bar in drawn.rows] == [("b", 100), ("c", 50), ("a", 25)]


def test_many_names_end_with_their_sum() -> None:
    counts = {f"vendor {number}": number for number in range(1, 31)}

    drawn = html_bars.bars("t", "w", counts)

    assert drawn is not None
    assert (drawn.rows[-1].name, drawn.rows[-1].count) == ("20 others", sum(range(1, 21)))
    assert sum(bar.count for bar in drawn.rows) == sum(counts.values())
    assert (drawn.rows[0].percent, drawn.rows[-1].percent) == (100, 0)


@pytest.mark.parametrize(
    ("days", "title", "first"),
    [
        (30, "By day", "2026-01-30"),
        (92, "By week from Monday", "2025-11-24"),
        (700, "By month", "2024-03"),
    ],
)
def test_no_time_is_left_out(days: int, title: str, first: str) -> None:
    instants = [samples.NOON, samples.NOON - timedelta(days=days)]

    drawn = html_bars.by_time(instants)

    assert drawn is not None
    assert (drawn.title, drawn.rows[0].name) == (title, first)
    assert [bar.count for bar in drawn.rows if bar.count] == [1, 1]
    assert 10 < len(drawn.rows) <= 31


def test_years_end_in_months_and_what_was_before() -> None:
    instants = [samples.NOON - timedelta(days=30 * month) for month in range(60)]

    drawn = html_bars.by_time(instants)

    assert drawn is not None
    assert drawn.rows[0].name == "earlier"
    assert sum(bar.count for bar in drawn.rows) == 60


def test_one_bar_alone_compares_nothing() -> None:
    assert html_bars.bars("t", "w", {"a": 3}) is None
    assert html_bars.by_time([]) is None


def test_problems_say_since_when_why_and_what_to_do() -> None:
    report = samples.busy()
    page = page_of(report)

    rows = page.table("Returns that need a look").rows
    assert [row[0].split("\n") for row in rows] == [
        ["#1008", "Return 8808"], ["#1007", "Return 8807"],
        ["order id 5550000000012", "Return 8812"],
    ]  # fmt: skip
    assert [row[1:4] for row in rows] == [
        ["in review", "for 50h", "two sales are left"],
        ["failed", "–", "–"],
        ["waiting", "for 60m", "–"],
    ]
    assert [re.findall(r"reconciler \w+ \d+", row[4]) for row in rows] == [
        ["reconciler show 8808"], ["reconciler retry 8807"], ["reconciler show 8812"],
    ]  # fmt: skip
    malformed = page.table("Rows from Loop that are not understood").rows
    assert [row[1] for row in malformed] == [one.problem for one in report.malformed]
    words = page.table("Words in Loop").rows
    assert [(row[1], row[0], int(row[2])) for row in words] == [
        (one.list, one.word, one.returns) for one in report.unknown_words
    ]


def test_what_was_not_done_is_grouped_with_what_to_do() -> None:
    rows = page_of(samples.busy()).table("What was not done").rows

    assert {(row[1], row[2], row[3]) for row in rows} == {
        ("failed", "Jetti answered 500", "#1007"),
        ("failed", "Jetti answered 422", "#1012"),
        ("in review", "two sales are left", "#1008"),
        ("waiting", "the order is not in Jetti yet", "#1006"),
        ("deferred", "the budget is spent", "#1009"),
    }
    assert all(row[4] for row in rows)


def test_reasons_that_differ_by_the_order_alone_are_one() -> None:
    changes = tuple(
        samples.change(
            number, ChangeKind.CREATE, OutcomeKind.WAITING, f"order #10{named} is not in Jetti yet"
        )
        for number, named in ((21, 21), (22, 22), (23, 77))
    )
    report = structs.replace(samples.quiet(), changes=changes)

    assert [row[:4] for row in page_of(report).table("What was not done").rows] == [
        ["2 returns", "waiting", "the order is not in Jetti yet", "#1021 #1022"],
        ["1 return", "waiting", "order #1077 is not in Jetti yet", "#1023"],
    ]


def test_windows_watermark_requests_and_time() -> None:
    page = page_of(samples.unread())

    assert page.table("Windows of Loop").rows == [
        ["2026-01-23 00:00:00Z", "2026-02-12 20:00:00Z", "completely"],
        ["2026-02-12 20:00:00Z", "2026-03-01 12:00:00Z", "not completely"],
    ]
    assert "Watermark: 2026-03-01 12:00:00Z." in page.paragraphs
    assert page.facts["To Loop"] == ["31 reads"]
    assert page.facts["To Jetti"] == ["0 reads, 0 writes"]
    assert page.facts["Took"] == ["12s"]
    assert page.facts["Returns read"] == ["12"]


def test_the_digest_and_how_to_apply_it() -> None:
    stopped = page_of(samples.stopped())
    ranged = page_of(planned())

    assert "reconciler run --accept-plan 0123456789abcdef" in stopped.commands
    # The options of a range are not all in the report: `next` alone has them.
    accept = "reconciler run --from 60d --accept-plan 95ac61bda6a715a0"
    assert ranged.commands == [accept, accept]
    plain = structs.replace(planned(), next=("reconciler", "run", "--from", "60d"))
    assert page_of(plain).commands == ["reconciler run --from 60d"]
    said = [one for one in page_of(plain).paragraphs if "95ac61bda6a715a0" in one]
    assert any("--dry-run" in one for one in said)
    assert ("h2", "Applying this plan") not in page_of(samples.quiet()).headings
    assert ("h2", "Applying this plan") not in page_of(carried_out()).headings


def test_the_next_command_is_quoted_as_a_shell_takes_it() -> None:
    report = structs.replace(samples.quiet(), next=("reconciler", "show", "#1 $x"))

    assert page_of(report).commands == ["reconciler show '#1 $x'"]


def test_a_verification_shows_each_difference_and_what_settles_it() -> None:
    page = page_of(differing())

    lost, edited = page.table("Differences").rows
    assert lost[0].split("\n") == ["#1001", "Return 8801"]
    assert lost[1].startswith("a write of ours is not in Jetti")
    assert lost[2] == "Status of SR-1 shipped → requested"
    assert lost[3] == "push it again\nreconciler verify --repair"
    assert edited[2] == "Notes of SR-2 Loop return 8802 → <b>call first</b>"
    assert page.table("Wait for someone to decide").rows[0][1:] == [
        "in review", "-", "two sales are left",
    ]  # fmt: skip
    assert page.table("Still in work").rows[0][1] == "pending"
    assert page.commands == ["reconciler verify --repair"]
    assert page.facts["compared with Jetti"] == ["18"]


def test_a_repair_is_told_on_the_same_page() -> None:
    page = page_of(differing(carried_out()))

    assert ("h2", "The run that took up what could be") in page.headings
    assert page.table("Differences").rows[0][3] == "taken up: the run below says what came of it"
    assert len(page.table("Changes").rows) == 10


# -------------------------------------------------------------------------------------- its size


def test_of_a_hundred_thousand_skipped_only_some_are_named() -> None:
    skipped = [
        ReportedChange(
            str(number), f"#{number}", None, ChangeKind.CREATE, OutcomeKind.SKIPPED,
            "before go-live" if number % 2 else "held in Loop (review)",
        )
        for number in range(1_000, 101_000)
    ]  # fmt: skip
    report = structs.replace(samples.quiet(), changes=Changes((), skipped))
    text = rendered(report, "html")

    rows = Page(text).table("Skipped").rows
    assert [(row[0].split()[0], row[1]) for row in rows] == [
        ("50,000", "held in Loop (review)"),
        ("50,000", "before go-live"),
    ]
    assert rows[1][2].startswith("#1001 #1003 ")
    assert rows[1][2].endswith("and 49,980 more")
    # A run is over: the same command would be another one.
    assert "<code>reconciler list --format json</code> lists all" in text
    assert "--format csv" not in text
    assert len(text) < 40_000
    dry = structs.replace(report, run=structs.replace(report.run, dry_run=True))
    assert "<code>--format csv</code> lists all" in rendered(dry, "html")


def test_more_changes_than_a_browser_can_show_are_counted() -> None:
    report = large_report(10_007)

    page = page_of(report)

    assert len(page.table("Changes").rows) == 10_000
    assert any(one.startswith("And 7 more:") for one in page.paragraphs)
    assert sum(int(row[1].replace(",", "")) for row in page.table("By vendor").rows) == 10_007


def test_every_kind_and_outcome_has_a_word() -> None:
    assert set(html_changes.VERBS) == set(html_changes.DONE) == set(ChangeKind)
    assert set(html_changes.OUTCOMES) == set(OutcomeKind)
    assert set(LABELS) == set(OwnedField)
