"""A Loop return in Jetti's terms: the pure function from `Return` to `Wanted`.

The defaults: architecture.md#status-table. Loop's states: loop.md#return-state. Jetti's values:
jetti.md#sale-return-statuses, #tracking-statuses. Label statuses: `core.labels`.
"""

from __future__ import annotations

from itertools import groupby
from urllib.parse import quote

from reconciler.core import labels
from reconciler.core.model import (
    KNOWN_STATES,
    Line,
    Parcel,
    Purpose,
    Return,
    Value,
    Wanted,
    WantedLine,
    WantedParcel,
)
from reconciler.core.settings import Mapping

_CANCELLED = "cancelled"
_ENDED = frozenset({_CANCELLED, "expired"})
_REQUESTED = "requested"

# Public tracking pages. Loop's list has no tracking link, only the label's, which is secret
# (loop.md#return-level-label-fields). Other carriers get no link, which Jetti allows.
_TRACKING_PAGES = {
    "usps": "https://tools.usps.com/go/TrackConfirmAction?tLabels={}",
    "ups": "https://www.ups.com/track?tracknum={}",
    "fedex": "https://www.fedex.com/fedextrack/?trknbr={}",
}

_LONGEST_REASON = 60  # characters; a reason is a few words, and staff read the notes

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
    """What Jetti should hold for a return. Parcels are in the order of `labels.ranked`: the first
    of those that serve a sale return leads."""
    ranked = labels.ranked(seen.parcels, mapping)
    parcels = tuple(
        _parcel(one, seen, mapping) for one in ranked if not _holds_only_unread_lines(one, seen)
    )
    status = _status(seen.state, labels.NO_LABEL, mapping) or _REQUESTED
    statuses = {parcel.status for parcel in parcels} or {status}
    purpose = _purpose(seen.state, statuses, held_states)
    # safeguard: no-cancel-of-a-malformed-return
    if purpose is Purpose.CANCEL and seen.set_aside and seen.state != _CANCELLED:
        # A cancel is final, and what was not understood may contradict it.
        purpose = Purpose.HOLD
    if seen.labels_set_aside and purpose is Purpose.EXIST:
        # There is a label, so the status for a return without one does not apply.
        status = _REQUESTED
    return Wanted(
        purpose=purpose,
        status=status,
        lines=_lines(seen.lines, mapping),
        parcels=parcels,
        lacks_lines=bool(seen.lines_set_aside),
        lacks_parcels=bool(seen.labels_set_aside),
    )


def _holds_only_unread_lines(parcel: Parcel, seen: Return) -> bool:
    """Whether the parcel contains no known line, but perhaps one that was not understood."""
    if not (seen.lines_set_aside and parcel.line_ids):
        return False
    return not {line.id for line in seen.lines} & set(parcel.line_ids)


def _purpose(state: str, statuses: set[str | None], held_states: tuple[str, ...]) -> Purpose:
    """`statuses` is what each parcel asks for, or without parcels what the return does."""
    if state in held_states or state not in KNOWN_STATES:
        return Purpose.HOLD
    if statuses == {"cancelled"}:
        return Purpose.CANCEL
    if state in _ENDED and not statuses - {None, "cancelled"}:
        # Expired while a parcel is moving: a late scan, and a cancel would be final.
        return Purpose.HOLD
    return Purpose.EXIST


def _status(state: str, label_status: str, mapping: Mapping) -> str | None:
    """The sale return status that a label asks for; None leaves it unchanged."""
    explicit = mapping.status.get(state, {}).get(label_status)
    if explicit is not None:
        return explicit
    # safeguard: expired-but-moving
    if state == "expired" and labels.may_be_moving(label_status, mapping):
        # Loop expires returns that were never sent (loop.md#expiry), so this is a late scan.
        return None
    if state in _ENDED:
        return "cancelled"
    return labels.sale_return_status(label_status)


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
        reasons=_reasons(units, mapping),
    )


def _reasons(units: list[Line], mapping: Mapping) -> tuple[str, ...]:
    """All reasons of the units if their codes differ, since only one code can be sent."""
    if len(units) == 1:
        return ()
    codes = {unit.reason: mapping.reasons.get(unit.reason) for unit in units if unit.reason}
    # If the lowest unit has no reason, none is sent, even if the others have one.
    sent = codes.get(units[0].reason or "")
    # safeguard: differing-reasons-are-noted
    if all(code == sent for code in codes.values()):
        return ()
    return tuple(
        f"{_one_line(reason)} ({code})" if code else _one_line(reason)
        for reason, code in codes.items()
    )


def _one_line(reason: str) -> str:
    return " ".join(reason[:_LONGEST_REASON].split())


def _parcel(parcel: Parcel, seen: Return, mapping: Mapping) -> WantedParcel:
    label_status = labels.status_of(parcel)
    inside = {line.order_line_id for line in seen.lines if line.id in parcel.line_ids}
    return WantedParcel(
        carrier=parcel.carrier,
        tracking_number=parcel.tracking_number,
        tracking_url=_tracking_page(parcel),
        tracking_status=labels.tracking_status(label_status, mapping),
        status=_status(seen.state, label_status, mapping),
        order_line_ids=tuple(sorted(inside)),
    )


def _tracking_page(parcel: Parcel) -> str | None:
    page = _TRACKING_PAGES.get((parcel.carrier or "").strip().lower())
    if page is None or not parcel.tracking_number:
        return None
    return page.format(quote(parcel.tracking_number, safe=""))


def _number(loop_id: str) -> tuple[int, str]:
    """Sort key: numeric ids in numeric order."""
    return len(loop_id), loop_id
