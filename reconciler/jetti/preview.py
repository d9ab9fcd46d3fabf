"""A dry run that looks things up: what would become of each change, without a single write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from reconciler.core import shown_fields
from reconciler.core.diff import Diff
from reconciler.core.field_changes import (
    NO_FIELDS,
    FieldChange,
    FieldChanges,
    Written,
)
from reconciler.core.matching.created import CAN_PROVE
from reconciler.core.matching.result import Matched, NeedsReview, NotApplied, NotReady
from reconciler.core.model import Entry
from reconciler.core.plan import Change, why_not_created
from reconciler.core.report import ChangeKind, OutcomeKind, ReportedChange
from reconciler.core.target import MayBegin, Target, always
from reconciler.errors import TargetUnavailable
from reconciler.jetti.creator import Creator
from reconciler.jetti.lookup import LookupFailed
from reconciler.jetti.matcher import MatchedChange, Matcher
from reconciler.jetti.result import AS_WANTED, PushResult, named, taken_over, without_writes
from reconciler.jetti.updater import Updater


class LookupPreview(Target):
    """Matches like the pusher does and stops there."""

    def __init__(self, matcher: Matcher, updater: Updater, creator: Creator) -> None:
        self._matcher = matcher
        self._updater = updater
        self._creator = creator

    def push(
        self, changes: Sequence[Change], may_begin: MayBegin = always
    ) -> Iterator[ReportedChange]:
        """Say what would become of each change.

        Raises KeyRefused, SafetyStop, ConfigError, Interrupted, and at the end TargetUnavailable
        when Jetti failed for any.
        """
        failed: list[str] = []
        for matched in self._matcher.match(changes):
            foreseen = self.foresee(matched)
            if isinstance(matched.result, LookupFailed):
                failed.append(matched.result.reason)
            yield matched.reported(foreseen)
            if not may_begin(0):
                return
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

    def foresee(self, matched: MatchedChange) -> ReportedChange:
        """What would become of it, and what would be written. Raises ConfigError for an adjustment
        reason that Jetti lacks."""
        result, fields = self._predict(matched)
        proves = (CAN_PROVE,) if self._matcher.can_prove(matched) else ()
        reported = matched.change.with_outcome(
            result.outcome,
            result.reason,
            result.sale_returns,
            (*matched.remarks, *proves),
            _written(matched, result, fields),
        )
        # safeguard: foreseen-take-over-is-not-a-create
        return taken_over(reported) if _is_there(matched, result) else reported

    def _predict(self, matched: MatchedChange) -> tuple[PushResult, FieldChanges]:
        """The result to expect, and the fields that would be written."""
        entry, result = matched.entry, matched.result
        match result:
            case _ if matched.is_to_skip:
                reason = why_not_created(entry, self._matcher.rules)
                foreseen = PushResult(OutcomeKind.SKIPPED, reason)
            case Matched():
                return self._writes(matched, result)
            case LookupFailed(reason):
                foreseen = PushResult(OutcomeKind.FAILED, reason)
            case NeedsReview(reason):
                foreseen = PushResult(OutcomeKind.REVIEW, reason, named(entry.sale_returns))
            case NotReady(reason):
                foreseen = PushResult(OutcomeKind.WAITING, reason)
            case NotApplied():
                reason = "a create without an answer is not in Jetti"
                foreseen = PushResult(OutcomeKind.PLANNED, reason)
        return foreseen, NO_FIELDS

    def _writes(self, matched: MatchedChange, found: Matched) -> tuple[PushResult, FieldChanges]:
        change, entry, names = matched.change, matched.entry, named(found.sale_returns)
        stopped = self._creator.why_stopped()
        if found.missing and stopped is not None:
            return PushResult(OutcomeKind.DEFERRED, stopped, names), NO_FIELDS
        if found.missing and not matched.only_looks:
            self._updater.check_reasons(entry)  # as a run does before it creates
        diff = self._updater.diff(entry, found)
        if isinstance(diff, NeedsReview):
            return PushResult(OutcomeKind.REVIEW, diff.reason, names), NO_FIELDS
        left = diff.why_left()
        planned = PushResult(OutcomeKind.PLANNED, left, names)
        if matched.only_looks:
            return replace(planned, reason=None if diff.writes else left or AS_WANTED), NO_FIELDS
        fields = FieldChanges(_fields(change, entry, found, diff))
        if found.missing:
            made = f"would make {_count(_vendors(found))}" + (f"; {left}" if left else "")
            return replace(planned, reason=made), fields
        if diff.writes:
            return planned, fields
        return without_writes(change.kind, replace(planned, reason=left or AS_WANTED)), fields


def _written(matched: MatchedChange, result: PushResult, fields: FieldChanges) -> Written:
    found = matched.result
    if result.outcome is not OutcomeKind.PLANNED:
        return Written(fields)
    vendors = _vendors(found) if isinstance(found, Matched) and not matched.only_looks else 0
    return Written(fields, vendors, fields.cancelled())


def _is_there(matched: MatchedChange, result: PushResult) -> bool:
    """Whether Jetti has all of it already, and not by a create of ours that got no answer."""
    found = matched.result
    return (
        result.outcome is OutcomeKind.PLANNED
        and isinstance(found, Matched)
        and not found.missing
        and matched.entry.unanswered_create is None
    )


def _vendors(found: Matched) -> int:
    """How many sale returns a create of what is missing makes: one for each vendor."""
    return len({one.item.vendor_id for one in found.missing})


def _fields(change: Change, entry: Entry, found: Matched, diff: Diff) -> Iterator[FieldChange]:
    lines = {one.line.order_line_id: one.line for one in found.missing}.values()
    if change.kind is ChangeKind.CREATE and lines:
        yield from shown_fields.of_create(entry.wanted, entry.id, lines)
    else:
        yield from shown_fields.quantities(lines)
    yield from shown_fields.of_writes(diff.writes, found.sale_returns)


def _count(sale_returns: int) -> str:
    return "one sale return" if sale_returns == 1 else f"{sale_returns} sale returns"
