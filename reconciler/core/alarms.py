"""What to report, once per change: a pure function of what was reported, what is wrong now, and
the time.

The conditions are those of `status` (`core.health`), but return by return, so that the second
return in review is news although the first one is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core import health
from reconciler.core.health import PASS_AGE, RETURNS, ROWS, Facts
from reconciler.core.model import State
from reconciler.core.records import SetAside, Told
from reconciler.core.report import Problem

REMIND_AFTER = timedelta(days=1)
CALM_AFTER = timedelta(hours=1)
"""A pass that fails now and then is reported once an hour at most: it counts as well again only
when there was nothing for this long. A return has nothing that comes and goes."""

_RANKS = {"overdue": 0, State.FAILED: 0, State.REVIEW: 1, State.DEAD: 1}
"""How bad a return's state is: 1 needs someone."""
_ABOUT_RETURNS = (0, 3, 10)
"""Exit codes of passes that are complete: the returns and rows speak for themselves."""
_SIGNALS = (129, 130, 143)
"""Exit codes of passes that somebody ended; the next one goes on."""
_NOT_TOLD = frozenset(f"exit code {code}" for code in (*_ABOUT_RETURNS, *_SIGNALS))


class Concern(Struct, frozen=True):
    """One thing that is wrong now."""

    key: str
    """The same for as long as it is the same thing."""
    kind: str
    """In what way it is wrong: of a return its state, or `overdue`."""
    subject: str
    """What is wrong, without how: `#1042, return 8812`."""
    text: str
    """The whole of it."""
    command: str
    """What to type to look at it or to settle it."""
    return_id: str | None = None
    """The return that it is about, for whoever has to forget that one."""


class News(Struct, frozen=True):
    """What is to be reported now."""

    worse: tuple[Concern, ...] = ()
    standing: tuple[Concern, ...] = ()
    """What was reported before, to be reported again because a day has passed."""
    well: tuple[Told, ...] = ()
    silent: int = 0
    """How many other things are wrong and were reported before."""

    def __bool__(self) -> bool:
        return bool(self.worse or self.standing or self.well)


def concerns(
    facts: Facts,
    patience: timedelta,
    max_age: timedelta | None,
    problems: Iterable[Problem],
    rows: Iterable[SetAside],
) -> tuple[Concern, ...]:
    """Everything that is wrong. `problems` and `rows` are all there are; the rest as `assess`."""
    of_all = (
        Concern(reason.cause, "", reason.cause, reason.text, _command(reason, facts))
        for reason in health.why(facts, patience, max_age)
        if reason.cause not in (RETURNS, ROWS) and not _speaks_of_returns(reason.cause)
    )
    return (
        *(_of_return(one) for one in problems),
        *(_of_row(row) for row in rows),
        *of_all,
    )


def _speaks_of_returns(cause: str) -> bool:
    return any(cause.endswith(f"with {end}") for end in _NOT_TOLD)


def _command(reason: health.Reason, facts: Facts) -> str:
    stopped = health.stopped_run(facts)
    if stopped is not None and stopped.command and reason.cause.endswith("exit code 7"):
        return stopped.command
    if reason.cause == "stopped plan" and facts.stopped is not None:
        return f"reconciler run --accept-plan {facts.stopped.digest}"
    if reason.cause == health.BACKUP and facts.backup is not None:
        return facts.backup.command
    return "reconciler status"


def _of_return(one: Problem) -> Concern:
    kind = one.state if one.state in _RANKS else "overdue"
    order = one.order_name or f"order id {one.order_id or '-'}"
    subject = f"{order}, return {one.return_id}"
    what = {State.REVIEW: "in review", "overdue": f"overdue, {one.state}"}.get(kind, kind)
    why = f": {one.reason}" if one.reason else ""
    return Concern(
        key=f"return {one.return_id}",
        kind=kind,
        subject=subject,
        text=f"{subject} is {what}{why}",
        command=f"reconciler show {one.return_id}",
        return_id=one.return_id,
    )


def _of_row(row: SetAside) -> Concern:
    name = f"return {row.return_id}" if row.return_id else "a row without an id"
    subject = f"{row.order_name}, {name}" if row.order_name else name
    part = " in part" if row.is_partial else ""
    return Concern(
        key=f"row {row.key}",
        kind="",
        subject=f"{subject} (row not understood)",
        text=f"{subject}: Loop's row is not understood{part}: {row.problem}",
        command=f"reconciler show {row.return_id}" if row.return_id else "reconciler status",
    )


def news(
    told: Sequence[Told],
    now_wrong: Sequence[Concern],
    now: datetime,
    last_complete_pass: datetime | None,
    *,
    judges_age: bool,
) -> tuple[News, tuple[Told, ...]]:
    """What to tell, and what to remember once that was reported.

    `judges_age`: whether the age of the last pass was looked at (`status --max-age`).
    """
    wrong = {one.key: one for one in now_wrong}
    before = {one.key: one for one in told}
    worse = tuple(one for one in now_wrong if _is_worse(one, before.get(one.key)))
    fresh = {one.key for one in worse}
    old = [one for one in now_wrong if one.key not in fresh]
    # safeguard: reminded-daily
    is_due = any(abs(now - before[one.key].told_at) >= REMIND_AFTER for one in old)
    standing = tuple(old) if is_due else ()
    said = fresh.union(one.key for one in standing)
    memory = [_remembered(one, before.get(one.key), now, one.key in said) for one in now_wrong]
    well: list[Told] = []
    for gone in (one for one in told if one.key not in wrong):
        if gone.key == PASS_AGE and not (judges_age or _has_passed(gone, last_complete_pass)):
            memory.append(gone)
        elif _is_calm(gone, now):
            well.append(gone)
        else:
            memory.append(gone if gone.well_since else replace(gone, well_since=now))
    silent = len(old) - len(standing)
    return News(worse, standing, tuple(well), silent), tuple(memory)


def _is_worse(one: Concern, before: Told | None) -> bool:
    # safeguard: reported-once
    if before is None:
        return True
    rank = _RANKS.get(one.kind, 0)
    return one.kind != before.kind and rank >= max(_RANKS.get(before.kind, 0), 1)


def _remembered(one: Concern, before: Told | None, now: datetime, is_said: bool) -> Told:
    return Told(
        key=one.key,
        kind=one.kind,
        subject=one.subject,
        since=before.since if before else now,
        told_at=before.told_at if before and not is_said else now,
        return_id=one.return_id,
    )


def _has_passed(gone: Told, last_complete_pass: datetime | None) -> bool:
    return last_complete_pass is not None and last_complete_pass >= gone.since


def _is_calm(gone: Told, now: datetime) -> bool:
    """Whether it is well again for long enough to be reported."""
    if gone.return_id is not None or gone.key.startswith("row "):
        return True
    # safeguard: what-comes-and-goes-is-reported-once
    return gone.well_since is not None and abs(now - gone.well_since) >= CALM_AFTER
