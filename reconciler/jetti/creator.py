"""Creating sale returns: the one call that cannot be taken back, so what it made is checked before
anything else is written for its return.

`POST /sales/{id}/cancel.json` splits per vendor, mails every vendor concerned and has no
idempotency key (jetti.md#creating-a-sale-return, #notifications-of-a-sale-return).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct
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
from reconciler.core.matching.result import DECIDE, Matched, listed, titled
from reconciler.core.matching.snapshot import LiveItem, LiveSaleReturn, OrderSnapshot
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
from reconciler.core.records import Meta, Transition
from reconciler.core.report import OutcomeKind
from reconciler.errors import Interrupted, KeyRefused, TargetUnavailable
from reconciler.failpoints import Failpoint, hit
from reconciler.http import Refused
from reconciler.jetti import schema
from reconciler.jetti.client import JettiClient
from reconciler.jetti.collection import FilterIgnored
from reconciler.jetti.delivery import Delivered, Delivery
from reconciler.jetti.responses import Classified, Meaning
from reconciler.jetti.result import PushResult, named, undelivered
from reconciler.jetti.written import WrittenFields

_SUSPECT = "Jetti seems to overlook the list that jetti.cancel_ids_key names"
_ONE_BY_ONE = "creates go one by one until one has proven jetti.cancel_ids_key"

_UNVERIFIABLE = "its answer cannot be verified"
_NOT_VERIFIED = "the run ended before its answer was verified"

Checked = AsAsked | FellShort | Overreached


class SentCreate(Struct, frozen=True):
    """A create that Jetti says it applied, and that was not checked yet: its intent is open."""

    entry: Entry
    write: Write
    found: Matched
    snapshot: OrderSnapshot
    answered: Delivered
    rows: tuple[LiveSaleReturn, ...]
    """The sale returns in the answer."""

    @property
    def without_items(self) -> list[int]:
        """Ids of those sale returns whose items the answer leaves out."""
        return [row.id for row in self.rows if not row.items]

    @property
    def most_puts(self) -> int:
        """PUTs that may follow: one for each item, and one for each sale return, which holds at
        least one of them."""
        return 2 * len(self.write.sale_item_ids)


class Creator:
    """Sends creates and checks what they made, one by one until one create has proven the id list
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
        self._last_lacked_items = False
        """Whether the answers that were checked last lacked items, and one read showed them all."""

    @property
    def checks_together(self) -> bool:
        """Whether several creates may be sent before the items of any are read: it saves reads,
        and nothing speaks against it. After a read in doubt the next create goes alone."""
        # safeguard: only-proven-creates-go-together
        return self._last_lacked_items and self._is_proven()

    def send(
        self, entry: Entry, found: Matched, snapshot: OrderSnapshot
    ) -> SentCreate | PushResult:
        """Ask Jetti to create the missing lines, to be checked by `check`; or why that failed.

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
            rows = schema.rows(schema.WireSaleReturn, answered.answer)
            made = tuple(schema.live_sale_return(row) for row in rows)
        except ValueError:
            # Probably created, but the answer cannot be verified: treat it as lost.
            return undelivered(self._record_lost(entry, write, answered))
        return SentCreate(entry, write, found, snapshot, answered, made)

    def check(self, sent: Sequence[SentCreate]) -> list[Matched | PushResult]:
        """Compare what each create made with what it asked for, and record it. Of each, all that
        is ours from then on, or why it is not as it should be.

        The items that answers leave out are read together. Raises KeyRefused, TargetUnavailable,
        Interrupted; what is not recorded then will be read back.
        """
        try:
            checked = self._checked(sent)
        except (Interrupted, KeyRefused):
            for one in sent:
                self._record_lost(one.entry, one.write, one.answered, _NOT_VERIFIED)
            raise
        for one, what in zip(sent, checked, strict=True):
            if isinstance(what, Overreached):
                # Before anything else, whatever happens next.
                # safeguard: overreach-stops-creation
                self._meta.stop_creation(one.entry.id, f"{what.reason}; {_SUSPECT}")
        # What asks Jetti once more comes last: no other return has to wait for that.
        # safeguard: overreach-is-undone-last
        in_order = sorted(zip(sent, checked, strict=True), key=_is_overreached)
        results = {one.entry.id: self._record(one, what) for one, what in in_order}
        return [results[one.entry.id] for one in sent]

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
            self._meta.stop_creation(entry.id, f"{reason}; {_SUSPECT}")

    def why_stopped(self) -> str | None:
        """Why nothing is created any more, whatever is asked for; None when all is well."""
        return _why_stopped(self._meta.read())

    def _why_not_now(self) -> str | None:
        """Why nothing may be created now; None when something may."""
        meta = self._meta.read()
        stopped = _why_stopped(meta)
        if stopped is not None:
            return stopped
        if meta.proven_ids_key == self._ids_key:
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

    def _checked(self, sent: Sequence[SentCreate]) -> list[Checked | None]:
        """What each create came to; None where Jetti does not show that."""
        checked = self._checked_together(sent)
        as_asked = all(isinstance(what, AsAsked) for what in checked)
        self._last_lacked_items = as_asked and any(one.without_items for one in sent)
        if as_asked or len(sent) == 1:
            return checked
        # What was read for many may be cut off, or withheld for the sake of one of them.
        # safeguard: doubtful-items-are-read-alone
        return [
            self._checked_together([one])[0]
            if what is None or isinstance(what, FellShort)
            else what
            for one, what in zip(sent, checked, strict=True)
        ]

    def _checked_together(self, sent: Sequence[SentCreate]) -> list[Checked | None]:
        """The same, after one look at the items that the answers leave out."""
        without_items = [row_id for one in sent for row_id in one.without_items]
        items: list[LiveItem] = []
        if without_items:
            try:
                items = self._client.items(without_items)
            except (TargetUnavailable, FilterIgnored, Refused):
                return [None if one.without_items else _check(one, ()) for one in sent]
        return [_check(one, items) for one in sent]

    def _record(self, sent: SentCreate, checked: Checked | None) -> Matched | PushResult:
        match checked:
            case None:
                return undelivered(self._record_lost(sent.entry, sent.write, sent.answered))
            case Overreached():
                return self._undo(sent.entry, sent.write, sent.snapshot, checked)
            case _:
                return self._record_created(
                    sent.entry, sent.write, sent.found, sent.snapshot, checked
                )

    def _record_lost(
        self, entry: Entry, write: Write, answered: Delivered, why: str = _UNVERIFIABLE
    ) -> Classified:
        lost = Classified(Meaning.LOST, answered.answer.status, why)
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
        self._written.add_created(entry.id, made)
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
        hit(Failpoint.CREATED)
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
        if not further or self._is_proven():
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
        """Cancel what nobody asked for; creation is stopped already."""
        reason = f"{overreached.reason}; {_SUSPECT}"
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
        self._written.add_made(entry.id, [row.id for row in (*made, *overreached.as_asked)])
        items = {item.id: item for item in snapshot.sale_items}
        left = [row for row in made if not self._cancel(entry, snapshot, of_marked(row, items))]
        if left:
            reason = f"{reason}; cancel by hand in Jetti: {listed(map(titled, left))}"
        if overreached.as_asked:
            stands = listed(map(titled, overreached.as_asked))
            reason = f"{reason}; what was asked for is in sale return {stands}"
        reason = f"{reason}. {DECIDE}"
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
            self._written.add_put(entry.id, cancel, [row])
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


def _why_stopped(meta: Meta) -> str | None:
    stopped = meta.creation_stopped
    return f"creation is stopped: {stopped}" if stopped is not None else None


def _check(sent: SentCreate, items: Sequence[LiveItem]) -> Checked | None:
    """What it came to, by its answer and these items of sale returns, whoever's; None where they
    show nothing of a sale return that it made: perhaps not yet."""
    if not set(sent.without_items) <= {item.sale_return_id for item in items}:
        return None
    rows = [
        row
        if row.items
        else replace(row, items=tuple(i for i in items if i.sale_return_id == row.id))
        for row in sent.rows
    ]
    # safeguard: created-items-are-checked
    return check_created(sent.write, rows, sent.found.before)


def _is_overreached(checked: tuple[SentCreate, Checked | None]) -> bool:
    return isinstance(checked[1], Overreached)
