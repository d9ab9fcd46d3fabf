"""Lines that fit a terminal: a text is wrapped between its words, and later lines are indented.

What is counted is cells: a character of Chinese, Japanese or Korean takes two, a combining mark
none.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from shlex import quote

from msgspec import Struct

from reconciler.core.text import safe
from reconciler.reports.wording import LABEL, NO_BREAK, TYPED, line

USUAL = 80
"""Columns where there is no terminal that says otherwise."""
NARROWEST = 20
"""Where a terminal has fewer columns, a report is laid out for this many."""

_LONGEST_COMMAND = 1000
_TOGETHER = re.compile(rf"{TYPED.pattern}|\[exit \d+\]")
"""What stays on one line where it fits."""


class Layout(Struct, frozen=True):
    """Lays text out for a screen of `width` columns. A word is only broken where it is longer than
    a line."""

    width: int = USUAL

    def wrapped(self, text: str, hang: int = 0, *, first: int = 0) -> list[str]:
        """A text on one line, as several: the first is indented by `first` columns, the others by
        `hang`. What is in backticks, to be typed, is not broken where a line has room for it, nor
        is `[exit 3]`."""
        width = max(self.width, NARROWEST)
        room = width - max(hang, first)
        if first + len(text) <= width and text.isascii():
            return [" " * first + text]
        kept = _TOGETHER.sub(lambda found: _whole(found[0], room), text)
        if kept.replace(NO_BREAK, " ").isascii():
            wrap = textwrap.wrap
        else:
            from wcwidth import wrap  # most reports have no need of it, and it takes 20 ms
        broken = wrap(
            kept,
            width,
            initial_indent=" " * first,
            subsequent_indent=" " * hang,
            break_on_hyphens=False,
        )
        return [one.replace(NO_BREAK, " ") for one in broken]

    def labelled(self, label: str, text: str) -> list[str]:
        """`label      text`; later lines begin below the text."""
        return self.wrapped(line(label, text), LABEL)

    def item(self, symbol: str, text: str) -> list[str]:
        """`  + text`, an item of a list; later lines begin below the text."""
        return self.wrapped(f"{symbol} {text}", 4, first=2)

    def below(self, text: str) -> list[str]:
        """What belongs to an item, on lines of its own below it."""
        return self.wrapped(text, 8, first=6)

    def command(self, label: str, words: Sequence[str]) -> list[str]:
        """A command line to be copied into a shell; no lines without words. Where it takes several,
        all but the last end with a backslash, so that they are still one command. One with a word
        that is longer than a line stays on one, which a terminal wraps: broken, it would not be
        the command any more."""
        if not words:
            return []
        quoted = [safe(quote(word), _LONGEST_COMMAND).replace(" ", NO_BREAK) for word in words]
        one = line(label, " ".join(quoted))
        whole = self.wrapped(one, LABEL)
        if len(whole) == 1:
            return whole
        before_a_backslash = Layout(self.width - 2)
        if any(len(before_a_backslash.wrapped(word, first=LABEL)) > 1 for word in quoted):
            return [one.replace(NO_BREAK, " ")]
        lines = before_a_backslash.wrapped(one, LABEL)
        return [*(f"{part} \\" for part in lines[:-1]), lines[-1]]


def _whole(typed: str, room: int) -> str:
    return typed.replace(" ", NO_BREAK) if len(typed) <= room else typed
