"""What Loop's label statuses mean: how far a parcel is, and what Jetti is told of it.

The list is open (loop.md#label-status-words). A word that is not on it has no opinion, unless the
setting `mapping.status` or `mapping.tracking` gives it one. Words are compared without regard to
case.
"""

from __future__ import annotations

from math import inf

from msgspec import Struct

from reconciler.core.model import Parcel
from reconciler.core.settings import Mapping

NO_LABEL = "none"
"""How the settings spell a return, or a parcel, without a label status."""

_UNLABELLED = frozenset({"pending", "no_label"})
"""What Loop calls a parcel whose label is not made yet (loop.md#label-status-words)."""

_REQUESTED, _SHIPPED = "requested", "shipped"


class _Meaning(Struct, frozen=True):
    place: int
    """How far along it is; the lower, the further."""
    status: str | None
    tracking: str | None


# Where two stand in one place, the newer one is the further.
_MEANINGS = {
    # Not `received`: the vendor confirms receipt, and `received` may move money
    # (jetti.md#refund-trigger). An explicit mapping may say otherwise.
    "delivered": _Meaning(0, _SHIPPED, "delivered"),
    "out_for_delivery": _Meaning(1, _SHIPPED, "transit"),
    # It lies at a counter near its goal, so it is as far as one that is on the last van.
    "available_for_pickup": _Meaning(1, _SHIPPED, "transit"),
    "in_transit": _Meaning(2, _SHIPPED, "transit"),
    # It was sent but turned back: one that still comes is further, one never sent is not.
    "return_to_sender": _Meaning(3, _SHIPPED, "returned"),
    "pre_transit": _Meaning(4, _REQUESTED, "pre_transit"),
    "new": _Meaning(5, _REQUESTED, "pre_transit"),
    NO_LABEL: _Meaning(5, _REQUESTED, "pre_transit"),
    # A failed label says nothing about where the goods are.
    "failure": _Meaning(6, None, "failure"),
    "error": _Meaning(7, None, "failure"),
    # Behind whatever says something, but before a label that is known to be void.
    "unknown": _Meaning(8, None, None),
    "cancelled": _Meaning(9, None, None),
}
_NOBODY_KNOWS = _Meaning(8, None, None)
_SENT = 3
"""The last place of a parcel that was scanned."""

_PLACE_BY_TRACKING: dict[str | None, int] = {
    "delivered": 0,
    "transit": 2,
    "returned": 3,
    "pre_transit": 4,
    "failure": 6,
}
"""Of a word without an opinion of its own that `mapping.tracking` gives one."""

STATUSES = tuple(_MEANINGS)
KNOWN = frozenset(_MEANINGS) | _UNLABELLED
"""Every label status that this version knows, and those of a label that is not made yet."""


def word(parcel: Parcel) -> str:
    """The parcel's label status as the tables spell it."""
    return spelled(parcel.label_status or NO_LABEL)


def spelled(label_status: str) -> str:
    """In lower case; `none` for a label that is not made yet, whatever Loop calls it."""
    said = label_status.lower()
    return NO_LABEL if said in _UNLABELLED else said


def status(said: str) -> str | None:
    """The sale return status that a label asks for by default; None: no opinion."""
    return _MEANINGS.get(said, _NOBODY_KNOWS).status


def tracking(said: str, mapping: Mapping) -> str | None:
    """Jetti's tracking status of a label; None: no opinion."""
    return mapping.tracking.get(said, _MEANINGS.get(said, _NOBODY_KNOWS).tracking)


def may_be_moving(said: str, mapping: Mapping) -> bool:
    """Whether the parcel was scanned, or may have been because nobody knows its word.

    `unknown` is a known word: so a parcel is called before its first scan
    (loop.md#label-status-words).
    """
    meaning = _meaning(said, mapping)
    return meaning.place <= _SENT or meaning is _NOBODY_KNOWS


def ranked(parcels: tuple[Parcel, ...], mapping: Mapping) -> list[Parcel]:
    """The furthest on its way first; among equals the newest label, then the lowest number.

    A label without a time counts as the oldest, one without a number comes behind its equals.
    """

    def key(parcel: Parcel) -> tuple[int, float, bool, str]:
        at, number = parcel.updated_at, parcel.tracking_number
        # safeguard: newest-label-leads
        age = -at.timestamp() if at else inf
        # safeguard: furthest-parcel-leads
        return _meaning(word(parcel), mapping).place, age, number is None, number or ""

    return sorted(parcels, key=key)


def _meaning(said: str, mapping: Mapping) -> _Meaning:
    """How far a label is; a word without an opinion is as far as the settings say."""
    meaning = _MEANINGS.get(said, _NOBODY_KNOWS)
    place = _PLACE_BY_TRACKING.get(mapping.tracking.get(said))
    if meaning.tracking is not None or place is None:
        return meaning
    return _Meaning(place, None, None)
