"""The changes to a return in Loop, as pure functions from row to row."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from reconciler.sandbox.loop.model import SandboxLabel, SandboxLine, SandboxReturn
from reconciler.sandbox.loop.switches import LoopSwitches

UNSENT = ("new", "pre_transit")
"""Label states in which the goods have not left the customer."""


def whole_second(instant: datetime) -> datetime:
    """The instant as Loop stores it, in whole seconds."""
    return instant.replace(microsecond=0) if instant.microsecond else instant


def touched(row: SandboxReturn, at: datetime) -> SandboxReturn:
    """Only `updated_at` is newer."""
    return replace(row, updated_at=whole_second(at))


def labelled(row: SandboxReturn, label: SandboxLabel) -> SandboxReturn:
    """A label was issued."""
    return replace(row, labels=(*row.labels, label), numbers_given=numbers_given(row) + 1)


def numbers_given(row: SandboxReturn) -> int:
    """How many label numbers were ever assigned, counting labels that still have none."""
    return max(row.numbers_given, len(row.labels))


def relabelled(
    row: SandboxReturn, parcel: int, label: SandboxLabel, switches: LoopSwitches
) -> SandboxReturn:
    """A label was regenerated: the new one comes last, the old one stays, is voided or is gone."""
    old, others = row.labels[parcel], list(row.labels)
    if switches.regenerated_label == "goes":
        del others[parcel]
    elif switches.regenerated_label_status == "cancelled":
        others[parcel] = replace(old, status="cancelled", updated_at=label.updated_at)
    return replace(row, labels=(*others, label), numbers_given=numbers_given(row) + 1)


def numbered(row: SandboxReturn, parcel: int, number: str, at: datetime) -> SandboxReturn:
    """A label got its tracking number, or a new one."""
    labels = list(row.labels)
    labels[parcel] = replace(labels[parcel], tracking_number=number, updated_at=whole_second(at))
    return replace(row, labels=tuple(labels), numbers_given=numbers_given(row) + 1)


def label_moved(row: SandboxReturn, status: str, parcel: int, at: datetime) -> SandboxReturn:
    """The carrier reported a status; `parcel` counts the labels from 0."""
    labels = list(row.labels)
    labels[parcel] = replace(labels[parcel], status=status, updated_at=whole_second(at))
    return replace(row, labels=tuple(labels))


def processed(row: SandboxReturn, at: datetime) -> SandboxReturn:
    """Refund, credit and exchange order were created; exchange orders get their numbers."""
    name = row.order_name.lstrip("#")
    exchanges = tuple(
        replace(
            exchange,
            order_id=4_900_000_000_000 + int(exchange.id),
            order_name=f"EXC-{name}-{number}",
        )
        for number, exchange in enumerate(row.exchanges, start=1)
    )
    return replace(row, processed_at=whole_second(at), exchanges=exchanges)


def with_line(row: SandboxReturn, line: SandboxLine) -> SandboxReturn:
    """One more unit comes back."""
    return replace(row, lines=(*row.lines, line))


def without_line(row: SandboxReturn, line_id: str) -> SandboxReturn:
    """That unit stays with the customer; removing the last one cancels (loop.md#remove-action)."""
    lines = tuple(line for line in row.lines if line.id != line_id)
    if len(lines) == len(row.lines):
        raise KeyError(f"return {row.id} has no line {line_id}")
    labels = tuple(
        replace(label, line_ids=tuple(own for own in label.line_ids if own != line_id))
        for label in row.labels
    )
    return replace(row, lines=lines, labels=labels, state=row.state if lines else "cancelled")
