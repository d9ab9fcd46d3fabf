"""Looking up many entries together: marker, order, its lines, its sale returns and their items."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.clock import Clock
from reconciler.core.matching.match import needs_order
from reconciler.core.matching.order import possible, sent_to, settles, with_order
from reconciler.core.matching.snapshot import (
    Chosen,
    LiveItem,
    LiveSaleReturn,
    OrderSnapshot,
    Sale,
    SaleItem,
)
from reconciler.core.model import Entry
from reconciler.core.order_name import variants
from reconciler.errors import TargetUnavailable
from reconciler.failpoints import Failpoint, hit
from reconciler.http import Refused
from reconciler.jetti.client import JettiClient
from reconciler.jetti.collection import FilterIgnored, QueryUnusable

NO_RETURN = "0"
"""A marker that no sale return carries."""


class LookupFailed(Struct, frozen=True):
    """An entry could not be looked up."""

    reason: str
    is_outage: bool
    """Whether Jetti failed, rather than answering with something that cannot be used."""
    cause: str | None = None
    """What Jetti did, without its name; None where it was not asked any more."""


class Holdings(Struct, frozen=True):
    """What Jetti holds of some entries, whatever is to be done about them."""

    ours: dict[str, tuple[LiveSaleReturn, ...] | LookupFailed]
    """By return id, with items: what carries the marker, and what the ledger knows by its id."""
    on_sales: tuple[LiveSaleReturn, ...]
    """All sale returns, without items, of the sales on which the ledger knows any of theirs."""


class Lookup:
    """Looks entries up in Jetti; a few GETs serve many of them
    (architecture.md#choosing-the-sale)."""

    def __init__(self, client: JettiClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def look_up(
        self, entries: Sequence[Entry], *, in_full: bool = False
    ) -> dict[str, OrderSnapshot | LookupFailed]:
        """What Jetti shows of each, by return id. One that cannot be looked up affects no other.

        `in_full`: with the order of each and every item of its sale returns, also where pushing
        needs neither. Raises KeyRefused, Interrupted, and QueryUnusable: then none can be looked
        up.
        """
        try:
            return dict(self._look_up(entries, in_full=in_full))
        except QueryUnusable:
            raise
        except (TargetUnavailable, FilterIgnored, Refused) as error:
            if len(entries) > 1:
                half = len(entries) // 2
                first = self.look_up(entries[:half], in_full=in_full)
                return first | self.look_up(entries[half:], in_full=in_full)
            outage = isinstance(error, TargetUnavailable)
            cause = error.cause if isinstance(error, TargetUnavailable) else None
            return {entry.id: LookupFailed(str(error), outage, cause) for entry in entries}

    def holdings(self, entries: Sequence[Entry]) -> Holdings:
        """What Jetti holds of each. One that cannot be looked up affects no other.

        Raises TargetUnavailable, KeyRefused, Interrupted: then none can be looked up.
        """
        try:
            return self._holdings(entries)
        except (FilterIgnored, Refused) as error:
            if len(entries) > 1:
                half = len(entries) // 2
                one, other = self.holdings(entries[:half]), self.holdings(entries[half:])
                return Holdings(one.ours | other.ours, one.on_sales + other.on_sales)
            failed = LookupFailed(str(error), is_outage=False)
            return Holdings({entry.id: failed for entry in entries}, ())

    @property
    def shows_unrequested_rows(self) -> bool:
        """Whether only an entry's own lookup proves that something is absent, because Jetti shows
        rows that were not asked for."""
        return self._client.shows_unrequested_rows

    def requests(self) -> int:
        """Requests that left for Jetti so far."""
        return self._client.requests()

    def writes(self) -> int:
        """Writes that left for Jetti so far."""
        return self._client.writes()

    def remarks(self) -> tuple[str, ...]:
        """How this Jetti answers otherwise than expected, for the report."""
        return self._client.remarks()

    def marked(self, return_ids: Sequence[str]) -> list[str]:
        """Which of these return ids are markers in Jetti.

        Raises TargetUnavailable, KeyRefused, Interrupted.
        """
        found = {row.marker for row in self.rows_marked(return_ids)}
        return [return_id for return_id in return_ids if return_id in found]

    def rows_marked(self, return_ids: Sequence[str]) -> list[LiveSaleReturn]:
        """The sale returns, without items, that carry one of these return ids as marker.

        Raises TargetUnavailable, KeyRefused, Interrupted.
        """
        try:
            return self._client.marked(return_ids)
        except (FilterIgnored, Refused) as error:
            raise TargetUnavailable(f"Jetti: no marker can be looked up: {error}") from error

    def vendors(self, entries: Sequence[Entry]) -> set[int]:
        """Ids of the vendors of the order lines that these entries return, as far as Jetti has the
        orders.

        Raises TargetUnavailable, KeyRefused, Interrupted.
        """
        lines = {line.order_line_id for entry in entries for line in entry.wanted.lines}
        order_ids = [entry.seen.order_id for entry in entries if entry.seen.order_id]
        try:
            sale_ids = [sale.id for sale in self._client.sales(order_ids)]
            items = self._client.sale_items(sale_ids)
        except (FilterIgnored, Refused) as error:
            raise TargetUnavailable(f"Jetti: no order can be looked up: {error}") from error
        ours = (item for item in items if item.order_line_id in lines)
        return {item.vendor_id for item in ours if item.vendor_id is not None}

    def ping(self) -> None:
        """Ask what every push asks first, about no return. Raises TargetUnavailable when even that
        has no answer that can be used; KeyRefused, Interrupted."""
        self.marked([NO_RETURN])

    def _look_up(self, entries: Sequence[Entry], *, in_full: bool) -> dict[str, OrderSnapshot]:
        looked_at = self._clock.monotonic()
        ours = self._ours(entries)
        hit(Failpoint.MARKERS_SEEN)
        asked_at = self._client.now()
        need_order = [e for e in entries if in_full or needs_order(e, ours[e.id])]
        snapshots = {
            entry.id: OrderSnapshot(asked_at, looked_at, ours=tuple(ours[entry.id]))
            for entry in entries
        }
        snapshots |= self._orders(need_order, snapshots, in_full=in_full)
        return self._with_items(snapshots, entries, in_full=in_full)

    def _holdings(self, entries: Sequence[Entry]) -> Holdings:
        ours = self._ours(entries)
        ids = sorted({row.id for rows in ours.values() for row in rows})
        items: dict[int, list[LiveItem]] = defaultdict(list)
        for item in self._items(ids, entries) if ids else ():
            items[item.sale_return_id].append(item)
        sale_ids = sorted({known.sale_id for entry in entries for known in entry.sale_returns})
        return Holdings(
            ours={
                return_id: tuple(replace(row, items=tuple(items[row.id])) for row in rows)
                for return_id, rows in ours.items()
            },
            on_sales=tuple(self._client.on_sales(sale_ids)) if sale_ids else (),
        )

    def _ours(self, entries: Sequence[Entry]) -> dict[str, list[LiveSaleReturn]]:
        """Those that carry the marker; and by id those that the ledger knows but that lost it."""
        marked = self._client.marked([entry.id for entry in entries])
        found: dict[str, list[LiveSaleReturn]] = {entry.id: [] for entry in entries}
        not_ours = {id_ for entry in entries for id_ in entry.not_ours}
        for row in marked:
            # safeguard: disowned-sale-returns-are-not-ours
            if row.marker in found and row.id not in not_ours:
                found[row.marker].append(row)
        owners = {known.id: entry.id for entry in entries for known in entry.sale_returns}
        # One that carries another's marker by now is found by that, and is its owner's, too.
        # safeguard: overwritten-markers-lose-nothing
        seen = {row.id for row in marked if owners.get(row.id) in (None, row.marker)}
        unmarked = sorted(set(owners) - seen)
        for row in self._client.by_id(unmarked) if unmarked else ():
            found[owners[row.id]].append(row)
        return found

    def _orders(
        self, entries: Sequence[Entry], snapshots: Mapping[str, OrderSnapshot], *, in_full: bool
    ) -> dict[str, OrderSnapshot]:
        """The same snapshots, with the order, its lines and its sale returns; `in_full` with those
        of every sale that may be the order, also where someone must say which is."""
        candidates = self._candidates(entries)
        hit(Failpoint.SALES_SEEN)
        may_be = {e.id: [s.id for s in possible(e.seen, candidates[e.id])] for e in entries}
        sale_ids = sorted({sale_id for ids in may_be.values() for sale_id in ids})
        sale_items = self._client.sale_items(sale_ids) if sale_ids else []
        items_of: dict[int, list[SaleItem]] = defaultdict(list)
        for item in sale_items:
            items_of[item.sale_id].append(item)
        found = {
            entry.id: with_order(
                entry,
                replace(
                    snapshots[entry.id],
                    sales=tuple(candidates[entry.id]),
                    sale_items=tuple(
                        item for id_ in dict.fromkeys(may_be[entry.id]) for item in items_of[id_]
                    ),
                ),
            )
            for entry in entries
        }
        # A sale may have been passed over because this very return used up its units: its sale
        # returns are read, too.
        looked_at = {
            return_id: {seen.order.sale.id, *may_be[return_id]}
            for return_id, seen in found.items()
            if isinstance(seen.order, Chosen)
        }
        if in_full:
            looked_at = {return_id: set(ids) for return_id, ids in may_be.items()} | looked_at
        all_ids = sorted({sale_id for ids in looked_at.values() for sale_id in ids})
        on_sales = self._client.on_sales(all_ids) if all_ids else []
        hit(Failpoint.SALE_RETURNS_SEEN)
        return {
            return_id: replace(
                seen,
                on_sale=tuple(r for r in on_sales if r.sale_id in looked_at.get(return_id, ())),
            )
            for return_id, seen in found.items()
        }

    def _candidates(self, entries: Sequence[Entry]) -> dict[str, list[Sale]]:
        """Sales by order id; by name, too, unless one that has the id settles the question.

        A sale without an id, to which a create without an answer was sent, is not forgotten when
        one with the id arrives.
        """
        order_ids = [entry.seen.order_id for entry in entries if entry.seen.order_id]
        by_id = self._client.sales(order_ids) if order_ids else []
        with_id: dict[str | None, list[Sale]] = defaultdict(list)
        for sale in by_id:
            with_id[sale.external_id].append(sale)
        found = {e.id: [*with_id[e.seen.order_id]] if e.seen.order_id else [] for e in entries}
        unclear = [
            entry
            for entry in entries
            if not any(settles(sale, entry.seen) for sale in found[entry.id])
            or not sent_to(entry) <= {sale.id for sale in found[entry.id]}
        ]
        order_names = [e.seen.order_name for e in unclear if variants(e.seen.order_name)]
        if order_names:
            named = self._client.sales_named(order_names)
            for entry in unclear:
                found[entry.id] += named
        return found

    def _with_items(
        self, snapshots: dict[str, OrderSnapshot], entries: Sequence[Entry], *, in_full: bool
    ) -> dict[str, OrderSnapshot]:
        """The snapshots with the items of whatever is ours or could be; `in_full` of everything.
        What an unanswered create made may be cancelled by now and counts all the same."""
        awaiting = {entry.id for entry in entries if entry.unanswered_create is not None}
        wanted = {row.id for s in snapshots.values() for row in s.ours}
        wanted |= {
            row.id
            for return_id, s in snapshots.items()
            for row in s.on_sale
            if in_full or (row.marker is None and (not row.is_cancelled or return_id in awaiting))
        }
        if not wanted:
            return snapshots
        items = self._items(sorted(wanted), entries)

        def filled(rows: Iterable[LiveSaleReturn]) -> tuple[LiveSaleReturn, ...]:
            return tuple(
                replace(row, items=tuple(i for i in items if i.sale_return_id == row.id))
                if row.id in wanted
                else row
                for row in rows
            )

        return {
            return_id: replace(s, ours=filled(s.ours), on_sale=filled(s.on_sale))
            for return_id, s in snapshots.items()
        }

    def _items(self, wanted: Sequence[int], entries: Sequence[Entry]) -> list[LiveItem]:
        """Items of these sale returns. One that the ledger knows counts as deleted only when two
        answers lack it: someone has to look then, and one truncated answer is no reason for that.
        """
        items = self._client.items(wanted)
        shown = {item.id for item in items}
        doubtful = {
            known.id
            for entry in entries
            for known in entry.sale_returns
            if known.id in wanted and any(item.id not in shown for item in known.items)
        }
        again = self._client.items(sorted(doubtful)) if doubtful else []
        return items + [item for item in again if item.id not in shown]
