"""What to report, once per change: a pure function of what was reported, what is wrong now, and
the time.

The conditions are those of `status` (`core.health`), but return by return, so that the second
return in review is news although the first one is not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core import health
from reconciler.core.health import PASS_AGE, RETURNS, ROWS, Facts
from reconciler.core.model import State
from reconciler.core.records import Run, SetAside, Told, told_of_row
from reconciler.core.report import Problem
from reconciler.core.states import OPEN, spoken
from reconciler.core.summary import CREATION_STOPPED

REMIND_AFTER = timedelta(days=1)
CALM_AFTER = timedelta(hours=1)
"""A pass that fails now and then is reported once an hour at most: it counts as well again only
when there was nothing for this long. A return has nothing that comes and goes."""

_STUCK = (State.FAILED, State.REVIEW, State.DEAD)
_NOT_TRIED = (State.PENDING, State.IN_FLIGHT, State.UNKNOWN)
_STOPPED = 7
_IN_PART, _WHOLLY = "in part", "wholly"
_RANKS: dict[str, int] = {"overdue": 0, _IN_PART: 0, **dict.fromkeys(OPEN, 0)}
"""How bad each kind is; all others are 1 and need someone."""
_ABOUT_RETURNS = (0, 3, 10)
"""Exit codes of passes that are complete: the returns and rows speak for themselves."""
_SIGNALS = (129, 130, 143)
"""Exit codes of passes that somebody ended; the next one goes on."""
_FOR_A_PERSON = (2, 6, 7)
"""Exit codes that need someone; two of them with different messages are two things."""
_NOT_TOLD = frozenset(f"exit code {code}" for code in (*_ABOUT_RETURNS, *_SIGNALS))


class Concern(Struct, frozen=True):
    """One thing that is wrong now."""

    key: str
    """The same for as long as it is the same thing."""
    kind: str
    """In what way it is wrong: of a return its state, or `overdue`; of what can begin again under
    the same key what tells one time from another."""
    subject: str
    """What is wrong, without how: `#1042, return 8812`."""
    text: str
    """The whole of it."""
    command: str
    """What to type to look at it or to settle it."""
    return_id: str | None = None
    """The return that it is about, for whoever has to forget that one."""
    began: datetime | None = None
    """Not before then, where something of the same key may have been over before: when the plan was
    stopped, or when someone decided about the return, which is where it was all the same."""


class News(Struct, frozen=True):
    """What is to be reported now."""

    worse: tuple[Concern, ...] = ()
    standing: tuple[Concern, ...] = ()
    """What was reported before, to be reported again because a day has passed."""
    well: tuple[Told, ...] = ()
    """What is not wrong any more; its kind is the state that it came to, if it has one."""
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
    decided: Mapping[str, datetime] | None = None,
) -> tuple[Concern, ...]:
    """Everything that is wrong, what concerns all returns first. `problems` and `rows` are all
    there are; `decided` tells when someone last decided about a return; the rest as `assess`."""
    decided = decided or {}
    of_all = {one.key: one for one in _of_all(facts, patience, max_age, decided)}
    return (
        # First, because a message names the first ones alone.
        *of_all.values(),
        *(_of_return(one, decided.get(one.return_id)) for one in problems),
        *(_of_row(row) for row in rows),
    )


def _of_all(
    facts: Facts,
    patience: timedelta,
    max_age: timedelta | None,
    decided: Mapping[str, datetime],
) -> Iterator[Concern]:
    for reason in health.why(facts, patience, max_age):
        cause, run = reason.cause, reason.run
        if cause in (RETURNS, ROWS):
            continue
        if run is not None:
            concern = _of_run(run, reason, facts, decided)
            if concern is not None:
                yield concern
        elif cause == "stopped plan" and facts.stopped is not None:
            yield _of_the_stopped(facts.stopped, reason.text, facts)
        elif cause == "creation":
            yield _of_creation(reason.text, facts, decided)
        elif cause == health.BACKUP and facts.backup is not None:
            yield Concern(cause, "", cause, reason.text, facts.backup.command)
        else:
            yield Concern(cause, "", cause, reason.text, "reconciler status")


def _of_run(
    run: Run, reason: health.Reason, facts: Facts, decided: Mapping[str, datetime]
) -> Concern | None:
    """None where it is no concern, or another one says it."""
    if any(reason.cause.endswith(f"with {end}") for end in _NOT_TOLD) or _is_said(run, facts):
        return None
    message = run.message or ""
    if facts.creation_stopped is not None and message.startswith(CREATION_STOPPED):
        return _of_creation(reason.text, facts, decided)
    key = subject = reason.cause
    # safeguard: another-trouble-is-news
    if run.exit_code in _FOR_A_PERSON:
        what = _lasting(message)
        key = f"exit code {run.exit_code} {_digest(what)}"
        subject = f"exit code {run.exit_code}: {what}"
    return Concern(key, "", subject, reason.text, run.command or "reconciler status")


def _is_said(run: Run, facts: Facts) -> bool:
    """Whether its stop is settled, or is that of the plan that is stopped."""
    if health.settlement(run, facts) is not None:
        return True
    plan = facts.stopped
    return plan is not None and run.exit_code == _STOPPED and run.digest == plan.digest


def _of_the_stopped(plan: health.Stopped, text: str, facts: Facts) -> Concern:
    runs = (run for run in facts.runs if run.digest == plan.digest and run.exit_code == _STOPPED)
    why = (run.message for run in runs if run.message)
    return Concern(
        key="stopped plan",
        kind="",
        subject="stopped plan",
        text=next(why, text),
        command=f"reconciler run --accept-plan {plan.digest}",
        began=plan.since,
    )


def _of_creation(text: str, facts: Facts, decided: Mapping[str, datetime]) -> Concern:
    by = facts.creation_stopped_by or ""
    what = "creation in Jetti"
    return Concern("creation", _digest(by), what, text, "reconciler status", began=decided.get(by))


def _lasting(message: str) -> str:
    """The message without what differs from pass to pass: numbers, times, digests and ids."""
    return re.sub(r"\w*\d\w*", "…", message)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8]


def _of_return(one: Problem, decided_at: datetime | None) -> Concern:
    kind = one.state if one.state in _STUCK else "overdue"
    order = one.order_name or f"order id {one.order_id or '-'}"
    subject = f"{order}, return {one.return_id}"
    what = f"overdue, {spoken(one.state)}" if kind == "overdue" else spoken(kind)
    why = f": {one.reason}" if one.reason else ""
    return Concern(
        key=f"return {one.return_id}",
        kind=kind,
        subject=subject,
        text=f"{subject} is {what}{why}",
        command=f"reconciler show {one.return_id}",
        return_id=one.return_id,
        # Until a run has tried it, the decision has changed nothing.
        began=None if one.state in _NOT_TRIED else decided_at,
    )


def _of_row(row: SetAside) -> Concern:
    name = f"return {row.return_id}" if row.return_id else "a row without an id"
    subject = f"{row.order_name}, {name}" if row.order_name else name
    part = " in part" if row.is_partial else ""
    return Concern(
        key=told_of_row(row.key),
        kind=_IN_PART if row.is_partial else _WHOLLY,
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
    states: Mapping[str, str] | None = None,
) -> tuple[News, tuple[Told, ...]]:
    """What to tell, and what to remember once that was reported.

    `judges_age`: whether the age of the last pass was looked at (`status --max-age`). `states`: of
    what was reported and is not wrong now, the state of its return or row by key.
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
        state = (states or {}).get(gone.key)
        # safeguard: well-again-once-it-is-settled
        if state in OPEN:
            # Somebody has it tried again, or what is wanted has changed: a run will show.
            memory.append(replace(gone, kind=state))
        elif gone.key == PASS_AGE and not (judges_age or _has_passed(gone, last_complete_pass)):
            memory.append(gone)
        elif _is_calm(gone, now):
            well.append(replace(gone, kind=state or ""))
        else:
            memory.append(gone if gone.well_since else replace(gone, well_since=now))
    silent = len(old) - len(standing)
    return News(worse, standing, tuple(well), silent), tuple(memory)


def _is_worse(one: Concern, before: Told | None) -> bool:
    # safeguard: reported-once
    if before is None:
        return True
    # safeguard: another-stop-is-news
    if one.began is not None and one.began > before.told_at:
        return True
    if not before.kind or one.kind == before.kind:
        return False
    return _rank(one.kind) >= max(_rank(before.kind), 1)


def _rank(kind: str) -> int:
    return _RANKS.get(kind, 1)


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
    if gone.return_id is not None or gone.key.startswith(told_of_row("")):
        return True
    # safeguard: what-comes-and-goes-is-reported-once
    return gone.well_since is not None and abs(now - gone.well_since) >= CALM_AFTER
