"""Creating sale returns: the one call that cannot be taken back, so it is checked at once.

`POST /sales/{id}/cancel.json` splits per vendor, mails every vendor concerned and has no
idempotency key (jetti.md#creating-a-sale-return, #notifications-of-a-sale-return).
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from reconciler.core.matching.baseline import of_marked
from reconciler.core.matching.created import Exact, Overreached, Short, check_created, left_out
from reconciler.core.matching.lines import as_asked
from reconciler.core.matching.result import BY_HAND, Matched, listed, titled
from reconciler.core.matching.snapshot import LiveSaleReturn, OrderSnapshot
from reconciler.core.model import Entry, IntentOutcome, Operation, OwnedField, State, Write
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

_ONE_BY_ONE = "creates go one by one until one has proven jetti.cancel_ids_key"


class Creation:
    """Creates and verifies, one by one until one has proven the id list (architecture.md#creating).

    Proven means that part of a sale was asked for and no more came back.
    """

    def __init__(
        self,
        delivery: Delivery,
        reader: JettiClient,
        journal: Journal,
        meta: MetaRow,
        ids_key: str,
    ) -> None:
        self._delivery = delivery
        self._reader = reader
        self._journal = journal
        self._meta = meta
        self._ids_key = ids_key
        self._last_is_doubtful = False

    def create(self, entry: Entry, found: Matched, seen: OrderSnapshot) -> Matched | PushResult:
        """Create the missing lines: what is ours from then on, or why it is not.

        Raises KeyRefused, TargetUnavailable, Interrupted; nothing was created then.
        """
        barred = self._barred()
        if barred is not None:
            return PushResult(OutcomeKind.DEFERRED, barred)
        self._last_is_doubtful = True
        asked = tuple(sorted(one.item.id for one in found.missing))
        write = Write(Operation.CREATE, found.missing[0].item.sale_id, sale_item_ids=asked)
        answered = self._delivery.deliver(entry, write, sent_at=seen.asked_at, before=found.before)
        if isinstance(answered, Classified):
            return undelivered(answered)
        try:
            rows = self._rows(answered.answer)
        except (ValueError, TargetUnavailable, FilterIgnored, Refused):
            # Created, no doubt, but unverified: as good as no answer.
            lost = self._unverified(entry, write, answered)
            return undelivered(lost)
        except Interrupted:
            self._unverified(entry, write, answered)
            raise
        # safeguard: created-items-are-checked
        match check_created(write, rows, found.before):
            case Overreached() as overreached:
                return self._undo(entry, write, seen, overreached)
            case checked:
                return self._keep(entry, write, found, seen, checked)

    def awaits_an_answer(self) -> bool:
        """Whether every create is held back until one that has no answer was read back."""
        return not self._is_proven() and bool(self._journal.unanswered_creates())

    def stop_creation_after_overreach(self, entry: Entry, reason: str) -> None:
        """Stop all creation when a lost create seems to have returned more than it asked for.

        Not where the id list was proven before: then the rest is a person's doing.
        """
        # safeguard: lost-overreach-stops-creation
        if not self._is_proven():
            self._meta.stop_creation(
                f"return {entry.id}: {reason}; check the setting jetti.cancel_ids_key"
            )

    def _unverified(self, entry: Entry, write: Write, answered: Delivered) -> Classified:
        lost = Classified(Meaning.LOST, answered.answer.status, "its answer cannot be verified")
        self._delivery.record(entry, write, lost)
        return lost

    def _barred(self) -> str | None:
        """Why nothing may be created now."""
        stopped = self._meta.read().creation_stopped
        if stopped is not None:
            return f"creation is stopped: {stopped}"
        if self._is_proven():
            return None
        # A return that waits for an answer itself never gets here.
        unanswered = self._journal.unanswered_creates()
        # safeguard: unproven-creates-one-at-a-time
        if unanswered:
            return f"{_ONE_BY_ONE}, and the one for return {unanswered[0]} has no answer yet"
        # safeguard: unverified-create-is-the-last
        if self._last_is_doubtful:
            return f"{_ONE_BY_ONE}, and the last one was not verified"
        return None

    def _is_proven(self) -> bool:
        return self._meta.read().proven_ids_key == self._ids_key

    def _rows(self, answer: Response) -> list[LiveSaleReturn]:
        """The made sale returns, with their items even where the answer leaves them out."""
        rows = [schema.seen_sale_return(row) for row in schema.rows(schema.WireSaleReturn, answer)]
        bare = [row.id for row in rows if not row.items]
        items = self._reader.items(bare) if bare else []
        if not set(bare) <= {item.sale_return_id for item in items}:
            raise ValueError("a sale return without items")  # not shown yet, perhaps
        return [
            row
            if row.items
            else replace(row, items=tuple(i for i in items if i.sale_return_id == row.id))
            for row in rows
        ]

    def _keep(
        self,
        entry: Entry,
        write: Write,
        found: Matched,
        seen: OrderSnapshot,
        checked: Exact | Short,
    ) -> Matched | PushResult:
        items = {item.id: item for item in seen.sale_items}
        made = tuple(as_asked(of_marked(row, items), found.missing) for row in checked.made)
        known = tuple(sorted((*found.sale_returns, *made), key=lambda ours: ours.id))
        attempt = self._delivery.attempt(write, Classified(Meaning.APPLIED, 200))
        if isinstance(checked, Short):
            transition = Transition(
                State.REVIEW, checked.reason, sale_returns=known, attempt=attempt
            )
            self._journal.apply(
                entry.id, replace(transition, intents_closed_as=IntentOutcome.SHORT)
            )
            return PushResult(OutcomeKind.REVIEW, checked.reason, named(known))
        transition = Transition(State.PENDING, attempts=0, sale_returns=known, attempt=attempt)
        self._journal.apply(entry.id, replace(transition, intents_closed_as=IntentOutcome.APPLIED))
        self._last_is_doubtful = False
        self._prove(write, seen, {*found.before, *(row.id for row in made)})
        live = {**found.live, **{row.id: row for row in checked.made}}
        return replace(found, sale_returns=known, live=live, missing=())

    def _prove(self, create: Write, seen: OrderSnapshot, known: Collection[int]) -> None:
        """Remember the name of the id list if a list that was overlooked would have returned more.

        What was left alone must still be there for the taking: a person may have returned it just
        before us. `known` are all sale returns that were there before, and those just made.
        """
        further = left_out(create, seen.sale_items, seen.on_sale)
        if self._is_proven() or not further:
            return
        try:
            items = self._reader.sale_items([create.target_id])
            rows = self._reader.on_sales([create.target_id])
        except (TargetUnavailable, FilterIgnored, Refused):
            return  # the return is safe, and another create will prove it
        untouched = all(row.id in known for row in rows)
        # safeguard: line-left-out-is-still-there
        if untouched and further & left_out(create, items, ()):
            self._meta.prove_create(self._ids_key)

    def _undo(
        self, entry: Entry, create: Write, seen: OrderSnapshot, overreached: Overreached
    ) -> PushResult:
        """Stop all creation first, whatever happens next; then cancel what nobody asked for."""
        reason = f"{overreached.reason}; check the setting jetti.cancel_ids_key"
        # safeguard: overreach-stops-creation
        self._meta.stop_creation(f"return {entry.id}: {reason}")
        known = Classified(Meaning.APPLIED, 200, overreached.reason)
        attempt = self._delivery.attempt(create, known)
        transition = Transition(
            State.PENDING, reason, intents_closed_as=IntentOutcome.OVERREACHED, attempt=attempt
        )
        self._journal.apply(entry.id, transition)
        # Another sale's, or what carries another return's marker, is no work of this create.
        made = [
            row
            for row in overreached.strange
            # safeguard: only-own-sale-returns-are-undone
            if row.sale_id == create.target_id and row.marker in (None, entry.id)
        ]
        left = [row for row in made if not self._cancelled(entry, seen, row)]
        if left:
            reason = f"{reason}; cancel by hand in Jetti: {listed(map(titled, left))}"
        if overreached.stands:
            stands = listed(map(titled, overreached.stands))
            reason = f"{reason}; what was asked for stands in sale return {stands}"
        reason = f"{reason}. {BY_HAND}"
        self._journal.apply(entry.id, Transition(State.REVIEW, reason))
        return PushResult(OutcomeKind.REVIEW, reason)

    def _cancelled(self, entry: Entry, seen: OrderSnapshot, row: LiveSaleReturn) -> bool:
        cancel = Write(
            Operation.UPDATE_SALE_RETURN, row.id, fields={OwnedField.STATUS: "cancelled"}
        )
        answered = self._delivery.send(entry, cancel, sent_at=seen.asked_at)
        if isinstance(answered, Delivered):
            told = Classified(Meaning.APPLIED, answered.answer.status)
        else:
            told = answered
        attempt = self._delivery.attempt(cancel, told)
        closed = Transition(
            State.PENDING, intents_closed_as=IntentOutcome(told.meaning.value), attempt=attempt
        )
        self._journal.apply(entry.id, closed)
        return isinstance(answered, Delivered)
