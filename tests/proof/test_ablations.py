"""Every ablation is still what it says: a safeguard of the program, and one way to lose it."""

from __future__ import annotations

import ast
import builtins

import pytest
from msgspec import ValidationError, convert

from proof.ablations import Ablation, ablated, ablations
from proof.bench import ROOT
from proof.tags import tagged_files

ALL = ablations()
FILES = tagged_files(ROOT)


def test_each_safeguard_that_is_tagged_has_an_ablation_and_each_ablation_a_tag() -> None:
    assert sorted(one.name for one in ALL) == sorted(FILES)


@pytest.mark.parametrize("ablation", ALL, ids=lambda one: one.name)
def test_without_its_safeguard_it_is_another_program(ablation: Ablation) -> None:
    text = (ROOT / FILES[ablation.name]).read_text(encoding="utf-8")

    without = ablated(ablation, text)

    before, tag, _ = text.partition(f"# safeguard: {ablation.name}\n")
    assert without.startswith(before + tag)
    assert ast.dump(ast.parse(without)) != ast.dump(ast.parse(text))
    compile(without, ablation.name, "exec")


@pytest.mark.parametrize("ablation", ALL, ids=lambda one: one.name)
def test_without_its_safeguard_it_knows_no_name_that_it_did_not_know(ablation: Ablation) -> None:
    """Else the tests would catch a misspelt name in place of a lost safeguard."""
    text = (ROOT / FILES[ablation.name]).read_text(encoding="utf-8")

    new = _names(ablated(ablation, text)) - _names(text) - set(dir(builtins))

    assert not new


def test_no_two_ablations_come_to_the_same() -> None:
    texts = {name: (ROOT / file).read_text(encoding="utf-8") for name, file in FILES.items()}
    programs = {
        (FILES[one.name], ast.dump(ast.parse(ablated(one, texts[one.name])))) for one in ALL
    }

    assert len(programs) == len(ALL)


@pytest.mark.parametrize("ablation", ALL, ids=lambda one: one.name)
def test_where_an_ablation_is_looked_for_first_there_is_such_a_test(ablation: Ablation) -> None:
    for hint in ablation.tests:
        file, _, name = hint.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8") or not name


@pytest.mark.parametrize("ways", [{}, {"condition": False, "instead": "pass"}])
def test_a_safeguard_is_lost_in_one_way(ways: dict[str, object]) -> None:
    row = {"name": "lock", "safeguard": "One at a time.", "tests": [], **ways}

    with pytest.raises(ValidationError, match="one of condition, value, swap and instead"):
        convert(row, Ablation)


def _names(program: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Name)}
