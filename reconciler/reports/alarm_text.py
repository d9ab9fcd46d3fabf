"""What people are sent when something has changed, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.alarms import Concern, News
from reconciler.core.model import State
from reconciler.core.records import Told
from reconciler.core.text import safe
from reconciler.reports.layout import UNBROKEN, Layout
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


def render(news: News, width: int = UNBROKEN) -> str:
    """What is new, what is still so, what is well again; each with the command that helps. A
    message is laid out by what shows it, so its lines are not broken unless a `width` is given."""
    return "\n".join(_lines(news, Layout(width)))


def _lines(news: News, page: Layout) -> Iterator[str]:
    if news.worse:
        yield f"New ({len(news.worse)}):"
        yield from _concerns(news.worse, page)
    if news.standing:
        yield f"Still so ({len(news.standing)}):"
        yield from _concerns(news.standing, page)
    if news.well:
        yield f"Well again ({len(news.well)}):"
        for gone in news.well[:_MOST]:
            yield from page.item("-", safe(_gone(gone), _LONGEST))
        yield from _more(len(news.well), page)
    if news.silent:
        also = "problem that was" if news.silent == 1 else "problems that were"
        yield from page.wrapped(f"And {news.silent} {also} reported before: reconciler status", 2)
    elif not news.worse and not news.standing:
        yield "Nothing else is wrong."


def _concerns(some: Sequence[Concern], page: Layout) -> Iterator[str]:
    for one in some[:_MOST]:
        yield from page.item("!", safe(one.text, _LONGEST))
        yield from page.typed(safe(one.command, _LONGEST), by=4)
    yield from _more(len(some), page)


def _gone(one: Told) -> str:
    return f"{one.subject}: ignored from now on" if one.kind == State.IGNORED else one.subject


def _more(count: int, page: Layout) -> Iterator[str]:
    if count > _MOST:
        yield from page.indented(f"… and {count - _MOST} more: reconciler status")
