"""What the last push of a return left although it is wanted, as far as the ledger knows."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from reconciler.core import shown_fields
from reconciler.core.diff import Diff, ReasonCodes, as_pushed, diff_of
from reconciler.core.field_changes import FieldChange
from reconciler.core.matching.lines import uncovered
from reconciler.core.matching.result import NeedsReview
from reconciler.core.model import Entry, OwnedField


class LeftOver(Struct, frozen=True):
    """How what is wanted differs from what was last pushed, and why."""

    fields: tuple[FieldChange, ...] = ()
    reasons: tuple[str, ...] = ()


def left_over(entry: Entry) -> LeftOver:
    """Nothing, unless all that is wanted counts as pushed."""
    if not entry.sale_returns or entry.pushed_fingerprint != entry.fingerprint:
        return LeftOver()
    live = {known.id: as_pushed(known) for known in entry.sale_returns}
    found = diff_of(entry, entry.sale_returns, live, ReasonCodes())
    if isinstance(found, NeedsReview):
        return LeftOver(reasons=(found.reason,))
    missing = uncovered(entry.wanted, entry.sale_returns)
    fields = (
        *shown_fields.quantities(missing),
        *shown_fields.of_writes(found.writes, entry.sale_returns),
        *_further(found),
    )
    return LeftOver(fields, tuple(_reasons(entry, found, lacks_lines=bool(missing))))


def _further(found: Diff) -> Iterator[FieldChange]:
    for stays in found.further:
        name = shown_fields.named(OwnedField.STATUS, stays.reference)
        yield FieldChange(name, stays.value, stays.wanted)


def _reasons(entry: Entry, found: Diff, *, lacks_lines: bool) -> Iterator[str]:
    if lacks_lines:
        yield "policy or go-live kept lines of it from being created"
    if found.writes:
        yield entry.reason or (
            "Jetti held it already when it was pushed, or someone had changed it there"
        )
    if stays := found.why_left():
        yield stays
