"""Nothing that is shown can steer a terminal, turn a line or flood a screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.text import safe

ANY_TEXT = st.text(st.characters(), max_size=400)  # lone surrogates included


@given(ANY_TEXT)
def test_the_result_is_one_printable_line(text: str) -> None:
    assert safe(text).isprintable()


@given(ANY_TEXT)
def test_the_result_can_be_written_anywhere(text: str) -> None:
    safe(text).encode("utf-8")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=300))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b31m", "\\x9b31m"),
        ("a\r\nb\0\x7f", "a\\r\\nb\\x00\\x7f"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\u2028b\ufeff\u200b", "a\\u2028b\\ufeff\\u200b"),
        ("\ud800", "\\ud800"),
        ("a\xa0b\u3000c", "a b c"),
        ("Größe 日本 😀", "Größe 日本 😀"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 3),
        ("\u0301" * 50 + "e", "\u0301" * 3 + "e"),
        ("e" + "\u20dd" * 50, "e" + "\u20dd" * 3),
        (("e" + "\u0301" * 3) * 4, ("e" + "\u0301" * 3) * 4),
    ],
)
def test_what_is_not_printable_is_escaped(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_long_text_is_cut_and_says_so() -> None:
    assert safe("x" * 10_000_000, 5) == "xxxxx…"
    assert safe("xxxxx", 5) == "xxxxx"
