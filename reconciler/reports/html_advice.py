"""What needs someone, each with what to do about it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from reconciler.core import words
from reconciler.core.report import OutcomeKind, Problem, Report, ReportedChange
from reconciler.core.text import safe
from reconciler.reports import html_changes
from reconciler.reports.html_changes import Group
from reconciler.reports.wording import lasting, moment, order, state

MOST_PROBLEMS = 500
"""Returns that are listed, and rows that are not understood."""
MOST_WORDS = 50

_ON_STATES = {
    "review": "`reconciler show {}` says what is in doubt and which commands could settle it."
    " Nothing else moves it.",
    "dead": "Correct what the reason names, then `reconciler retry {}`.",
    "failed": "It is tried again automatically. If the reason lasts, correct what it names, then"
    " `reconciler retry {}`.",
    "waiting": "See why the order does not come to Jetti, and import it; `reconciler show {}` says"
    " how it can be left alone.",
    "pending": "`reconciler show {}` says what holds it up; passes go on with it.",
    "skipped": "`reconciler show {}` says why nothing is sent.",
}
_ON_UNANSWERED = "Nothing to do: a pass reads back from Jetti what became of the write."
_ON_ROWS = (
    "`reconciler show {}` says what can be decided about it. Once Loop sends it right, it is read"
    " like any other."
)
_ON_ROWS_WITHOUT_ID = (
    "`reconciler status` names it. It is forgotten once a sweep or a range reads its time without"
    " it."
)
_ON_OUTCOMES = {
    OutcomeKind.WAITING: "Later passes look for it again. If it lasts, see why the order does not"
    " come to Jetti.",
    OutcomeKind.FAILED: "Correct what the reason names. Passes try it again unless it was given up:"
    " `reconciler show` tells.",
    OutcomeKind.REVIEW: "Someone has to decide: `reconciler show` says what is in doubt.",
    OutcomeKind.DEFERRED: "The reason says what it waits for; `reconciler show` what happens next.",
}
"""Of what a pass did not carry out."""


class Open(Struct, frozen=True):
    """A return that needs someone."""

    order: str
    return_id: str
    state: str
    due: str
    reason: str
    advice: str


class NotUnderstood(Struct, frozen=True):
    """A row from Loop that is set aside."""

    what: str
    problem: str
    since: str
    last_seen: str
    advice: str


class Word(Struct, frozen=True):
    """A word in Loop without a meaning here."""

    list: str
    word: str
    returns: int
    advice: str


def problems(report: Report) -> Iterator[Open]:
    """Returns that failed, need someone or are overdue."""
    for one in report.problems[:MOST_PROBLEMS]:
        yield opened(one, report.run.finished_at)


def opened(one: Problem, now: datetime) -> Open:
    """One of them, as it is at this time."""
    due = lasting(now - one.since) if one.since is not None else ""
    named = shlex.quote(safe(one.return_id, 20))
    return Open(
        order=order(one.order_name, one.order_id),
        return_id=safe(one.return_id, 20),
        state=state(one.state),
        due=due.removeprefix(", due "),
        reason=safe(one.reason) if one.reason else "",
        advice=_ON_STATES.get(one.state, _ON_UNANSWERED).format(named),
    )


def malformed(report: Report) -> Iterator[NotUnderstood]:
    """Rows from Loop that are not understood."""
    for row in report.malformed[:MOST_PROBLEMS]:
        advice = _ON_ROWS_WITHOUT_ID
        if named := row.return_id or row.order_name:
            # Quoted: an order's name begins with `#`, which starts a comment in a shell.
            advice = _ON_ROWS.format(shlex.quote(safe(named, 64)))
        on = f" on {safe(row.order_name, 40)}" if row.order_name else ""
        what = f"Return {safe(row.return_id, 20)}{on}" if row.return_id else "A row without its id"
        part = "; the rest of it is used" if row.is_partial else ""
        yield NotUnderstood(
            what=f"{what}{part}",
            problem=safe(row.problem, 500),
            since=moment(row.first_seen),
            last_seen=moment(row.last_seen),
            advice=advice,
        )


def unknown_words(report: Report) -> Iterator[Word]:
    """Words in Loop that neither this version nor a setting knows."""
    for one in report.unknown_words[:MOST_WORDS]:
        yield Word(safe(one.list, 20), safe(one.word, 40), one.returns, safe(words.advice(one)))


def not_done(told: Iterable[ReportedChange]) -> Iterator[Group]:
    """What a pass did not carry out, or would not, by its reason."""
    found = (one for one in told if not one.stopped and one.outcome in _ON_OUTCOMES)
    advice = {html_changes.OUTCOMES[kind]: text for kind, text in _ON_OUTCOMES.items()}
    for group in html_changes.grouped(found):
        yield Group(
            group.outcome, group.reason, group.count, group.orders, advice.get(group.outcome, "")
        )
