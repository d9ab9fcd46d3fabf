"""Which sale returns are a return's by someone's decision, where the program could not tell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from reconciler.core.decisions import Claim
from reconciler.core.matching.baseline import line_of, of_manual, of_marked
from reconciler.core.matching.evidence import with_units
from reconciler.core.matching.order import with_order
from reconciler.core.matching.result import listed, titled
from reconciler.core.matching.snapshot import (
    Chosen,
    Disputed,
    LiveSaleReturn,
    OrderSnapshot,
    SaleItem,
)
from reconciler.core.model import Entry, Purpose, SaleReturn

Refusal = str
"""Why a decision would make no sense."""


def without_memory(entry: Entry) -> Entry:
    """The entry as a lookup has to take it to see the whole order, whatever is known of it."""
    return replace(entry, sale_returns=(), not_ours=(), intents=())


def adopt(
    entry: Entry, snapshot: OrderSnapshot, named: Sequence[str], other_entries: Sequence[Entry]
) -> Claim | Refusal:
    """The sale returns that were named, by id or reference, are this return's. So is what carries
    its marker and was known before.

    What Jetti shows of those that were named counts as pushed, so that the next run brings it to
    what is wanted. `snapshot` is a lookup of `without_memory`.
    """
    rows, items = _rows(snapshot), _items(snapshot)
    chosen: dict[int, LiveSaleReturn] = {}
    for name in named:
        row = _named(name, rows.values())
        if row is None:
            return _why_not_there(entry, snapshot, name)
        refused = _why_not_its_own(entry, snapshot, row, other_entries)
        if refused is not None:
            return refused
        chosen[row.id] = row
    kept = [
        _as_shown(known, rows[known.id], items)
        for known in entry.sale_returns
        if known.id not in chosen and known.id in rows and rows[known.id].marker == entry.id
    ]
    ours = [*kept, *(_baseline(row, items) for row in chosen.values())]
    return _claim(ours, set(entry.not_ours) - chosen.keys())


def create(
    entry: Entry, snapshot: OrderSnapshot, other_entries: Sequence[Entry]
) -> Claim | Refusal:
    """Only what carries its marker and is not cancelled is this return's; what else there is for
    its lines is not, and what is missing is created. `snapshot` as for `adopt`."""
    if entry.wanted.purpose is not Purpose.EXIST:
        return f"it is {entry.seen.state} in Loop, so nothing is to be created"
    if not isinstance(snapshot.order, Chosen):
        return _without_an_order(entry, snapshot)
    rows, items = _rows(snapshot), _items(snapshot)
    known = {one.id: one for one in entry.sale_returns}
    theirs = {one.id for other in other_entries for one in other.sale_returns}
    ours: list[SaleReturn] = []
    not_ours = set(entry.not_ours)
    lines = {line.order_line_id for line in entry.wanted.lines}
    for row in rows.values():
        if row.id in theirs or row.marker not in (None, entry.id):
            continue
        if row.marker == entry.id and not row.is_cancelled:
            before = known.get(row.id)
            ours.append(_as_shown(before, row, items) if before else of_marked(row, items))
            not_ours.discard(row.id)
        elif row.marker == entry.id or any(line_of(item, items) in lines for item in row.items):
            not_ours.add(row.id)
    return _claim(ours, not_ours)


def as_claimed(entry: Entry, claim: Claim) -> Entry:
    """The entry once that is recorded."""
    return replace(entry, sale_returns=claim.sale_returns, not_ours=claim.not_ours, intents=())


def as_looked_up(entry: Entry, snapshot: OrderSnapshot) -> OrderSnapshot:
    """The snapshot as a lookup of this entry would have made it."""
    known = {one.id for one in entry.sale_returns}
    ours = tuple(
        row
        for row in _rows(snapshot).values()
        if (row.marker == entry.id or row.id in known) and row.id not in entry.not_ours
    )
    return with_order(entry, replace(snapshot, ours=ours))


def described(
    entry: Entry, snapshot: OrderSnapshot, other_entries: Sequence[Entry]
) -> tuple[str, ...]:
    """Every sale return on the order: whose it is, its status, and what it holds of which line."""
    items = _items(snapshot)
    owners = {one.id: other.id for other in other_entries for one in other.sale_returns}
    return tuple(
        f"{_what_it_holds(row, items)}; {row.status or 'no status'}; {_whose(entry, row, owners)}"
        for _, row in sorted(_rows(snapshot).items())
    )


def _what_it_holds(row: LiveSaleReturn, items: Mapping[int, SaleItem]) -> str:
    return with_units(row, items) if row.items else titled(row)


def _whose(entry: Entry, row: LiveSaleReturn, owners: Mapping[int, str]) -> str:
    if row.marker == entry.id:
        known = {one.id for one in entry.sale_returns}
        return "marked as this return's" + ("" if row.id in known else ", not known before")
    if row.marker is not None:
        return f"marked as return {row.marker}'s"
    if row.id in owners:
        return f"known as return {owners[row.id]}'s"
    return "unmarked"


def _rows(snapshot: OrderSnapshot) -> dict[int, LiveSaleReturn]:
    return {row.id: row for row in (*snapshot.on_sale, *snapshot.ours)}


def _items(snapshot: OrderSnapshot) -> dict[int, SaleItem]:
    return {item.id: item for item in snapshot.sale_items}


def _named(name: str, rows: Iterable[LiveSaleReturn]) -> LiveSaleReturn | None:
    """The one with that id, or the only one with that reference."""
    all_rows = list(rows)
    by_id = [row for row in all_rows if str(row.id) == name]
    found = by_id or [row for row in all_rows if row.reference == name]
    return found[0] if len(found) == 1 else None


def _why_not_there(entry: Entry, snapshot: OrderSnapshot, name: str) -> Refusal:
    rows = sorted(_rows(snapshot).values(), key=lambda row: row.id)
    there = f"it shows {listed(map(titled, rows))}" if rows else "it shows none"
    if not isinstance(snapshot.order, Chosen):
        there = _without_an_order(entry, snapshot)
    return f"Jetti shows no sale return {name} on {entry.seen.order}: {there}"


def _without_an_order(entry: Entry, snapshot: OrderSnapshot) -> Refusal:
    if isinstance(snapshot.order, Disputed):
        return snapshot.order.reason
    return f"{entry.seen.order} is not in Jetti"


def _why_not_its_own(
    entry: Entry, snapshot: OrderSnapshot, row: LiveSaleReturn, other_entries: Sequence[Entry]
) -> Refusal | None:
    # safeguard: nobody-adopts-what-is-anothers
    if row.marker not in (None, entry.id):
        return f"sale return {titled(row)} is marked as return {row.marker}'s"
    for other in other_entries:
        if any(one.id == row.id for one in other.sale_returns):
            return f"sale return {titled(row)} is known as return {other.id}'s"
    if isinstance(snapshot.order, Chosen) and row.sale_id != snapshot.order.sale.id:
        sale = snapshot.order.sale
        return (
            f"sale return {titled(row)} is on sale {row.sale_id}, but {entry.seen.order} is sale"
            f" {sale.id} ({sale.reference})"
        )
    if row.is_cancelled:
        return f"sale return {titled(row)} is cancelled in Jetti, and nothing is written to it"
    items, lines = _items(snapshot), {line.order_line_id for line in entry.wanted.lines}
    # All that it holds of other lines would be set to 0.
    # safeguard: nobody-adopts-other-lines
    others = [line_of(item, items) or "none" for item in row.items]
    if lines and not lines & set(others):
        return f"sale return {titled(row)} holds none of this return's lines"
    return None


def _as_shown(known: SaleReturn, row: LiveSaleReturn, items: Mapping[int, SaleItem]) -> SaleReturn:
    """As it was last pushed, unless a line of it was deleted since: then as Jetti shows it."""
    there = {item.id for item in row.items}
    return known if all(item.id in there for item in known.items) else of_marked(row, items)


def _baseline(row: LiveSaleReturn, items: Mapping[int, SaleItem]) -> SaleReturn:
    return of_manual(row, items) if row.marker is None else of_marked(row, items)


def _claim(ours: Collection[SaleReturn], not_ours: Collection[int]) -> Claim:
    return Claim(tuple(sorted(ours, key=lambda one: one.id)), tuple(sorted(not_ours)))
