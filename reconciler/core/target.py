"""What a pass needs from Jetti, and the target of a dry run, which sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Protocol

from reconciler.core.field_changes import Written
from reconciler.core.plan import Change
from reconciler.core.report import OutcomeKind, ReportedChange

MayBegin = Callable[[int], bool]
"""Whether one more return may begin, given how many writes those that have begun may still need:
budgets are looked at between returns, never inside one."""


def always(_owed: int) -> bool:
    """Where there is no budget."""
    return True


class Target(Protocol):
    """Where a plan is carried out."""

    def push(
        self, changes: Sequence[Change], may_begin: MayBegin = always
    ) -> Iterator[ReportedChange]:
        """One outcome per change, produced lazily, until `may_begin` says no. It is asked before
        each change but the first, and what has begun is finished all the same.

        Raises TargetUnavailable, KeyRefused, SafetyStop, ConfigError, LedgerError, Interrupted.
        """

    def already_has(self, changes: Sequence[Change]) -> list[str] | None:
        """Which of these returns already have our marker in the target; None if it does not look.

        Raises TargetUnavailable, KeyRefused, Interrupted.
        """

    def vendors(self, changes: Sequence[Change]) -> int | None:
        """The number of vendors that these creates would involve; None if it does not look.

        Raises TargetUnavailable, KeyRefused, Interrupted.
        """

    def remarks(self) -> tuple[str, ...]:
        """What operators should know about how the target answered."""

    def unfinished(self) -> Mapping[str, Written]:
        """What was written for a return whose outcome `push` did not come to, by its id."""
        return {}

    def pending_again(self) -> frozenset[str]:
        """Ids of returns that `push` gave as failed, and that are pending again, because it ended
        with an outage, which is no fault of theirs."""
        return frozenset()


class LedgerPreview(Target):
    """A target that carries nothing out. `creation_stopped` is why nothing is created any more."""

    def __init__(self, creation_stopped: str | None = None) -> None:
        self._creation_stopped = creation_stopped

    def push(
        self, changes: Sequence[Change], may_begin: MayBegin = always
    ) -> Iterator[ReportedChange]:
        for place, change in enumerate(changes):
            if place and not may_begin(0):
                return
            # What has no answer yet is read back first, and may be there.
            # safeguard: stopped-creation-in-dry-runs
            if self._creation_stopped is not None and change.creates and not change.reads_back:
                reason = f"creation is stopped: {self._creation_stopped}"
                yield change.with_outcome(OutcomeKind.DEFERRED, reason)
            else:
                yield change.with_outcome(OutcomeKind.PLANNED, written=change.foreseen())

    def already_has(self, changes: Sequence[Change]) -> list[str] | None:
        return None

    def vendors(self, changes: Sequence[Change]) -> int | None:
        return None

    def remarks(self) -> tuple[str, ...]:
        return ()


class DeferredTarget:
    """A target that is built when it is first needed: a pass that finds nothing needs none."""

    def __init__(self, build: Callable[[], Target]) -> None:
        self.get = cache(build)
        """The target; the same one each time."""
        self.remarks: tuple[str, ...] = ()
        """Those of the target after its latest use."""
        self.unfinished: Mapping[str, Written] = {}
        """The same."""
        self.pending_again: frozenset[str] = frozenset()
        """The same."""

    @contextmanager
    def in_use(self) -> Iterator[Target]:
        """The target, whose remarks are kept however its use ends."""
        target = self.get()
        try:
            yield target
        finally:
            self.remarks, self.unfinished = target.remarks(), target.unfinished()
            self.pending_again = target.pending_again()
