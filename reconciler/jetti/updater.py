"""Bringing sale returns that are ours up to date, one PUT after the other."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from reconciler.clock import Clock
from reconciler.core import retry
from reconciler.core.diff import Diff, Live, ReasonIds, accept_matching_values, diff_of
from reconciler.core.matching.result import Matched, NeedsReview
from reconciler.core.matching.snapshot import OrderSnapshot
from reconciler.core.model import (
    Entry,
    Fields,
    IntentOutcome,
    Operation,
    OwnedField,
    SaleReturn,
    State,
    Write,
)
from reconciler.core.ports import Journal
from reconciler.core.records import Transition
from reconciler.core.report import OutcomeKind
from reconciler.errors import Interrupted, TargetUnavailable
from reconciler.failpoints import Failpoint, hit
from reconciler.http import Refused, Response
from reconciler.jetti import schema
from reconciler.jetti.client import JettiClient
from reconciler.jetti.delivery import Delivery
from reconciler.jetti.responses import Classified, Meaning
from reconciler.jetti.result import PushResult, named, undelivered
from reconciler.jetti.written import WrittenFields


class Updater:
    """Writes only owned fields that differ, and skips what Jetti already shows."""

    def __init__(
        self,
        delivery: Delivery,
        client: JettiClient,
        journal: Journal,
        reasons: ReasonIds,
        clock: Clock,
        written: WrittenFields,
    ) -> None:
        self._delivery = delivery
        self._client = client
        self._journal = journal
        self._reasons = reasons
        self._clock = clock
        self._written = written

    def check_reasons(self, entry: Entry) -> None:
        """Check before a create, so that nothing is left half done.

        Raises ConfigError for an adjustment reason that Jetti lacks.
        """
        for line in entry.wanted.lines:
            if line.reason_code is not None:
                self._reasons[line.reason_code]

    def diff(self, entry: Entry, found: Matched) -> Diff | NeedsReview:
        """What would be written. Raises ConfigError for an adjustment reason that Jetti lacks."""
        return diff_of(entry, found.sale_returns, _live(found), self._reasons)

    def update(
        self, entry: Entry, found: Matched, snapshot: OrderSnapshot, *, has_written: bool
    ) -> PushResult | None:
        """Write the diff; the entry is synced when all of it is in Jetti.

        None when the snapshot has gone stale: someone may have edited Jetti since, so it must be
        looked up again. The first write is sent in any case, so that there is some progress;
        `has_written` says that it was sent before.

        Raises KeyRefused, TargetUnavailable, Interrupted, ConfigError; what was written until
        then is recorded.
        """
        diff = self.diff(entry, found)
        if isinstance(diff, NeedsReview):
            self._journal.apply(entry.id, Transition(State.REVIEW, diff.reason))
            return PushResult(OutcomeKind.REVIEW, diff.reason, named(found.sale_returns))
        left = diff.why_left()
        # safeguard: matching-values-count-as-pushed
        ours = accept_matching_values(entry, found.sale_returns, _live(found))
        for position, write in enumerate(diff.writes, start=1):
            # safeguard: stale-snapshot-between-writes
            if (has_written or position > 1) and snapshot.is_stale(self._clock.monotonic()):
                return None
            answered = self._delivery.deliver(entry, write, sent_at=snapshot.asked_at)
            if isinstance(answered, Classified):
                return undelivered(answered)
            # safeguard: puts-are-verified
            refused = self._verify(entry, write, answered.answer)
            if refused is not None:
                return refused
            before, ours = ours, tuple(_with_write(known, write, entry) for known in ours)
            self._record(entry, write, ours, left, is_last=position == len(diff.writes))
            self._written.add_put(entry.id, write, before)
            hit(Failpoint.PUT_DONE)
        if not diff.writes:
            synced = Transition(
                State.SYNCED,
                left,
                attempts=0,
                sale_returns=ours,
                pushed_fingerprint=entry.fingerprint,
            )
            self._journal.apply(entry.id, synced)
        return PushResult(OutcomeKind.PUSHED, left, named(ours))

    def _record(
        self,
        entry: Entry,
        write: Write,
        ours: tuple[SaleReturn, ...],
        left: str | None,
        *,
        is_last: bool,
    ) -> None:
        applied = self._delivery.attempt(write, Classified(Meaning.APPLIED, 200))
        transition = Transition(
            State.SYNCED if is_last else State.PENDING,
            left,
            attempts=0,
            sale_returns=ours,
            pushed_fingerprint=entry.fingerprint if is_last else None,
            intents_closed_as=IntentOutcome.APPLIED,
            attempt=applied,
        )
        self._journal.apply(entry.id, transition)

    def _verify(self, entry: Entry, write: Write, answer: Response) -> PushResult | None:
        """Jetti said yes: None when it shows what was written, in its answer or a GET."""
        lost = Classified(Meaning.LOST, answer.status, "its answer cannot be verified")
        try:
            shown = self._shown(write, answer)
        except (ValueError, TargetUnavailable, Refused):
            self._delivery.record(entry, write, lost)
            return undelivered(lost)
        except Interrupted:
            self._delivery.record(entry, write, lost)
            raise
        ignored = [name for name, value in write.fields.items() if shown.get(name, value) != value]
        if not ignored:
            return None
        reason = f"Jetti answered {answer.status} but did not apply {', '.join(ignored)}"
        attempt = self._delivery.attempt(write, Classified(Meaning.REFUSED, answer.status, reason))
        transition = retry.failed(
            entry, reason, self._clock.now(), attempt, closes=IntentOutcome.NOT_TAKEN
        )
        self._journal.apply(entry.id, transition)
        return PushResult(OutcomeKind.FAILED, reason)

    def _shown(self, write: Write, answer: Response) -> Fields:
        """What Jetti shows after the PUT; its answer may be empty
        (jetti.md#answers-to-put-and-delete). Raises ValueError for an answer that makes no sense,
        and what `JettiClient` raises."""
        if write.operation is Operation.UPDATE_ITEM:
            if not answer.body.strip():
                return self._client.item(write.target_id).fields
            return schema.live_item(schema.one(schema.WireSaleReturnItem, answer)).fields
        if not answer.body.strip():
            return self._client.sale_return(write.target_id).fields
        return schema.live_sale_return(schema.one(schema.WireSaleReturn, answer)).fields


def _live(found: Matched) -> dict[int, Live]:
    return {
        row_id: Live(row.fields, {item.id: item.fields for item in row.items})
        for row_id, row in found.live.items()
    }


def _with_write(known: SaleReturn, write: Write, entry: Entry) -> SaleReturn:
    """The sale return as last pushed, after a write was applied to it or to one of its items."""
    if write.operation is Operation.UPDATE_SALE_RETURN:
        if known.id != write.target_id:
            return known
        return replace(known, fields={**known.fields, **write.fields})
    codes = {line.order_line_id: line.reason_code for line in entry.wanted.lines}
    return replace(
        known,
        items=tuple(
            replace(
                item,
                fields={**item.fields, **write.fields},
                reason_code=_code(write, codes, item.order_line_id) or item.reason_code,
            )
            if item.id == write.target_id
            else item
            for item in known.items
        ),
    )


def _code(write: Write, codes: Mapping[str, str | None], order_line_id: str) -> str | None:
    return codes.get(order_line_id) if OwnedField.ADJUSTMENT_REASON_ID in write.fields else None
