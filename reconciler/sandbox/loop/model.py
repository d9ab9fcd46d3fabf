"""The pretend Loop's data: returns, lines, labels and exchanges, all frozen.

Money is in whole cents, times are aware UTC without fractions of a second (Loop's cursor shows
that its columns hold whole seconds, loop.md#cursor-format).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

LISTED_STATES = ("open", "closed", "cancelled", "expired", "review")
"""The values that the `state` parameter takes (loop.md#return-state, #state-filter)."""

DEFAULT_STATES = ("open", "closed", "expired")
"""The states that a list call without `state` returns; the other two are hidden
(loop.md#state-filter)."""


LEFT_OUT = "<left out>"
"""As a raw field's value: the field is not sent."""


class SandboxLine(Struct, frozen=True):
    """One returned unit: there is no quantity (loop.md#units-per-line-item)."""

    id: str
    order_line_id: str
    product_id: str | None = None
    variant_id: str | None = None
    sku: str | None = None
    title: str | None = None
    price: int = 0
    discount: int = 0
    tax: int = 0
    remedy: str = "refund"
    """`refund`, `credit` or `exchange`: what the customer gets for this unit."""
    reason: str | None = None
    parent_reason: str | None = None
    comment: str | None = None
    barcode: str | None = None
    exchange_variant: str | None = None
    negative_price: bool = False
    """Shown with a minus, as in one captured row (loop.md#negative-line-prices)."""
    extra: dict[str, Any] = {}
    """Raw wire fields laid over the line last; a field that is `LEFT_OUT` is missing."""

    @property
    def value(self) -> int:
        """What the customer gets for the unit, in cents."""
        return self.price - self.discount + self.tax


class SandboxLabel(Struct, frozen=True):
    """A label and, once scanned, the parcel under it (loop.md#labels)."""

    carrier: str
    tracking_number: str | None
    """None until it is known: numbers of pre-printed labels come later
    (loop.md#pre-printed-labels)."""
    status: str
    updated_at: datetime
    line_ids: tuple[str, ...] = ()
    """Empty if Loop ties the label to no line (loop.md#labels-per-return)."""
    rate: float = 5.95
    extra: dict[str, Any] = {}
    """Raw wire fields laid over the label last, as over a line."""


class SandboxExchange(Struct, frozen=True):
    """An article that the customer gets in exchange (loop.md#exchanges)."""

    id: str
    product_id: str
    variant_id: str | None
    sku: str
    title: str
    price: int
    order_id: int | None = None
    """Set once the exchange order exists, that is when the return was processed."""
    order_name: str | None = None
    out_of_stock: bool = False


class SandboxReturn(Struct, frozen=True):
    """A return as Loop's database would hold it."""

    id: str
    state: str
    created_at: datetime
    updated_at: datetime
    order_id: str
    """Loop's own order id, not the provider's."""
    order_name: str
    provider_order_id: str | None
    outcome: str | None = "refund"
    lines: tuple[SandboxLine, ...] = ()
    labels: tuple[SandboxLabel, ...] = ()
    numbers_given: int = 0
    """Also to labels that are gone: no number is assigned twice."""
    exchanges: tuple[SandboxExchange, ...] = ()
    edited_at: datetime | None = None
    processed_at: datetime | None = None
    """Some hours after the state became `closed` (loop.md#processing-fields)."""
    type: str = "standard"
    customer: str | None = None
    country: str = "United States"
    country_code: str = "US"
    currency: str | None = "USD"
    refund_before_inspection: bool = False
    destination_id: int | None = None
    return_method: dict[str, Any] | str | None = None
    extra: dict[str, Any] = {}
    """Raw wire fields laid over the row last: for odd types, odd values and unknown keys; a field
    that is `LEFT_OUT` is missing."""
