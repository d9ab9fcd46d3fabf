"""A Loop return in Jetti's words: the pure function from `Return` to `Wanted`.

The defaults follow design section 7; which Loop values exist is apis/loop.md 6.1 and 6.3, which
Jetti values exist apis/jetti.md 7.1 and 7.2.
"""

from __future__ import annotations

from itertools import groupby
from urllib.parse import quote

from reconciler.core.model import (
    Line,
    Parcel,
    Purpose,
    Return,
    Value,
    Wanted,
    WantedLine,
    WantedParcel,
)
from reconciler.core.rules import Mapping

KNOWN_STATES = ("open", "closed", "cancelled", "expired", "review")
NO_LABEL = "none"
"""How `mapping.status` spells a return without a label."""

_CANCELLED = "cancelled"
_ENDED = frozenset({_CANCELLED, "expired"})

_REQUESTED = "requested"
_STATUS_BY_LABEL: dict[str, str | None] = {
    NO_LABEL: _REQUESTED,
    "new": _REQUESTED,
    "pre_transit": _REQUESTED,
    "in_transit": "shipped",
    "out_for_delivery": "shipped",
    # Not `received`: the vendor confirms receipt, and `received` may move money
    # (apis/jetti.md 7.1, saleReturnRefundTrigger). An explicit mapping may say otherwise.
    "delivered": "shipped",
    # A failed label says nothing about where the goods are.
    "failure": None,
    "error": None,
}
LABEL_STATUSES = tuple(_STATUS_BY_LABEL)

_TRACKING_BY_LABEL = {
    NO_LABEL: "pre_transit",
    "new": "pre_transit",
    "pre_transit": "pre_transit",
    "in_transit": "transit",
    "out_for_delivery": "transit",
    "delivered": "delivered",
    "failure": "failure",
    "error": "failure",
}

# Public tracking pages. Loop's list has no tracking link, only the label's, which is secret
# (apis/loop.md 5.1); carriers not named here get no link, which Jetti allows.
_TRACKING_PAGES = {
    "usps": "https://tools.usps.com/go/TrackConfirmAction?tLabels={}",
    "ups": "https://www.ups.com/track?tracknum={}",
    "fedex": "https://www.fedex.com/fedextrack/?trknbr={}",
}

# What Loop calls a parcel whose label is not made yet (apis/loop.md 6.3).
_UNLABELLED = frozenset({"pending", "no_label"})

_RANK: dict[Value, int] = {
    "draft": 0,
    "requested": 1,
    "finalized": 2,
    "shipped": 3,
    "received": 4,
}


def rank(status: Value) -> int:
    """How far along a sale return status is; unknown ones rank with `draft`."""
    return _RANK.get(status, 0)


def project(seen: Return, mapping: Mapping, held_states: tuple[str, ...]) -> Wanted:
    """What Jetti should be told about a return."""
    parcels = tuple(
        _parcel(parcel, seen, mapping) for parcel in seen.parcels if not _is_of_others(parcel, seen)
    )
    status = _status(seen.state, NO_LABEL, mapping) or _REQUESTED
    purpose = _purpose(seen.state, status, parcels, held_states)
    if purpose is Purpose.CANCEL and seen.set_aside and seen.state != _CANCELLED:
        # A cancel is final, and what was not understood may speak against it.
        purpose = Purpose.HOLD
    if seen.labels_set_aside and purpose is Purpose.EXIST:
        # There is a label, so what is said of a return without one does not hold.
        status = _REQUESTED
    return Wanted(
        purpose=purpose,
        status=status,
        lines=_lines(seen.lines, mapping),
        parcels=parcels,
        lacks_lines=bool(seen.lines_set_aside),
        lacks_parcels=bool(seen.labels_set_aside),
    )


def _is_of_others(parcel: Parcel, seen: Return) -> bool:
    """Whether it holds none of these lines, but perhaps one that could not be understood."""
    inside = {line.id for line in seen.lines} & set(parcel.line_ids)
    return bool(seen.lines_set_aside and parcel.line_ids) and not inside


def _purpose(
    state: str, status: str, parcels: tuple[WantedParcel, ...], held_states: tuple[str, ...]
) -> Purpose:
    if state in held_states or state not in KNOWN_STATES:
        return Purpose.HOLD
    told = {parcel.status for parcel in parcels} or {status}
    return Purpose.CANCEL if told == {"cancelled"} else Purpose.EXIST


def _status(state: str, label_status: str, mapping: Mapping) -> str | None:
    explicit = mapping.status.get(state, {}).get(label_status)
    if explicit is not None:
        return explicit
    if state in _ENDED:
        return "cancelled"
    return _STATUS_BY_LABEL.get(label_status, _REQUESTED)


def _lines(lines: tuple[Line, ...], mapping: Mapping) -> tuple[WantedLine, ...]:
    by_order_line = sorted(lines, key=lambda line: (line.order_line_id, _number(line.id)))
    return tuple(
        _line(order_line_id, list(units), mapping)
        for order_line_id, units in groupby(by_order_line, key=lambda line: line.order_line_id)
    )


def _line(order_line_id: str, units: list[Line], mapping: Mapping) -> WantedLine:
    lowest = units[0]
    return WantedLine(
        order_line_id=order_line_id,
        quantity=len(units),
        line_id=lowest.id,
        reason_code=mapping.reasons.get(lowest.reason) if lowest.reason else None,
    )


def _parcel(parcel: Parcel, seen: Return, mapping: Mapping) -> WantedParcel:
    label = parcel.label_status
    if label is None or label in _UNLABELLED:
        label = NO_LABEL
    inside = {line.order_line_id for line in seen.lines if line.id in parcel.line_ids}
    return WantedParcel(
        carrier=parcel.carrier,
        tracking_number=parcel.tracking_number,
        tracking_url=_tracking_page(parcel),
        tracking_status=_TRACKING_BY_LABEL.get(label, "unknown"),
        status=_status(seen.state, label, mapping),
        order_line_ids=tuple(sorted(inside)),
    )


def _tracking_page(parcel: Parcel) -> str | None:
    page = _TRACKING_PAGES.get((parcel.carrier or "").strip().lower())
    if page is None or not parcel.tracking_number:
        return None
    return page.format(quote(parcel.tracking_number, safe=""))


def _number(loop_id: str) -> tuple[int, str]:
    """Numeric ids in numeric order, whatever their length."""
    return len(loop_id), loop_id
