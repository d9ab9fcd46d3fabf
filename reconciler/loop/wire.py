"""Loop's rows as they come over the wire, and what becomes of them.

Personal data cannot get in: the structs below have no field for a customer, a comment, an
address or a label's link, so msgspec skips them. The status page's link is read for its host.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated

from msgspec import DecodeError, Meta, Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from reconciler.core.model import Line, Malformed, Parcel, Return
from reconciler.loop.values import Id, Name, Text, Word, read_id, read_shop, read_text, read_time

MOST_LINES = 10_000

_NOTHING = Raw(b"null")


class WireLine(Struct):
    """apis/loop.md 5.2. One row is one unit."""

    line_item_id: Id
    provider_line_item_id: Id
    sku: Text = None
    title: Text = None
    return_reason: Text = None


class WireLabel(Struct):
    """apis/loop.md 5.4."""

    status: Text = None
    carrier: Text = None
    tracking_number: Text = None
    line_items: Annotated[list[Id], Meta(max_length=MOST_LINES)] | None = None
    # Whatever they hold: they only tell which of several labels is the newest.
    updated_at: Raw = _NOTHING
    created_at: Raw = _NOTHING


class WireReturn(Struct):
    """apis/loop.md 5.1."""

    id: Id
    state: Word
    created_at: str
    updated_at: str
    order_name: Name
    line_items: Annotated[list[WireLine], Meta(max_length=MOST_LINES)]
    provider_order_id: Text = None
    outcome: Text = None
    type: Text = None
    labels: Annotated[list[WireLabel], Meta(max_length=MOST_LINES)] | None = None
    carrier: Text = None
    tracking_number: Text = None
    label_status: Text = None
    label_updated_at: Raw = _NOTHING
    status_page_url: str | None = None


class _WireId(Struct):
    id: Id


_decoder = Decoder(WireReturn)
_id_decoder = Decoder(_WireId)
_text_decoder = Decoder(str)

# Said of a label that does not exist yet (apis/loop.md 6.3).
_NO_LABEL_YET = frozenset({None, "pending", "no_label"})


def parse_row(row: Raw) -> Return | Malformed:
    """One row of the list; never raises on what Loop sent."""
    try:
        return _to_return(_decoder.decode(row))
    except UnicodeError:
        problem = "a text is not valid Unicode"
    except RecursionError:
        problem = "nested too deeply"
    except (DecodeError, ValueError) as error:
        problem = str(error)
    return Malformed(key=_key(row), problem=problem)


def _key(row: Raw) -> str:
    """The id where it can be read, else a hash of the row."""
    try:
        return read_id(_id_decoder.decode(row).id, "id")
    except (DecodeError, ValueError, RecursionError):
        return hashlib.sha256(bytes(row)).hexdigest()


def _to_return(wire: WireReturn) -> Return:
    lines = [_line(line, index) for index, line in enumerate(wire.line_items)]
    lines.sort(key=lambda line: _by_number(line.id))
    order_id = read_text(wire.provider_order_id, "provider_order_id")
    outcome = read_text(wire.outcome, "outcome")
    return Return(
        id=read_id(wire.id, "id"),
        state=_required(wire.state, "state"),
        created_at=read_time(wire.created_at, "created_at"),
        updated_at=read_time(wire.updated_at, "updated_at"),
        order_id=None if order_id is None else read_id(order_id, "provider_order_id"),
        order_name=_required(wire.order_name, "order_name"),
        lines=tuple(lines),
        parcels=_parcels(wire),
        type=read_text(wire.type, "type"),
        outcomes=tuple(sorted({part for part in (outcome or "").split("+") if part})),
        shop=read_shop(wire.status_page_url),
    )


def _line(line: WireLine, index: int) -> Line:
    path = f"line_items[{index}]"
    return Line(
        id=read_id(line.line_item_id, f"{path}.line_item_id"),
        order_line_id=read_id(line.provider_line_item_id, f"{path}.provider_line_item_id"),
        sku=read_text(line.sku, f"{path}.sku"),
        title=read_text(line.title, f"{path}.title"),
        reason=read_text(line.return_reason, f"{path}.return_reason"),
    )


def _parcels(wire: WireReturn) -> tuple[Parcel, ...]:
    """From the labels; where they tell of none, from the return's own label fields."""
    labels = [_parcel(label, f"labels[{i}]") for i, label in enumerate(wire.labels or ())]
    found = [parcel for parcel in labels if parcel is not None]
    if not found:
        label = WireLabel(wire.label_status, wire.carrier, wire.tracking_number)
        label.updated_at = wire.label_updated_at
        own = _parcel(label, "label")
        found = [own] if own else []
    found.sort(key=_by_tracking)
    # The same label twice is one parcel, and its later time counts.
    return tuple({replace(parcel, updated_at=None): parcel for parcel in found}.values())


def _parcel(label: WireLabel, path: str) -> Parcel | None:
    status = read_text(label.status, f"{path}.status")
    tracking_number = read_text(label.tracking_number, f"{path}.tracking_number")
    if tracking_number is None and status in _NO_LABEL_YET:
        return None
    line_ids = [read_id(line, f"{path}.line_items") for line in label.line_items or ()]
    return Parcel(
        carrier=read_text(label.carrier, f"{path}.carrier"),
        tracking_number=tracking_number,
        label_status=status,
        line_ids=tuple(sorted(set(line_ids), key=_by_number)),
        updated_at=_time_if_any(label.updated_at) or _time_if_any(label.created_at),
    )


def _time_if_any(value: Raw) -> datetime | None:
    """A time that is not worth a row: None for whatever is none, such as `N/A` or a number."""
    try:
        return read_time(_text_decoder.decode(value))
    except (DecodeError, ValueError, RecursionError):
        return None


def _required(value: Text, field: str) -> str:
    text = read_text(value, field)
    if text is None:
        raise ValueError(f"{field}: absent")
    return text


def _by_number(digits: str) -> tuple[int, str]:
    """Sorts ids as numbers without converting them."""
    return len(digits), digits


def _by_tracking(parcel: Parcel) -> tuple[str, str, str, tuple[str, ...], str]:
    return (
        parcel.tracking_number or "",
        parcel.carrier or "",
        parcel.label_status or "",
        parcel.line_ids,
        parcel.updated_at.isoformat() if parcel.updated_at else "",
    )
