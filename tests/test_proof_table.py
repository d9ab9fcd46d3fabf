"""The tables of tests/README.md: every fault, promise and exit code has a test that exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from reconciler.cli.exit_codes import MEANINGS

TESTS = Path(__file__).parent

FAULTS = [
    f"F{number}"
    for number in chain(
        range(1, 15),  # death and time
        range(20, 47),  # Loop answers badly
        range(50, 74),  # Jetti answers badly
        range(80, 97),  # our own machine
        range(100, 109),  # hostile content
    )
]
PROMISES = [f"P{number}" for number in range(1, 20)]
REAL_SHOPS = [f"R{number}" for number in range(1, 21)]
CODES = [str(code) for code in MEANINGS]
KNOWN = [*FAULTS, *PROMISES, *REAL_SHOPS, *CODES]

_ROW = re.compile(r"^\| *(?P<id>[FPR]?\d+) *\|(?P<rest>.*)\|$", re.MULTILINE)
_NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


@cache
def table() -> dict[str, str]:
    """Row by its id."""
    rows = _ROW.findall((TESTS / "README.md").read_text(encoding="utf-8"))
    assert len(rows) == len(dict(rows)), "an id stands twice"
    return dict(rows)


@cache
def names_in(file: str) -> frozenset[str]:
    """Names of the tests in a file, without running it; none where there is no such file."""
    path = TESTS / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


@pytest.mark.parametrize("known", KNOWN)
def test_every_fault_promise_and_exit_code_has_a_test(known: str) -> None:
    assert known in table(), f"tests/README.md has no row for {known}"
    named = _NAMED.findall(table()[known])
    assert named, f"tests/README.md names no test for {known}"
    assert len(named) == len({*named}), f"tests/README.md names a test twice for {known}"


def test_no_row_stands_for_something_unknown() -> None:
    assert set(table()) - set(KNOWN) == set()


def test_every_test_that_is_named_exists() -> None:
    named = set(_NAMED.findall((TESTS / "README.md").read_text(encoding="utf-8")))

    assert [f"{file}::{name}" for file, name in sorted(named) if name not in names_in(file)] == []


def test_no_name_of_a_test_is_misspelt_beyond_recognition() -> None:
    """What looks like a test but is not written as one would be looked at by nobody."""
    text = (TESTS / "README.md").read_text(encoding="utf-8")

    assert text.count("::test_") == len(_NAMED.findall(text))


def test_every_exit_code_stands_in_a_test_that_starts_a_process() -> None:
    for code in CODES:
        files = [file for file, _ in _NAMED.findall(table()[code])]
        starts = [
            file for file in files if re.search(r"process_world|subprocess|program", source(file))
        ]
        assert starts, f"exit code {code} is shown by no process"


@cache
def source(file: str) -> str:
    return (TESTS / file).read_text(encoding="utf-8")
