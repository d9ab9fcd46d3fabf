"""Docstrings, comments and documents are in plain English: none of the old turns of phrase."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PHRASES: list[dict[str, str]] = tomllib.loads(
    (ROOT / "tests" / "phrases.toml").read_text(encoding="utf-8")
)["phrase"]
CODE = sorted(
    path
    for place in ("reconciler", "proof", "benchmarks", "migrations")
    for path in (ROOT / place).rglob("*.py")
)
DOCUMENTS = sorted(
    [
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "reconciler" / "reports" / "page").glob("*.html"),
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "tests" / "golden" / "messages.txt",
    ]
)
SAMPLES = {
    "that (long|often)": "A pass that often.",
    "so many": "So many rows were read.",
    "by so much": "Clocks may be set back by so much.",
    "by (itself|themselves)": "Nothing is created by itself.",
    "(?<!or )a person": "It waits until a person decides.",
    "for ever": "It is not read for ever.",
    "in the air": "The write in the air is done.",
    "by and by": "It comes by and by.",
}


def prose(source: str) -> Iterator[tuple[int, str]]:
    """The comments, docstrings, help texts and messages of a module with their lines."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def lapses(text: str) -> Iterator[str]:
    """Each old turn of phrase in the text, with what to write instead."""
    flat = re.sub(r"\s+#?\s*", " ", text)
    for phrase in PHRASES:
        for found in re.finditer(rf"\b(?:{phrase['pattern']})\b", flat, re.IGNORECASE):
            around = flat[max(0, found.start() - 30) : found.end() + 30]
            yield f"{found[0]!r} in {around!r}; rather: {phrase['instead']}"


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_and_comments_are_in_plain_english(path: Path) -> None:
    found = [
        f"line {line}: {lapse}"
        for line, text in prose(path.read_text(encoding="utf-8"))
        for lapse in lapses(text)
    ]

    assert found == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_are_in_plain_english(path: Path) -> None:
    assert list(lapses(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("pattern", SAMPLES)
def test_a_turn_of_phrase_is_found_in_a_sentence(pattern: str) -> None:
    assert pattern in {phrase["pattern"] for phrase in PHRASES}
    assert len(list(lapses(SAMPLES[pattern]))) == 1


def test_a_phrase_is_found_across_lines_of_a_comment() -> None:
    assert len(list(lapses("# Nothing is created by\n    # itself."))) == 1
    assert list(prose('def f():\n    """One thing."""\n    # Two.\n')) == [
        (3, "# Two."),
        (2, "One thing."),
    ]
