"""What was written for each return of which the report does not tell yet, however its push ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from reconciler.core import shown_fields
from reconciler.core.field_changes import (
    NO_FIELDS,
    FieldChange,
    FieldChanges,
    Written,
)
from reconciler.core.model import Operation, OwnedField, SaleReturn, Write


class WrittenFields:
    """Collects what Jetti has confirmed, by its answer or when it was read back, by return id."""

    def __init__(self) -> None:
        self._changes = defaultdict[str, dict[tuple[Operation, int, OwnedField], FieldChange]](dict)
        self._created: set[str] = set()
        self._made = defaultdict[str, set[int]](set)
        self._cancelled = defaultdict[str, set[int]](set)
        """Ids of sale returns, by return id."""

    def add_put(self, return_id: str, write: Write, sale_returns: Iterable[SaleReturn]) -> None:
        """A PUT to one of these, which are as last pushed before."""
        changes = self._changes[return_id]
        shown = shown_fields.of_writes([write], sale_returns)
        for field, change in zip(write.fields, shown, strict=True):
            place = write.operation, write.target_id, field
            first = changes.get(place, change)
            changes[place] = FieldChange(change.field, first.before, change.after)
        if write.fields.get(OwnedField.STATUS) == "cancelled":
            self._cancelled[return_id].add(write.target_id)

    def add_created(self, return_id: str, made: Iterable[SaleReturn]) -> None:
        """Sale returns of a create: all that they hold is new."""
        self._created.add(return_id)
        changes = self._changes[return_id]
        for one in made:
            self._made[return_id].add(one.id)
            writes = [Write(Operation.UPDATE_SALE_RETURN, one.id, fields=one.fields)]
            writes += [Write(Operation.UPDATE_ITEM, x.id, fields=x.fields) for x in one.items]
            for write in writes:
                shown = shown_fields.of_writes([write], [one])
                for field, change in zip(write.fields, shown, strict=True):
                    if change.after is not None:
                        new = FieldChange(change.field, None, change.after)
                        changes[write.operation, write.target_id, field] = new

    def add_made(self, return_id: str, ids: Iterable[int]) -> None:
        """Sale returns that a create made beyond what it asked for, and none of which is kept."""
        # safeguard: unasked-sale-returns-are-counted
        self._made[return_id].update(ids)

    def take(self, return_id: str) -> Written:
        """All that was written for it, fields in that order, for the report."""
        written = self._of(return_id)
        for kept in (self._changes, self._made, self._cancelled):
            kept.pop(return_id, None)
        return written

    def has_created(self, return_id: str) -> bool:
        """Whether any sale return was created for it."""
        return return_id in self._created

    def left(self) -> Mapping[str, Written]:
        """The same of each return for which it was not taken."""
        return {return_id: self._of(return_id) for return_id in (*self._changes, *self._made)}

    def _of(self, return_id: str) -> Written:
        changes = self._changes.get(return_id)
        return Written(
            FieldChanges(changes.values()) if changes else NO_FIELDS,
            len(self._made.get(return_id, ())),
            len(self._cancelled.get(return_id, ())),
        )
