"""What a decision would do, before it is asked for, and what it has done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from reconciler.core.decisions import Decision, Outlook
from reconciler.core.field_changes import FieldChange
from reconciler.core.text import safe
from reconciler.reports.wording import counted, order

_MOST_SHOWN = 20
_LONGEST = 500

_THEN = {
    "pending": "pending: the next run takes it up",
    "unknown": "unknown: the next run reads back what became of its last write",
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


def question(decision: Decision, shown: Shown) -> str:
    """Each return as it is, and what would become of it."""
    lines: list[str] = []
    for one, found in shown[:_MOST_SHOWN]:
        lines += _lines(decision, one, found)
    if len(shown) > _MOST_SHOWN:
        lines.append(f"… and {len(shown) - _MOST_SHOWN} more; see `reconciler list`")
    return "\n".join(lines)


def summary(decision: Decision, shown: Shown) -> str:
    """What was done."""
    done = [one for one, _ in shown if one.refusal is None]
    if not done:
        reasons = "; ".join(f"return {safe(x.return_id, 70)}: {x.refusal}" for x, _ in shown[:3])
        return f"There is nothing to {decision.value}{f': {reasons}' if reasons else ''}."
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


def _lines(decision: Decision, one: Outlook, found: Found | None) -> Iterator[str]:
    name = f"return {safe(one.return_id, 70)}"
    state = one.state.replace("_", " ")
    yield f"{order(one.order_name, one.order_id)}  {name}  {state}  version {one.version}"
    if one.reason:
        yield f"  why       {safe(one.reason, _LONGEST)}"
    if one.in_loop is not None:
        yield f"  in Loop   {safe(one.in_loop, 40)}, as last read"
    yield from _in_jetti(one, found)
    yield from (f"  then      {text}" for text in _then(decision, one, found))


def _in_jetti(one: Outlook, found: Found | None) -> Iterator[str]:
    if found is None:
        pushed = ", ".join(safe(each, 40) for each in one.in_jetti)
        if one.in_loop is not None:
            known = f"{pushed}, as last pushed" if pushed else "nothing of it, as far as is known"
            yield f"  in Jetti  {known}"
        return
    for text in found.there or ("no sale return on the order",):
        yield f"  in Jetti  {safe(text, _LONGEST)}"


def _then(decision: Decision, one: Outlook, found: Found | None) -> Iterator[str]:
    if one.refusal is not None:
        yield f"left as it is: {one.refusal}"
        return
    if one.becomes is not None:
        yield _THEN[one.becomes]
    if found is not None and found.outcome is not None:
        yield f"the next run, as Jetti is now: {safe(found.outcome, _LONGEST)}"
        for write in found.writes:
            before, after = (
                "nothing" if value is None else safe(str(value), 60)
                for value in (write.before, write.after)
            )
            yield f"  writes {write.field}: {before} -> {after}"
    if one.row is not None and decision is Decision.IGNORE:
        yield f"not reported any more unless it changes: {safe(one.row, _LONGEST)}"
    elif one.row is not None:
        yield f"reported again: {safe(one.row, _LONGEST)}"
    if one.stopped_with is not None:
        yield f"leaves the stopped plan {one.stopped_with}"
    if one.opens_creation:
        yield "creation, which is stopped because of it, is open again"
