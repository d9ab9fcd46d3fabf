"""Reports are as wide as a terminal, and lose nothing by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.reports.wording import indented, lines, values, wrapped

words = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1, max_size=30)
sentences = st.lists(words.filter(lambda word: "`" not in word), min_size=1, max_size=60)


@given(sentences, st.integers(0, 24))
def test_a_sentence_is_broken_between_words_and_none_is_lost(said: list[str], by: int) -> None:
    broken = indented(" ".join(said), by)

    assert " ".join(" ".join(broken).split()) == " ".join(said)
    assert max(map(len, broken)) <= 80
    assert all(line.startswith(" " * by) for line in broken)
    assert all(line.startswith(" " * (by + 4)) for line in broken[1:])


def test_a_word_that_is_too_wide_stays_whole() -> None:
    word = "https://example.test/" + "x" * 100

    assert wrapped(f"at {word} it is") == ["at", word, "it is"]


@given(st.integers(0, 70))
def test_a_command_is_not_broken(before: int) -> None:
    command = "`reconciler run --accept-plan 0123456789abcdef`"

    broken = wrapped(f"{'x' * before} {command} goes on")

    assert any(command in line for line in broken)


def test_a_label_keeps_its_column() -> None:
    first, *more = lines("next", "word " * 40)

    assert first.startswith("next       word")
    assert all(line.startswith(" " * 11 + "word") for line in more)


@pytest.mark.parametrize("length", [10, 59, 60, 61, 119, 130, 500])
def test_two_values_that_differ_are_shown_to_differ(length: int) -> None:
    alike = "x" * length
    pairs = [(f"{alike}1", f"{alike}2"), (f"{alike}1{alike}", f"{alike}2{alike}")]
    pairs += [(alike, f"{alike}1"), (f"{alike}1", alike)]

    for before, after in pairs:
        first, second = values(before, after)
        assert first != second
        assert max(len(first), len(second)) <= 61  # with the dots where it is cut
        # Each is what stands there, or a part of it.
        assert first.strip("…") in before
        assert second.strip("…") in after


def test_values_that_fit_are_shown_whole() -> None:
    assert values("a", "b") == ("a", "b")
    assert values(None, 0) == ("-", "0")
    assert values("x" * 100, "x" * 100) == (f"{'x' * 60}…",) * 2
