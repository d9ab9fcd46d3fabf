"""With `--log-format json` all of stderr is JSON: one object per line, one name per fact."""

from __future__ import annotations

import ast
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.log_events import Event
from tests.cli.program import KEYS, bare, reconciler

ROOT = Path(__file__).parents[2]
JSON = ("--log-format", "json")


def told(stderr: str) -> list[dict[str, Any]]:
    """Each line of stderr; fails where one is no JSON object."""
    found = [json.loads(line) for line in stderr.splitlines()]
    assert all(isinstance(one, dict) for one in found)
    return found


def failures() -> Iterator[tuple[list[str], int]]:
    """Command lines that fail, each with its exit code."""
    yield ["run", "--bogus"], 2
    yield ["bogus"], 2
    yield ["run", "--to", "2026-01-01"], 2
    yield ["run", "--from", "yesterday"], 2
    yield ["run", "--wait"], 2
    yield ["status"], 7
    yield ["run"], 7
    yield ["show", "1"], 7
    yield ["run", "--config", "nowhere.toml"], 2
    yield ["run", "--dry-run", "--output", "/nowhere/report"], 2


@pytest.mark.parametrize(("arguments", "code"), list(failures()), ids=str)
@pytest.mark.parametrize("is_before", [True, False])
def test_what_ends_the_program_is_json(
    tmp_path: Path, arguments: list[str], code: int, is_before: bool
) -> None:
    typed = [*JSON, *arguments] if is_before else [*arguments, *JSON]
    if arguments == ["run", "--wait"] and not is_before:
        pytest.skip("then it would be the value of --wait")

    done = reconciler(*typed, cwd=tmp_path, **KEYS)

    [line] = told(done.stderr)
    assert done.returncode == code
    assert (line["level"], line["event"]) == ("error", "error")
    assert datetime.fromisoformat(line["time"]).tzinfo is not None
    plain = reconciler(*arguments, cwd=tmp_path, **KEYS)
    assert f"Error: {line['message']}" in plain.stderr
    assert plain.stderr.count("Hint: ") == ("hint" in line)
    assert line.get("hint", "") in plain.stderr


def test_a_signal_is_told_in_json(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "reconciler", "sandbox", "--returns", "1", *JSON]
    with subprocess.Popen(
        command, env=bare(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as served:
        assert served.stdout is not None
        served.stdout.readline()
        served.send_signal(signal.SIGTERM)
        stderr = served.communicate(timeout=30)[1]

    assert [line["event"] for line in told(stderr)] == ["stopped-by-signal"]
    assert served.returncode == 128 + signal.SIGTERM


# ----------------------------------------------------------------------------------- the names


LOGGING = {"debug", "info", "warning", "error", "exception", "log"}
SOURCES = [
    path
    for path in sorted((ROOT / "reconciler").rglob("*.py"))
    if not path.is_relative_to(ROOT / "reconciler" / "sandbox")
]


def calls(path: Path) -> Iterator[ast.Call]:
    """Every call that logs something."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            is_log = isinstance(owner, ast.Name) and owner.id in {"log", "_log"}
            if is_log and node.func.attr in LOGGING:
                yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_line_of_the_log_has_an_event(path: Path) -> None:
    for call in calls(path):
        given = [ast.unparse(one.value) for one in call.keywords if one.arg == "extra"]
        assert len(given) == 1, f"{path.name}:{call.lineno}"
        assert re.fullmatch(r"Event\.[A-Z_]+\.fields", given[0])


def test_one_name_per_fact() -> None:
    """No event is logged with two messages, and none is never logged."""
    messages: dict[str, set[str]] = {}
    for path in SOURCES:
        for call in calls(path):
            [event] = (ast.unparse(one.value) for one in call.keywords if one.arg == "extra")
            skipped = 1 if isinstance(call.func, ast.Attribute) and call.func.attr == "log" else 0
            text = ast.unparse(call.args[skipped])
            messages.setdefault(event.split(".")[1], set()).add(text)
    assert {name for name, texts in messages.items() if len(texts) > 1} == set()
    printed = {"ERROR", "STOPPED_BY_SIGNAL", "PROGRESS"}
    assert set(messages) | printed == set(Event.__members__)


def test_the_page_lists_every_event() -> None:
    page = (ROOT / "docs" / "log.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| [a-z ]+ \|", page, re.MULTILINE)

    assert rows == [event.value for event in Event]
