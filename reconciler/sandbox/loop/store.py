"""The pretend Loop's store: every return, its earlier versions, and the moves that change it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.loop import changes, submissions
from reconciler.sandbox.loop.changes import whole_second
from reconciler.sandbox.loop.model import SandboxLabel, SandboxReturn
from reconciler.sandbox.loop.switches import LoopSwitches
from reconciler.sandbox.orders import SandboxOrder, SandboxOrderLine

KEPT_VERSIONS = 20
"""Earlier versions kept per return, for a list that shows changes late."""


class LoopStore:
    """All moves take `at`, the time of the change, and default to the sandbox clock's now."""

    def __init__(self, clock: SandboxClock, switches: LoopSwitches) -> None:
        self.generation = 0
        """Increases with every change, so that caches of the rows can tell whether they are
        stale."""
        self.shop = "canary-market"
        """Host label of the status page."""
        self._clock, self._switches = clock, switches
        self._rows: dict[str, SandboxReturn] = {}
        self._versions: dict[str, list[tuple[datetime, SandboxReturn]]] = {}
        self._ids = submissions.Ids()

    # ------------------------------------------------------------------------------ reading

    def get(self, return_id: str) -> SandboxReturn:
        """A return as it is now. Raises KeyError."""
        return self._rows[return_id]

    def returns(self) -> list[SandboxReturn]:
        """All returns as they are now, in the order in which they were stored."""
        return list(self._rows.values())

    def of_order(self, name: str) -> list[SandboxReturn]:
        """The returns of an order, with or without `#`, oldest first."""
        bare = name.lstrip("#")
        found = [row for row in self._rows.values() if row.order_name.lstrip("#") == bare]
        return sorted(found, key=lambda row: (row.created_at, int(row.id)))

    def of_provider_order(self, order_id: str) -> list[SandboxReturn]:
        """The returns of a Shopify order id, oldest first."""
        found = [row for row in self._rows.values() if row.provider_order_id == order_id]
        return sorted(found, key=lambda row: (row.created_at, int(row.id)))

    def visible(self) -> Iterable[SandboxReturn]:
        """The rows that a list shows now; changes take `visible_after` seconds to show."""
        delay = self._switches.visible_after
        if not delay:
            return self._rows.values()
        horizon = self._clock.now() - timedelta(seconds=delay)
        shown = (self._version_before(return_id, horizon) for return_id in self._rows)
        return (row for row in shown if row is not None)

    def _version_before(self, return_id: str, horizon: datetime) -> SandboxReturn | None:
        for changed_at, row in reversed(self._versions[return_id]):
            if changed_at <= horizon:
                return row
        return None

    def to_json(self) -> dict[str, Any]:
        """The whole state, for the control interface."""
        return {"shop": self.shop, "returns": msgspec.to_builtins(self.returns())}

    # ------------------------------------------------------------------------------- moves

    def put(self, row: SandboxReturn, at: datetime | None = None) -> SandboxReturn:
        """Store a row exactly as given."""
        changed_at = at or self._clock.now()
        if row.id not in self._rows:
            self._ids.skip(row)
        versions = self._versions.setdefault(row.id, [])
        versions.append((changed_at, row))
        del versions[:-KEPT_VERSIONS]
        self._rows[row.id] = row
        self.generation += 1
        return row

    def add_return(
        self,
        order: SandboxOrder,
        quantities: dict[str, int] | None = None,
        at: datetime | None = None,
        **attributes: Any,
    ) -> SandboxReturn:
        """A customer submits a return: units by order line id, or the whole order.

        `attributes` are fields of `SandboxReturn`. There is no label yet
        (loop.md#return-creation-without-a-label).
        """
        moment = whole_second(at or self._clock.now())
        row = submissions.new_return(self._ids, order, quantities, moment)
        if "outcome" in attributes:
            row = submissions.with_outcome(self._ids, row, attributes.pop("outcome"))
        return self.put(replace(row, **attributes), at)

    def remove(self, return_id: str) -> None:
        """Remove a return without a trace, as after a redaction request."""
        del self._rows[return_id], self._versions[return_id]
        self.generation += 1

    def edit(self, return_id: str, at: datetime | None = None, **changes: Any) -> SandboxReturn:
        """Someone edits the return in Loop's admin; `changes` are fields of `SandboxReturn`."""
        edit = self._edited(lambda row: replace(row, **changes), at)
        return self._change(return_id, edit, at, bump=self._switches.edits_bump)

    def touch(self, return_id: str, at: datetime | None = None) -> SandboxReturn:
        """Only `updated_at` changes."""
        return self._change(return_id, lambda row: row, at, bump=True)

    def set_state(self, return_id: str, state: str, at: datetime | None = None) -> SandboxReturn:
        """Closed, cancelled, expired, flagged (`review`) or open again; any text is accepted."""
        return self._change(return_id, lambda row: replace(row, state=state), at, bump=True)

    def process(self, return_id: str, at: datetime | None = None) -> SandboxReturn:
        """The outcomes are carried out, hours after closing."""
        moment = at or self._clock.now()
        return self._change(return_id, lambda row: changes.processed(row, moment), at, bump=True)

    def add_line(
        self, return_id: str, order_line: SandboxOrderLine, at: datetime | None = None
    ) -> SandboxReturn:
        """One more unit of an order line comes back; an edit in the admin."""
        line = submissions.line_of(self._ids, order_line)
        edit = self._edited(lambda row: changes.with_line(row, line), at)
        return self._change(return_id, edit, at, bump=self._switches.edits_bump)

    def remove_line(
        self, return_id: str, line_id: str, at: datetime | None = None
    ) -> SandboxReturn:
        """One unit is removed from the return; an edit in the admin."""
        edit = self._edited(lambda row: changes.without_line(row, line_id), at)
        return self._change(return_id, edit, at, bump=self._switches.edits_bump)

    def edit_line(self, return_id: str, line_id: str, **changes: Any) -> SandboxReturn:
        """Change fields of one `SandboxLine`; an edit in the admin."""
        lines = {line.id: line for line in self.get(return_id).lines}
        lines[line_id] = replace(lines[line_id], **changes)
        return self.edit(return_id, lines=tuple(lines.values()))

    def edit_label(self, return_id: str, parcel: int = 0, **changes: Any) -> SandboxReturn:
        """Change fields of one `SandboxLabel`, counted from 0; an edit in the admin."""
        labels = list(self.get(return_id).labels)
        labels[parcel] = replace(labels[parcel], **changes)
        return self.edit(return_id, labels=tuple(labels))

    def label(
        self,
        return_id: str,
        *,
        carrier: str = "USPS",
        line_ids: tuple[str, ...] | None = None,
        status: str = "new",
        numbered: bool = True,
        at: datetime | None = None,
    ) -> SandboxReturn:
        """A label is issued for the given lines or for all; with `()` it is tied to no line.

        There may be more labels than lines (loop.md#labels-per-return, #pre-printed-labels).
        One that is not `numbered` gets its number later, by `number_label`.
        """
        moment, row = whole_second(at or self._clock.now()), self.get(return_id)
        lines = tuple(line.id for line in row.lines) if line_ids is None else line_ids
        number = self._next_number(row) if numbered else None
        label = SandboxLabel(carrier, number, status, moment, lines)
        return self._label_change(return_id, lambda row: changes.labelled(row, label), at)

    def move_label(
        self, return_id: str, status: str, parcel: int = 0, at: datetime | None = None
    ) -> SandboxReturn:
        """The carrier reports a status; `parcel` counts the labels from 0. Any word is accepted,
        such as `cancelled` for a label that was voided."""
        moment = at or self._clock.now()
        move = lambda row: changes.label_moved(row, status, parcel, moment)  # noqa: E731
        return self._label_change(return_id, move, at)

    def regenerate_label(
        self, return_id: str, parcel: int = 0, at: datetime | None = None
    ) -> SandboxReturn:
        """A new label replaces one; a switch decides what happens to the old one.

        Loop allows it while the label is `new` or `pre_transit` (loop.md#label-regeneration).
        Raises ValueError for any other.
        """
        moment, row = whole_second(at or self._clock.now()), self.get(return_id)
        old = row.labels[parcel]
        if old.status not in changes.UNSENT:
            raise ValueError(f"label {parcel} of return {row.id} is {old.status}")
        label = replace(
            old, tracking_number=self._next_number(row), status="new", updated_at=moment
        )
        change = lambda row: changes.relabelled(row, parcel, label, self._switches)  # noqa: E731
        return self._label_change(return_id, change, at)

    def number_label(
        self,
        return_id: str,
        tracking_number: str | None = None,
        parcel: int = 0,
        at: datetime | None = None,
    ) -> SandboxReturn:
        """A label gets its number, or a new one in its place; if none is given, one is made up."""
        moment, row = at or self._clock.now(), self.get(return_id)
        number = tracking_number or self._next_number(row)
        change = lambda row: changes.numbered(row, parcel, number, moment)  # noqa: E731
        return self._label_change(return_id, change, at)

    # ---------------------------------------------------------------------------- mechanics

    def _edited(
        self, change: Callable[[SandboxReturn], SandboxReturn], at: datetime | None
    ) -> Callable[[SandboxReturn], SandboxReturn]:
        moment = whole_second(at or self._clock.now())
        return lambda row: replace(change(row), edited_at=moment)

    def _label_change(
        self,
        return_id: str,
        change: Callable[[SandboxReturn], SandboxReturn],
        at: datetime | None,
    ) -> SandboxReturn:
        return self._change(return_id, change, at, bump=self._switches.label_changes_bump)

    @staticmethod
    def _next_number(row: SandboxReturn) -> str:
        return submissions.tracking_number(row.id, changes.numbers_given(row))

    def _change(
        self,
        return_id: str,
        change: Callable[[SandboxReturn], SandboxReturn],
        at: datetime | None,
        *,
        bump: bool,
    ) -> SandboxReturn:
        row = change(self.get(return_id))
        return self.put(changes.touched(row, at or self._clock.now()) if bump else row, at)
