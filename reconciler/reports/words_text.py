"""Unknown words in Loop, each with the setting that gives them a meaning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core import words
from reconciler.core.model import CountedWord
from reconciler.core.text import safe
from reconciler.reports.layout import Layout
from reconciler.reports.wording import counted

_MOST = 20
LISTED_BY = "`reconciler status --format json` lists all"
"""What lists all that the ledger has of words and rows that are not understood."""


def lines(found: Sequence[CountedWord], page: Layout, listed_by: str = LISTED_BY) -> Iterator[str]:
    """A section of the report; no lines if every word is known."""
    if not found:
        return
    yield ""
    yield from page.wrapped(f"words in Loop that this version does not know ({len(found)})", 2)
    for one in found[:_MOST]:
        of = f"of {counted(one.returns, 'return')}: {safe(words.advice(one))}"
        yield from page.item("?", f'{safe(one.list, 20)} "{safe(one.word, 40)}" {of}')
    if len(found) > _MOST:
        more = f"and {len(found) - _MOST} more: {listed_by}"
        yield from page.wrapped(more, 4, first=2)
