"""The published schema of the JSON report: current, kept by every report, and not empty talk."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from docs import report_schema as published
from reconciler.core.report import Report
from reconciler.core.verification.report import Verification
from reconciler.reports import as_json
from tests.reports.samples import busy, differing, dry, hostile, quiet, repaired, stopped
from tests.support.report_schema import check, faults


def test_the_published_schema_is_current() -> None:
    assert published.written() == published.PAGE.read_text(encoding="utf-8"), "`make docs`"


@pytest.mark.parametrize("made", [quiet, busy, dry, stopped, hostile, differing, repaired])
def test_every_report_keeps_to_it(made: Callable[[], Report | Verification]) -> None:
    report = made()
    root = "Report" if isinstance(report, Report) else "Verification"

    assert faults(json.loads(as_json.encode(report)), root) == []


def test_it_asks_for_every_key_and_knows_every_key() -> None:
    report = json.loads(as_json.encode(busy()))
    for path in _objects(report):
        for key in [*_at(report, path)]:
            lacking, more = json.loads(json.dumps([report, report]))
            _at(lacking, path).pop(key)
            _at(more, path)[f"{key}_"] = None

            assert faults(lacking, "Report"), (path, key)
            assert faults(more, "Report"), (path, key)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("run", "exit_code"), "0"),
        (("run", "started_at"), 5),
        (("run", "kind"), "nightly"),
        (("changes", 0, "change"), "delete"),
        (("changes", 0, "fields", 0, "after"), 1.5),
        (("changes", 0, "lines", 0, "quantity"), None),
        (("changes", 0, "vendors"), None),
        (("next",), "reconciler run"),
        (("sums",), None),
    ],
)
def test_what_is_of_another_kind_breaks_it(path: tuple[Any, ...], value: object) -> None:
    report = json.loads(as_json.encode(busy()))
    _at(report, path[:-1])[path[-1]] = value

    assert len(faults(report, "Report")) == 1


def test_a_report_that_a_command_line_prints_is_checked() -> None:
    right = as_json.encode(dry())
    wrong = right.replace('"sums"', '"sum"')

    check(["-q", "run", "--format", "json"], right)
    check(["--log-format", "json", "run"], wrong)
    check(["status", "--format", "json"], wrong)
    with pytest.raises(AssertionError):
        check(["-q", "run", "--format", "json"], wrong)
    with pytest.raises(AssertionError):
        check(["verify", "--format", "json"], right)


def _objects(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all objects; of a list only the first element."""
    if isinstance(value, list):
        return _objects(value[0], (*path, 0)) if value else []
    if not isinstance(value, dict):
        return []
    return [path, *(p for key, inner in value.items() for p in _objects(inner, (*path, key)))]


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value
