"""What people are sent when something has changed, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.alarms import Concern, News
from reconciler.core.model import State
from reconciler.core.records import Told
from reconciler.core.text import safe
from reconciler.reports.wording import counted

_MOST = 15  # of each; a message has to be short, and `status` tells all
_LONGEST = 200


def title(news: News) -> str:
    """One line."""
    if news.worse:
        return f"reconciler: {counted(len(news.worse), 'new problem')}"
    if news.standing:
        return f"reconciler: still {counted(len(news.standing), 'problem')}"
    return "reconciler: well again"


def render(news: News) -> str:
    """What is new, what is still so, what is well again; each with the command that helps."""
    return "\n".join(_lines(news))


def _lines(news: News) -> Iterator[str]:
    if news.worse:
        yield f"New ({len(news.worse)}):"
        yield from _concerns(news.worse)
    if news.standing:
        yield f"Still so ({len(news.standing)}):"
        yield from _concerns(news.standing)
    if news.well:
        yield f"Well again ({len(news.well)}):"
        yield from (f"  - {safe(_gone(gone), _LONGEST)}" for gone in news.well[:_MOST])
        yield from _more(len(news.well))
    if news.silent:
        also = "problem that was" if news.silent == 1 else "problems that were"
        yield f"And {news.silent} {also} reported before: reconciler status"
    elif not news.worse and not news.standing:
        yield "Nothing else is wrong."


def _concerns(some: Sequence[Concern]) -> Iterator[str]:
    for one in some[:_MOST]:
        yield f"  ! {safe(one.text, _LONGEST)}"
        yield f"    {safe(one.command, _LONGEST)}"
    yield from _more(len(some))


def _gone(one: Told) -> str:
    return f"{one.subject}: ignored from now on" if one.kind == State.IGNORED else one.subject


def _more(count: int) -> Iterator[str]:
    if count > _MOST:
        yield f"  … and {count - _MOST} more: reconciler status"
