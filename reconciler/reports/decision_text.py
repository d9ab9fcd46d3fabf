"""What a decision would do, before it is asked for, and what it has done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from reconciler.core.decisions import Decision, Outlook
from reconciler.core.field_changes import FieldChange
from reconciler.core.text import safe
from reconciler.reports.layout import USUAL, Layout
from reconciler.reports.wording import counted, order, state

_MOST_SHOWN = 20
_MOST_REASONS = 3
_LONGEST = 500
_TEXT = 12
"""Columns before the text behind a label."""

_THEN = {
    "pending": "pending: the next run takes it up",
    "unknown": "unanswered: the next run reads back what became of its last write",
    "ignored": "ignored: nothing more is done about it until someone retries it",
}


class Found(Protocol):
    """What Jetti shows, and what the next run would do."""

    @property
    def there(self) -> tuple[str, ...]: ...
    @property
    def outcome(self) -> str | None: ...
    @property
    def writes(self) -> tuple[FieldChange, ...]: ...


Shown = Sequence[tuple[Outlook, Found | None]]


def question(decision: Decision, shown: Shown, width: int = USUAL) -> str:
    """Each return as it is, and what would become of it."""
    page = Layout(width)
    lines: list[str] = []
    for one, found in shown[:_MOST_SHOWN]:
        lines += _lines(decision, one, found, page)
    if len(shown) > _MOST_SHOWN:
        more = f"… and {len(shown) - _MOST_SHOWN} more; see `reconciler list`"
        lines += page.wrapped(more, 2)
    return "\n".join(lines)


def summary(decision: Decision, shown: Shown, width: int = USUAL) -> str:
    """What was done."""
    return "\n".join(Layout(width).wrapped(_summary(decision, shown), 2))


def _summary(decision: Decision, shown: Shown) -> str:
    done = [one for one, _ in shown if one.refusal is None]
    if not done:
        reasons = [f"return {safe(x.return_id, 70)}: {x.refusal}" for x, _ in shown[:_MOST_REASONS]]
        if more := len(shown) - len(reasons):
            reasons.append(f"and {more} more")
        return f"There is nothing to {decision.value}{': ' if reasons else ''}{'; '.join(reasons)}."
    entries = [one for one in done if one.becomes is not None]
    rows = [one for one in done if one.row is not None]
    parts = []
    if entries:
        it = "it" if len(entries) == 1 else "them"
        what = (
            f"ignored until someone retries {it}"
            if decision is Decision.IGNORE
            else f"taken up by the next run: `reconciler run`, or `reconciler run --return"
            f" {entries[0].return_id}`"
            if len(entries) == 1
            else "taken up by the next run: `reconciler run`"
        )
        parts.append(f"{counted(len(entries), 'return')} {what}")
    if rows:
        what = "not reported any more" if decision is Decision.IGNORE else "reported again"
        parts.append(f"{counted(len(rows), 'row')} of Loop {what}")
    if any(one.opens_creation for one in done):
        parts.append("creation is open again, one create at a time until the id list is proven")
    left = len(shown) - len(done)
    if left:
        parts.append(f"{counted(left, 'return')} left as {'it was' if left == 1 else 'they were'}")
    return "; ".join(parts) + "."


def _lines(decision: Decision, one: Outlook, found: Found | None, page: Layout) -> Iterator[str]:
    name = f"return {safe(one.return_id, 70)}"
    on = order(one.order_name, one.order_id)
    yield from page.wrapped(f"{on}  {name}  {state(one.state)}  version {one.version}", 2)
    for label, text in (*_as_it_is(one), *_in_jetti(one, found)):
        yield from page.wrapped(f"{label:<8}  {text}", _TEXT, first=2)
    for by, text in _then(decision, one, found):
        yield from page.wrapped(f"{'then':<8}  {' ' * by}{text}", _TEXT + by, first=2)


def _as_it_is(one: Outlook) -> Iterator[tuple[str, str]]:
    if one.reason:
        yield "why", safe(one.reason, _LONGEST)
    if one.in_loop is not None:
        yield "in Loop", f"{safe(one.in_loop, 40)}, as last read"


def _in_jetti(one: Outlook, found: Found | None) -> Iterator[tuple[str, str]]:
    if found is None:
        pushed = ", ".join(safe(each, 40) for each in one.in_jetti)
        if one.in_loop is not None:
            known = f"{pushed}, as last pushed" if pushed else "nothing of it, as far as is known"
            yield "in Jetti", known
        return
    for text in found.there or ("no sale return on the order",):
        yield "in Jetti", safe(text, _LONGEST)


def _then(decision: Decision, one: Outlook, found: Found | None) -> Iterator[tuple[int, str]]:
    """Texts, and how far each is indented."""
    if one.refusal is not None:
        yield 0, f"left as it is: {one.refusal}"
        return
    if one.becomes is not None:
        yield 0, _THEN[one.becomes]
    if found is not None and found.outcome is not None:
        yield 0, f"the next run, as Jetti is now: {safe(found.outcome, _LONGEST)}"
        for write in found.writes:
            before, after = (
                "nothing" if value is None else safe(str(value), 60)
                for value in (write.before, write.after)
            )
            yield 2, f"writes {write.field}: {before} -> {after}"
    if one.row is not None and decision is Decision.IGNORE:
        yield 0, f"not reported any more unless it changes: {safe(one.row, _LONGEST)}"
    elif one.row is not None:
        yield 0, f"reported again: {safe(one.row, _LONGEST)}"
    if one.stopped_with is not None:
        yield 0, f"leaves the stopped plan {one.stopped_with}"
    if one.opens_creation:
        yield 0, "creation, which is stopped because of it, is open again"
