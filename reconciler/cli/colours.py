"""Reports in colour, where someone reads them: on a terminal with colours, if rich is installed.

What is shown is the report itself, letter by letter. `NO_COLOR` (https://no-color.org) and
`TERM=dumb` leave it plain.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

_GOOD, _BAD, _NEW, _LESS, _QUIET = "green", "red", "green", "yellow", "dim"

_LINES = (
    (re.compile(r"Healthy\b"), f"bold {_GOOD}"),
    (re.compile(r"Not healthy\b"), f"bold {_BAD}"),
    (re.compile(r"  ! |(DAMAGE|FAILED|LOOK AT) "), _BAD),
    (re.compile(r"  \+ "), _NEW),
    (re.compile(r"  - "), _LESS),
    (re.compile(r"      note: "), _QUIET),
)
"""What lines begin with, and how they look; the first that fits counts."""
_FAILED = re.compile(r"^\S.*(?:\n  .*)*?\[exit [1-9]\d*\]$", re.MULTILINE)
"""A verdict, in as many lines as it takes."""
_ITEM, _REST_OF_ITEM = re.compile(r"  \S"), re.compile(r"    \S")


def painted(text: str) -> Text | None:
    """The report for rich to print; None where it is to be printed as it is."""
    if text[:1] in "{[<\ufeff" or sys.stdout is None or not sys.stdout.isatty():
        return None
    if os.environ.get("NO_COLOR"):  # of which rich would leave bold letters
        return None
    try:
        from rich.text import Text
    except ImportError:
        return None
    shown, of_item = Text(), None
    for line in text.splitlines(keepends=True):
        bare = line.rstrip("\n")
        style = next((style for begin, style in _LINES if begin.match(bare)), None)
        if _ITEM.match(bare):
            of_item = style
        shown.append(line, of_item if _REST_OF_ITEM.match(bare) else style)
    for verdict in _FAILED.finditer(text):
        shown.stylize(f"bold {_BAD}", verdict.start(), verdict.end())
    return shown


def show(painted_text: Text) -> None:
    """Print it to stdout. Raises OSError."""
    from rich.console import Console

    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    # Lines are never cut or wrapped: what is copied from the terminal has to be whole.
    console.print(painted_text, soft_wrap=True)
