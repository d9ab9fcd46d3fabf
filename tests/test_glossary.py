"""The glossary names words that are used, and no word beside them for the same idea."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROWS = re.findall(
    r"^\| ([^|]+?) \| ([^|]+?) \|(?: ([^|]*?))? \|$",
    (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)[1:]


def _apart(text: str) -> str:
    """`OrderSnapshot` as two words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)


CODE = " ".join(
    re.sub(r"[_\-\s#]+", " ", _apart(path.read_text(encoding="utf-8"))).lower()
    for path in sorted((ROOT / "reconciler").rglob("*.py"))
    if not path.is_relative_to(ROOT / "reconciler" / "sandbox")
)
HERE = CODE + " ".join(
    path.read_text(encoding="utf-8").lower()
    for path in (ROOT / "reconciler" / "sandbox").rglob("*.py")
)


def spelled(word: str) -> str:
    return word.strip().lower().replace("-", " ")


def test_the_glossary_is_read_whole() -> None:
    assert len(ROWS) > 45
    assert all(meaning.strip() for _, meaning, _ in ROWS)


@pytest.mark.parametrize("words", [word for word, _, _ in ROWS])
def test_each_word_is_used_in_the_code(words: str) -> None:
    for word in words.split(","):
        assert re.search(rf"\b{re.escape(spelled(word))}", HERE), word


@pytest.mark.parametrize("others", [others for _, _, others in ROWS if others])
def test_nothing_else_is_said_for_the_same_idea(others: str) -> None:
    for other in others.split(","):
        assert not re.search(rf"\b{re.escape(spelled(other))}s?\b", CODE), other
