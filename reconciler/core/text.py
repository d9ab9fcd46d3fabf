"""Text that is safe to print: it cannot move the cursor, break a line or flood the screen."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 300
_MOST_MARKS = 3  # combining marks on one letter; real scripts need no more
# Letters of western languages and the signs of our own texts, so that most texts are done at once.
_PLAIN = re.compile(r"[ -~¡-¬®-ɏ–—‘’“”…→×·]*")


def safe(text: str, longest: int = LONGEST) -> str:
    """The text on one line, unprintable characters escaped, cut to `longest` characters.

    Escapes, control and bidi characters, line separators and lone surrogates become `\\x1b`,
    `\\u202e` and the like; unusual spaces become spaces; runs of combining marks are cut short.
    """
    cut = text[:longest]
    # safeguard: plain-text
    if not _PLAIN.fullmatch(cut):
        cut = _thinned("".join(_shown(character) for character in cut))
    return cut if len(text) <= longest else f"{cut}…"


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    return character.encode("unicode_escape").decode()


def _thinned(text: str) -> str:
    shown: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks <= _MOST_MARKS:
            shown.append(character)
    return "".join(shown)
