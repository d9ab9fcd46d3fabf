"""One report value in all its forms: each is read back, and none tells less than another."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from collections.abc import Callable, Iterator
from datetime import datetime
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec import Struct, structs

from reconciler.core.field_changes import FieldChanges
from reconciler.core.period.report import PeriodReport
from reconciler.core.report import Changes, Report
from reconciler.core.returned_goods import ReportedLines
from reconciler.core.text import safe
from reconciler.core.verification.report import Verification
from reconciler.reports import (
    as_csv,
    as_json,
    as_markdown,
    period_text,
    run_text,
    verification_text,
)
from reconciler.reports.tables import columns_of
from tests.reports.period_samples import empty, period, troubled
from tests.reports.samples import (
    TRICKY,
    busy,
    differing,
    dry,
    hostile,
    quiet,
    repaired,
    stopped,
    tricky,
    unread,
)

Made = Report | Verification | PeriodReport
ALL: list[Callable[[], Made]] = [
    quiet, busy, dry, stopped, unread, hostile, tricky, differing, repaired,
    lambda: differing(TRICKY[20]), empty, period, lambda: period("day"),
    *(partial(troubled, text) for text in TRICKY[:8] + TRICKY[16:26] + TRICKY[36:42]),
]  # fmt: skip
TEXT: dict[type, Callable[[Any], str]] = {
    Report: run_text.render,
    Verification: verification_text.render,
    PeriodReport: period_text.render,
}
each = pytest.mark.parametrize("make", ALL)

Row = dict[str, str]
Told = dict[str, list[Row]]
"""Rows by where they stand in JSON; of a row only what says something."""


# -------------------------------------------------------------------------- what is to be told


def value_of(told: Any) -> Any:
    """The value as JSON would have it, by its parts and not by an encoder."""
    match told:
        case Struct():
            names = zip(told.__struct_fields__, told.__struct_encode_fields__, strict=True)
            return {encoded: value_of(getattr(told, name)) for name, encoded in names}
        case tuple() | Changes() | FieldChanges() | ReportedLines():
            return [value_of(one) for one in told]
        case datetime():
            return told.strftime("%Y-%m-%dT%H:%M:%SZ")
        case Enum():
            return told.value
    return told


def expected(report: Made) -> Told:
    """The facts as text, in rows."""
    told: Told = {}

    def add(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                add(f"{path}.{name}".lstrip("."), inner)
        elif isinstance(value, list) and path.rpartition(".")[2] != "next":
            for one in value:
                row = one if isinstance(one, dict) else {"value": one}
                told.setdefault(path, []).append(
                    {name: text for name, inner in row.items() if (text := text_of(name, inner))}
                )
        else:
            of, _, name = path.rpartition(".")
            text = text_of(name, value)
            row = {"name": name, "value": text} if text else {"name": name}
            told.setdefault(of or "report", []).append(row)

    add("", value_of(report))
    return told


def text_of(name: str, value: Any) -> str:
    match value:
        case None:
            return "(not known)" if name == "what" else ""
        case bool():
            return str(value).lower()
        case list() if name == "next":
            return safe(shlex.join(value), 1000)
        case list():
            return "\n".join(part_of(name, one) for one in value)
    return one_line(str(value))


def part_of(name: str, one: Any) -> str:
    def said(key: str) -> str:
        return "-" if one[key] is None else one_line(str(one[key]))

    match name:
        case "sale_returns":
            return f"{said('reference')} ({one['id']})"
        case "fields" if "pushed" in one:
            return f"{said('field')}: pushed {said('pushed')}, in Jetti {said('live')}"
        case "fields":
            return f"{said('field')}: {said('before')} → {said('after')}"
        case "lines":
            sku = f" [{said('sku')}]" if one["sku"] is not None else ""
            why = f": {said('reason')}" if one["reason"] is not None else ""
            return f"{one['quantity']} × {said('product')}{sku}{why}"
    return one_line(one)


def one_line(text: str) -> str:
    return safe(text, len(text))


# ------------------------------------------------------------------------------ how it is read


def read_csv(text: str) -> Told:
    told: Told = {}
    for row in csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))):
        path = row.pop("table")
        # The apostrophes that keep a cell from being a formula, a number or a date.
        cells = {name: re.sub(r"(^|[;,\n])'", r"\1", cell) for name, cell in row.items() if cell}
        told.setdefault(path, []).append(cells)
    return told


TITLES = {title: name for name, title in as_markdown._TITLES.items()}


def read_markdown(text: str, paths: dict[str, str]) -> Told:
    """`paths` by the last name of each, for what is not of the repair."""
    told: Told = {}
    path, columns = "", []
    for line in text.split("\n"):
        if title := re.fullmatch(r"### (.*?)( of the repair)?(?: \(\d+\))?", line):
            name = TITLES.get(title[1], title[1])
            path, columns = paths.get(f"{name}{title[2] or ''}", name), []
        elif line.startswith("|---"):
            continue
        elif line.startswith("| "):
            cells = [shown(cell) for cell in split_cells(line)]
            if not columns:
                columns = cells
            else:
                row = dict(zip(columns, cells, strict=True))
                told.setdefault(path, []).append({k: v for k, v in row.items() if v})
    return told


def split_cells(line: str) -> list[str]:
    """At each bar without a backslash before it."""
    cells = re.findall(r"((?:\\.|[^\\|])*)\|", line)
    return [cell.strip(" ") for cell in cells[1:]]


def shown(cell: str) -> str:
    """What a reader sees."""
    if code := re.fullmatch(r"`([^`]*)`", cell):
        return code[1]
    parts = (re.sub(r"\\(.)", r"\1", part.replace("\u200b", "")) for part in cell.split("<br>"))
    return "\n".join(parts)


def flat(told: Told) -> Told:
    """Single facts in one list, by their whole path."""
    rows: Told = {}
    for path, found in told.items():
        for row in found:
            if "name" in row and set(row) <= {"name", "value"}:
                of = "" if path == "report" else f"{path}."
                rows.setdefault("Facts", []).append({**row, "name": f"{of}{row['name']}"})
            else:
                rows.setdefault(path, []).append(row)
    return rows


# ------------------------------------------------------------------------------------- the tests


@each
def test_json_tells_the_value(make: Callable[[], Made]) -> None:
    assert json.loads(as_json.encode(make())) == value_of(make())


@each
def test_csv_tells_the_same(make: Callable[[], Made]) -> None:
    assert read_csv(as_csv.render(make())) == expected(make())


@each
def test_markdown_tells_the_same(make: Callable[[], Made]) -> None:
    told = flat(expected(make()))
    paths: dict[str, str] = {}
    for path in told:
        is_repair = path.startswith("repair.")
        paths[path.rpartition(".")[2] + (" of the repair" if is_repair else "")] = path

    # Blanks at the ends of a cell are not shown.
    found = read_markdown(as_markdown.render(make()), paths)
    assert trimmed(found) == trimmed(told)


def trimmed(told: Told) -> Told:
    def of(row: Row) -> Row:
        lines = {k: "\n".join(x.strip() for x in v.split("\n")) for k, v in row.items()}
        return {name: text for name, text in lines.items() if text}

    return {path: [of(row) for row in rows] for path, rows in told.items()}


@each
def test_every_form_ends_with_the_same_command(make: Callable[[], Made]) -> None:
    report = make()
    render = TEXT[type(report)]
    told = json.loads(as_json.encode(report))["next"]
    said = safe(shlex.join(told), 1000)

    last = render(report).split("\n")[-1]
    block = as_markdown.render(report).split("\n")[-2]
    if told:
        assert last == f"next       {said}"
        assert block == said
    else:
        assert not last.startswith("next ")
        assert "Next:" not in as_markdown.render(report)


# ----------------------------------------------------------------------------------------- CSV

SIGNS = "=+-@＝＋－＠"


@pytest.mark.parametrize("sign", [*SIGNS, "\t", "\r", "\n"])
@pytest.mark.parametrize("before", ["", " ", "  ", "\t", "\xa0", "\u3000", '"', "' "])
def test_no_formula_can_begin_a_cell(sign: str, before: str) -> None:
    assert as_csv.guarded(f"{before}{sign}1").startswith("'")


@pytest.mark.parametrize("end", [";", ",", "\t", "\n", '";'])
def test_no_formula_begins_where_another_separator_is_taken_for_the_end_of_a_cell(end: str) -> None:
    assert as_csv.guarded(f"a{end}=1") == f"a{end}'=1"


def test_what_is_no_formula_stays_as_it_is() -> None:
    for text in ("a=1", "#1042", "SR-1 (1); SR-2 (2)", "size 3-4", "a, b"):
        assert as_csv.guarded(text) == text


@given(st.text(st.sampled_from([*SIGNS, *" \t\r\n;,'\"a1#"]), max_size=12))
def test_whatever_is_guarded_begins_no_formula_anywhere(text: str) -> None:
    for cell in re.split("[;,\t\r\n]", as_csv.guarded(text)):
        assert not re.match(rf"[\s\"]*[{re.escape(SIGNS)}]", cell)


def test_ids_stay_text_and_numbers_stay_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv.render(busy()).removeprefix("\ufeff"))))

    changes = [row for row in rows if row["table"] == "changes"]
    assert {row["return_id"][0] + row["order_id"][0] for row in changes} == {"''"}
    assert changes[0]["order_name"] == "#1001"
    [digest] = [row["value"] for row in rows if row["name"] == "digest"]
    [seen] = [row["value"] for row in rows if row["name"] == "seen"]
    assert (digest, seen) == ("'0123456789abcdef", "9")


def test_no_cell_is_longer_than_a_spreadsheet_takes() -> None:
    long = structs.replace(busy(), run=structs.replace(busy().run, message="x" * 40_000))

    cells = [len(c) for row in csv.reader(io.StringIO(as_csv.render(long))) for c in row]
    assert 32_000 <= max(cells) <= 32_767


def test_the_columns_are_documented() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "reports.md").read_text()
    [paragraph] = re.findall(r"<!-- columns.*?-->\n(.*?)<!-- end -->", page, re.S)
    of_run, of_verify = (re.findall(r"`(\w+)`", part) for part in paragraph.split("Of `verify`"))

    columns = columns_of(busy())
    assert ["name", "value", *of_run[1:]] == columns
    assert {*of_verify} == {*columns_of(differing())} - {*columns}


# ------------------------------------------------------------------------------------- Markdown

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = {
    "heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "text", "fence",
    "code_inline", "html_inline", "table_open", "table_close", "thead_open", "thead_close",
    "tbody_open", "tbody_close", "tr_open", "tr_close", "th_open", "th_close", "td_open",
    "td_close", "text_special", "softbreak",
}  # fmt: skip


def tokens(text: str) -> Iterator[Any]:
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


@each
def test_markdown_is_headings_tables_and_text_to_another_parser(make: Callable[[], Made]) -> None:
    for token in tokens(as_markdown.render(make())):
        assert token.type in OURS
        if token.type == "html_inline":
            assert token.content == "<br>"


@pytest.mark.parametrize("text", TRICKY)
def test_another_parser_shows_each_text_as_it_is(text: str) -> None:
    once = one_line(text)
    [inline] = [t for t in tokens(f"Why: {as_markdown.plain(once)}") if t.type == "inline"]

    seen = "".join(token.content for token in inline.children).replace("\u200b", "")
    assert seen == f"Why: {once}".rstrip()


@pytest.mark.parametrize(
    "text",
    ["@someone", "#12", "org/repo#1", "GH-12", "!5", "https://a.example", "www.a.example",
     ":smile:", ":100:", ":+1:", "a@b.example", "evil.example", "~label", "%1", "&1", "$1"],
)  # fmt: skip
def test_what_is_sought_in_shown_text_is_broken_up(text: str) -> None:
    """Mentions, references, links and emoji are found after backslashes are gone."""
    seen = re.sub(r"\\(.)", r"\1", as_markdown.plain(text))

    assert seen != text
    assert seen.replace("\u200b", "") == text


@pytest.mark.parametrize("text", ["12:00:00Z", "1001-01", "0.5", "size: 4", "a - b", "100 %"])
def test_what_refers_to_nothing_stays_as_it_is(text: str) -> None:
    assert as_markdown.plain(text) == text


def test_each_sign_that_markdown_may_read_gets_a_backslash() -> None:
    for sign in "\\`*_{}[]<>#|~&$^=":
        assert as_markdown.plain(f"a {sign} b") == f"a \\{sign} b"
