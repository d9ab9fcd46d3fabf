"""The command that goes on after a pass, as every form of its report names it."""

from __future__ import annotations

import shlex

from reconciler.core.instants import iso
from reconciler.core.report import OutcomeKind, Report, RunFacts
from reconciler.core.request import RunRequest
from reconciler.core.summary import CREATION_STOPPED

_SHOWN_WHOLE = frozenset({0, 3, 7, 10})
"""Exit codes of a dry run that came to the end of its plan."""

_LEFT_FOR_A_RUN = frozenset({OutcomeKind.WAITING, OutcomeKind.REVIEW, OutcomeKind.DEFERRED})


def next_command(
    report: Report, request: RunRequest, creation_stopped_by: str | None = None
) -> tuple[str, ...]:
    """The one command that goes on from here, as an argument list; empty where there is none, or
    where a hint says more than a command can. `creation_stopped_by`: the return that has to be
    decided about before anything is created."""
    run = report.run
    if first_step := _first_step(run):
        return first_step
    commands = [error.command for error in run.failures if error.command]
    if commands:
        accepting = words_of(commands[0])
        # safeguard: no-acceptance-while-nothing-is-created
        if creation_stopped_by is not None and "--accept-plan" in accepting:
            return ("reconciler", "show", creation_stopped_by)
        return accepting
    if any(error.hint for error in run.failures):
        return ()
    if report.problems:
        return ("reconciler", "show", report.problems[0].return_id)
    for row in report.malformed:
        if named := row.return_id or row.order_name:
            return ("reconciler", "show", named)
    return request.again if run.dry_run and _leaves_something(report) else ()


def words_of(command: str) -> tuple[str, ...]:
    """A command line of ours as an argument list."""
    return tuple(shlex.split(command))


def is_about_creation(run: RunFacts) -> bool:
    """Whether the exit code rests on that creation is stopped."""
    return run.message is not None and run.message.startswith(CREATION_STOPPED)


def _first_step(run: RunFacts) -> tuple[str, ...]:
    """The `init` that creates a ledger for what this dry run without one has shown."""
    if run.would_go_live is None or run.exit_code not in _SHOWN_WHOLE:
        return ()
    commands = [words_of(error.command) for error in run.failures if error.command]
    # Where Jetti has some of it already, with more options.
    better = [command for command in commands if command[:2] == ("reconciler", "init")]
    # safeguard: first-things-first
    return better[0] if better else ("reconciler", "init", "--since", iso(run.would_go_live))


def _leaves_something(report: Report) -> bool:
    """Whether a run would do what this dry run has shown, or would have to come back to it."""
    run = report.run
    outcomes = {change.outcome for change in report.changes if not change.stopped}
    if OutcomeKind.PLANNED in outcomes:
        return True
    if is_about_creation(run):
        return False
    if run.ended_early:
        outcomes.discard(OutcomeKind.DEFERRED)  # it only did not come to them
    return not _LEFT_FOR_A_RUN.isdisjoint(outcomes)
