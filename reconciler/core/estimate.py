"""How long a plan takes at the rate that Jetti allows (jetti.md#rate-limit, #safe-pace)."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from reconciler.core.plan import Change
from reconciler.core.report import ChangeKind

_READS = 0.5
"""GETs per change. Less than one, because twenty are looked up together; measured at 0.35
(README, Figures)."""


class Rates(Struct, frozen=True):
    """Requests per second that may be sent to Jetti."""

    reads: float
    writes: float

    def seconds(self, changes: Iterable[Change]) -> float:
        """Estimated seconds. Each vendor split, which only Jetti knows, adds about one more."""
        per_read, per_write = 1 / self.reads, 1 / self.writes
        return sum(_READS * per_read + _writes(change) * per_write for change in changes)


def _writes(change: Change) -> int:
    """Writes of one change: the create and one PUT per item, or one PUT per object updated."""
    if change.kind is ChangeKind.ADOPT:
        return 0
    named = {field.field.partition("[")[2] for field in change.fields}
    if change.kind is ChangeKind.CREATE:
        return 1 + max(1, len(named))
    return max(1, len(named))
