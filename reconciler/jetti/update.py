"""Bringing sale returns that are ours to what is wanted, one PUT after the other."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from reconciler.clock import Clock
from reconciler.core import retry
from reconciler.core.diff import Diff, Live, ReasonIds, accept_matching_values, diff_of
from reconciler.core.matching.result import Matched, NeedsReview
from reconciler.core.matching.snapshot import LiveSaleReturn, OrderSnapshot
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
from reconciler.core.owned_fields import ORIGIN
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


class Update:
    """Writes only owned fields that differ, skips what Jetti already shows."""

    def __init__(
        self,
        delivery: Delivery,
        reader: JettiClient,
        journal: Journal,
        reasons: ReasonIds,
        clock: Clock,
    ) -> None:
        self._delivery = delivery
        self._reader = reader
        self._journal = journal
        self._reasons = reasons
        self._clock = clock

    def check_reasons(self, entry: Entry) -> None:
        """Before a create, so that nothing is left half done.

        Raises ConfigError for an adjustment reason that Jetti lacks.
        """
        for line in entry.wanted.lines:
            if line.reason_code is not None:
                self._reasons[line.reason_code]

    def diff_of(self, entry: Entry, found: Matched) -> Diff | NeedsReview:
        """What would be written. Raises ConfigError for an adjustment reason Jetti lacks."""
        return diff_of(entry, found.sale_returns, _all_held(found), self._reasons)

    def apply(
        self, entry: Entry, found: Matched, seen: OrderSnapshot, *, wrote: bool
    ) -> PushResult | None:
        """Write the diff; the entry is synced when all of it is in Jetti.

        None when that takes so long that Jetti must be looked at again first, for a person may
        have been there. The first write is sent in any case, so that there is some progress;
        `wrote` says that it was sent before.

        Raises KeyRefused, TargetUnavailable, Interrupted, ConfigError; what was written until
        then is recorded.
        """
        todo = self.diff_of(entry, found)
        if isinstance(todo, NeedsReview):
            self._journal.apply(entry.id, Transition(State.REVIEW, todo.reason))
            return PushResult(OutcomeKind.REVIEW, todo.reason, named(found.sale_returns))
        kept = why_left(todo)
        # safeguard: matching-values-count-as-pushed
        known = accept_matching_values(entry, found.sale_returns, _all_held(found))
        for position, write in enumerate(todo.writes, start=1):
            # safeguard: stale-snapshot-between-writes
            if (wrote or position > 1) and seen.is_stale(self._clock.monotonic()):
                return None
            answered = self._delivery.deliver(entry, write, sent_at=seen.asked_at)
            if isinstance(answered, Classified):
                return undelivered(answered)
            # safeguard: puts-are-verified
            refused = self._doubted(entry, write, answered.answer)
            if refused is not None:
                return refused
            known = tuple(_with(sale_return, write, entry) for sale_return in known)
            self._confirm(entry, write, known, kept, is_last=position == len(todo.writes))
            hit(Failpoint.PUT_DONE)
        if not todo.writes:
            synced = Transition(
                State.SYNCED,
                kept,
                attempts=0,
                sale_returns=known,
                pushed_fingerprint=entry.fingerprint,
            )
            self._journal.apply(entry.id, synced)
        return PushResult(OutcomeKind.PUSHED, kept, named(known), left_alone=left_alone(todo))

    def _confirm(
        self,
        entry: Entry,
        write: Write,
        known: tuple[SaleReturn, ...],
        kept: str | None,
        *,
        is_last: bool,
    ) -> None:
        applied = self._delivery.attempt(write, Classified(Meaning.APPLIED, 200))
        transition = Transition(
            State.SYNCED if is_last else State.PENDING,
            kept,
            attempts=0,
            sale_returns=known,
            pushed_fingerprint=entry.fingerprint if is_last else None,
            intents_closed_as=IntentOutcome.APPLIED,
            attempt=applied,
        )
        self._journal.apply(entry.id, transition)

    def _doubted(self, entry: Entry, write: Write, answer: Response) -> PushResult | None:
        """Jetti said yes; believe it when it shows what was written, in its answer or a GET."""
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
        reason = f"Jetti answered {answer.status} but did not take {', '.join(ignored)}"
        attempt = self._delivery.attempt(write, Classified(Meaning.REFUSED, answer.status, reason))
        transition = retry.failed(
            entry, reason, self._clock.now(), attempt, closes=IntentOutcome.NOT_TAKEN
        )
        self._journal.apply(entry.id, transition)
        return PushResult(OutcomeKind.FAILED, reason)

    def _shown(self, write: Write, answer: Response) -> Fields:
        """What Jetti holds after the PUT; its answer may be empty
        (jetti.md#answers-to-put-and-delete)."""
        if write.operation is Operation.UPDATE_ITEM:
            if not answer.body.strip():
                return self._reader.item(write.target_id).fields
            return schema.seen_item(schema.one(schema.WireSaleReturnItem, answer)).fields
        if not answer.body.strip():
            return self._reader.sale_return(write.target_id).fields
        return schema.seen_sale_return(schema.one(schema.WireSaleReturn, answer)).fields


def left_alone(todo: Diff) -> tuple[str, ...]:
    """The fields that stay as a person set them, as a plan shows them."""
    return tuple(kept.shown for kept in todo.kept)


def _all_held(found: Matched) -> dict[int, Live]:
    return {row_id: _live(row) for row_id, row in found.live.items()}


def _live(row: LiveSaleReturn) -> Live:
    return Live(row.fields, {item.id: item.fields for item in row.items})


def why_left(todo: Diff) -> str | None:
    """What a person reads about values that stay; who raised it stays true and is no news."""
    which = sorted(
        {f"{kept.field} of {kept.reference}" for kept in todo.kept if kept.field not in ORIGIN}
    )
    return f"left as a person set it: {', '.join(which)}" if which else None


def _with(known: SaleReturn, write: Write, entry: Entry) -> SaleReturn:
    """What the ledger knows after a write was applied."""
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
