"""Loop's rows as they are sent, and their conversion to the core's model.

Personal data cannot get in: the structs below have no field for a customer, a comment, an
address or a label's link, so msgspec skips them. Of the status page's link only the host is used.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import DecodeError, Meta, Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from reconciler.core.model import Line, Parcel, Return
from reconciler.loop.values import (
    Id,
    Name,
    Text,
    Unreadable,
    Word,
    read_id,
    read_shop,
    read_text,
    read_time,
)

MOST_LINES = 10_000

NOTHING = Raw(b"null")


class WireLine(Struct):
    """loop.md#line-items, #units-per-line-item. One row is one unit."""

    line_item_id: Id
    provider_line_item_id: Id
    sku: Text = None
    title: Text = None
    return_reason: Text = None


class WireLabel(Struct):
    """loop.md#labels."""

    status: Text = None
    carrier: Text = None
    tracking_number: Text = None
    line_items: Annotated[list[Id], Meta(max_length=MOST_LINES)] | None = None
    # Any content is accepted: they only show which of several labels is the newest.
    updated_at: Raw = NOTHING
    created_at: Raw = NOTHING


class WireCore(Struct, kw_only=True):
    """The fields without which a return is malformed as a whole (loop.md#top-level-fields)."""

    id: Id
    state: Word
    created_at: str
    updated_at: str
    provider_order_id: Text = None
    outcome: Text = None
    type: Text = None


class WireReturn(WireCore, kw_only=True):
    """A well-formed row."""

    order_name: Name | None = None
    provider_order_number: Text = None
    status_page_url: str | None = None
    line_items: Annotated[list[WireLine], Meta(max_length=MOST_LINES)]
    labels: Annotated[list[WireLabel], Meta(max_length=MOST_LINES)] | None = None
    carrier: Text = None
    tracking_number: Text = None
    label_status: Text = None
    label_updated_at: Raw = NOTHING


_text_decoder = Decoder(str)
# The statuses of a label that does not exist yet (loop.md#label-status-words).
_NO_LABEL_YET = frozenset({None, "pending", "no_label"})


def to_return(wire: WireReturn) -> Return:
    """Convert a well-formed row. Raises Unreadable."""
    lines = [to_line(line) for line in wire.line_items]
    labels = [to_parcel(label) for label in wire.labels or ()]
    if not any(labels):
        own = WireLabel(
            wire.label_status,
            wire.carrier,
            wire.tracking_number,
            updated_at=wire.label_updated_at,
        )
        labels = [to_parcel(own)]
    names = Names(
        read_text(wire.order_name, "order_name"),
        read_text(wire.provider_order_number, "provider_order_number"),
        read_shop(wire.status_page_url),
    )
    return to_core(wire, names, lines, labels)


class Names(Struct, frozen=True):
    """What helps to find a return's order and to identify the shop; each may be absent."""

    order_name: str | None = None
    order_number: str | None = None
    shop: str | None = None


def to_core(
    wire: WireCore, names: Names, lines: list[Line], parcels: list[Parcel | None]
) -> Return:
    """The return with these lines and parcels; a None among `parcels`, for a label that does not
    exist yet, is dropped. Raises Unreadable.
    """
    order_id = read_text(wire.provider_order_id, "provider_order_id")
    if names.order_name is None and order_id is None:
        raise Unreadable("order_name", "absent, and so is provider_order_id")
    outcome = read_text(wire.outcome, "outcome")
    return Return(
        id=read_id(wire.id, "id"),
        state=_required(wire.state, "state"),
        created_at=read_time(wire.created_at, "created_at"),
        updated_at=read_time(wire.updated_at, "updated_at"),
        order_id=None if order_id is None else read_id(order_id, "provider_order_id"),
        order_name=names.order_name or "",
        lines=tuple(sorted(lines, key=lambda line: _by_number(line.id))),
        parcels=_distinct([one for one in parcels if one]),
        type=read_text(wire.type, "type"),
        outcomes=tuple(sorted({part for part in (outcome or "").split("+") if part})),
        shop=names.shop,
        order_number=names.order_number,
    )


def to_line(line: WireLine) -> Line:
    """Convert a line. Raises Unreadable, with the field's name in the line."""
    return Line(
        id=read_id(line.line_item_id, "line_item_id"),
        order_line_id=read_id(line.provider_line_item_id, "provider_line_item_id"),
        sku=read_text(line.sku, "sku"),
        title=read_text(line.title, "title"),
        reason=read_text(line.return_reason, "return_reason"),
    )


def to_parcel(label: WireLabel) -> Parcel | None:
    """The parcel of a label; None if the label does not exist yet. Raises Unreadable, with the
    field's name in the label."""
    status = read_text(label.status, "status")
    tracking_number = read_text(label.tracking_number, "tracking_number")
    if tracking_number is None and status in _NO_LABEL_YET:
        return None
    line_ids = [read_id(line, "line_items") for line in label.line_items or ()]
    return Parcel(
        carrier=read_text(label.carrier, "carrier"),
        tracking_number=tracking_number,
        label_status=status,
        line_ids=tuple(sorted(set(line_ids), key=_by_number)),
        updated_at=_time_if_any(label.updated_at) or _time_if_any(label.created_at),
    )


def _distinct(parcels: list[Parcel]) -> tuple[Parcel, ...]:
    """Sorted, with duplicate labels merged; the later time counts."""
    if len(parcels) < 2:
        return tuple(parcels)
    parcels.sort(key=_by_tracking)
    return tuple({replace(parcel, updated_at=None): parcel for parcel in parcels}.values())


def _time_if_any(value: Raw) -> datetime | None:
    """A time, or None if it is not one, such as `N/A` or a number: not worth losing a row for."""
    try:
        return read_time(_text_decoder.decode(value))
    except (DecodeError, ValueError, RecursionError):
        return None


def _required(value: Text, field: str) -> str:
    text = read_text(value, field)
    if text is None:
        raise Unreadable(field, "absent")
    return text


def _by_number(digits: str) -> tuple[int, str]:
    """Sort key: ids in numeric order, without converting them."""
    return len(digits), digits


def _by_tracking(parcel: Parcel) -> tuple[str, str, str, tuple[str, ...], str]:
    return (
        parcel.tracking_number or "",
        parcel.carrier or "",
        parcel.label_status or "",
        parcel.line_ids,
        parcel.updated_at.isoformat() if parcel.updated_at else "",
    )
