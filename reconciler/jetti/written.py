"""What was written for the change at hand, for the report: however its push ends."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core import shown_fields
from reconciler.core.field_changes import NO_FIELDS, FieldChange, FieldChanges
from reconciler.core.model import Operation, OwnedField, SaleReturn, Write


class WrittenFields:
    """Collects what Jetti has confirmed, by its answer or when it was read back."""

    def __init__(self) -> None:
        self._changes: dict[tuple[Operation, int, OwnedField], FieldChange] = {}

    def add_put(self, write: Write, sale_returns: Iterable[SaleReturn]) -> None:
        """A PUT to one of these, which are as last pushed before."""
        shown = shown_fields.of_writes([write], sale_returns)
        for field, change in zip(write.fields, shown, strict=True):
            place = write.operation, write.target_id, field
            first = self._changes.get(place, change)
            self._changes[place] = FieldChange(change.field, first.before, change.after)

    def add_created(self, made: Iterable[SaleReturn]) -> None:
        """Sale returns of a create: all that they hold is new."""
        for one in made:
            writes = [Write(Operation.UPDATE_SALE_RETURN, one.id, fields=one.fields)]
            writes += [Write(Operation.UPDATE_ITEM, x.id, fields=x.fields) for x in one.items]
            for write in writes:
                shown = shown_fields.of_writes([write], [one])
                for field, change in zip(write.fields, shown, strict=True):
                    if change.after is not None:
                        new = FieldChange(change.field, None, change.after)
                        self._changes[write.operation, write.target_id, field] = new

    @property
    def fields(self) -> FieldChanges:
        """All of it, in the order in which it was written."""
        return FieldChanges(self._changes.values()) if self._changes else NO_FIELDS

    def take(self) -> FieldChanges:
        """The same, for the report; what is written from then on is the next change's."""
        fields = self.fields
        self._changes.clear()
        return fields
