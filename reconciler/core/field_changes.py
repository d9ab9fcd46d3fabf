"""What would change in Jetti, field by field, in a form that a plan of any size can hold."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator

from msgspec import Struct

from reconciler.core.model import OwnedField, Value
from reconciler.core.owned_fields import OWNED

_CANCELLED = "cancelled"
_QUANTITY_OF = f"{OwnedField.QUANTITY}["
_STATUS_OF = f"{OwnedField.STATUS}["


class FieldChange(Struct, frozen=True):
    """An owned field that would change: `status`, `quantity[11500000000001]`, …"""

    field: str
    before: Value
    after: Value


# Numbers for the few field names that would otherwise be half of a packed plan.
_CODES: dict[str, int] = {name: place for place, name in enumerate(OWNED)}


class FieldChanges:
    """The field changes of one return, packed. In JSON it is a list of `FieldChange`.

    A plan may have 100,000 changes. With five fields each, as a first create has, they take
    48 MiB as objects and 17 MiB like this (tracemalloc, Python 3.11).
    """

    __slots__ = ("_packed",)

    def __init__(self, fields: Iterable[FieldChange] = ()) -> None:
        # One flat list, since a tuple for each would add a tenth.
        flat = [x for one in fields for x in (_packed_name(one.field), one.before, one.after)]
        # Not JSON: a lone surrogate, which UTF-8 cannot encode, must survive unchanged.
        self._packed = marshal.dumps(flat)

    def __iter__(self) -> Iterator[FieldChange]:
        flat = iter(marshal.loads(self._packed))  # noqa: S302 - our own bytes
        return (
            FieldChange(_unpacked_name(name), before, after)
            for name, before, after in zip(flat, flat, flat, strict=True)
        )

    def objects(self) -> int:
        """How many sale returns and items these fields are of. What is not in Jetti yet is one sale
        return, and has an item for each order line."""
        names = marshal.loads(self._packed)[::3]  # noqa: S302 - our own bytes
        return len({_object_of(name) for name in names})

    def cancelled(self) -> int:
        """How many sale returns are set to `cancelled`."""
        flat = marshal.loads(self._packed)  # noqa: S302 - our own bytes
        # One without a name is not in Jetti yet, and is not cancelled there.
        return sum(
            after == _CANCELLED and isinstance(name, str) and name.startswith(_STATUS_OF)
            for name, after in zip(flat[::3], flat[2::3], strict=True)
        )

    def __repr__(self) -> str:
        return f"FieldChanges({list(self)})"

    def __eq__(self, other: object) -> bool:
        # Not by the packed bytes: marshal packs a value that occurs twice differently.
        return isinstance(other, FieldChanges) and [*self] == [*other]

    def __hash__(self) -> int:
        return hash((*self,))


NO_FIELDS = FieldChanges()


class Written(Struct, frozen=True):
    """What was written to Jetti for one return, or would be."""

    fields: FieldChanges = NO_FIELDS
    sale_returns_made: int = 0
    sale_returns_cancelled: int = 0


NOTHING_WRITTEN = Written()


def _packed_name(field: str) -> int | tuple[str] | str:
    if field in _CODES:
        return _CODES[field]
    is_quantity = field.startswith(_QUANTITY_OF)
    # Of an `OwnedField` the bare text, since marshal refuses kinds of `str`.
    return (field.removeprefix(OwnedField.QUANTITY),) if is_quantity else str(field)


def _unpacked_name(name: int | tuple[str] | str) -> str:
    match name:
        case int():
            return OWNED[name].value
        case (of,):
            return f"{OwnedField.QUANTITY}{of}"
        case _:
            return name


def _object_of(name: int | tuple[str] | str) -> str:
    """`[1001-01]` of `notes[1001-01]`; empty where the field names none."""
    match name:
        case int():
            return ""
        case (of,):
            return of
        case _:
            return "".join(name.partition("[")[1:])
