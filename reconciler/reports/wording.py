"""The small pieces of text that reports are made of."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile

from reconciler.core import duration
from reconciler.core.estimate import KEPT
from reconciler.core.instants import to_the_second
from reconciler.core.model import Value
from reconciler.core.records import JETTI_REFUSED, SetAside
from reconciler.core.report import STANDING, BacklogLeft, Failure
from reconciler.core.states import spoken
from reconciler.core.text import safe

TYPED = re.compile(r"`[^`]{1,300}`")
"""A command in backticks, to be typed."""
NO_BREAK = "\xa0"
"""A blank at which no line ends."""
LABEL = 11  # width of the left column: the longest label and two spaces
_LONGEST_VALUE = 60
_LED_UP_TO = 10
"""Characters shown of what two values have in common, before they differ."""
_JUST_NOW = timedelta(seconds=1)

_DONE = {"adopted": "taken over"}
_ROUTINE = STANDING.union(
    KEPT,
    ("seen", "unchanged", "forgotten", "sale_returns_made", "sale_returns_cancelled"),
    (JETTI_REFUSED,),
)
"""Those counts of a run that do not tell what it did, or that have other words."""


def line(label: str, text: str) -> str:
    """`label      text`."""
    return f"{label:<{LABEL}}{text}".rstrip()


def moment(instant: datetime | None) -> str:
    """`2026-01-31 08:30:00Z`, or a dash."""
    return to_the_second(instant) if instant else "-"


def span(start: datetime, end: datetime) -> str:
    """`start to end`."""
    return f"{moment(start)} to {moment(end)}"


def sentence(text: str) -> str:
    """The text with a capital letter, unless it begins with the name of a setting."""
    first = text.partition(" ")[0].rstrip(".")
    return text if "." in first or "_" in first else f"{text[:1].upper()}{text[1:]}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 return`, `2 returns`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def sale_returns_done(made: int, cancelled: int, least: str = "") -> str:
    """`2 sale returns made, 1 sale return cancelled`; zeros are left out. `least` comes before
    what is made, where there may be more."""
    each = ((made, least, "made"), (cancelled, "", "cancelled"))
    found = (f"{so}{counted(count, 'sale return')} {what}" for count, so, what in each if count)
    return ", ".join(found)


def what_was_done(counts: Mapping[str, int]) -> str:
    """The counts of a past run: what it did, then how it left the ledger."""
    made, cancelled = (counts.get(f"sale_returns_{what}", 0) for what in ("made", "cancelled"))
    beyond = sale_returns_done(
        made if made != counts.get("created", 0) else 0,
        cancelled if cancelled != counts.get("cancelled", 0) else 0,
    )
    words = listed(
        (count, _DONE.get(what, what)) for what, count in counts.items() if what not in _ROUTINE
    )
    done = ", ".join(part for part in (words, beyond) if part)
    if counts and not done:
        done = "nothing new"
    standing = listed((count, what) for what, count in counts.items() if what in STANDING)
    return f"{done}; then {standing}" if standing else done


def value(of_field: Value) -> str:
    """A field's value on one line; a dash for None."""
    return "-" if of_field is None else safe(str(of_field), _LONGEST_VALUE)


def values(
    before: Value, after: Value, longest: int = _LONGEST_VALUE, none: str = "-"
) -> tuple[str, str]:
    """Two different values of a field, each on one line and cut off where it is longer. What
    both begin with is left out where they would be cut off before they differ."""
    texts = [none if one is None else str(one) for one in (before, after)]
    first, second = (safe(text, longest) for text in texts)
    if first != second or before == after:
        return first, second
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False))
    start = max(0, sum(1 for _ in alike) - _LED_UP_TO)
    first, second = (f"…{safe(text[start:], longest - 1)}" for text in texts)
    return first, second


def command_line(words: Sequence[str]) -> str | None:
    """An argument list as it is typed into a shell; None for an empty one."""
    return safe(shlex.join(words), 1000) if words else None


def listed(parts: Iterable[tuple[int, str]]) -> str:
    """`3 new, 2 changed`; zeros are left out."""
    return ", ".join(f"{count} {safe(name, 40)}" for count, name in parts if count)


def state(name: str) -> str:
    """The state of an entry, as it follows `is`."""
    return safe(spoken(name), 20)


def lasting(span: timedelta) -> str:
    """`, due for 3h`; nothing where it has only just begun."""
    return f", due for {duration.approximate(span)}" if span >= _JUST_NOW else ""


def order(name: str, order_id: str | None) -> str:
    """The order by its name, or by its id if Loop omits the name."""
    return safe(name, 40) if name else f"order id {safe(order_id or '-', 30)}"


def to_go(backlog: BacklogLeft) -> str:
    """`, about 3h to go`; nothing where that is not known."""
    seconds = backlog.seconds_left
    if not seconds:
        return ""
    so = "about" if backlog.is_measured else "at least"
    return f", {so} {duration.estimate(seconds)} to go"


def describe_malformed(row: SetAside) -> str:
    """A malformed row: which return it is, since when, and what is wrong with it."""
    on = f" on {safe(row.order_name, 40)}" if row.order_name else ""
    whose = f"return {safe(row.return_id, 20)}{on}" if row.return_id else "a row without its id"
    part = "understood in part" if row.is_partial else "not understood at all"
    seen = f"since {moment(row.first_seen)}, last seen {moment(row.last_seen)}"
    return f"{whose}, {part}, {seen}: {safe(row.problem, 500)}"


def failure(problem: Failure, known: str | None = None) -> list[str]:
    """What went wrong, unless it is `known` already, and the hint."""
    lines = [] if problem.message == known else [f"  Also: {safe(problem.message, 1000)}"]
    return [*lines, f"  Hint: {safe(problem.hint, 1000)}"] if problem.hint else lines
