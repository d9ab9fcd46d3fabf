"""A dry run that looks things up: what would become of each change, without a single write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.matching.created import CAN_PROVE
from reconciler.core.matching.result import Matched, NeedsReview, NotApplied, NotReady
from reconciler.core.model import Entry
from reconciler.core.plan import Change, why_not_created
from reconciler.core.report import OutcomeKind, ReportedChange
from reconciler.core.target import Target
from reconciler.errors import TargetUnavailable
from reconciler.jetti.lookup import LookupFailed
from reconciler.jetti.matcher import MatchedChange, Matcher
from reconciler.jetti.result import PushResult, named
from reconciler.jetti.updater import Updater, left_alone, why_left


class LookupPreview(Target):
    """Matches like the pusher does and stops there."""

    def __init__(self, matcher: Matcher, updater: Updater) -> None:
        self._matcher = matcher
        self._updater = updater

    def push(self, changes: Sequence[Change]) -> Iterator[ReportedChange]:
        """Say what would become of each change.

        Raises KeyRefused, SafetyStop, ConfigError, Interrupted, and at the end TargetUnavailable
        when Jetti failed for any.
        """
        failed: list[str] = []
        for matched in self._matcher.match(changes):
            result = self._predict(matched)
            if isinstance(matched.result, LookupFailed):
                failed.append(matched.result.reason)
            remarks = (
                *matched.remarks,
                *((CAN_PROVE,) if self._matcher.can_prove(matched) else ()),
            )
            yield matched.change.with_outcome(
                result.outcome, result.reason, result.sale_returns, remarks, result.left_alone
            )
        if failed:
            raise TargetUnavailable(
                f"{failed[0]}; {len(failed)} of {len(changes)} returns could not be looked up"
            )

    def already_has(self, changes: Sequence[Change]) -> list[str]:
        return self._matcher.marked(changes)

    def vendors(self, changes: Sequence[Change]) -> int | None:
        return self._matcher.vendors(changes)

    def remarks(self) -> tuple[str, ...]:
        return self._matcher.remarks()

    def _predict(self, matched: MatchedChange) -> PushResult:
        entry, result = matched.entry, matched.result
        match result:
            case LookupFailed(reason):
                return PushResult(OutcomeKind.FAILED, reason)
            case NeedsReview(reason):
                return PushResult(OutcomeKind.REVIEW, reason, named(entry.sale_returns))
            case NotReady(reason):
                return PushResult(OutcomeKind.WAITING, reason)
            case NotApplied():
                return PushResult(OutcomeKind.PLANNED, "a create without an answer is not in Jetti")
            case Matched():
                return self._writes(entry, result)

    def _writes(self, entry: Entry, found: Matched) -> PushResult:
        names = named(found.sale_returns)
        if found.missing:
            vendors = {one.item.vendor_id for one in found.missing}
            return PushResult(OutcomeKind.PLANNED, f"would make {_count(len(vendors))}", names)
        if not found.sale_returns:
            return PushResult(OutcomeKind.SKIPPED, why_not_created(entry, self._matcher.rules))
        diff = self._updater.diff(entry, found)
        if isinstance(diff, NeedsReview):
            return PushResult(OutcomeKind.REVIEW, diff.reason, names)
        reason = why_left(diff) if diff.writes else "Jetti already holds what is wanted"
        return PushResult(OutcomeKind.PLANNED, reason, names, left_alone=left_alone(diff))


def _count(sale_returns: int) -> str:
    return "one sale return" if sale_returns == 1 else f"{sale_returns} sale returns"
