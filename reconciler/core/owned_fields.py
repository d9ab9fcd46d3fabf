"""Which owned fields a sale return should hold, and which of them may be written
(architecture.md#owned-fields)."""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec import Struct

from reconciler.core.mapping import rank
from reconciler.core.model import (
    Fields,
    OwnedField,
    Purpose,
    Value,
    Wanted,
    WantedLine,
    WantedParcel,
)

OWNED = (
    OwnedField.EXTERNAL_ID,
    OwnedField.SALE_RETURN_SOURCE,
    OwnedField.SALE_RETURN_TYPE,
    OwnedField.STATUS,
    OwnedField.TRACKING_COMPANY,
    OwnedField.TRACKING_NUMBER,
    OwnedField.TRACKING_URL,
    OwnedField.TRACKING_STATUS,
    OwnedField.NOTES,
)
"""Of a sale return."""
OWNED_OF_ITEM = (OwnedField.QUANTITY, OwnedField.EXTERNAL_ID, OwnedField.ADJUSTMENT_REASON_ID)

SOURCE = "external"
"""What our sale returns have as `saleReturnSource`."""

ENDS = frozenset({"cancelled", "received"})
"""Statuses that nothing follows (architecture.md#status-table)."""

_LONGEST = 255
"""Characters: Sequelize's default for plain strings, and what Jetti has for tracking
(jetti.md#string-lengths)."""


def of_sale_return(wanted: Wanted, return_id: str, order_line_ids: Collection[str]) -> Fields:
    """What the sale return that holds these order lines should look like.

    A field that has no value is wanted empty, as None. `status` is missing when the return asks
    for none: it is held, or its labels failed. So is `trackingStatus` when the word of the leading
    label has no meaning.
    """
    parcels = _serving(wanted.parcels, order_line_ids)
    lines = [line for line in wanted.lines if line.order_line_id in order_line_ids]
    first = parcels[0] if parcels else None
    fields: Fields = {
        OwnedField.EXTERNAL_ID: return_id,
        OwnedField.SALE_RETURN_SOURCE: SOURCE,
        OwnedField.SALE_RETURN_TYPE: "customer",
        OwnedField.TRACKING_COMPANY: _short(first.carrier) if first else None,
        OwnedField.TRACKING_NUMBER: _short(first.tracking_number) if first else None,
        OwnedField.TRACKING_URL: _short(first.tracking_url) if first else None,
        OwnedField.NOTES: _notes(return_id, parcels, lines),
    }
    # safeguard: words-without-a-status
    if first is None or first.tracking_status is not None:
        fields[OwnedField.TRACKING_STATUS] = first.tracking_status if first else None
    status = _status(wanted, parcels)
    if status is not None:
        fields[OwnedField.STATUS] = status
    return fields


OF_PARCELS = (
    OwnedField.TRACKING_COMPANY,
    OwnedField.TRACKING_NUMBER,
    OwnedField.TRACKING_URL,
    OwnedField.TRACKING_STATUS,
    OwnedField.NOTES,
)
"""Fields of a sale return that tell of parcels; `status` is not among them."""


def mentions_a_parcel(pushed: Fields) -> bool:
    """Whether anything of a parcel was pushed; the notes do not count, since they always say
    something."""
    return any(pushed.get(name) is not None for name in OF_PARCELS if name != OwnedField.NOTES)


def without_parcels(wanted: Fields) -> Fields:
    """What is wanted without the fields that tell of parcels."""
    return {name: value for name, value in wanted.items() if name not in OF_PARCELS}


ORIGIN = (OwnedField.SALE_RETURN_SOURCE, OwnedField.SALE_RETURN_TYPE)
"""Fields that tell who raised a sale return."""


def has_another_origin(pushed: Fields) -> bool:
    """Whether someone else raised a sale return that was adopted: of our own, the first PUT sets
    the source along with the marker."""
    is_marked = pushed.get(OwnedField.EXTERNAL_ID) is not None
    return (
        is_marked
        and OwnedField.SALE_RETURN_SOURCE in pushed
        and pushed[OwnedField.SALE_RETURN_SOURCE] is None
    )


def without_origin(wanted: Fields) -> Fields:
    """What is wanted, without source and type: someone else raised it, so these stay theirs."""
    return {name: value for name, value in wanted.items() if name not in ORIGIN}


class Difference(Struct, frozen=True):
    """How wanted fields compare with what was pushed and what Jetti holds."""

    write: Fields
    """To be written, with the wanted values."""
    kept: Fields
    """Wanted otherwise, but edited in Jetti; with the live values, which stay."""
    further: Value = None
    """The live status, where it is not moved because that would not be forward; else None."""


def difference(wanted: Fields, pushed: Fields, live: Fields) -> Difference:
    """Decide field by field: a three-way merge with `pushed` as its base.

    A field is written when what is wanted differs from what was last pushed, as long as Jetti still
    holds what was last pushed. One that is missing from `pushed` was never seen, so nobody can have
    edited it. `status` has a rule of its own: it only moves forward, but from wherever someone has
    moved it to.
    """
    write: Fields = {}
    kept: Fields = {}
    further: Value = None
    for name, value in wanted.items():
        if live.get(name) == value or pushed.get(name) == value:
            continue
        if name == OwnedField.STATUS:
            if forward(live.get(name), value):
                write[name] = value
            else:
                further = live.get(name)
        # safeguard: edited-values-stay
        elif name not in pushed or live.get(name) == pushed[name]:
            write[name] = value
        else:
            kept[name] = live.get(name)
    return Difference(write, kept, further)


def forward(live: Value, wanted: Value) -> bool:
    """Whether a status may be moved there: forward only, and nowhere from an end."""
    # safeguard: final-status-is-final
    if live in ENDS:
        return False
    # safeguard: status-moves-forward-only
    return wanted == "cancelled" or rank(wanted) > rank(live)


def _serving(
    parcels: tuple[WantedParcel, ...], order_line_ids: Collection[str]
) -> list[WantedParcel]:
    """The parcels of a sale return. A single one serves every line; several are paired by lines,
    and one of unknown lines serves all."""
    if len(parcels) == 1:
        return list(parcels)
    here = set(order_line_ids)
    return [p for p in parcels if not p.order_line_ids or here & set(p.order_line_ids)]


def _status(wanted: Wanted, parcels: list[WantedParcel]) -> str | None:
    if wanted.purpose is Purpose.HOLD:
        return None
    if wanted.purpose is Purpose.CANCEL:
        return "cancelled"
    if not parcels:
        return wanted.status
    asked = [p.status for p in parcels if p.status not in (None, "cancelled")]
    return max(asked, key=rank, default=None)


def _notes(return_id: str, parcels: list[WantedParcel], lines: list[WantedLine]) -> str:
    notes = f"Loop return {return_id}"
    if len(parcels) > 1:
        # By number, so that one that overtakes another does not change them.
        notes += f"; parcels: {', '.join(map(_named, sorted(parcels, key=_by_number)))}"
    for line in lines:
        if line.reasons:
            notes += f"; reasons of line {line.order_line_id}: {', '.join(line.reasons)}"
    return notes


_OUR_NOTES = re.compile(r"Loop return \d+(; (parcels|reasons of line \d+): .*)?", re.DOTALL)


def may_be_ours(notes: Value) -> bool:
    """Whether notes are in the form that this program gives them."""
    return isinstance(notes, str) and _OUR_NOTES.fullmatch(notes) is not None


def _by_number(parcel: WantedParcel) -> tuple[bool, str, str]:
    number = parcel.tracking_number
    return number is None, number or "", parcel.carrier or ""


def _named(parcel: WantedParcel) -> str:
    return f"{parcel.carrier or 'parcel'} {parcel.tracking_number or 'without number'}"


def _short(text: str | None) -> str | None:
    return text[:_LONGEST] if text else text
