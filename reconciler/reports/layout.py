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
UNBROKEN = 100_000
"""More columns than any line has."""
NARROWEST = 20
"""Where a terminal has fewer columns, a report is laid out for this many."""

_LONGEST_COMMAND = 1000
_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|\\\S|[^\s'"\\])+""")
"""A word of a command line, with its quotes."""
_TOGETHER = re.compile(rf"{TYPED.pattern}|\[exit \d+\]|\b\d{{4}}-\d\d-\d\d \d\d:\d\d(?::\d\d)?Z")
"""What stays on one line where it fits."""


class Layout(Struct, frozen=True):
    """Lays text out for a screen of `width` columns. A word is only broken where it is longer than
    a line."""

    width: int = USUAL

    def wrapped(
        self, text: str, hang: int = 0, *, first: int = 0, whole: bool = False
    ) -> list[str]:
        """A text on one line, as several: the first is indented by `first` columns, the others by
        `hang`. What is in backticks, to be typed, is not broken where a line has room for it, nor
        is `[exit 3]` or a time; with `whole` none of these is, nor a word, such as a path, and the
        terminal wraps what is too long for it."""
        width = max(self.width, NARROWEST)
        room = len(text) if whole else width - max(hang, first)
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
            break_long_words=not whole,
        )
        return [one.replace(NO_BREAK, " ") for one in broken]

    def labelled(self, label: str, text: str) -> list[str]:
        """`label      text`; later lines begin below the text."""
        if not label:
            return self.indented(text, LABEL, 0)
        return self.wrapped(line(label, text), LABEL)

    def item(self, symbol: str, text: str) -> list[str]:
        """`  + text`, an item of a list; later lines begin below the text."""
        return self.wrapped(f"{symbol} {text}", 4, first=2)

    def below(self, text: str) -> list[str]:
        """What belongs to an item, on lines of its own below it."""
        return self.indented(text, 6, 2)

    def indented(self, text: str, by: int = 2, more: int = 4) -> list[str]:
        """A text that is indented by this many columns, its later lines by some `more`."""
        return self.wrapped(text, by + more, first=by)

    def columns(self, cells: Sequence[str], text: str, hang: int, *, first: int = 0) -> list[str]:
        """A row of a table: short cells, none of which is broken, and a text that goes on below;
        later lines are indented by `hang` columns."""
        fixed = "  ".join(cell.replace(" ", NO_BREAK) for cell in cells)
        return self.wrapped(f"{fixed}  {text}".rstrip(), hang, first=first)

    def command(self, label: str, words: Sequence[str]) -> list[str]:
        """A command line to be copied into a shell; no lines without words. Where it takes several,
        all but the last end with a backslash, so that they are still one command. One with a word
        that is longer than a line stays on one, which a terminal wraps: broken, it would not be
        the command any more."""
        return self._command(line(label, ""), LABEL, [quote(word) for word in words])

    def typed(self, command: str, *, label: str = "", by: int = LABEL) -> list[str]:
        """The same of a command line as it is typed, indented by `by` columns; what is none, such
        as a quote without its end, is a text like any other."""
        words = _WORD.findall(command)
        if "".join("".join(words).split()) != "".join(command.split()):
            return self.wrapped(f"{label:<{by}}".replace(" ", NO_BREAK) + safe(command), by)
        return self._command(label, by, words)

    def _command(self, label: str, by: int, quoted: Sequence[str]) -> list[str]:
        if not quoted:
            return []
        words = [safe(word, _LONGEST_COMMAND).replace(" ", NO_BREAK) for word in quoted]
        one = f"{label:<{by}}".replace(" ", NO_BREAK) + " ".join(words)
        whole = self.wrapped(one, by)
        if len(whole) == 1:
            return whole
        before_a_backslash = Layout(self.width - 2)
        if any(len(before_a_backslash.wrapped(word, first=by)) > 1 for word in words):
            return [one.replace(NO_BREAK, " ")]
        lines = before_a_backslash.wrapped(one, by)
        return [*(f"{part} \\" for part in lines[:-1]), lines[-1]]


def _whole(typed: str, room: int) -> str:
    return typed.replace(" ", NO_BREAK) if len(typed) <= room else typed
