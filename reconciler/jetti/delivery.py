"""One write, delivered at most once: intent, request, answer, record."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from msgspec import Struct, json

from reconciler.clock import Clock
from reconciler.core.model import Entry, IntentOutcome, Operation, State, Write
from reconciler.core.ports import Journal
from reconciler.core.records import Attempt, Transition
from reconciler.errors import Interrupted, KeyRefused, TargetUnavailable
from reconciler.failpoints import Failpoint, hit
from reconciler.http import NotSent, Response, ResponseLost, Service
from reconciler.jetti.responses import Classified, Meaning, classify

_PATHS = {
    Operation.CREATE: ("POST", "/sales/{}/cancel.json"),
    Operation.UPDATE_SALE_RETURN: ("PUT", "/sale-returns/{}.json"),
    Operation.UPDATE_ITEM: ("PUT", "/sale-return-items/{}.json"),
}


class Delivered(Struct, frozen=True):
    """Jetti answered that the write was applied."""

    answer: Response
    at: datetime


class Delivery:
    """Sends writes, each once. None leaves before its intent is committed and synced to disk."""

    def __init__(
        self, service: Service, journal: Journal, clock: Clock, settle: timedelta, ids_key: str
    ) -> None:
        self._service = service
        self._journal = journal
        self._clock = clock
        self._settle = settle
        self._ids_key = ids_key

    def deliver(
        self, entry: Entry, write: Write, *, sent_at: datetime, before: Collection[int] = ()
    ) -> Delivered | Classified:
        """Send, and record for the entry whatever is not a success.

        `sent_at` is the time by Jetti's clock; `before` the ids of the sale returns that are on
        the sale before a create. Raises KeyRefused, TargetUnavailable, Interrupted; the entry is
        pending then.
        """
        answered = self.send(entry, write, sent_at=sent_at, before=before)
        if isinstance(answered, Classified):
            self.record(entry, write, answered)
        return answered

    def send(
        self, entry: Entry, write: Write, *, sent_at: datetime, before: Collection[int] = ()
    ) -> Delivered | Classified:
        """Commit the intent, send once, and say what came back; the entry stays in flight.

        Raises as `deliver` does.
        """
        self._clock.check()
        self._service.take_turn()
        # safeguard: settle-time
        settle_at = self._clock.now() + self._settle
        # safeguard: intent-before-request
        self._journal.intend(entry.id, write, before, sent_at, settle_at)
        method, path = _PATHS[write.operation]
        try:
            answer = self._service.write(
                method, path.format(write.target_id), self._body(entry.id, write)
            )
        except NotSent as error:
            return Classified(Meaning.NOT_SENT, detail=str(error))
        except ResponseLost as error:
            return Classified(Meaning.LOST, detail=str(error))
        except (KeyRefused, TargetUnavailable, Interrupted):
            # Nothing was applied: the key was refused, or nothing left.
            self._journal.apply(
                entry.id, Transition(State.PENDING, intents_closed_as=IntentOutcome.NOT_APPLIED)
            )
            raise
        hit(Failpoint.ANSWER_RECEIVED)
        classified = classify(answer)
        if classified.meaning is not Meaning.APPLIED:
            return classified
        return Delivered(answer, self._clock.now())

    def record(self, entry: Entry, write: Write, classified: Classified) -> None:
        """Apply the transition that an unsuccessful answer means."""
        attempt = self.attempt(write, classified)
        reason = classified.reason
        match classified.meaning:
            case Meaning.REFUSED:
                transition = Transition(
                    State.DEAD, reason, intents_closed_as=IntentOutcome.REFUSED, attempt=attempt
                )
            case Meaning.NOT_SENT:
                transition = Transition(
                    State.PENDING, reason, intents_closed_as=IntentOutcome.NOT_SENT, attempt=attempt
                )
            case Meaning.SLOW_DOWN:
                # Its intent stays open: the next try looks whether it was applied after all.
                # safeguard: read-back-after-429
                transition = Transition(State.PENDING, reason, attempt=attempt)
            case _:
                settled = self._clock.now() + self._settle
                # safeguard: read-back
                transition = Transition(State.UNKNOWN, reason, next_try_at=settled, attempt=attempt)
        self._journal.apply(entry.id, transition)

    def attempt(self, write: Write, classified: Classified) -> Attempt:
        """The write and its answer, as `show` lists them."""
        return Attempt(
            at=self._clock.now(),
            operation=write.operation,
            target_id=write.target_id,
            answer=classified.meaning.value,
            status=classified.status,
            detail=classified.detail,
        )

    def _body(self, return_id: str, write: Write) -> bytes:
        """The body as JSON. A create never has an empty id list and always `skipQuantities`
        (jetti.md#whole-sale-risk, #attributes-in-the-cancel-call).

        `externalId` is sent although nobody knows whether a create keeps it: if it does, the sale
        return is marked from the first moment.
        """
        if write.operation is not Operation.CREATE:
            return json.encode(write.fields)
        if not write.sale_item_ids:
            raise ValueError("a create without sale items would return the whole sale")
        return json.encode(
            {
                self._ids_key: list(write.sale_item_ids),
                # safeguard: created-with-zero-quantities
                "skipQuantities": True,
                "externalId": return_id,
            }
        )
