"""The text report of a pass, for a tired operator: the verdict first, the next command last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reconciler.core import duration
from reconciler.core.model import State
from reconciler.core.next_command import is_about_creation
from reconciler.core.report import (
    ChangeKind,
    OutcomeKind,
    Problem,
    Report,
    RunFacts,
    RunKind,
)
from reconciler.core.text import safe
from reconciler.reports import changes_text, words_text
from reconciler.reports.change_groups import is_only_looked_for
from reconciler.reports.layout import USUAL, Layout
from reconciler.reports.wording import (
    counted,
    describe_malformed,
    failure,
    lasting,
    listed,
    moment,
    order,
    sale_returns_done,
    sentence,
    span,
    state,
    to_go,
)

_MOST = 20
"""The most problems shown, and the most rows that are not understood."""
_SCHEDULED = (RunKind.SCHEDULED, RunKind.SWEEP)

_CLEANLY = "It ended cleanly; the next run continues from here."
_CONSEQUENCES = {
    1: "The run stopped there.",
    2: "Correct the command or the setting that is named, then run it again.",
    4: "Loop could not be read completely; the watermark stays where reading was complete.",
    5: "What could not be pushed stays pending.",
    6: "The run stopped there.",
    7: "Stopped for safety; someone has to decide.",
    8: "The ledger cannot be used; the run stopped there.",
    129: _CLEANLY,
    130: _CLEANLY,
    143: _CLEANLY,
}
"""The consequence of the fact in the headline, by exit code."""
_OF_A_DRY_RUN = {
    5: "Nothing was written.",
    **dict.fromkeys((129, 130, 143), "It ended cleanly, and nothing was written."),
}
"""The same of a dry run, where it is another."""
# Of Loop alone: what people have changed in Jetti since, only `verify` sees.
_NOTHING = "nothing to push from Loop."
_NOTHING_CREATED = "Nothing is created any more; what Jetti has of ours is still kept up to date."
"""The consequence where that fact is that creation is stopped."""

_NOUNS = {
    ChangeKind.CREATE: "create",
    ChangeKind.UPDATE: "update",
    ChangeKind.CANCEL: "cancellation",
    ChangeKind.ADOPT: "take-over",
}
_NOT_DONE = {
    OutcomeKind.WAITING: "waiting",
    OutcomeKind.REVIEW: "in review",
    OutcomeKind.DEFERRED: "for later passes",
}
"""What a dry run may predict for a change other than that it is made."""


def render(report: Report, width: int = USUAL, following: str | None = None) -> str:
    """The whole report, `width` columns wide, without a trailing newline. `following` replaces the
    next command, as it is typed."""
    return "\n".join(_lines(report, Layout(width), following))


def _lines(report: Report, page: Layout, following: str | None) -> Iterator[str]:
    run = report.run
    yield from page.wrapped(_headline(report), 2)
    if follows := consequence(run):
        yield from page.wrapped(follows, 4, first=2)
    for error in run.failures:
        for text in failure(error, known=fact(run)):
            yield from page.wrapped(text.strip(), 4, first=2)
    yield ""
    for label, text in (*_sums(report), *_read(report)):
        yield from page.labelled(label, text)
    yield from _problems(report.problems, report, page)
    yield from words_text.lines(report.unknown_words, page, _lists_rows(report.run))
    yield from _malformed(report, page)
    told = {one.return_id: one.reason for one in report.problems[:_MOST]}
    yield from changes_text.lines(report, page, told)
    yield ""
    if run.accepted_by:
        yield from page.labelled("accepted", f"by {safe(run.accepted_by, 60)}, with --accept-plan")
    yield from page.labelled("requests", _requests(report))
    if (backlog := report.backlog) is not None and backlog.left and run.kind in _SCHEDULED:
        left = f"{counted(backlog.left, 'return')} left for later passes"
        yield from page.labelled("backlog", f"{left}{to_go(backlog)}")
    for remark in run.remarks:
        if remark == run.message:
            continue  # the headline says it
        yield from page.labelled("note", safe(remark, 1000))
    if following:
        yield from page.typed(following, label="next")
    else:
        yield from page.command("next", report.next)


# ------------------------------------------------------------------------------------- verdict


def _headline(report: Report) -> str:
    """What ended when, and the verdict."""
    # In a log many follow one another. When it ended: what it says is as of then.
    at = moment(report.run.finished_at)
    return f"{at}  {name(report.run)}: {verdict(report)} [exit {report.run.exit_code}]"


def name(run: RunFacts) -> str:
    """`Run 128 (scheduled)`, `Dry run (range)`."""
    which = "Dry run" if run.dry_run else f"Run {run.id}" if run.id is not None else "Run"
    return f"{which} ({run.kind.value})"


def verdict(report: Report) -> str:
    """What happened; if something stopped the pass, that and what was done before."""
    stopped = fact(report.run)
    text = _stopped(report, stopped) if stopped else _success(report)
    if report.run.exit_code == 3:
        text = f"{sentence(text)} Some returns need a look."
    return text


def consequence(run: RunFacts) -> str | None:
    """What follows from the fact in the verdict."""
    if is_about_creation(run):
        return _NOTHING_CREATED
    of_it = _OF_A_DRY_RUN if run.dry_run else {}
    return of_it.get(run.exit_code) or _CONSEQUENCES.get(run.exit_code)


def fact(run: RunFacts) -> str | None:
    """What stopped the pass, if anything did. The verdict begins with it."""
    if run.exit_code not in _CONSEQUENCES:
        return None
    return run.message or next((error.message for error in run.failures), None)


def _stopped(report: Report, stopped: str) -> str:
    foreseen = _planned(report) if is_about_creation(report.run) else _foreseen(report)
    done = ", ".join(foreseen) if report.run.dry_run else _done(report)
    would = "would " if report.run.dry_run else ""
    text = safe(sentence(stopped), 1000).rstrip(".")
    if done:
        text += f"; {would}{done} all the same"
    if missed := _missed(report):
        text += f"; it did not come to {counted(missed, 'change')}"
    return f"{text}."


def _missed(report: Report) -> int:
    """Changes that a dry run was broken off before: what would become of them is not known."""
    run = report.run
    # Where creation is stopped that is why some are left, and the fact of the verdict.
    if not (run.dry_run and run.ended_early) or is_about_creation(run):
        return 0
    return sum(c.outcome is OutcomeKind.DEFERRED and not c.stopped for c in report.changes)


def _done(report: Report) -> str:
    counts = report.counts
    done = listed(
        (
            (counts.created, "created"),
            (counts.updated, "updated"),
            (counts.cancelled, "cancelled"),
            (counts.adopted, "taken over"),
        )
    )
    # safeguard: headline-tells-of-sale-returns
    beyond = sale_returns_done(*changes_text.beyond_the_words(report.changes))
    return f"{done} ({beyond})" if done and beyond else done or beyond


def _success(report: Report) -> str:
    if report.run.dry_run:
        foreseen = ", ".join(_foreseen(report))
        return f"would {foreseen}. Nothing was written." if foreseen else _NOTHING
    counts, done = report.counts, _done(report)
    # What needs a look is listed below, and the exit code reports it.
    open_ = listed(((counts.pending, "pending"), (counts.waiting, "waiting")))
    if not (done or open_ or _leaves_something(report)) and report.run.exit_code == 0:
        # Of a verification the pass settles what is listed, and speaks of nothing else.
        is_of_all = report.run.kind is not RunKind.VERIFY
        return _NOTHING if is_of_all else "nothing had to be pushed."
    now = f" {standing_of(report.run)} {open_}." if open_ else ""
    return f"{done or 'nothing was pushed'}.{now}"


def _leaves_something(report: Report) -> bool:
    return any(change.outcome is OutcomeKind.DEFERRED for change in report.changes)


def standing_of(run: RunFacts) -> str:
    """Which returns are counted as they are now: `In the ledger now`, before their numbers."""
    if run.dry_run:
        return "As read, before any push"
    return "Of these returns now" if run.kind is RunKind.SINGLE else "In the ledger now"


def _foreseen(report: Report) -> Iterator[str]:
    """What a run would do, and what it would not be able to."""
    yield from _planned(report)
    outcomes: Counter[OutcomeKind] = Counter()
    unsought = 0
    for change in report.changes:
        if change.stopped:
            continue
        # Later passes do not look for all of these: some rest until someone asks for them again.
        if change.outcome is OutcomeKind.DEFERRED and change.change is ChangeKind.ADOPT:
            unsought += 1
        else:
            outcomes[change.outcome] += 1
    if _missed(report):
        unsought = outcomes[OutcomeKind.DEFERRED] = 0
    left = listed((outcomes[outcome], words) for outcome, words in _NOT_DONE.items())
    if left:
        yield f"leave {left}"
    if unsought:
        yield f"not look for {unsought} in Jetti yet"


def _planned(report: Report) -> Iterator[str]:
    planned = [change for change in report.changes if change.outcome is OutcomeKind.PLANNED]
    counts = Counter((change.change, is_only_looked_for(change)) for change in planned)
    parts = [f"{kind.verb} {counts[kind, False]}" for kind in ChangeKind if counts[kind, False]]
    if unsure := counts[ChangeKind.ADOPT, True]:
        parts.append(f"{ChangeKind.ADOPT.verb} {unsure} if Jetti has {_it(unsure)}")
    # Jetti splits by vendor, so there may be more than is foreseen.
    if beyond := sale_returns_done(*changes_text.beyond_the_words(planned), least="at least "):
        parts[-1] += f" ({beyond})"
    yield from parts


# ---------------------------------------------------------------------------------------- sums


def _sums(report: Report) -> Iterator[tuple[str, str]]:
    """How many of each change, for how many vendors, how many from before go-live, how long at the
    rate that Jetti allows, and by what the plan is named: before any single one."""
    counted_changes = Counter(
        (change.change, is_only_looked_for(change))
        for change in report.changes
        if change.outcome is not OutcomeKind.SKIPPED
    )
    if not counted_changes:
        return
    kinds = [
        counted(counted_changes[kind, False], noun)
        for kind, noun in _NOUNS.items()
        if counted_changes[kind, False]
    ]
    if unsure := counted_changes[ChangeKind.ADOPT, True]:
        kinds.append(f"{counted(unsure, _NOUNS[ChangeKind.ADOPT])} if Jetti has {_it(unsure)}")
    sums, run = report.sums, report.run
    parts = [", ".join(kinds)]
    if sums.vendors:
        parts.append(f"for {counted(sums.vendors, 'vendor')}")
    if sums.before_go_live:
        parts.append(f"{counted(sums.before_go_live, 'return')} from before go-live")
    # Also of a run: what became of it the verdict tells.
    yield "plan", "; ".join(parts)
    if sums.seconds_at_pace and run.dry_run:
        pace = f"about {duration.estimate(sums.seconds_at_pace)} at the rate that Jetti allows"
        yield "takes", pace
    if run.dry_run:
        yield "digest", safe(run.digest, 20)


def _it(count: int) -> str:
    return "it" if count == 1 else "them"


# ---------------------------------------------------------------------------------------- read


def _read(report: Report) -> Iterator[tuple[str, str]]:
    run, counts = report.run, report.counts
    drained = [window for window in run.windows if window.drained]
    if drained:
        whole = span(min(w.start for w in drained), max(w.end for w in drained))
        cut = f" in {len(drained)} windows" if len(drained) > 1 else ""
        yield "read", f"{whole}{cut}, complete"
    for window in run.windows:
        if not window.drained:
            yield "NOT READ", span(window.start, window.end)
    found = listed(
        (
            (counts.new, "new"),
            (counts.changed, "changed"),
            (counts.unchanged, "unchanged"),
            (counts.malformed, "malformed (kept aside)"),
        )
    )
    yield "seen", counted(counts.seen, "return") + (f": {found}" if found else "")
    if counts.forgotten:
        yield "forgotten", f"{counted(counts.forgotten, 'return')}, of which nothing is kept"
    yield "watermark", watermark(run)


def watermark(run: RunFacts) -> str:
    """How far reading was complete before and after, or what would become of it."""
    before, after = run.watermark.before, run.watermark.after
    if before is None and after is None:
        return "none: there is no ledger yet"
    if before == after:
        return moment(after)
    if run.dry_run:
        return f"{moment(before)}; a run would move it to {moment(after)}"
    return f"{moment(before)} -> {moment(after)}"


def _requests(report: Report) -> str:
    loop, jetti = report.requests.loop, report.requests.jetti
    return f"Loop {loop.get} GET; Jetti {jetti.get} GET, {counted(jetti.write, 'write')}"


# ------------------------------------------------------------------------------------ problems


def _problems(problems: tuple[Problem, ...], report: Report, page: Layout) -> Iterator[str]:
    if not problems:
        return
    yield ""
    number = len(problems) + report.problems_left_out
    yield f"needs a look ({number})"
    for problem in problems[:_MOST]:
        waited = ""
        if problem.since is not None:
            waited = lasting(report.run.finished_at - problem.since)
        on = order(problem.order_name, problem.order_id)
        yield from page.item(
            "!",
            f"{on}  return {safe(problem.return_id, 20)}  {state(problem.state)}{waited}"
            + (f": {safe(problem.reason)}" if problem.reason else ""),
        )
    if number > _MOST:
        more = f"and {number - _MOST} more: `{lists_problems(report)}`"
        yield from page.wrapped(more, 4, first=2)


def lists_problems(report: Report) -> str:
    """The command that lists all returns in the states of those that need a look."""
    counts = report.counts
    found = {one.state for one in report.problems}
    # Of those that are left out, too.
    found |= {
        kind.value
        for kind, count in (
            (State.REVIEW, counts.review),
            (State.DEAD, counts.dead),
            (State.FAILED, counts.failed),
            (State.UNKNOWN, counts.unanswered),
        )
        if count
    }
    named = (f" --state {kind.value}" for kind in State if kind.value in found)
    return f"reconciler list{''.join(named)}"


def _malformed(report: Report, page: Layout) -> Iterator[str]:
    if not report.malformed:
        return
    yield ""
    yield f"not understood ({len(report.malformed)})"
    for row in report.malformed[:_MOST]:
        yield from page.item("?", describe_malformed(row))
    if len(report.malformed) > _MOST:
        left = len(report.malformed) - _MOST
        yield from page.wrapped(f"and {left} more: {_lists_rows(report.run)}", 4, first=2)


def _lists_rows(run: RunFacts) -> str:
    """What lists all rows and words that are not understood. What only a dry run has read the
    ledger does not know."""
    return "`--format json` lists all" if run.dry_run else words_text.LISTED_BY
