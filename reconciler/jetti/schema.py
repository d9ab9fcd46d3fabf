"""Jetti's rows as they come over the wire, and what becomes of them (jetti.md#field-lists).

Only fields that are used are decoded: customers' names and addresses never enter the program.
Unknown fields and unknown enumeration values are accepted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from reconciler.core.matching.snapshot import LiveItem, LiveSaleReturn, Sale, SaleItem
from reconciler.core.model import Fields, OwnedField, Value
from reconciler.core.owned_fields import OWNED, OWNED_OF_ITEM
from reconciler.http import Response

_Text = str | int | None

# What a ledger and a report can hold; a row with other numbers is not understood.
_Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
_Count = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Wire(Struct, rename="camel"):
    id: _Id


class WireSale(Wire):
    reference: str | int
    external_id: _Text = None
    sale_id: _Id | None = None
    company_id: _Text = None
    cancelled: bool | None = None
    cancellation_status: str | None = None


class WireSaleItem(Wire):
    sale_id: _Id
    external_id: _Text = None
    quantity: _Count = 1
    quantity_returned: _Count = 0
    quantity_cancelled: _Count = 0
    is_bundle: bool = False
    bundle_sale_item_id: _Id | None = None
    dropship_provider_id: _Id | None = None


class WireReason(Wire):
    code: str


class WireSaleReturnItem(Wire):
    sale_return_id: _Id
    sale_item_id: _Id
    quantity: _Count | UnsetType = UNSET
    external_id: _Text | UnsetType = UNSET
    adjustment_reason_id: _Id | UnsetType | None = UNSET


class WireSaleReturn(Wire):
    sale_id: _Id
    reference: str | int
    created_at: datetime
    status: str
    purchase_id: _Id | None = None
    external_id: _Text | UnsetType = UNSET
    sale_return_source: str | UnsetType | None = UNSET
    sale_return_type: str | UnsetType | None = UNSET
    tracking_company: str | UnsetType | None = UNSET
    tracking_number: _Text | UnsetType = UNSET
    tracking_url: str | UnsetType | None = UNSET
    tracking_status: str | UnsetType | None = UNSET
    notes: str | UnsetType | None = UNSET
    company_id: _Text = None
    sale_return_items: list[WireSaleReturnItem] | None = msgspec.field(
        default=None, name="sale_return_items"
    )
    """Included data keeps snake case (jetti.md#included-keys)."""


W = TypeVar("W", bound=Wire)


def rows(kind: type[W], answer: Response) -> list[W]:
    """A collection: always a bare array (jetti.md#collection-answers). Raises ValueError for
    anything else."""
    found: list[W] = msgspec.json.decode(answer.body, type=list[kind])  # type: ignore[valid-type]
    return found


def one(kind: type[W], answer: Response) -> W:
    """An instance, or an array that holds just one. Raises ValueError for anything else."""
    return msgspec.json.decode(answer.body, type=kind)


def sale(wire: WireSale) -> Sale:
    """The sale without its customer."""
    return Sale(
        id=wire.id,
        external_id=_text(wire.external_id),
        reference=str(wire.reference),
        is_clone=wire.sale_id is not None,
        account=_text(wire.company_id),
        # The flag may stay false after a cancellation (jetti.md#cancelled-flag-of-a-purchase).
        is_cancelled=bool(wire.cancelled) or wire.cancellation_status == "full",
    )


def sale_item(wire: WireSaleItem) -> SaleItem:
    """The line of a sale."""
    return SaleItem(
        id=wire.id,
        sale_id=wire.sale_id,
        order_line_id=_text(wire.external_id),
        quantity=wire.quantity,
        returned=wire.quantity_returned,
        cancelled=wire.quantity_cancelled,
        is_bundle=wire.is_bundle or wire.bundle_sale_item_id is not None,
        vendor_id=wire.dropship_provider_id,
    )


def live_item(wire: WireSaleReturnItem) -> LiveItem:
    """The line of a sale return."""
    return LiveItem(
        id=wire.id,
        sale_return_id=wire.sale_return_id,
        sale_item_id=wire.sale_item_id,
        fields=_owned(wire, OWNED_OF_ITEM),
    )


def live_sale_return(wire: WireSaleReturn) -> LiveSaleReturn:
    """The sale return with whatever items came along."""
    created = wire.created_at
    return LiveSaleReturn(
        id=wire.id,
        sale_id=wire.sale_id,
        purchase_id=wire.purchase_id,
        reference=str(wire.reference),
        created_at=created if created.tzinfo else created.replace(tzinfo=UTC),
        fields=_owned(wire, OWNED),
        items=tuple(live_item(item) for item in wire.sale_return_items or ()),
        account=_text(wire.company_id),
    )


_IDS = frozenset({OwnedField.EXTERNAL_ID, OwnedField.TRACKING_NUMBER})
"""What Jetti may show as a number although it is text."""


def _owned(wire: WireSaleReturn | WireSaleReturnItem, owned: tuple[OwnedField, ...]) -> Fields:
    """Owned fields, as far as the row shows them, in the order of the struct."""
    shown: Fields = {}
    # Not `msgspec.structs.fields`, which evaluates every annotation again.
    for name, encoded in zip(wire.__struct_fields__, wire.__struct_encode_fields__, strict=True):
        value: Value | UnsetType = getattr(wire, name)
        if encoded in owned and value is not UNSET:
            field = OwnedField(encoded)
            shown[field] = _text(value) if field in _IDS else value
    return shown


def _text(value: _Text) -> str | None:
    """Ids as text; an empty one is none."""
    return None if value is None or value == "" else str(value)
