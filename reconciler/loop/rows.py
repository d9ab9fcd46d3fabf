"""Parses a row of Loop's list into a return. What is malformed is set aside: the row, or a part."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, TypeVar

from msgspec import DecodeError, Meta, Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from reconciler.core.model import Line, Malformed, Parcel, Return
from reconciler.loop.problems import describe
from reconciler.loop.schema import (
    MOST_LINES,
    NOTHING,
    Names,
    WireCore,
    WireLabel,
    WireLine,
    WireReturn,
    to_core,
    to_line,
    to_parcel,
    to_return,
)
from reconciler.loop.values import (
    Id,
    Name,
    Text,
    Unreadable,
    if_readable,
    read_id,
    read_shop,
    read_text,
    read_time,
)

T = TypeVar("T")


class WireParts(WireCore, kw_only=True):
    """A row whose lines, labels and names are not decoded yet, since some are malformed."""

    order_name: Raw = NOTHING
    provider_order_number: Raw = NOTHING
    status_page_url: Raw = NOTHING
    line_items: Annotated[list[Raw], Meta(max_length=MOST_LINES)]
    labels: Raw = NOTHING
    carrier: Raw = NOTHING
    tracking_number: Raw = NOTHING
    label_status: Raw = NOTHING
    label_updated_at: Raw = NOTHING


class _WireId(Struct):
    id: Id


class _WireName(Struct):
    order_name: Name


class _WireCreated(Struct):
    created_at: str


class _WireUpdated(Struct):
    updated_at: str


_decoder = Decoder(WireReturn)
_parts_decoder = Decoder(WireParts)
_line_decoder = Decoder(WireLine)
_labels_decoder = Decoder(Annotated[list[Raw], Meta(max_length=MOST_LINES)] | None)
_label_decoder = Decoder(WireLabel)
_text_decoder: Decoder[Text] = Decoder(Text)
_order_name_decoder: Decoder[Name | None] = Decoder(Name | None)
_status_page_decoder: Decoder[str | None] = Decoder(str | None)
_id_decoder = Decoder(_WireId)
_name_decoder = Decoder(_WireName)
_created_decoder = Decoder(_WireCreated)
_updated_decoder = Decoder(_WireUpdated)


def parse_row(row: Raw) -> Return | Malformed:
    """Parse one row of the list; never raises, whatever Loop sent.

    Of a row with a malformed line or label only that part is set aside, and the return lists it.
    """
    try:
        try:
            return to_return(_decoder.decode(row))
        except (DecodeError, Unreadable):
            return _in_parts(_parts_decoder.decode(row))
    except UnicodeError:
        problem = "a text is not valid Unicode"
    except RecursionError:
        problem = "nested too deeply"
    except (DecodeError, ValueError) as error:
        problem = describe(error)
    return_id = if_readable(lambda: read_id(_id_decoder.decode(row).id, "id"))
    return Malformed(
        key=return_id or hashlib.sha256(bytes(row)).hexdigest(),
        problem=problem,
        return_id=return_id,
        order_name=if_readable(
            lambda: read_text(_name_decoder.decode(row).order_name, "order_name")
        ),
        created_at=if_readable(lambda: read_time(_created_decoder.decode(row).created_at)),
        updated_at=if_readable(lambda: read_time(_updated_decoder.decode(row).updated_at)),
    )


def _in_parts(wire: WireParts) -> Return:
    """Parse a malformed row part by part. Raises DecodeError, Unreadable."""
    lines, line_problems = _each(wire.line_items, "line_items", _read_line)
    parcels, label_problems = _labels_in_parts(wire)
    names, name_problems = _names_in_parts(wire)
    unread = [problem for problem in name_problems if problem.startswith("order_name")]
    if unread and read_text(wire.provider_order_id, "provider_order_id") is None:
        raise Unreadable(*unread[0].split(": ", 1))  # or it would be reported as absent
    row = to_core(wire, names, lines, parcels)
    return replace(
        row,
        lines_set_aside=line_problems,
        labels_set_aside=label_problems,
        names_set_aside=name_problems,
    )


def _names_in_parts(wire: WireParts) -> tuple[Names, tuple[str, ...]]:
    """Each name on its own: the order can be found by its id, the shop by other rows."""
    problems: list[str] = []

    def read(field: str, decode: Callable[[Raw], str | None]) -> str | None:
        try:
            return decode(getattr(wire, field))
        except (DecodeError, Unreadable) as error:
            # safeguard: malformed-name-in-a-row
            problems.append(describe(error, field))
        return None

    names = Names(
        read("order_name", lambda raw: read_text(_order_name_decoder.decode(raw), "order_name")),
        read(
            "provider_order_number",
            lambda raw: read_text(_text_decoder.decode(raw), "provider_order_number"),
        ),
        read("status_page_url", lambda raw: read_shop(_status_page_decoder.decode(raw))),
    )
    return names, tuple(problems)


def _labels_in_parts(wire: WireParts) -> tuple[list[Parcel | None], tuple[str, ...]]:
    """Parcels and problems from the labels, or without any label from the return's own fields."""
    try:
        labels = _labels_decoder.decode(wire.labels) or []
    except DecodeError as error:
        return [], (describe(error, "labels"),)
    parcels, problems = _each(labels, "labels", _read_label)
    if problems or any(parcels):
        return parcels, problems
    try:
        label = WireLabel(
            _own_label_field(wire, "label_status"),
            _own_label_field(wire, "carrier"),
            _own_label_field(wire, "tracking_number"),
            updated_at=wire.label_updated_at,
        )
        return [_inside("label", lambda: to_parcel(label))], ()
    except (DecodeError, Unreadable) as error:
        return [], (describe(error),)


def _own_label_field(wire: WireParts, name: str) -> Text:
    try:
        return _text_decoder.decode(getattr(wire, name))
    except DecodeError as error:
        raise Unreadable(*describe(error, name).split(": ", 1)) from None


def _each(
    parts: list[Raw], field: str, read: Callable[[Raw, str], T]
) -> tuple[list[T], tuple[str, ...]]:
    """The parts that could be read, and a problem for each of the others."""
    understood: list[T] = []
    problems: list[str] = []
    for index, part in enumerate(parts):
        path = f"{field}[{index}]"
        try:
            understood.append(read(part, path))
        except (DecodeError, Unreadable) as error:
            problems.append(describe(error, path))
    return understood, tuple(problems)


def _read_line(part: Raw, path: str) -> Line:
    line = _line_decoder.decode(part)
    return _inside(path, lambda: to_line(line))


def _read_label(part: Raw, path: str) -> Parcel | None:
    label = _label_decoder.decode(part)
    return _inside(path, lambda: to_parcel(label))


def _inside(path: str, convert: Callable[[], T]) -> T:
    try:
        return convert()
    except Unreadable as error:
        raise error.inside(path) from None
