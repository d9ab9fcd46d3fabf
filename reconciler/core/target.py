"""What a pass needs of Jetti, and the target of a dry run, which touches nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from reconciler.core.plan import Change
from reconciler.core.report import OutcomeKind, ReportedChange


class Target(Protocol):
    """Where a plan is carried out."""

    def push(self, changes: Sequence[Change]) -> Iterator[ReportedChange]:
        """One outcome per change, worked out when it is asked for.

        Raises TargetUnavailable, KeyRefused, SafetyStop, ConfigError, LedgerError, Interrupted.
        """

    def marked(self, changes: Sequence[Change]) -> list[str] | None:
        """Which of these returns the target already holds under our marker; None: nobody looks.

        Raises TargetUnavailable, KeyRefused, Interrupted.
        """

    def vendors(self, changes: Sequence[Change]) -> int | None:
        """How many vendors have a part in what these creates would make; None: nobody looks.

        Raises TargetUnavailable, KeyRefused, Interrupted.
        """

    def remarks(self) -> tuple[str, ...]:
        """What a reader of the report should know of how the target answered."""


class Preview:
    """A plan that nobody carries out."""

    def push(self, changes: Sequence[Change]) -> Iterator[ReportedChange]:
        for change in changes:
            yield change.with_outcome(OutcomeKind.PLANNED)

    def marked(self, changes: Sequence[Change]) -> list[str] | None:
        return None

    def vendors(self, changes: Sequence[Change]) -> int | None:
        return None

    def remarks(self) -> tuple[str, ...]:
        return ()
