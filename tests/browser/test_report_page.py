"""The page of a report in a browser: every width and scheme, printed, without script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.period.report import PeriodReport
from reconciler.core.report import Report
from reconciler.core.verification.report import Verification
from reconciler.reports.forms import rendered
from tests.reports.html_samples import attacked, carried_out, differing, planned
from tests.reports.period_samples import period, troubled
from tests.reports.samples import HOSTILE
from tests.support.leaks import searched_directory
from tests.support.world import a_world

WIDTHS = (360, 768, 1280)
SCHEMES = ("light", "dark")
ROWS = "table[data-tools] tbody tr"


@dataclass
class Opened:
    """A page, and what it said and asked for."""

    page: Any
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def first_cells(self) -> list[str]:
        """The orders of the rows that are shown, as they stand."""
        script = "rows => rows.filter(r => !r.hidden).map(r => r.cells[0].firstChild.textContent)"
        cells: list[str] = self.page.eval_on_selector_all(ROWS, script)
        return cells


Open = Callable[..., Opened]


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a report in a window of its own."""
    contexts = []

    def open_page(
        report: Report | Verification | PeriodReport | str,
        width: int = 1280,
        scheme: str = "light",
        **more: Any,
    ) -> Opened:
        file = tmp_path / "report.html"
        text = report if isinstance(report, str) else rendered(report, "html")
        file.write_text(text, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, **more
        )
        contexts.append(context)
        shown = Opened(context.new_page())
        shown.page.on("console", lambda message: shown.messages.append(message.text))
        shown.page.on("pageerror", lambda error: shown.messages.append(str(error)))
        shown.page.on("dialog", lambda dialog: shown.messages.append(dialog.message))
        shown.page.on("request", lambda request: shown.requests.append(request.url))
        shown.page.goto(file.as_uri())
        return shown

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def of_the_sandbox() -> str:
    """What the program writes about a dry run over the sandbox."""
    with (
        searched_directory("ledger-") as directory,
        a_world(directory, seed=10, returns=120) as world,
    ):
        ran = world.call(
            "run", "--dry-run", "--against-jetti", "--since", "30d", "--format", "html"
        )
    assert ran.stdout.startswith("<!doctype html>"), ran.stderr
    return ran.stdout


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_every_width_in_both_schemes_and_asks_for_nothing(
    opened: Open, of_the_sandbox: str, width: int, scheme: str
) -> None:
    shown = opened(of_the_sandbox, width, scheme)

    page = shown.page
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("h1").is_visible()
    assert (background(page) > 128) == (scheme == "light")
    assert (shown.messages, len(shown.requests)) == ([], 1)


def attacked_period() -> PeriodReport:
    return troubled(HOSTILE)


@pytest.mark.parametrize(
    "make",
    [carried_out, attacked, differing, period, attacked_period],
    ids=lambda make: make.__name__,
)
def test_whatever_a_report_holds_fits_a_phone(
    opened: Open, make: Callable[[], Report | Verification | PeriodReport]
) -> None:
    shown = opened(make(), 360)

    assert shown.page.evaluate("document.documentElement.scrollWidth") == 360
    assert (shown.messages, len(shown.requests)) == ([], 1)


def test_hostile_text_makes_no_element(opened: Open) -> None:
    shown = opened(attacked())

    names = shown.page.evaluate("[...new Set([...document.all].map(e => e.localName))].sort()")
    assert not {"img", "a", "iframe", "form", "object"} & set(names)
    assert shown.page.locator("script").count() == 1
    assert "<script>alert(1)</script>" in shown.page.locator(ROWS).first.inner_text()


def test_a_script_of_someone_else_is_refused(opened: Open) -> None:
    shown = opened(planned(3))

    shown.page.evaluate(
        "const added = document.createElement('script');"
        "added.textContent = 'window.intruder = 1'; document.body.append(added)"
    )

    assert shown.page.evaluate("window.intruder") is None
    assert "Content Security Policy" in "".join(shown.messages)


def test_without_script_all_rows_are_there_and_nothing_that_does_not_work(opened: Open) -> None:
    with_script = opened(planned(40))
    without = opened(planned(40), java_script_enabled=False)

    assert without.page.locator(f"{ROWS}:visible").count() == 40
    assert without.page.locator("input, button").count() == 0
    assert with_script.page.locator("input, button").count() == 6
    assert (without.messages, len(without.requests)) == ([], 1)


def test_a_heading_sorts_up_and_down(opened: Open) -> None:
    report = planned(40)
    shown = opened(report)
    head = shown.page.locator(".changes").get_by_role("columnheader", name="Vendor")
    vendor = {change.order_name: change.vendors[0] for change in report.changes}
    as_it_came = shown.first_cells()

    head.get_by_role("button").click()
    up = shown.first_cells()
    assert head.get_attribute("aria-sort") == "ascending"
    assert up != as_it_came
    assert [vendor[one] for one in up] == sorted(vendor.values())

    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert [vendor[one] for one in shown.first_cells()] == sorted(vendor.values(), reverse=True)


def test_the_keyboard_alone_sorts_and_filters(opened: Open) -> None:
    shown = opened(planned(40))
    page = shown.page

    page.get_by_role("searchbox").focus()
    page.keyboard.type("#9987")
    assert shown.first_cells() == ["#9987"]
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Order"
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")

    assert shown.first_cells() == [f"#{number}" for number in range(10_019, 9_979, -1)]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_filter_keeps_the_rows_with_every_word_and_says_how_many(opened: Open) -> None:
    report = planned(40)
    shown = opened(report)
    wanted = {
        change.order_name
        for change in report.changes
        if change.change == "update" and change.vendors == ("Fjord & Loom",)
    }

    shown.page.get_by_label("Show only rows with").fill("fjord Update")

    assert wanted
    assert set(shown.first_cells()) == wanted
    assert shown.page.locator("output").inner_text() == f"{len(wanted)} of 40 shown"
    shown.page.get_by_label("Show only rows with").fill("")
    assert len(shown.first_cells()) == 40
    assert shown.page.locator("output").inner_text() == ""


def test_what_is_sorted_stays_filtered(opened: Open) -> None:
    shown = opened(planned(40))

    shown.page.get_by_label("Show only rows with").fill("fjord")
    before = shown.first_cells()
    shown.page.get_by_role("columnheader", name="Order").get_by_role("button").click()

    assert sorted(shown.first_cells()) == sorted(before)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_prints_on_white_paper(opened: Open, scheme: str) -> None:
    shown = opened(planned(40), scheme=scheme)

    paper = shown.page.pdf()
    shown.page.emulate_media(media="print")

    assert paper.startswith(b"%PDF")
    assert (background(shown.page) > 250, ink(shown.page) < 50) == (True, True)
    assert shown.page.locator(".tools").is_hidden()
    assert shown.page.locator(f"{ROWS}:visible").count() == 40


# Between them they have every part that a page can have.
MADE = {
    "planned": lambda: planned(12),
    "repaired": lambda: differing(carried_out()),
    "period": lambda: period("day"),
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("made", MADE)
def test_axe_finds_nothing(opened: Open, axe: str, made: str, scheme: str) -> None:
    shown = opened(MADE[made](), scheme=scheme)

    shown.page.evaluate(axe)
    found = shown.page.evaluate("axe.run()")

    assert [(one["id"], [n["html"] for n in one["nodes"]]) for one in found["violations"]] == []
    assert len(found["passes"]) > 20


def background(page: Any) -> float:
    """How bright the page is, from 0 to 255; what has no colour is white paper."""
    *parts, alpha = channels(page, "backgroundColor")
    return 255 if alpha == 0 else sum(parts) / 3


def ink(page: Any) -> float:
    """How bright its text is."""
    *parts, _ = channels(page, "color")
    return sum(parts) / 3


def channels(page: Any, name: str) -> list[float]:
    """Red, green, blue from 0 to 255, and how opaque it is."""
    colour: str = page.evaluate(f"getComputedStyle(document.body).{name}")
    parts = [float(part) for part in colour.strip("rgba()").split(",")]
    return parts if len(parts) == 4 else [*parts, 1.0]
