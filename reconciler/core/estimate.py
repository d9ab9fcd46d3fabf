"""How long a plan takes at the pace that Jetti allows (jetti.md#rate-limit, #safe-pace)."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from reconciler.core.plan import Change
from reconciler.core.report import ChangeKind

_READS = 0.5
"""Per change, since twenty are looked up together; measured at 0.35 (README, Figures)."""


class Rates(Struct, frozen=True):
    """What may be asked of Jetti in a second."""

    reads: float
    writes: float

    def seconds(self, changes: Iterable[Change]) -> float:
        """About so long; vendor splits, which only Jetti knows, take a second more each."""
        per_read, per_write = 1 / self.reads, 1 / self.writes
        return sum(_READS * per_read + _writes(change) * per_write for change in changes)


def _writes(change: Change) -> int:
    """A create, its sale return and each of its items; or what an update alters."""
    if change.kind is ChangeKind.ADOPT:
        return 0
    named = {field.field.partition("[")[2] for field in change.fields}
    if change.kind is ChangeKind.CREATE:
        return 1 + max(1, len(named))
    return max(1, len(named))
