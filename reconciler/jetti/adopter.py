"""Adopting what is in Jetti already, for `init --adopt`: GETs only, and what is not there waits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from reconciler.core.matching.result import Matched, NeedsReview
from reconciler.core.model import Entry, State
from reconciler.core.plan import Change
from reconciler.core.ports import Journal
from reconciler.core.records import Transition
from reconciler.core.report import ChangeKind, OutcomeKind, ReportedChange
from reconciler.core.target import MayBegin, Target, always
from reconciler.errors import TargetUnavailable
from reconciler.jetti.lookup import LookupFailed
from reconciler.jetti.matcher import MatchedChange, Matcher
from reconciler.jetti.result import PushResult, named
from reconciler.jetti.updater import Updater


class Adopter(Target):
    """Takes over what is provably ours. What is not found stays as it was, for the next run."""

    def __init__(self, matcher: Matcher, updater: Updater, journal: Journal) -> None:
        self._matcher = matcher
        self._updater = updater
        self._journal = journal

    def push(
        self, changes: Sequence[Change], may_begin: MayBegin = always
    ) -> Iterator[ReportedChange]:
        """Look for each change that may be in Jetti already; others are left out.

        Raises KeyRefused, SafetyStop, ConfigError, Interrupted, and at the end TargetUnavailable
        when Jetti failed for any, since not all was looked for then.
        """
        unknown = [
            replace(c, kind=ChangeKind.ADOPT)  # also a create that someone had asked for
            for c in changes
            if c.kind in (ChangeKind.ADOPT, ChangeKind.CREATE) and not c.reads_back
        ]
        failed: list[str] = []
        for matched in self._matcher.match(unknown):
            result = self._adopt_if_found(matched)
            if isinstance(matched.result, LookupFailed):
                failed.append(matched.result.reason)
            outcome = matched.change.with_outcome(
                result.outcome, result.reason, result.sale_returns, matched.remarks
            )
            yield matched.reported(outcome)
            if not may_begin(0):
                return
        if failed:
            raise TargetUnavailable(
                f"{failed[0]}; {len(failed)} of {len(unknown)} returns could not be looked up",
                hint="run it again: what was taken over stays",
            )

    def already_has(self, changes: Sequence[Change]) -> list[str]:
        """None that would be in the way: what Jetti holds is what this is to find."""
        return []

    def vendors(self, changes: Sequence[Change]) -> int | None:
        """None: nothing is created here."""
        return None

    def remarks(self) -> tuple[str, ...]:
        return self._matcher.remarks()

    def _adopt_if_found(self, matched: MatchedChange) -> PushResult:
        match matched.result:
            case LookupFailed(reason):
                return PushResult(OutcomeKind.DEFERRED, reason)
            case NeedsReview(reason):
                # Left pending: the next run looks again and sends it to review if it must.
                return PushResult(OutcomeKind.DEFERRED, reason)
            case Matched() as found if found.sale_returns:
                return self.adopt(matched.entry, found)
            case _:
                return PushResult(OutcomeKind.DEFERRED, "not in Jetti")

    def adopt(self, entry: Entry, found: Matched) -> PushResult:
        """Record the sale returns as the entry's. What should change in Jetti is left to a later
        plan, and to its guard. Raises ConfigError for an adjustment reason that Jetti lacks."""
        diff = self._updater.diff(entry, found)
        names = named(found.sale_returns)
        if entry.state is State.SKIPPED:
            self._journal.apply(entry.id, Transition(State.PENDING))
        if isinstance(diff, NeedsReview):
            transition = Transition(State.REVIEW, diff.reason, sale_returns=found.sale_returns)
            self._journal.apply(entry.id, transition)
            return PushResult(OutcomeKind.REVIEW, diff.reason, names)
        if diff.writes or found.missing:
            self._journal.apply(
                entry.id, Transition(State.PENDING, sale_returns=found.sale_returns)
            )
            return PushResult(
                OutcomeKind.PUSHED, "taken over; a later pass brings it up to date", names
            )
        left = diff.why_left()
        synced = Transition(
            State.SYNCED,
            left,
            attempts=0,
            sale_returns=found.sale_returns,
            pushed_fingerprint=entry.fingerprint,
        )
        self._journal.apply(entry.id, synced)
        reason = f"taken over; {left}" if left else "taken over"
        return PushResult(OutcomeKind.PUSHED, reason, names)
