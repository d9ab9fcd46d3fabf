"""The report of a period in its forms: what it names, and what hostile texts do to it."""

from __future__ import annotations

import csv
import io
import json
import re
from html import escape
from pathlib import Path

import pytest
from wcwidth import wcswidth

from reconciler.core.model import State
from reconciler.core.period.report import PeriodReport
from reconciler.reports import as_csv, as_json, period_text
from reconciler.reports.forms import rendered
from reconciler.reports.tables import columns_of
from tests.reports.period_samples import (
    FIRST_OF_MARCH,
    empty,
    made,
    one,
    period,
    troubled,
    waiting,
)
from tests.reports.samples import HOSTILE, TRICKY
from tests.support.html_page import Page
from tests.support.report_schema import faults

PAGE = Path(__file__).parent.parent.parent / "docs" / "reports.md"


@pytest.mark.parametrize("report", [empty(), period(), period("day"), troubled(HOSTILE)])
def test_it_keeps_to_the_published_schema(report: PeriodReport) -> None:
    assert faults(json.loads(as_json.encode(report)), "PeriodReport") == []


def test_every_key_is_documented_and_no_other() -> None:
    [part] = re.findall(
        r"<!-- period:.*?-->\n(.*?)<!-- end of the period -->", PAGE.read_text(), re.S
    )
    # What stands in code there and is no key.
    values = {"null"}

    def keys(value: object) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(keys, value))
        if isinstance(value, dict):
            return {*value}.union(*map(keys, value.values()))
        return set()

    assert {*re.findall(r"`(\w+)`", part)} - values == keys(json.loads(as_json.encode(period())))


def test_its_tables_have_the_columns_of_the_rows() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv.render(period()).removeprefix("\ufeff"))))

    assert [*rows[0]][1:] == columns_of(period())
    assert {row["table"] for row in rows} >= {
        "states", "outcomes", "reasons", "vendors", "groups", "problems", "failed_writes", "runs",
        "decisions", "period", "period.remarks", "figures", "figures.since_created",
        "figures.writes", "before", "before.since_changed",
    }  # fmt: skip
    assert next(row["what"] for row in rows if row["table"] == "vendors") == "'41"
    assert {row["what"] for row in rows if row["table"] == "reasons"} >= {"Damaged", "(not known)"}


@pytest.mark.parametrize("text", [*TRICKY, HOSTILE])
def test_no_line_of_the_text_can_steer_a_terminal_or_leave_its_columns(text: str) -> None:
    for by in ("outcome", "reason"):
        for line in period_text.render(period(by, text)).split("\n"):
            assert line.isprintable()
    lines = period_text.render(troubled(text)).split("\n")
    figures = [line for line in lines if line.startswith("returns created in Loop")]
    assert figures == [f"{'returns created in Loop':<38}{19:>12}{6:>12}"]


def test_letters_of_two_columns_leave_the_figures_below_each_other() -> None:
    plain = period_text.render(made([one(1, FIRST_OF_MARCH, reasons=("x" * 12,))]))
    wide = period_text.render(made([one(1, FIRST_OF_MARCH, reasons=("返" * 6,))]))

    assert wide == plain.replace("x" * 12, "返" * 6)


def test_a_name_that_is_too_long_has_a_line_of_its_own() -> None:
    lines = period_text.render(made([one(1, FIRST_OF_MARCH, reasons=("Too long " * 5,))])).split(
        "\n"
    )

    at = lines.index(f"  {'Too long ' * 5}".rstrip())
    assert lines[at + 1] == f"{'':<38}{1:>12}{0:>12}"


def test_a_long_list_is_cut_and_says_so() -> None:
    report = made([one(place, FIRST_OF_MARCH, reasons=(f"R{place:02}",)) for place in range(14)])

    text = period_text.render(report)

    assert "  R09 " in text
    assert "  R10 " not in text
    assert "  … and 4 more; the other formats list all" in text
    assert len(report.reasons) == 14


def test_open_problems_are_cut_in_the_text_and_in_the_value() -> None:
    returns = [waiting(place, FIRST_OF_MARCH, State.REVIEW, "why") for place in range(120)]

    report = made(returns)

    assert (report.period.open_problems, len(report.problems)) == (120, 100)
    assert "  … and 110 more; `reconciler list` lists all" in period_text.render(report)


def test_of_nothing_there_is_nothing_to_decide_and_no_time() -> None:
    text = period_text.render(empty())

    assert "next" not in text
    assert "open problem" not in text
    assert re.search(r"^  median +- +-$", text, re.M)


# ----------------------------------------------------------------------------------------- HTML


def page_of(report: PeriodReport) -> Page:
    return Page(rendered(report, "html"))


def cells(page: Page, caption: str, number: int) -> dict[str, list[str]]:
    """The first so many cells of each row by its name."""
    return {row[0]: row[1 : number + 1] for row in page.table(caption).rows}


def test_the_page_shows_every_figure_of_both_periods() -> None:
    report = period()

    shown = page_of(report).table("Figures of both periods").rows

    expected = [*period_text.figures(report.figures, report.before)]
    assert [[row[0].lower(), *row[1:]] for row in shown] == [
        [name.strip().lower(), now, before] for name, now, before in expected
    ]


def test_the_page_shows_each_share_and_each_group_with_its_numbers() -> None:
    page = page_of(period("day"))

    for caption, shares in (
        ("By outcome", period().outcomes),
        ("By reason", period().reasons),
        ("By vendor", period().vendors),
    ):
        assert cells(page, caption, 2) == {
            one.what or "(not known)": [str(one.returns), str(one.before)] for one in shares
        }
    groups = cells(page, "Returns by day", 5)
    assert groups == {
        one.what: [str(one.returns), "–", str(one.in_jetti), str(one.to_do),
                   str(one.needs_a_person)]
        for one in period("day").groups
    }  # fmt: skip


def test_the_page_shows_problems_with_what_to_do_and_what_was_done() -> None:
    report = period()
    page = page_of(report)

    problems = page.table("Returns of the period that need a look").rows
    assert [row[0].split()[0] for row in problems] == ["#1017", "#1018"]
    assert [row[1] for row in problems] == ["waiting", "in review"]
    assert "reconciler show 8818" in problems[1][4]
    assert page.table("Writes without effect").rows == [
        ["create", "lost", "0", "0", "1"],
        ["create", "refused", "2", "2", "0"],
        ["update", "unanswered", "1", "1", "0"],
    ]
    assert page.table("Runs that are kept").rows == [
        ["scheduled", "0", "61", "50"],
        ["scheduled", "5", "2", "0"],
        ["sweep", "not ended", "1", "0"],
    ]
    assert page.table("Decisions").rows[0] == [
        "2026-03-03 08:00:00Z", "ignore", "8819", "anna", report.decisions[0].reason,
    ]  # fmt: skip
    assert page.commands == ["reconciler list --state review --state waiting"]


def test_title_text_and_heading_give_the_same_verdict() -> None:
    for report in (empty(), period()):
        verdict = period_text.verdict(report)
        page = page_of(report)

        assert page.title.startswith(f"{verdict} – Returns, ")
        assert page.headings[0][1] == verdict
        assert period_text.render(report, 200).split("\n")[0] == f"{verdict}."
    assert verdict == (
        "19 returns: 16 in Jetti, half of those that were pushed within 7.1m; 2 need a look"
    )


def test_the_page_says_all_that_is_missing() -> None:
    text = rendered(period(), "html")

    for remark in period().period.remarks:
        assert escape(remark, quote=False).split("`")[0] in text


def test_the_longest_bar_is_whole() -> None:
    widths = [given["width"] for tag, given in page_of(period("day")).tags if tag == "rect"]

    assert widths[:3] == ["100.0%", "57.1%", "57.1%"]


# ---------------------------------------------------------------------------------------- width


@pytest.mark.parametrize("width", [40, 61, 62, 79, 80, 120])
@pytest.mark.parametrize("report", [period("day"), period("reason"), period("reason", "返品" * 40)])
def test_no_line_is_wider_than_the_terminal(report: PeriodReport, width: int) -> None:
    for line in rendered(report, "text", width).split("\n"):
        assert wcswidth(line) <= width, line


def test_what_a_narrow_terminal_has_no_room_for_is_named() -> None:
    narrow = " ".join(rendered(period("day"), "text", 50).split())

    assert "no room for: to do, decide, median, 95 %; the other formats have all" in narrow
    assert "no room for" not in rendered(period("day"), "text", 80)
