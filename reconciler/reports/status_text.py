"""The text output of `status`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from shlex import quote

from msgspec import Struct

from reconciler.core import duration
from reconciler.core.commands import WHAT_DATE_IS, init_adopt
from reconciler.core.health import (
    Facts,
    Health,
    killed_run,
    lacking_backup,
    refused_run,
    stop_to_settle,
    was_killed,
)
from reconciler.core.instants import to_the_second
from reconciler.core.records import Run
from reconciler.core.routine_backup import RoutineBackup
from reconciler.core.text import safe
from reconciler.reports import words_text
from reconciler.reports.layout import USUAL, Layout
from reconciler.reports.wording import (
    counted,
    lasting,
    listed,
    moment,
    order,
    state,
    to_go,
    what_was_done,
)

_RUNS_SHOWN = 5
_ROWS_SHOWN = 10
_BELOW_A_RUN = 9
"""Columns before later lines of a run: they begin below its kind."""


def render(health: Health, width: int = USUAL) -> str:
    """The verdict, its reasons, then the facts; last the next command."""
    return "\n".join(_lines(health, Layout(width)))


def _lines(health: Health, page: Layout) -> Iterator[str]:
    facts = health.facts
    if health.healthy:
        yield from page.wrapped(_nothing_wrong(facts), 2)
    else:
        yield from page.wrapped(f"Not healthy, for {counted(len(health.reasons), 'reason')}:", 2)
    for reason in health.reasons:
        yield from page.item("!", safe(reason, 500))
    yield ""
    for label, text in _facts(facts):
        yield from page.labelled(label, text)
    yield from _set_aside(facts, page)
    yield from words_text.lines(facts.unknown_words, page)
    yield from _runs(facts, page)
    following = _next(health)
    if following is not None:
        yield ""
        if following.note:
            yield from page.labelled("note", following.note)
        yield from page.typed(following.command, label="next")


def _nothing_wrong(facts: Facts) -> str:
    if facts.last_complete_pass is None:
        return "Nothing is wrong, but no pass has completed yet."
    return "Healthy."


class _Next(Struct, frozen=True):
    """The command that helps, as it is typed, and what there is to know about it."""

    command: str
    note: str | None = None


def _next(health: Health) -> _Next | None:
    facts = health.facts
    # Before any plan: of one that is accepted now nothing would be created.
    if facts.creation_stopped_by is not None:
        return _Next(f"reconciler show {safe(facts.creation_stopped_by, 20)}")
    if not health.healthy and refused_run(facts) is not None:
        return _Next("reconciler doctor")
    stop = stop_to_settle(facts)
    # safeguard: status-repeats-the-command-of-a-stop
    if stop is not None and stop.command is not None:
        note = None
        if "DATE" in stop.command:
            note = f"{WHAT_DATE_IS}; this ledger went live {to_the_second(facts.go_live)}"
        return _Next(safe(stop.command, 1000), note)
    if facts.stopped:
        return _Next(f"reconciler run --accept-plan {safe(facts.stopped.digest, 20)}")
    if (killed := killed_run(facts)) is not None:
        return _Next(
            "reconciler run", f"the next scheduled run goes on with what run {killed.id} left"
        )
    if facts.oldest_problem:
        return _Next(f"reconciler show {safe(facts.oldest_problem.return_id, 20)}")
    for row in facts.set_aside:
        if named := row.return_id or row.order_name:
            return _Next(f"reconciler show {quote(named)}")
    if facts.adopting_since is not None:
        return _Next(init_adopt(facts.go_live))
    if (lacking := lacking_backup(facts)) is not None:
        return _Next(safe(lacking.command, 1000))
    if facts.settled and not health.healthy:
        return _Next(
            "reconciler run", "what stopped it is settled, so the next scheduled run goes on"
        )
    if facts.last_complete_pass is None:
        return _Next("reconciler run", "to be scheduled every few minutes, as in cron.example")
    return None


def _facts(facts: Facts) -> Iterator[tuple[str, str]]:
    yield "watermark", f"{moment(facts.watermark)}{_ago(facts, facts.watermark)}"
    yield "last pass", _ended(facts, facts.last_complete_pass)
    yield "last sweep", _ended(facts, facts.last_complete_sweep)
    if facts.backup is not None:
        yield "backup", _backup(facts, facts.backup)
    yield "go-live", moment(facts.go_live)
    states = listed((count, state(name)) for name, count in sorted(facts.states.items()))
    yield "returns", states or "none yet"
    if (backlog := facts.backlog) is not None and backlog.left:
        yield "backlog", f"{counted(backlog.left, 'return')} left{to_go(backlog)}"
    if facts.adopting_since is not None:
        since = moment(facts.adopting_since)
        yield "adoption", f"NOT FINISHED: not all returns since {since} were looked up in Jetti"
    if facts.creation_stopped:
        why = safe(facts.creation_stopped, 500)
        until = "until someone decides about the return that caused it"
        yield "creation", f"STOPPED {until}: {why}"
    if problem := facts.oldest_problem:
        since = lasting(facts.now - problem.since) if problem.since else ""
        why = f": {safe(problem.reason)}" if problem.reason else ""
        name = f"{order(problem.order_name, problem.order_id)} return {safe(problem.return_id, 20)}"
        yield "oldest", f"{name} {state(problem.state)}{since}{why}"


def _backup(facts: Facts, last: RoutineBackup) -> str:
    made = f"{moment(last.made_at)}{_ago(facts, last.made_at)}" if last.made_at else "none yet"
    if last.failed_at is None:
        return made
    return f"FAILED {moment(last.failed_at)}{_ago(facts, last.failed_at)}, last made: {made}"


def _ended(facts: Facts, instant: datetime | None) -> str:
    return f"complete {moment(instant)}{_ago(facts, instant)}" if instant else "none complete yet"


def _ago(facts: Facts, instant: datetime) -> str:
    if instant > facts.now:
        return f" ({duration.approximate(instant - facts.now)} AHEAD of this machine's clock)"
    return f" ({duration.approximate(facts.now - instant)} ago)"


def _set_aside(facts: Facts, page: Layout) -> Iterator[str]:
    if not facts.malformed:
        return
    yield ""
    yield f"not understood, kept aside ({facts.malformed})"
    shown = facts.set_aside[:_ROWS_SHOWN]
    for row in shown:
        on = f" on {safe(row.order_name, 40)}" if row.order_name else ""
        part = " (in part)" if row.is_partial else ""
        since = f"since {moment(row.first_seen)}"
        yield from page.item("?", f"{safe(row.key, 64)}{on}{part}  {since}: {safe(row.problem)}")
    if left := facts.malformed - len(shown):
        yield from page.indented(f"… and {left} more: {words_text.LISTED_BY}")


def _runs(facts: Facts, page: Layout) -> Iterator[str]:
    if not facts.runs:
        return
    yield ""
    yield from page.wrapped(
        "last runs (of several in a row that found nothing, only the last is kept)", 4
    )
    for run in facts.runs[:_RUNS_SHOWN]:
        yield from _run(run, facts, page)


def _run(run: Run, facts: Facts, page: Layout) -> list[str]:
    name = (f"{run.id:>5}", f"{safe(run.kind, 12):<9}", moment(run.started_at))
    if run.finished_at is None:
        fate = "was killed" if was_killed(run, facts) else "it is still going, or was killed"
        return page.columns(name, f"not finished: {fate}", _BELOW_A_RUN, first=2)
    took = duration.approximate(run.finished_at - run.started_at)
    told = "  ".join(part for part in (what_was_done(run.counts), safe(run.message or "")) if part)
    cells = (*name, f"{took:>4}", f"exit {run.exit_code}")
    return page.columns(cells, told, _BELOW_A_RUN, first=2)
