"""What Jetti showed about one return's order, parsed and re-checked.

Facts, and one conclusion: which sale is the order, because that decides whose sale returns are
looked at.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from reconciler.core.model import Fields, OwnedField, Value


class Sale(Struct, frozen=True):
    """A sale (jetti.md#sale-fields)."""

    id: int
    external_id: str | None
    reference: str
    is_clone: bool
    account: str | None
    """`companyId` as text, where rows carry it."""
    is_cancelled: bool = False
    """Cancelled as a whole, or all of it returned or cancelled by lines."""


class SaleItem(Struct, frozen=True):
    """A line of a sale (jetti.md#sale-item-fields)."""

    id: int
    sale_id: int
    order_line_id: str | None
    quantity: int
    returned: int
    cancelled: int
    is_bundle: bool
    """The bundle itself or a part of one."""
    vendor_id: int | None = None
    """`dropshipProviderId`; None for in-house goods."""

    @property
    def available(self) -> int:
        """Units that can still be returned (jetti.md#open-quantity)."""
        return self.quantity - self.returned - self.cancelled


class LiveItem(Struct, frozen=True):
    """A sale return item as Jetti holds it (jetti.md#sale-return-item-fields)."""

    id: int
    sale_return_id: int
    sale_item_id: int
    fields: Fields
    """Of `owned_fields.OWNED_OF_ITEM`, as far as the row shows them."""

    @property
    def quantity(self) -> int:
        """Units; 0 where it shows none."""
        return int(self.fields.get(OwnedField.QUANTITY) or 0)

    @property
    def line_id(self) -> str | None:
        """The id of Loop's line in `externalId`; None where none was written."""
        return str(self.fields.get(OwnedField.EXTERNAL_ID) or "") or None


class LiveSaleReturn(Struct, frozen=True):
    """A sale return as Jetti holds it (jetti.md#sale-return-fields)."""

    id: int
    sale_id: int
    purchase_id: int | None
    reference: str
    created_at: datetime
    fields: Fields
    """Of `owned_fields.OWNED`, as far as the row shows them."""
    items: tuple[LiveItem, ...] = ()
    account: str | None = None

    @property
    def marker(self) -> str | None:
        """The Loop return id in `externalId`; None when unmarked."""
        return str(self.fields.get(OwnedField.EXTERNAL_ID) or "") or None

    @property
    def status(self) -> Value:
        """None where the row does not show it."""
        return self.fields.get(OwnedField.STATUS)

    @property
    def is_cancelled(self) -> bool:
        return self.status == "cancelled"


class Chosen(Struct, frozen=True):
    """The one sale that is the order."""

    sale: Sale


class NoSale(Struct, frozen=True):
    """The order is not in Jetti, or not yet."""


class Disputed(Struct, frozen=True):
    """Someone must say which sale is the order, or whether any is."""

    reason: str


OrderChoice = Chosen | NoSale | Disputed

STALE_AFTER = 120.0
"""Seconds. Pushing what is looked up together takes less than 80 s at Jetti's pace; an older
snapshot was overtaken by a slow service or a suspended machine and is taken again."""


class OrderSnapshot(Struct, frozen=True):
    """Everything that was looked up for one entry."""

    asked_at: datetime
    """By Jetti's clock, where its answers carry a Date; before any order was looked up."""
    looked_at: float
    """Seconds of the monotonic clock, when the lookup began."""
    ours: tuple[LiveSaleReturn, ...] = ()
    """Marked with the return's id, or known to the ledger by their ids."""
    sales: tuple[Sale, ...] = ()
    """Candidates for the order; empty when the order was not looked up."""
    sale_items: tuple[SaleItem, ...] = ()
    """The lines of every candidate that may be the order."""
    order: OrderChoice = NoSale()
    """Which candidate is the order (`order.with_order`); NoSale, too, when it was not looked up."""
    on_sale: tuple[LiveSaleReturn, ...] = ()
    """Every sale return, whoever made it, of the chosen sale and of others that may be the order
    but were not chosen."""

    def is_stale(self, monotonic: float) -> bool:
        """Whether it is too old to write anything by."""
        # safeguard: snapshots-go-stale
        return monotonic - self.looked_at > STALE_AFTER
