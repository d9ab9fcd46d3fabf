"""Every survivor that has a reason is still a line of the program."""

from __future__ import annotations

from collections import Counter

import pytest

from proof.bench import ROOT
from proof.mutants import PARTS, groups

ALL = [name for group in groups() for name in group.survivors]


def text_of(function: str) -> str:
    """The file that contains a mutant's function."""
    parts = function.split(".")
    places = (ROOT.joinpath(*parts[:length]).with_suffix(".py") for length in (3, 4))
    return next(place.read_text(encoding="utf-8") for place in places if place.is_file())


@pytest.mark.parametrize("function", sorted({name.partition(": ")[0] for name in ALL}))
def test_a_survivor_s_function_still_has_that_name(function: str) -> None:
    assert f"def {function.rpartition('.')[2]}(" in text_of(function)


@pytest.mark.parametrize("name", ALL)
def test_a_survivor_is_a_line_that_still_stands_there(name: str) -> None:
    function, _, change = name.partition(": ")
    lines = {line.strip() for line in text_of(function).splitlines()}

    assert set(change.split(" => ")[0].split("\n")) <= lines


def test_no_survivor_has_two_reasons() -> None:
    assert [name for name, count in Counter(ALL).items() if count > 1] == []


def test_a_part_mutates_files_and_runs_tests_that_exist() -> None:
    for part in PARTS:
        assert all(list(ROOT.glob(pattern)) for pattern in part.files)
        assert all((ROOT / place).exists() for place in part.tests)
