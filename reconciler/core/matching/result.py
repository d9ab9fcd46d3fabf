"""What matching can come to."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from reconciler.core.matching.snapshot import LiveSaleReturn, SaleItem
from reconciler.core.model import Intent, SaleReturn, WantedLine

DECIDE = "Decide with `reconciler retry`, `resolve` or `ignore`"
"""What settles a review: nothing but a decision moves one (`core.decisions`)."""


class NeedsReview(Struct, frozen=True):
    """Someone must decide. The reason names every candidate, what speaks for or against it, and
    what would settle the question."""

    reason: str
    overreached: bool = False
    """Whether a create of ours seems to have returned items that it did not ask for."""


class NotReady(Struct, frozen=True):
    """The order, a line of it, or what a sale return on it holds, is not in Jetti yet."""

    reason: str
    order_found: bool
    """Whether the order is there: after `policy.patience` that becomes a review."""
    waits_for_another: bool = False
    """Whether all is there, but another return on the order must be pushed first."""
    found_instead: str = ""
    """What is there in place of a line, for the person who decides in the end."""


class NotApplied(Struct, frozen=True):
    """A create of ours was not answered, and nothing on the sale can be its work."""

    intent: Intent


class Missing(Struct, frozen=True):
    """A sale item to ask for."""

    line: WantedLine
    item: SaleItem
    units: int
    """Of the line: all that are wanted, unless several sale items share them."""


class Matched(Struct, frozen=True):
    """What is ours, and what must still be created."""

    sale_returns: tuple[SaleReturn, ...]
    """As last pushed, in order of id; those that are new to the ledger as `baseline` says."""
    live: dict[int, LiveSaleReturn]
    """The same, as Jetti holds them now."""
    adopted: tuple[int, ...] = ()
    """Ids of those that the ledger did not know."""
    sale_id: int | None = None
    """None when the order did not have to be looked up."""
    missing: tuple[Missing, ...] = ()
    """What must be created for wanted lines that are in no sale return of ours."""
    before: tuple[int, ...] = ()
    """Ids of all sale returns on the sale at that moment, which the intent of a create keeps."""


MatchResult = NeedsReview | NotReady | NotApplied | Matched


def listed(values: Iterable[object]) -> str:
    """Values as a sentence lists them."""
    return ", ".join(str(value) for value in values)


def titled(row: SaleReturn | LiveSaleReturn) -> str:
    """A sale return as people find it in Jetti: `1001-01 (4)`, its reference and its id."""
    return f"{row.reference} ({row.id})"
