"""The nouns: what Loop tells us, what we want Jetti to be told, and what the ledger knows.

Everything in here is frozen, free of personal data by construction (there is no field that could
hold a name, an address, a comment or a link to a label) and encodes to JSON through msgspec.
All times are aware UTC.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

MOST_PROBLEMS = 10
"""Fields named of one row that could not be understood."""

# ---------------------------------------------------------------------------- what Loop tells us

KNOWN_STATES = ("open", "closed", "cancelled", "expired", "review")
"""The states that Loop gives a return, as far as this version knows."""

GONE = "gone"
"""The state we give a return that Loop no longer lists. Loop knows no such state, so it is held
like every unknown one, and whatever Loop says when it comes back is news."""


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
    """One parcel on its way back (loop.md#labels, #return-level-label-fields, or the return's
    top-level label fields)."""

    carrier: str | None = None
    tracking_number: str | None = None
    label_status: str | None = None
    line_ids: tuple[str, ...] = ()
    """Lines inside, sorted; empty when Loop does not say."""
    updated_at: datetime | None = None
    """When the label last changed, else when it was made; Loop may not say."""


class Return(Struct, frozen=True):
    """A Loop return, parsed. Lines are sorted by id, parcels by tracking number and carrier."""

    id: str
    state: str
    """`open`, `closed`, `cancelled`, `expired`, `review`, or one this version does not know."""
    created_at: datetime
    updated_at: datetime
    order_id: str | None
    """Shopify's order id, Loop's `provider_order_id`; Loop may leave it out."""
    order_name: str
    """Empty where Loop leaves it out; then there is an id."""
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
    """What is wrong with each line that could not be understood: there is more than `lines`."""
    labels_set_aside: tuple[str, ...] = ()
    """The same of labels: there may be more than `parcels`, and further on their way."""

    names_set_aside: tuple[str, ...] = ()
    """The same of what only helps to find the order, or to tell which shop it is: nothing else is
    lacking for it."""

    @property
    def set_aside(self) -> tuple[str, ...]:
        """What is wrong with the lines and labels of it that could not be understood."""
        return (*self.lines_set_aside, *self.labels_set_aside)

    @property
    def order(self) -> str:
        """The order in a sentence."""
        return f"order {self.order_name}" if self.order_name else f"order id {self.order_id}"


class UnknownWord(Struct, frozen=True):
    """A word of one of Loop's open lists that this version does not know."""

    list: str
    """`label status`, `state`, `outcome` or `type`."""
    word: str


class CountedWord(Struct, frozen=True):
    """A word that this version does not know, and how many returns show it."""

    list: str
    word: str
    returns: int


class Malformed(Struct, frozen=True):
    """A row that could not be understood, or not all of it, kept aside so that it spoils nothing
    else."""

    key: str
    """The return id where it could be read, else a hash of the row."""
    problem: str
    """The path of the field and what is wrong with it; never the value."""
    return_id: str | None = None
    order_name: str | None = None
    """Both where they could be read."""
    is_partial: bool = False
    """Whether the rest of the row was understood and is told."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    """Where they could be read: what tells that a row without an id is no longer in Loop."""


def aside(seen: Return) -> Malformed | None:
    """What is kept aside of a return that was understood in part; None of one that was wholly."""
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
    """A span of time, both ends included (loop.md#window-bounds)."""

    start: datetime
    end: datetime


# ------------------------------------------------------------------- what Jetti is wanted to hold


class Purpose(StrEnum):
    """What should become of a return in Jetti."""

    EXIST = "exist"
    CANCEL = "cancel"
    HOLD = "hold"
    """Held in Loop: not created; what exists is kept up to date except for its status."""


class WantedLine(Struct, frozen=True):
    """An order line and how many units of it come back."""

    order_line_id: str
    quantity: int
    line_id: str
    """The lowest of its Loop line ids; becomes the sale return item's `externalId`."""
    reason_code: str | None = None
    """Code of the adjustment reason, by `mapping.reasons`: the lowest line's."""
    reasons: tuple[str, ...] = ()
    """In the merchant's words, each with its code, where its units have different codes."""


class WantedParcel(Struct, frozen=True):
    """A parcel in Jetti's words."""

    carrier: str | None
    tracking_number: str | None
    tracking_url: str | None
    tracking_status: str | None
    """None when its label has no opinion: then what Jetti holds stays."""
    status: str | None
    """The sale return status this parcel asks for; None when it has no opinion (label failed)."""
    order_line_ids: tuple[str, ...]
    """Order lines inside, sorted; empty when Loop does not say: then it serves every line."""


class Wanted(Struct, frozen=True):
    """The projection of a return onto what Jetti is told. Depends on the return and `mapping`."""

    purpose: Purpose
    status: str
    """Wanted status of a sale return that no parcel speaks for."""
    lines: tuple[WantedLine, ...]
    parcels: tuple[WantedParcel, ...]
    """The furthest on its way first: of those that serve a sale return the first leads."""
    lacks_lines: bool = False
    """There are more lines, or more units of these, than could be understood: what is missing
    here was not taken off the return."""
    lacks_parcels: bool = False
    """There are labels that could not be understood: what was told of parcels stays."""


# --------------------------------------------------------------------------- what the ledger knows

Value = str | int | None
"""What an owned field of Jetti can hold."""

Fields = dict[str, Value]
"""Owned fields by Jetti's own names: `status`, `trackingNumber`, `quantity`, …"""


class Item(Struct, frozen=True):
    """A sale return item as we last pushed it or, where we never wrote, as Jetti showed it."""

    id: int
    sale_item_id: int
    order_line_id: str
    fields: Fields
    """`quantity`, `externalId`, `adjustmentReasonId`."""
    reason_code: str | None = None
    """Code of the adjustment reason we last pushed."""
    units: int | None = None
    """Units of its order line that it stands for, where several items of ours share the line; None
    where it stands for all of them."""


class SaleReturn(Struct, frozen=True):
    """A sale return known to be ours, as we last pushed it or as Jetti showed it at first."""

    id: int
    reference: str
    sale_id: int
    purchase_id: int | None
    fields: Fields
    items: tuple[Item, ...]


class State(StrEnum):
    """Where an entry stands (`core.states` holds the legal transitions)."""

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
    """The service says so (429)."""
    SLOW_DOWN = "slow down"
    """The same of a write that is not repeated."""
    NOT_SENT = "not sent"
    """Not one byte left."""
    REFUSED = "refused"
    """400 or 422: this version will never be accepted."""
    LOST = "lost"
    """Perhaps applied, and nobody will look."""
    NOT_TAKEN = "not taken"
    """Answered, but Jetti does not show it."""
    READ_BACK = "read back"
    """No answer came, and Jetti shows it."""
    ABSENT = "absent"
    """No answer came, and Jetti does not show it, twice."""
    SHORT = "short"
    """Fewer items came back than were asked for."""
    OVERREACHED = "overreached"
    """Items came back that nobody asked for."""


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
    """What a create asks for, sorted; never empty then: an empty list returns the whole sale."""
    fields: Fields = {}
    """What a PUT sets."""


class Intent(Struct, frozen=True):
    """A committed ledger row that says "I am about to write this"."""

    id: int
    return_id: str
    fingerprint: bytes
    write: Write
    before: tuple[int, ...]
    """Ids of every sale return seen on the sale before a create; separates ours from theirs."""
    sent_at: datetime
    """By Jetti's clock where its answers carry a Date, because it is compared with createdAt."""
    settle_at: datetime
    """By our clock: from here on the write has taken effect or never will."""
    absent_at: datetime | None = None
    """When a read-back after `settle_at` first found nothing."""


class Entry(Struct, frozen=True):
    """What the ledger knows of one return."""

    seen: Return
    wanted: Wanted
    fingerprint: bytes
    state: State = State.PENDING
    reason: str | None = None
    """Why it is in this state, for people; never decided upon."""
    changed_at: datetime | None = None
    """When this fingerprint was first recorded."""
    due_since: datetime | None = None
    """Since when something is to be done; kept through further changes. Patience counts from it."""
    attempts: int = 0
    next_try_at: datetime | None = None
    pushed_fingerprint: bytes | None = None
    asked_for: bool = False
    """A person named this return or its range in a run: go-live does not hold it back."""
    accepted_fingerprint: bytes | None = None
    """The want that a person let past the guards, by asking for it or by accepting its plan."""
    sale_returns: tuple[SaleReturn, ...] = ()
    intents: tuple[Intent, ...] = ()
    """Outstanding writes, oldest first; at most one unless a person restored an older ledger."""

    @property
    def id(self) -> str:
        return self.seen.id
