"""What every parser and writer owes to any bytes at all: a value, or the one error it names.

Each target takes bytes and returns, or raises AssertionError or what a program must not raise.
Hypothesis calls them in the tests, Atheris in `tests/hostile/fuzz_with_atheris.py`.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import click
from msgspec import Raw

from reconciler import config
from reconciler.cli import accepted_plan
from reconciler.cli.params import Moment, Span
from reconciler.core import duration
from reconciler.core.model import Malformed, Return, Window
from reconciler.core.records import By
from reconciler.core.report import Failure
from reconciler.core.text import safe
from reconciler.errors import ConfigError
from reconciler.http.response import (
    Response,
    parse_http_date,
    problem_title,
    replace_lone_surrogates,
)
from reconciler.http.retry import parse_retry_after
from reconciler.jetti import schema
from reconciler.loop.envelopes import read_array, read_details, read_page
from reconciler.loop.query import ListQuery, around, cursor_columns, next_cursor
from reconciler.loop.rows import parse_row
from reconciler.loop.values import Unreadable, read_shop, read_time
from reconciler.operations import crontab
from reconciler.reports import as_json, as_markdown, return_text, run_text, status_text
from tests.hostile import filled
from tests.hostile.hostile_content import assert_harmless

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOME = "https://api.loopreturns.com/api/2026-07"
_READ = (ValueError, RecursionError)
"""What a read takes as "not what was asked for"."""
_WORD = "harmless-word"
_UNLIMITED = 1_000_000  # columns
_LONGER_THAN_SHOWN = 320
"""Of characters; most text is cut to 300 at most."""
_QUERY = ListQuery(Window(NOON - timedelta(days=1), NOON), By.UPDATED, "open", 750)

Target = Callable[[bytes], None]
TARGETS: dict[str, Target] = {}


def _target(function: Target) -> Target:
    TARGETS[function.__name__] = function
    return function


def _answer(data: bytes) -> Response:
    return Response(200, {}, replace_lone_surrogates(data), None)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


@_target
def loop_page(data: bytes) -> None:
    """A page is a page, or no page; each of its rows a return, or malformed."""
    rows: list[Raw] = []
    with suppress(*_READ):
        rows = read_page(_answer(data)).returns
    with suppress(*_READ):
        rows = rows or read_array(_answer(data))
    for row in (*rows, Raw(data)):
        _check_row(parse_row(row))


def _check_row(row: Return | Malformed) -> None:
    if isinstance(row, Malformed):
        assert 1 <= len(row.key) <= 64, "known by its id or by a hash"
        return
    ids = [row.id, *(line.id for line in row.lines), *(line.order_line_id for line in row.lines)]
    assert all(one.isascii() and one.isdigit() and len(one) <= 20 for one in ids)
    assert row.created_at.utcoffset() == row.updated_at.utcoffset() == timedelta(0)
    # A name may be missing where the order's id is there.
    assert len(row.order_name.strip()) <= 255
    assert row.order_name.strip() or row.order_id
    assert "\0" not in row.order_name
    around([row.created_at, row.updated_at], By.UPDATED, "open", 750).page()


@_target
def loop_details(data: bytes) -> None:
    """Ids, states and times, or what is wrong with one of them, or nothing."""
    with suppress(*_READ):
        for found in read_details(_answer(data)):
            if isinstance(found, Malformed):
                assert_harmless(found.problem)
                assert found.key == found.return_id
            else:
                around([found.created_at], By.CREATED, "open", 750).page()


@_target
def next_page(data: bytes) -> None:
    """Of a link only the cursor is taken, and it comes back as it was in a query that can leave."""
    link = _text(data)
    try:
        cursor = next_cursor(link, HOME)
    except ValueError:
        return
    if cursor is None:
        assert not link
        return
    asked = _QUERY.page(cursor)
    assert asked.isascii()
    assert asked.isprintable()
    assert len(asked) < 65_536
    assert parse_qs(asked)["cursor"] == [cursor]
    moments = [moment for moment in cursor_columns(cursor).values() if moment]
    if moments:
        around(moments, By.UPDATED, "open", 750).page()


@_target
def jetti_rows(data: bytes) -> None:
    """Rows of every kind, with numbers that a ledger holds, or no rows."""
    readers: list[tuple[Any, Callable[[Any], Any]]] = [
        (schema.WireSale, schema.sale),
        (schema.WireSaleItem, schema.sale_item),
        (schema.WireSaleReturn, schema.live_sale_return),
        (schema.WireSaleReturnItem, schema.live_item),
        (schema.WireReason, lambda reason: reason),
    ]
    for kind, read in readers:
        with suppress(*_READ):
            for row in schema.rows(kind, _answer(data)):
                assert 0 < read(row).id < 2**63
        with suppress(*_READ):
            assert 0 < read(schema.one(kind, _answer(data))).id < 2**63


@_target
def problem(data: bytes) -> None:
    """The reason of a refusal is a code or a known sentence, or nothing."""
    title = problem_title(data)
    assert title is None or (len(assert_harmless(title, lines=False)) <= 200 and title.isascii())


@_target
def retry_after(data: bytes) -> None:
    """Seconds, or nothing."""
    seconds = parse_retry_after(_text(data), NOON)
    assert seconds is None or 0 < seconds < 10**13


@_target
def http_date(data: bytes) -> None:
    """An aware time in UTC, or nothing."""
    moment = parse_http_date(_text(data))
    assert moment is None or moment.utcoffset() == timedelta(0)


@_target
def loop_time(data: bytes) -> None:
    """An aware time in UTC as `datetime` reads it, or unreadable."""
    text = _text(data)
    try:
        moment = read_time(text)
    except Unreadable:
        return
    assert moment.utcoffset() == timedelta(0)
    if ":60" not in text and "." not in text:
        known = datetime.fromisoformat(
            text.replace(" +", "+").replace(" -", "-").replace(" Z", "Z")
        )
        assert moment == (known if known.tzinfo else known.replace(tzinfo=UTC))


@_target
def shop(data: bytes) -> None:
    """The label of a host, or nothing."""
    found = read_shop(_text(data))
    assert found is None or (found.isascii() and len(found) <= 253 and "/" not in found)


@_target
def command_line(data: bytes) -> None:
    """A time or a span, or a complaint of click's that can be shown."""
    text = _text(data)
    for kind in (Moment(), Moment(end_of_day=True), Moment(past=True), Span(above_zero=True)):
        try:
            read = kind.convert(text, None, None)
        except click.BadParameter as error:
            safe(error.format_message())
            continue
        assert isinstance(read, timedelta) or read.utcoffset() == timedelta(0)
    with suppress(ValueError):
        span = duration.parse(text)
        assert abs(duration.parse(duration.format(span)) - span) < timedelta(milliseconds=1)


@_target
def schedule(data: bytes) -> None:
    """A schedule, or a ValueError that says why not."""
    with suppress(ValueError):
        crontab.trigger(_text(data)).get_next_fire_time(None, NOON)


@_target
def settings_file(data: bytes) -> None:
    """Settings, or a ConfigError that can be shown."""
    with tempfile.NamedTemporaryFile(dir=_memory(), suffix=".toml") as file:
        file.write(data)
        file.flush()
        try:
            config.load(file.name, {"RECONCILER_LEDGER": "sqlite:////ledger.db"})
        except ConfigError as error:
            safe(str(error)), safe(error.hint or "")


@_target
def setting(data: bytes) -> None:
    """One setting from the environment: taken, or a ConfigError that can be shown."""
    name, _, value = _text(data).partition("=")
    environ = {"RECONCILER_LEDGER": "sqlite:////ledger.db", f"RECONCILER_{name}": value}
    with suppress(ConfigError):
        config.load("/dev/null" if Path("/dev/null").is_file() else None, environ)


@_target
def plan_file(data: bytes) -> None:
    """A reviewed plan, or a ConfigError."""
    with tempfile.NamedTemporaryFile(dir=_memory(), suffix=".json") as file:
        file.write(data)
        file.flush()
        with suppress(ConfigError):
            accepted_plan.read(file.name)


@_target
def shown_text(data: bytes) -> None:
    """One printable line, whatever it was."""
    shown = safe(_text(data))
    assert shown.isprintable()
    assert len(shown) <= 3100
    shown.encode()


@_target
def shown_json(data: bytes) -> None:
    """JSON that says the same and steers nothing."""
    text = data.decode("utf-8", "replace")
    encoded = as_json.encode(Failure(text, text))
    assert json.loads(assert_harmless(encoded)) == {"message": text, "hint": text, "command": None}
    assert_harmless(as_json.encode(Failure(_text(data))))


@_target
def run_report(data: bytes) -> None:
    """The report of a pass with that text wherever it has any."""
    _check_report(_on_long_lines, filled.reports, data)


@_target
def markdown_report(data: bytes) -> None:
    """The same as Markdown, but for the character that keeps references from being found."""
    _check_report(_markdown, filled.reports, data)


@_target
def status_report(data: bytes) -> None:
    """The answer of `status` with it."""
    _check_report(status_text.render, filled.healths, data, _paragraphs)


@_target
def story_report(data: bytes) -> None:
    """The answer of `show` with it."""
    _check_report(return_text.render, filled.stories, data, _paragraphs)


def _on_long_lines(made: Any) -> str:
    """Where a line ends depends on the text; how many there are must not."""
    return run_text.render(made, _UNLIMITED)


def _markdown(made: Any) -> str:
    return as_markdown.render(made).replace("\u200b", "")


def _breaks(text: str) -> int:
    return text.count("\n")


def _paragraphs(text: str) -> int:
    """Lines that are not the rest of a longer one."""
    return sum(not line.startswith(" ") for line in text.split("\n"))


def _check_report(
    render: Callable[[Any], str],
    made: Callable[[str], Iterable[Any]],
    data: bytes,
    counted: Callable[[str], int] = _breaks,
) -> None:
    """As text it has the lines of a report with a harmless word instead, as JSON its shape."""
    text = _text(data)[:_LONGER_THAN_SHOWN] or "-"
    for report, (breaks, calm) in zip(made(text), _calm(render, made, counted), strict=True):
        shown = assert_harmless(render(report))
        assert all(line.isprintable() for line in shown.split("\n"))
        assert counted(shown) == breaks, "the text made a line"
        told = json.loads(assert_harmless(as_json.encode(report)))
        assert told == json.loads(calm.replace(_WORD, json.dumps(text)[1:-1]))


@functools.cache
def _calm(
    render: Callable[[Any], str],
    made: Callable[[str], Iterable[Any]],
    counted: Callable[[str], int],
) -> list[tuple[int, str]]:
    return [(counted(render(calm)), as_json.encode(calm)) for calm in made(_WORD)]


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
