"""Creating sale returns: the one call that cannot be taken back, so its answer is checked at once.

`POST /sales/{id}/cancel.json` splits per vendor, mails every vendor concerned and has no
idempotency key (jetti.md#creating-a-sale-return, #notifications-of-a-sale-return).
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from reconciler.core.matching.baseline import of_marked
from reconciler.core.matching.created import (
    AsAsked,
    FellShort,
    Overreached,
    check_created,
    left_out,
)
from reconciler.core.matching.lines import with_asked_units
from reconciler.core.matching.result import BY_HAND, Matched, listed, titled
from reconciler.core.matching.snapshot import LiveSaleReturn, OrderSnapshot
from reconciler.core.model import (
    Entry,
    IntentOutcome,
    Operation,
    OwnedField,
    SaleReturn,
    State,
    Write,
)
from reconciler.core.ports import Journal, MetaRow
from reconciler.core.records import Transition
from reconciler.core.report import OutcomeKind
from reconciler.errors import Interrupted, TargetUnavailable
from reconciler.http import Refused, Response
from reconciler.jetti import schema
from reconciler.jetti.client import JettiClient
from reconciler.jetti.collection import FilterIgnored
from reconciler.jetti.delivery import Delivered, Delivery
from reconciler.jetti.responses import Classified, Meaning
from reconciler.jetti.result import PushResult, named, undelivered
from reconciler.jetti.written import WrittenFields

_SUSPECT = "Jetti seems to overlook the list that jetti.cancel_ids_key names"
_ONE_BY_ONE = "creates go one by one until one has proven jetti.cancel_ids_key"


class Creator:
    """Creates and verifies, one by one until one create has proven the id list
    (architecture.md#creating): it asked for a part of a sale and no more came back."""

    def __init__(
        self,
        delivery: Delivery,
        client: JettiClient,
        journal: Journal,
        meta: MetaRow,
        ids_key: str,
        written: WrittenFields,
    ) -> None:
        self._delivery = delivery
        self._client = client
        self._journal = journal
        self._meta = meta
        self._ids_key = ids_key
        self._written = written
        self._last_is_unverified = False

    def create(self, entry: Entry, found: Matched, snapshot: OrderSnapshot) -> Matched | PushResult:
        """Create the missing lines. All that is ours from then on, or why they are not created.

        Raises KeyRefused, TargetUnavailable, Interrupted; nothing was created then.
        """
        refusal = self._why_not_now()
        if refusal is not None:
            return PushResult(OutcomeKind.DEFERRED, refusal)
        self._last_is_unverified = True
        asked = tuple(sorted(one.item.id for one in found.missing))
        write = Write(Operation.CREATE, found.missing[0].item.sale_id, sale_item_ids=asked)
        answered = self._delivery.deliver(
            entry, write, sent_at=snapshot.asked_at, before=found.before
        )
        if isinstance(answered, Classified):
            return undelivered(answered)
        try:
            rows = self._rows(answered.answer)
        except (ValueError, TargetUnavailable, FilterIgnored, Refused):
            # Probably created, but the answer cannot be verified: treat it as lost.
            return undelivered(self._record_lost(entry, write, answered))
        except Interrupted:
            self._record_lost(entry, write, answered)
            raise
        # safeguard: created-items-are-checked
        match check_created(write, rows, found.before):
            case Overreached() as overreached:
                return self._undo(entry, write, snapshot, overreached)
            case checked:
                return self._record_created(entry, write, found, snapshot, checked)

    def waits_for_a_read_back(self) -> bool:
        """Whether no create may be sent until one that has no answer was read back."""
        return not self._is_proven() and bool(self._journal.unanswered_creates())

    def stop_creation_after_overreach(self, entry: Entry, reason: str) -> None:
        """Stop all creation when an unanswered create seems to have returned more than it asked
        for.

        Not where the id list was proven before: then the rest is someone's own doing.
        """
        # safeguard: unanswered-overreach-stops-creation
        if not self._is_proven():
            self._meta.stop_creation(f"return {entry.id}: {reason}; {_SUSPECT}")

    def why_stopped(self) -> str | None:
        """Why nothing is created any more, whatever is asked for; None when all is well."""
        stopped = self._meta.read().creation_stopped
        return f"creation is stopped: {stopped}" if stopped is not None else None

    def _why_not_now(self) -> str | None:
        """Why nothing may be created now; None when something may."""
        stopped = self.why_stopped()
        if stopped is not None:
            return stopped
        if self._is_proven():
            return None
        # A return that waits for an answer itself never gets here.
        unanswered = self._journal.unanswered_creates()
        # safeguard: unproven-creates-one-at-a-time
        if unanswered:
            return f"{_ONE_BY_ONE}, and the one for return {unanswered[0]} has no answer yet"
        # safeguard: unverified-create-is-the-last
        if self._last_is_unverified:
            return f"{_ONE_BY_ONE}, and the last one was not verified"
        return None

    def _is_proven(self) -> bool:
        return self._meta.read().proven_ids_key == self._ids_key

    def _rows(self, answer: Response) -> list[LiveSaleReturn]:
        """The sale returns made, with their items even where the answer leaves them out.

        Raises ValueError where Jetti does not show them, and what `JettiClient` raises.
        """
        rows = [schema.live_sale_return(row) for row in schema.rows(schema.WireSaleReturn, answer)]
        bare = [row.id for row in rows if not row.items]
        items = self._client.items(bare) if bare else []
        if not set(bare) <= {item.sale_return_id for item in items}:
            raise ValueError("a sale return without items")  # not shown yet, perhaps
        return [
            row
            if row.items
            else replace(row, items=tuple(i for i in items if i.sale_return_id == row.id))
            for row in rows
        ]

    def _record_lost(self, entry: Entry, write: Write, answered: Delivered) -> Classified:
        lost = Classified(Meaning.LOST, answered.answer.status, "its answer cannot be verified")
        self._delivery.record(entry, write, lost)
        return lost

    def _record_created(
        self,
        entry: Entry,
        write: Write,
        found: Matched,
        snapshot: OrderSnapshot,
        checked: AsAsked | FellShort,
    ) -> Matched | PushResult:
        items = {item.id: item for item in snapshot.sale_items}
        made = tuple(with_asked_units(of_marked(row, items), found.missing) for row in checked.made)
        self._written.add_created(made)
        ours = tuple(sorted((*found.sale_returns, *made), key=lambda known: known.id))
        attempt = self._delivery.attempt(write, Classified(Meaning.APPLIED, 200))
        if isinstance(checked, FellShort):
            review = Transition(
                State.REVIEW,
                checked.reason,
                sale_returns=ours,
                intents_closed_as=IntentOutcome.SHORT,
                attempt=attempt,
            )
            self._journal.apply(entry.id, review)
            return PushResult(OutcomeKind.REVIEW, checked.reason, named(ours))
        created = Transition(
            State.PENDING,
            attempts=0,
            sale_returns=ours,
            intents_closed_as=IntentOutcome.APPLIED,
            attempt=attempt,
        )
        self._journal.apply(entry.id, created)
        self._last_is_unverified = False
        self._record_proof(write, snapshot, {*found.before, *(row.id for row in made)})
        live = {**found.live, **{row.id: row for row in checked.made}}
        return replace(found, sale_returns=ours, live=live, missing=())

    def _record_proof(
        self, create: Write, snapshot: OrderSnapshot, accounted_for: Collection[int]
    ) -> None:
        """Remember the name of the id list if a list that was overlooked would have returned more.

        What was left alone must still be there for the taking: someone may have returned it just
        before us. `accounted_for` are the ids of all sale returns that were there before, and of
        those just made.
        """
        further = left_out(create, snapshot.sale_items, snapshot.on_sale)
        if self._is_proven() or not further:
            return
        try:
            items = self._client.sale_items([create.target_id])
            rows = self._client.on_sales([create.target_id])
        except (TargetUnavailable, FilterIgnored, Refused):
            return  # the return is safe, and another create will prove it
        untouched = all(row.id in accounted_for for row in rows)
        # safeguard: line-left-out-is-still-there
        if untouched and further & left_out(create, items, ()):
            self._meta.prove_create(self._ids_key)

    # ------------------------------------------------------- more came back than was asked for

    def _undo(
        self, entry: Entry, create: Write, snapshot: OrderSnapshot, overreached: Overreached
    ) -> PushResult:
        """Stop all creation first, whatever happens next; then cancel what nobody asked for."""
        reason = f"{overreached.reason}; {_SUSPECT}"
        # safeguard: overreach-stops-creation
        self._meta.stop_creation(f"return {entry.id}: {reason}")
        applied = Classified(Meaning.APPLIED, 200, overreached.reason)
        attempt = self._delivery.attempt(create, applied)
        transition = Transition(
            State.PENDING, reason, intents_closed_as=IntentOutcome.OVERREACHED, attempt=attempt
        )
        self._journal.apply(entry.id, transition)
        # What is on another sale, or carries another return's marker, this create did not make.
        made = [
            row
            for row in overreached.unasked
            # safeguard: only-own-sale-returns-are-undone
            if row.sale_id == create.target_id and row.marker in (None, entry.id)
        ]
        items = {item.id: item for item in snapshot.sale_items}
        left = [row for row in made if not self._cancel(entry, snapshot, of_marked(row, items))]
        if left:
            reason = f"{reason}; cancel by hand in Jetti: {listed(map(titled, left))}"
        if overreached.as_asked:
            stands = listed(map(titled, overreached.as_asked))
            reason = f"{reason}; what was asked for is in sale return {stands}"
        reason = f"{reason}. {BY_HAND}"
        self._journal.apply(entry.id, Transition(State.REVIEW, reason))
        return PushResult(OutcomeKind.REVIEW, reason)

    def _cancel(self, entry: Entry, snapshot: OrderSnapshot, row: SaleReturn) -> bool:
        """Cancel a sale return, once; whether Jetti says that it did."""
        cancel = Write(
            Operation.UPDATE_SALE_RETURN, row.id, fields={OwnedField.STATUS: "cancelled"}
        )
        answered = self._delivery.send(entry, cancel, sent_at=snapshot.asked_at)
        if isinstance(answered, Delivered):
            classified = Classified(Meaning.APPLIED, answered.answer.status)
            self._written.add_put(cancel, [row])
        else:
            classified = answered
        attempt = self._delivery.attempt(cancel, classified)
        closed = Transition(
            State.PENDING,
            intents_closed_as=IntentOutcome(classified.meaning.value),
            attempt=attempt,
        )
        self._journal.apply(entry.id, closed)
        return isinstance(answered, Delivered)
