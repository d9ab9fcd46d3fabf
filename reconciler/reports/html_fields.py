"""What is written to Jetti, field by field: what a new sale return holds, and before and after."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import islice

from msgspec import Struct

from reconciler.core.field_changes import FieldChange
from reconciler.core.model import OwnedField, Value
from reconciler.core.report import ChangeKind, ReportedChange
from reconciler.core.text import safe
from reconciler.core.verification.report import FieldDifference
from reconciler.reports.wording import value, values

LABELS = {
    OwnedField.EXTERNAL_ID: "Marker",
    OwnedField.SALE_RETURN_SOURCE: "Source",
    OwnedField.SALE_RETURN_TYPE: "Type",
    OwnedField.STATUS: "Status",
    OwnedField.TRACKING_COMPANY: "Carrier",
    OwnedField.TRACKING_NUMBER: "Tracking number",
    OwnedField.TRACKING_URL: "Tracking link",
    OwnedField.TRACKING_STATUS: "Parcel",
    OwnedField.NOTES: "Notes",
    OwnedField.QUANTITY: "Quantity",
    OwnedField.ADJUSTMENT_REASON_ID: "Adjustment reason",
}
"""What people call the fields that this program writes."""
_OFTEN_ALIKE = (
    OwnedField.EXTERNAL_ID,
    OwnedField.SALE_RETURN_SOURCE,
    OwnedField.SALE_RETURN_TYPE,
    OwnedField.NOTES,
)
"""Fields that are the same in most new sale returns, but for the id of the return."""
_PARCEL = (OwnedField.TRACKING_COMPANY, OwnedField.TRACKING_NUMBER)
_SAID_SHORT = {OwnedField.STATUS, OwnedField.TRACKING_URL, OwnedField.TRACKING_STATUS, *_PARCEL}
_OF_SALE_RETURNS = {name.value for name in LABELS} - {OwnedField.QUANTITY.value}
_LABELLED = [
    (name.value, label)
    for name, label in LABELS.items()
    if name.value in _OF_SALE_RETURNS and name not in _SAID_SHORT
]

_THE_ID = "‹its return id›"
_FEW = 3
"""Fewer new sale returns than this are each written out in full."""
_ENOUGH = 1_000
"""Changes by which is judged what most of them have in common."""

Alike = Mapping[str, str]
"""By the label of a field what all new sale returns have, with `_THE_ID` in place of theirs."""


class Changed(Struct, frozen=True):
    """One field before and after."""

    label: str
    before: str
    after: str


def alike(changes: Iterable[ReportedChange]) -> Alike:
    """What most new sale returns have in common, so that not each row has to say it."""
    values: dict[OwnedField, Counter[str]] = {field: Counter() for field in _OFTEN_ALIKE}
    new = 0
    # The first ones tell as much as all: a row that differs says it.
    for change in islice(changes, _ENOUGH):
        for fields in _new(change, list(change.fields)).values():
            new += 1
            for field in _OFTEN_ALIKE:
                if fields.get(field) is not None:
                    values[field][_without_id(fields[field], change)] += 1
    if new < _FEW:
        return {}
    most = ((LABELS[field], found.most_common(1)) for field, found in values.items() if found)
    return {label: text for label, [(text, count)] in most if 2 * count > new}


def is_all_new(change: ReportedChange, fields: list[FieldChange]) -> bool:
    """Whether nothing was there before: then the values alone tell all."""
    is_create = change.change is ChangeKind.CREATE
    return is_create and bool(fields) and all(field.before is None for field in fields)


def _new(change: ReportedChange, fields: list[FieldChange]) -> dict[str, dict[str, Value]]:
    """Each new sale return, by its reference in brackets where it has one, with what it holds."""
    if not is_all_new(change, fields):
        return {}
    lines = order_lines(fields)
    found: dict[str, dict[str, Value]] = defaultdict(dict)
    for field in fields:
        name, place = _split(field.field)
        # A line of one has a marker of its own, and is no sale return.
        if name in _OF_SALE_RETURNS and place not in lines:
            found[place][name] = field.after
    # Without a marker it is only a part of one.
    return {place: held for place, held in found.items() if OwnedField.EXTERNAL_ID in held}


def new_lines(change: ReportedChange, fields: list[FieldChange], common: Alike) -> Iterator[str]:
    whole = _new(change, fields)
    for place, held in whole.items():
        parts = [place.strip("[]")] if place else []
        parts += [part for part in _in_short(held) if part]
        for field, label in _LABELLED:
            after = held.get(field)
            if label in common:
                if after is None:
                    parts.append(f"no {label}")
                elif _without_id(after, change) != common[label]:
                    parts.append(f"{label}: {value(after)}")
            elif after is not None:
                parts.append(f"{label}: {value(after)}")
        yield " · ".join(parts)
    lines: dict[str, tuple[str, list[str]]] = {
        place: (value(one.after), [])
        for one in fields
        for name, place in (_split(one.field),)
        if name == OwnedField.QUANTITY
    }
    for one in fields:
        name, place = _split(one.field)
        if name == OwnedField.QUANTITY:
            continue
        if place in lines and name in LABELS:
            lines[place][1].append(f"{LABELS[OwnedField(name)]} {value(one.after)}")
        elif place not in whole or name not in _OF_SALE_RETURNS:
            yield f"{_label(one.field)}: {value(one.after)}"
    units = [
        f"{place.strip('[]')} × {number}" + (f" ({', '.join(more)})" if more else "")
        for place, (number, more) in lines.items()
    ]
    if units:
        yield f"{'Line' if len(units) == 1 else 'Lines'} {', '.join(units)}"


def _in_short(fields: Mapping[str, Value]) -> Iterator[str]:
    """`shipped`, `UPS 1Z999 (transit)`, and the link."""
    if fields.get(OwnedField.STATUS) is not None:
        yield value(fields[OwnedField.STATUS])
    parcel = " ".join(value(fields[name]) for name in _PARCEL if fields.get(name) is not None)
    if (status := fields.get(OwnedField.TRACKING_STATUS)) is not None:
        parcel = f"{parcel or 'parcel'} ({value(status)})"
    yield parcel
    if (link := fields.get(OwnedField.TRACKING_URL)) is not None:
        yield safe(str(link), 120)


def _without_id(text: Value, change: ReportedChange) -> str:
    return value(text).replace(value(change.return_id), _THE_ID)


# --------------------------------------------------------------------------------- before and after


def changed(field: str, before: Value, after: Value, lines: Set[str] = frozenset()) -> Changed:
    """A field with both values. `lines`: places that are lines of an order."""
    return Changed(_label(field, lines), *values(before, after, 120, none="nothing"))


def order_lines(fields: Iterable[FieldChange | FieldDifference]) -> frozenset[str]:
    """The places in the names of these fields that are lines of an order, and not sale returns:
    those with a quantity."""
    split = (_split(one.field) for one in fields)
    return frozenset(place for name, place in split if name == OwnedField.QUANTITY)


def _label(field: str, lines: Set[str] = frozenset()) -> str:
    """`Status of SR-3`, `Quantity of line 11500000000001`."""
    name, place = _split(field)
    if name not in LABELS:
        return safe(field, 60)
    label = LABELS[OwnedField(name)]
    of = "line " if name == OwnedField.QUANTITY or place in lines else ""
    return f"{label} of {of}{safe(place.strip('[]'), 60)}" if place else label


def _split(field: str) -> tuple[str, str]:
    name, bracket, place = field.partition("[")
    return name, bracket + place


def place_of(field: str) -> str:
    """The sale return or the order line that a field is of; empty where none is named."""
    return _split(field)[1].strip("[]")
