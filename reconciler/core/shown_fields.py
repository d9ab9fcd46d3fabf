"""How reports name what is written: each field after its sale return or its order line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.core import owned_fields
from reconciler.core.field_changes import FieldChange
from reconciler.core.model import (
    Fields,
    Operation,
    OwnedField,
    SaleReturn,
    Wanted,
    WantedLine,
    Write,
)


def of_create(
    wanted: Wanted, return_id: str, lines: Iterable[WantedLine]
) -> tuple[FieldChange, ...]:
    """What is set for lines that have no sale return yet, and so no name to show."""
    lines = tuple(lines)
    fields = owned_fields.of_sale_return(wanted, return_id, [x.order_line_id for x in lines])
    shown = (FieldChange(name, None, value) for name, value in fields.items() if value is not None)
    return (*quantities(lines), *shown)


def quantities(lines: Iterable[WantedLine]) -> tuple[FieldChange, ...]:
    """What becomes of order lines that are in no sale return yet."""
    return tuple(
        FieldChange(named(OwnedField.QUANTITY, x.order_line_id), None, x.quantity) for x in lines
    )


def of_writes(writes: Iterable[Write], sale_returns: Iterable[SaleReturn]) -> Iterator[FieldChange]:
    """PUTs to these sale returns, which are as last pushed before."""
    targets = _targets(sale_returns)
    for write in writes:
        name, before = targets[write.operation, write.target_id]
        for field, after in write.fields.items():
            yield FieldChange(named(field, name), before.get(field), after)


def named(field: OwnedField, name: str) -> str:
    """`notes[1001-01]` of a sale return, `quantity[11500000000001]` of an order line."""
    return f"{field}[{name}]"


def _targets(
    sale_returns: Iterable[SaleReturn],
) -> dict[tuple[Operation, int], tuple[str, Fields]]:
    """Whatever can be written to: its name in the report, and what was last pushed to it."""
    targets: dict[tuple[Operation, int], tuple[str, Fields]] = {}
    for known in sale_returns:
        targets[Operation.UPDATE_SALE_RETURN, known.id] = known.reference, known.fields
        for item in known.items:
            targets[Operation.UPDATE_ITEM, item.id] = item.order_line_id, item.fields
    return targets
