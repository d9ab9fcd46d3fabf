"""The tables of tests/README.md: every fault, promise and exit code has a test that exists."""

from __future__ import annotations

import re
from functools import cache
from itertools import chain

import pytest

from reconciler.cli.exit_codes import MEANINGS
from tests.support.proof_table import PAGE, TESTS, filled, ids_by_test, row_ids

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
REAL_SHOPS = [f"R{number}" for number in range(1, 23)]
CODES = [str(code) for code in MEANINGS]
KNOWN = [*FAULTS, *PROMISES, *REAL_SHOPS, *CODES]


def test_every_fault_promise_and_exit_code_has_a_row_and_no_other_has() -> None:
    assert sorted(row_ids(PAGE.read_text(encoding="utf-8"))) == sorted(KNOWN)


@pytest.mark.parametrize("known", KNOWN)
def test_every_row_has_a_test(known: str) -> None:
    assert known in {one for ids in ids_by_test().values() for one in ids}


def test_a_marker_names_rows_that_exist_and_each_once() -> None:
    for test, ids in ids_by_test().items():
        assert set(ids) <= set(KNOWN), test
        assert len(ids) == len({*ids}), test


def test_the_tables_name_the_tests_that_say_so() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert filled(text) == text, "`make docs` writes the names"


def test_every_exit_code_stands_in_a_test_that_starts_a_process() -> None:
    for code in CODES:
        files = [file for (file, _), ids in ids_by_test().items() if code in ids]
        starts = [
            file for file in files if re.search(r"process_world|subprocess|program", source(file))
        ]
        assert starts, f"exit code {code} is shown by no process"


@cache
def source(file: str) -> str:
    return (TESTS / file).read_text(encoding="utf-8")
