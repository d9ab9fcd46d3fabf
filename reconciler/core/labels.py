"""What Loop's label statuses mean: how far along a parcel is, and which statuses Jetti gets.

The list is open (loop.md#label-status-words). A word that is not on it changes no status, unless
the setting `mapping.status` or `mapping.tracking` gives it a meaning. Case is ignored.
"""

from __future__ import annotations

from math import inf

from msgspec import Struct

from reconciler.core.model import Parcel
from reconciler.core.settings import Mapping

NO_LABEL = "none"
"""How the settings write "no label status", for a return or a parcel."""

_UNLABELLED = frozenset({"pending", "no_label"})
"""Loop's words for a parcel whose label does not exist yet (loop.md#label-status-words)."""

_REQUESTED, _SHIPPED = "requested", "shipped"


class _Meaning(Struct, frozen=True):
    place: int
    """How far along the parcel is; 0 is furthest."""
    status: str | None
    tracking: str | None


# Of two parcels with the same place, the newer one counts as further along.
_MEANINGS = {
    # Not `received`: the vendor confirms receipt, and `received` may move money
    # (jetti.md#refund-trigger). An explicit mapping may say otherwise.
    "delivered": _Meaning(0, _SHIPPED, "delivered"),
    "out_for_delivery": _Meaning(1, _SHIPPED, "transit"),
    # Waiting at a counter near its destination: as far along as one on the last van.
    "available_for_pickup": _Meaning(1, _SHIPPED, "transit"),
    "in_transit": _Meaning(2, _SHIPPED, "transit"),
    # Sent but turned back: behind a parcel that is still coming, ahead of one never sent.
    "return_to_sender": _Meaning(3, _SHIPPED, "returned"),
    "pre_transit": _Meaning(4, _REQUESTED, "pre_transit"),
    "new": _Meaning(5, _REQUESTED, "pre_transit"),
    NO_LABEL: _Meaning(5, _REQUESTED, "pre_transit"),
    # A failed label says nothing about where the goods are.
    "failure": _Meaning(6, None, "failure"),
    "error": _Meaning(7, None, "failure"),
    # Behind every label that means something, but ahead of one that is known to be void.
    "unknown": _Meaning(8, None, None),
    "cancelled": _Meaning(9, None, None),
}
_UNLISTED = _Meaning(8, None, None)
_LAST_SCANNED = 3
"""The highest place of a parcel that has been scanned."""

_PLACE_BY_TRACKING: dict[str | None, int] = {
    "delivered": 0,
    "transit": 2,
    "returned": 3,
    "pre_transit": 4,
    "failure": 6,
}
"""The place of a word that gets its meaning from the setting `mapping.tracking` only."""

STATUSES = tuple(_MEANINGS)
KNOWN = frozenset(_MEANINGS) | _UNLABELLED
"""Every label status that this version knows, and those of a label that does not exist yet."""


def status_of(parcel: Parcel) -> str:
    """The parcel's label status, normalized."""
    return normalize(parcel.label_status or NO_LABEL)


def normalize(label_status: str) -> str:
    """The word in lower case; `none` for every word that means a label does not exist yet."""
    label_status = label_status.lower()
    return NO_LABEL if label_status in _UNLABELLED else label_status


def sale_return_status(label_status: str) -> str | None:
    """The sale return status that a label asks for by default; None leaves it unchanged."""
    return _MEANINGS.get(label_status, _UNLISTED).status


def tracking_status(label_status: str, mapping: Mapping) -> str | None:
    """Jetti's tracking status for a label; None leaves it unchanged."""
    return mapping.tracking.get(label_status, _MEANINGS.get(label_status, _UNLISTED).tracking)


def may_be_moving(label_status: str, mapping: Mapping) -> bool:
    """Whether the parcel was scanned, or may have been because its word is not listed.

    `unknown` is a listed word: it is what Loop calls a parcel before its first scan
    (loop.md#label-status-words).
    """
    meaning = _meaning(label_status, mapping)
    return meaning.place <= _LAST_SCANNED or meaning is _UNLISTED


def ranked(parcels: tuple[Parcel, ...], mapping: Mapping) -> list[Parcel]:
    """The parcels, furthest along first; ties go to the newest label, then to the lowest number.

    A label without a time counts as the oldest; one without a number comes last among equals.
    """
    if len(parcels) < 2:
        return list(parcels)

    def key(parcel: Parcel) -> tuple[int, float, bool, str]:
        at, number = parcel.updated_at, parcel.tracking_number
        # safeguard: newest-label-leads
        age = -at.timestamp() if at else inf
        # safeguard: furthest-parcel-leads
        return _meaning(status_of(parcel), mapping).place, age, number is None, number or ""

    return sorted(parcels, key=key)


def _meaning(label_status: str, mapping: Mapping) -> _Meaning:
    """The meaning of a label status, its place taken from the settings if it has none itself."""
    meaning = _MEANINGS.get(label_status, _UNLISTED)
    place = _PLACE_BY_TRACKING.get(mapping.tracking.get(label_status))
    if meaning.tracking is not None or place is None:
        return meaning
    return _Meaning(place, None, None)
