"""Carrying out a plan within a budget: what is fresh first, then the backlog; neither starves
(performance.md#under-scarcity)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from math import ceil

from reconciler import steps
from reconciler.core.budget import Budget, Spent
from reconciler.core.estimate import Rates, Worked
from reconciler.core.plan import Change, Priority
from reconciler.core.report import OutcomeKind, ReportedChange
from reconciler.core.target import MayBegin, Target
from reconciler.runtime import Progress

_AS_ALLOWED = 60.0
"""Seconds at the rate that Jetti allows that count together with those that passed: the first
change comes with the lookups of many, and would make the rest seem to take twice as long."""
_TO_NOTHING = (OutcomeKind.DEFERRED, OutcomeKind.FAILED)
"""Outcomes after which as much is left as before."""


class Turns:
    """Has the changes of one pass carried out, in the turns that the budget gives them."""

    def __init__(
        self, budget: Budget, rates: Rates, spent: Callable[[], Spent], progress: Progress
    ) -> None:
        """`spent` tells what the pass has spent so far."""
        self._budget = budget
        self._rates = rates
        self._spent = spent
        self._progress = progress
        self.outcomes: list[ReportedChange] = []
        """What became of the changes that were carried out; true also when `push` raises."""
        self._changes: dict[str, Change] = {}
        self._fresh = 0
        """How many of them are not the backlog's."""
        self._one = Spent()
        """What one change of the backlog may take: as expected of the first, or as much as those
        that were carried out took on average."""
        self._began = Spent()
        self._fresh_spent = Spent()
        """What had been spent before the first change of the backlog was begun."""
        self._fresh_done = 0
        self._backlog_done = 0
        self._work_planned = 0.0
        self._work_done = 0.0

    def push(self, target: Target, changes: Sequence[Change]) -> None:
        """Carry out as many of the changes as the budget allows. Raises what `Target.push` does."""
        backlog = [change for change in changes if _is_backlog(change)]
        self._changes = {change.return_id: change for change in changes}
        self._fresh = len(changes) - len(backlog)
        self._work_planned = self._rates.seconds(changes)
        self._one = self._rates.of(backlog[0]) if backlog else Spent()
        self._began = self._fresh_spent = self._spent()
        self._take(target, changes, self._may_begin)
        if not self._backlog_done:
            # What is fresh has left the rest to it.
            self._take(target, backlog, self._may_begin_backlog)
        self._take(target, self._left_of_fresh(), self._is_affordable)

    @property
    def has_begun(self) -> bool:
        """Whether there was a plan to carry out."""
        return bool(self._changes)

    def worked(self, pending_again: Collection[str] = ()) -> Worked:
        """What is left of the plan, and what was done of what earlier passes had left: not of the
        returns that are `pending_again`."""
        left = {**self._changes}
        old: list[Change] = []
        for one in self.outcomes:
            if one.outcome not in _TO_NOTHING:
                left.pop(one.return_id, None)
            change = self._changes[one.return_id]
            # What waits for another return was not done.
            is_undone = one.return_id in pending_again
            if change.was_left and one.outcome is not OutcomeKind.DEFERRED and not is_undone:
                old.append(change)
        # safeguard: what-rests-is-no-backlog
        due = [change for change in left.values() if not change.rests]
        seconds = self._rates.seconds
        each = self._rates.of_an_update().seconds
        return Worked(len(due), seconds(due), seconds(old), each)

    def _take(self, target: Target, changes: Sequence[Change], may_begin: MayBegin) -> None:
        if changes and may_begin(0):
            for outcome in target.push(changes, may_begin):
                self._record(outcome)

    def _may_begin(self, owed: int) -> bool:
        """Of the whole plan, in which what is fresh comes before the backlog."""
        is_left_of_both = self._fresh_done < self._fresh < len(self._changes)
        if self._backlog_done or not is_left_of_both:
            return self._may_begin_backlog(owed)
        if not self._is_affordable(owed):
            return False
        if not owed and self._fresh_done:
            self._one = self._one.at_least(self._mean())
        has_begun = self._fresh_done or owed
        return not (has_begun and self._budget.leaves_fresh_changes(self._with(owed), self._one))

    def _may_begin_backlog(self, owed: int) -> bool:
        if not self._is_affordable(owed):
            return False
        has_begun = self._fresh < len(self._changes) and (self._backlog_done or owed)
        # safeguard: backlog-ends-before-the-next-pass
        return not (
            has_begun and self._budget.leaves_the_backlog(self._with(owed), self._fresh_spent)
        )

    def _is_affordable(self, owed: int) -> bool:
        return self._budget.why_spent(self._with(owed)) is None

    def _with(self, owed: int) -> Spent:
        """What will have been spent when what has begun has sent as many writes more."""
        spent = self._spent()
        # safeguard: time-for-what-has-begun
        seconds = spent.seconds + owed / self._rates.writes
        return Spent(spent.writes + owed, seconds)

    def _mean(self) -> Spent:
        """What one change took so far, on average."""
        spent, number = self._spent().since(self._began), len(self.outcomes)
        return Spent(ceil(spent.writes / number), spent.seconds / number)

    def _left_of_fresh(self) -> list[Change]:
        done = {outcome.return_id for outcome in self.outcomes}
        return [
            change
            for change in self._changes.values()
            if not (_is_backlog(change) or change.return_id in done)
        ]

    def _record(self, outcome: ReportedChange) -> None:
        self.outcomes.append(outcome)
        steps.carried_out(outcome)
        change = self._changes[outcome.return_id]
        if _is_backlog(change):
            self._backlog_done += 1
        else:
            self._fresh_done += 1
            if not self._backlog_done:
                self._fresh_spent = self._spent()
        self._work_done += self._rates.of(change).seconds
        self._progress.pushing(len(self.outcomes), len(self._changes), self._seconds_left())

    def _seconds_left(self) -> float:
        """Until all of the plan is done, at the rate so far."""
        took = self._spent().since(self._began).seconds
        slowness = (took + _AS_ALLOWED) / (self._work_done + _AS_ALLOWED)
        return slowness * (self._work_planned - self._work_done)


def _is_backlog(change: Change) -> bool:
    return change.priority is Priority.BACKLOG
