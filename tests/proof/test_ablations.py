"""Every ablation is still what it says: one line of the program that stands there."""

from __future__ import annotations

from collections import Counter

import pytest

from proof.ablations import Ablation, ablated, ablations
from proof.bench import ROOT

ALL = ablations()


@pytest.mark.parametrize("ablation", ALL, ids=lambda one: one.name)
def test_an_ablation_finds_its_line_once_and_leaves_a_program(ablation: Ablation) -> None:
    text = (ROOT / ablation.file).read_text(encoding="utf-8")

    without = ablated(ablation, text)

    compile(without, ablation.file, "exec")
    lines = zip(text.splitlines(), without.splitlines(), strict=True)
    assert sum(before != after for before, after in lines) == 1


def test_no_ablation_is_listed_twice() -> None:
    names = Counter(one.name for one in ALL)
    lines = Counter((one.file, one.before, one.after) for one in ALL)

    assert [name for name, count in (names + lines).items() if count > 1] == []


@pytest.mark.parametrize("ablation", ALL, ids=lambda one: one.name)
def test_where_an_ablation_is_looked_for_first_there_is_such_a_test(ablation: Ablation) -> None:
    for hint in ablation.tests:
        file, _, name = hint.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8") or not name


def test_a_line_that_is_not_there_is_no_ablation() -> None:
    first = ALL[0]

    with pytest.raises(ValueError, match="stands 0 times"):
        ablated(first, "nothing\n")
