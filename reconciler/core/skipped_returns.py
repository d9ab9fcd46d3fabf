"""Returns that need no push, in a form that a first pass over any number of them can hold."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.model import Entry
from reconciler.core.report import ChangeKind, OutcomeKind, ReportedChange


class SkippedReturns:
    """What was settled without a push and is worth a line in the report, in columns.

    100,000 take 17 MiB like this, and 27 MiB as lines of the report (tracemalloc, Python 3.11).
    """

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._order_names: list[str] = []
        self._order_ids: list[int | str | None] = []
        """As numbers, which take half the memory, unless one begins with a zero."""
        self._updates: set[int] = set()
        """The places of those that Jetti has; nearly all are returns that were never created."""
        self._reasons: list[str | None] = []
        self._forgotten: dict[str, int] = {}
        """How many there were when a return was last forgotten."""

    def add(self, entry: Entry, reason: str | None) -> None:
        """Note an entry that is not created, or not updated for a reason."""
        if entry.sale_returns:
            self._updates.add(len(self._ids))
        self._ids.append(entry.id)
        self._order_names.append(entry.seen.order_name)
        self._order_ids.append(_number(entry.seen.order_id))
        self._reasons.append(reason)

    def forget(self, return_id: str) -> None:
        """Leave out what was noted of a return so far."""
        self._forgotten[return_id] = len(self._ids)

    def __iter__(self) -> Iterator[ReportedChange]:
        """As the report shows them: without a fingerprint, because none is to be accepted."""
        columns = zip(self._ids, self._order_names, self._order_ids, self._reasons, strict=True)
        for place, (id_, name, order_id, reason) in enumerate(columns):
            if place >= self._forgotten.get(id_, 0):
                kind = ChangeKind.UPDATE if place in self._updates else ChangeKind.CREATE
                order = None if order_id is None else str(order_id)
                yield ReportedChange(id_, name, order, kind, OutcomeKind.SKIPPED, reason)


def _number(order_id: str | None) -> int | str | None:
    return order_id if order_id is None or order_id.startswith("0") else int(order_id)
