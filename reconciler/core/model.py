"""The domain model: what Loop sends, what Jetti should hold, and what the ledger records.

Everything here is frozen, free of personal data by construction (no field can contain a name, an
address, a comment or a link to a label) and encodes to JSON through msgspec. All times are aware
UTC.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

MOST_PROBLEMS = 10
"""How many fields of a malformed row are named at most."""

# ------------------------------------------------------------------------------ what Loop sends

KNOWN_STATES = ("open", "closed", "cancelled", "expired", "review")
"""The states that Loop gives a return, as far as this version knows."""

GONE = "gone"
"""The state we give a return that Loop no longer lists. Loop has no such state, so the return is
held like any in an unknown one, and when it comes back anything that Loop sends is a change."""


class Line(Struct, frozen=True):
    """One returned unit (loop.md#units-per-line-item: two units are two lines)."""

    id: str
    order_line_id: str
    """Shopify's line item id, Loop's `provider_line_item_id`."""
    sku: str | None = None
    title: str | None = None
    reason: str | None = None
    """The merchant's own wording of the return reason; never the customer's comment."""


class Parcel(Struct, frozen=True):
    """One parcel on its way back (loop.md#labels, or the return's own label fields,
    #return-level-label-fields)."""

    carrier: str | None = None
    tracking_number: str | None = None
    label_status: str | None = None
    line_ids: tuple[str, ...] = ()
    """Lines inside, sorted; empty when Loop does not say."""
    updated_at: datetime | None = None
    """When the label last changed, or else was created; None when Loop does not say."""


class Return(Struct, frozen=True):
    """A Loop return, parsed. Lines are sorted by id, parcels by tracking number and carrier."""

    id: str
    state: str
    """`open`, `closed`, `cancelled`, `expired`, `review`, or one this version does not know."""
    created_at: datetime
    updated_at: datetime
    order_id: str | None
    """Shopify's order id, Loop's `provider_order_id`; Loop may omit it."""
    order_name: str
    """Empty if Loop omits it; then there is an id."""
    lines: tuple[Line, ...] = ()
    parcels: tuple[Parcel, ...] = ()
    type: str | None = None
    outcomes: tuple[str, ...] = ()
    """`exchange+refund` becomes ("exchange", "refund"), sorted."""
    shop: str | None = None
    """Host label of the status page: which shop the key belongs to."""
    order_number: str | None = None
    """The number Loop gives beside the name, its `provider_order_number`."""
    lines_set_aside: tuple[str, ...] = ()
    """What is wrong with each line that could not be understood. If any, `lines` is incomplete."""
    labels_set_aside: tuple[str, ...] = ()
    """The same for labels. If any, `parcels` may lack some, perhaps the furthest along."""

    names_set_aside: tuple[str, ...] = ()
    """The same for fields that only help to find the order or identify the shop. The rest of the
    return is complete without them."""

    @property
    def set_aside(self) -> tuple[str, ...]:
        """What is wrong with its malformed lines and labels."""
        return (*self.lines_set_aside, *self.labels_set_aside)

    @property
    def order(self) -> str:
        """The order as it is called in a sentence: `order #1042`, or by its id."""
        return f"order {self.order_name}" if self.order_name else f"order id {self.order_id}"


class UnknownWord(Struct, frozen=True):
    """A word of one of Loop's open lists that this version does not know."""

    list: str
    """`label status`, `state`, `outcome` or `type`."""
    word: str


class CountedWord(Struct, frozen=True):
    """A word that this version does not know, and the number of returns that have it."""

    list: str
    word: str
    returns: int


class Malformed(Struct, frozen=True):
    """A row that could not be understood, wholly or in part; set aside so that it affects nothing
    else."""

    key: str
    """The return id if it could be read, otherwise a hash of the row."""
    problem: str
    """The path of the field and what is wrong with it; never the value."""
    return_id: str | None = None
    order_name: str | None = None
    """None, like the id, if it could not be read."""
    is_partial: bool = False
    """Whether the rest of the row was understood and is used."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    """The times, if they could be read, show when a row without an id is no longer in Loop."""


def malformed_part(seen: Return) -> Malformed | None:
    """What is set aside of a partly understood return; None if all of it was understood."""
    problems = (*seen.names_set_aside, *seen.set_aside)
    if not problems:
        return None
    return Malformed(
        key=seen.id,
        problem="; ".join(problems[:MOST_PROBLEMS]),
        return_id=seen.id,
        order_name=seen.order_name or None,
        is_partial=True,
    )


class Window(Struct, frozen=True):
    """A span of time, sent to Loop with both its ends (loop.md#window-bounds)."""

    start: datetime
    end: datetime


# ------------------------------------------------------------------------ what Jetti should hold


class Purpose(StrEnum):
    """What should become of a return in Jetti."""

    EXIST = "exist"
    CANCEL = "cancel"
    HOLD = "hold"
    """Held in Loop: it is not created; if it exists, everything but its status is kept current."""


class WantedLine(Struct, frozen=True):
    """An order line and the number of its units that come back."""

    order_line_id: str
    quantity: int
    line_id: str
    """The lowest of its Loop line ids; becomes the sale return item's `externalId`."""
    reason_code: str | None = None
    """The lowest line's adjustment reason code, from `mapping.reasons`."""
    reasons: tuple[str, ...] = ()
    """If its units have different codes: each reason in the merchant's words, with its code."""


class WantedParcel(Struct, frozen=True):
    """A parcel in Jetti's terms."""

    carrier: str | None
    tracking_number: str | None
    tracking_url: str | None
    tracking_status: str | None
    """None leaves Jetti's value unchanged."""
    status: str | None
    """The sale return status this parcel asks for; None leaves it unchanged (a failed label)."""
    order_line_ids: tuple[str, ...]
    """Order lines inside, sorted; empty when Loop does not say: then it serves every line."""


class Wanted(Struct, frozen=True):
    """What Jetti should hold for a return. Depends only on the return and `mapping`."""

    purpose: Purpose
    status: str
    """Wanted status of a sale return without a parcel that asks for one."""
    lines: tuple[WantedLine, ...]
    parcels: tuple[WantedParcel, ...]
    """Furthest along first: the first of those that serve a sale return leads."""
    lacks_lines: bool = False
    """Some lines, or units of these, could not be understood: what is missing here was not
    removed from the return."""
    lacks_parcels: bool = False
    """Some labels could not be understood: parcels that were pushed stay."""


# ------------------------------------------------------------------------- what the ledger records

Value = str | int | None
"""The value of an owned field of Jetti."""


class OwnedField(StrEnum):
    """A field that this program writes (architecture.md#owned-fields), by the name that Jetti has
    for it; the ledger and the report spell it so, too. Everything else in Jetti belongs to people.

    A new member needs a new schema number of the ledger: a version that does not know the member
    takes a row that has it for damage.
    """

    EXTERNAL_ID = "externalId"
    """Of a sale return the marker, of an item the id of Loop's line."""
    SALE_RETURN_SOURCE = "saleReturnSource"
    SALE_RETURN_TYPE = "saleReturnType"
    STATUS = "status"
    TRACKING_COMPANY = "trackingCompany"
    TRACKING_NUMBER = "trackingNumber"
    TRACKING_URL = "trackingUrl"
    TRACKING_STATUS = "trackingStatus"
    NOTES = "notes"
    QUANTITY = "quantity"
    ADJUSTMENT_REASON_ID = "adjustmentReasonId"


Fields = dict[OwnedField, Value]
"""Owned fields and their values. A field that is missing was never seen; None is an empty one."""


class Item(Struct, frozen=True):
    """A sale return item as last pushed or, if never written by us, as Jetti showed it."""

    id: int
    sale_item_id: int
    order_line_id: str
    fields: Fields
    """Of `owned_fields.OWNED_OF_ITEM`."""
    reason_code: str | None = None
    """Code of the adjustment reason that was last pushed."""
    units: int | None = None
    """Units of its order line that it covers if several of our items share the line; None if it
    covers all of them."""

    @property
    def quantity(self) -> int:
        """Units last pushed; 0 where none were."""
        return int(self.fields.get(OwnedField.QUANTITY) or 0)


class SaleReturn(Struct, frozen=True):
    """A sale return known to be ours, as last pushed or as Jetti first showed it."""

    id: int
    reference: str
    sale_id: int
    purchase_id: int | None
    fields: Fields
    """Of `owned_fields.OWNED`."""
    items: tuple[Item, ...]
    vendors: tuple[int, ...] | None = None
    """Jetti's ids of the vendors of its goods, sorted; none where they are in-house. None where an
    older version recorded it."""

    @property
    def is_cancelled(self) -> bool:
        """Whether it was last pushed, or first shown, as cancelled."""
        return self.fields.get(OwnedField.STATUS) == "cancelled"


class State(StrEnum):
    """The state of an entry (`core.states` has the legal transitions)."""

    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    UNKNOWN = "unknown"
    SYNCED = "synced"
    WAITING = "waiting"
    FAILED = "failed"
    DEAD = "dead"
    SKIPPED = "skipped"
    REVIEW = "review"
    IGNORED = "ignored"


class IntentOutcome(StrEnum):
    """What became of a write that an intent announced."""

    APPLIED = "applied"
    NOT_APPLIED = "not applied"
    """The key was refused, or nothing left: Jetti did nothing."""
    SLOW_DOWN = "slow down"
    """429 to the cancel that undoes an overreach; it is not repeated."""
    NOT_SENT = "not sent"
    """Not one byte left."""
    REFUSED = "refused"
    """400 or 422: this version will never be accepted."""
    LOST = "lost"
    """Perhaps applied, and never checked."""
    NOT_TAKEN = "not taken"
    """Answered, but Jetti does not show it."""
    READ_BACK = "read back"
    """No answer came, but Jetti shows it."""
    ABSENT = "absent"
    """No answer came, and Jetti did not show it in two lookups."""
    SHORT = "short"
    """Fewer items came back than were asked for."""
    OVERREACHED = "overreached"
    """Items came back that were not asked for."""


class Operation(StrEnum):
    """The three writes there are."""

    CREATE = "create"
    """POST /sales/{id}/cancel.json"""
    UPDATE_SALE_RETURN = "update_sale_return"
    """PUT /sale-returns/{id}.json"""
    UPDATE_ITEM = "update_item"
    """PUT /sale-return-items/{id}.json"""


class Write(Struct, frozen=True):
    """One request that changes something in Jetti."""

    operation: Operation
    target_id: int
    """The sale, the sale return, or the sale return item."""
    sale_item_ids: tuple[int, ...] = ()
    """What a create asks for, sorted. Never empty for a create: that would return the whole
    sale."""
    fields: Fields = {}
    """What a PUT sets."""


class Intent(Struct, frozen=True):
    """A committed ledger row that says that a write is about to be sent."""

    id: int
    return_id: str
    fingerprint: bytes
    write: Write
    before: tuple[int, ...]
    """Ids of all sale returns on the sale before a create; tells ours from earlier ones."""
    sent_at: datetime
    """By Jetti's clock if its answers carry a Date, because it is compared with createdAt."""
    settle_at: datetime
    """By our clock: after this the write has taken effect or never will."""
    absent_at: datetime | None = None
    """When a read-back after `settle_at` first found nothing."""


class Entry(Struct, frozen=True):
    """What the ledger knows of one return."""

    seen: Return
    wanted: Wanted
    fingerprint: bytes
    state: State = State.PENDING
    reason: str | None = None
    """Why it is in this state, for people to read; no decision depends on it."""
    changed_at: datetime | None = None
    """When this fingerprint was first recorded."""
    due_since: datetime | None = None
    """Since when something is due; later changes do not reset it. Patience counts from here."""
    attempts: int = 0
    next_try_at: datetime | None = None
    pushed_fingerprint: bytes | None = None
    asked_for: bool = False
    """Someone named this return or its range in a run, so go-live does not apply to it."""
    accepted_fingerprint: bytes | None = None
    """The fingerprint that someone let past the guards, by typing it or by accepting its plan."""
    not_ours: tuple[int, ...] = ()
    """Sale returns that someone decided are not this return's, whatever they hold or carry."""
    sale_returns: tuple[SaleReturn, ...] = ()
    intents: tuple[Intent, ...] = ()
    """Unresolved writes, oldest first; at most one unless an older ledger was restored."""

    @property
    def id(self) -> str:
        return self.seen.id

    @property
    def unanswered_create(self) -> Intent | None:
        """The latest create that was sent, or may have been, without an answer."""
        creates = [i for i in self.intents if i.write.operation is Operation.CREATE]
        return creates[-1] if creates else None
