"""Named points of a run at which it may die; reaching one does nothing at all.

Who proves that a run may die anywhere watches them and does the killing (`tests/crashes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum


class Point(StrEnum):
    """Each is reached at one place of the program."""

    INTENT_COMMITTED = "intent committed"


_watcher: Callable[[Point], None] | None = None
"""The only state of the program that is not handed around: a point lies as deep as a commit or
a socket, and none of what lies between has any business with it."""


def reached(point: Point) -> None:
    """The run has come to this point."""
    if _watcher is not None:
        _watcher(point)


@contextmanager
def watched(watcher: Callable[[Point], None]) -> Iterator[None]:
    """Have every point that is reached told to `watcher`, which may end the process or raise."""
    global _watcher
    before, _watcher = _watcher, watcher
    try:
        yield
    finally:
        _watcher = before
