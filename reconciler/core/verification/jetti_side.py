"""What Jetti shows of a return compared with what was last pushed for it, field by field."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.core.diff import Live, ReasonCodes, accept_matching_values, as_pushed, diff_of
from reconciler.core.mapping import rank
from reconciler.core.matching.result import NeedsReview
from reconciler.core.matching.snapshot import LiveSaleReturn
from reconciler.core.model import (
    Entry,
    Fields,
    IntentOutcome,
    Item,
    Operation,
    OwnedField,
    SaleReturn,
    Value,
)
from reconciler.core.records import PastWrite

_APPLIED = frozenset({IntentOutcome.APPLIED, IntentOutcome.READ_BACK})
_FIRST_STATUSES = frozenset({"draft", "requested"})
"""What a create leaves."""

Place = tuple[Operation, int, OwnedField]
"""A field of a sale return or of an item: by what it is written, of which, and its name."""


class Unlike(Struct, frozen=True):
    """A field that Jetti shows otherwise than it was last pushed."""

    place: Place
    of: str
    """What it belongs to, as reports name it: a sale return's reference, or an order line."""
    sale_return_id: int
    pushed: Value
    live: Value
    was_ours: bool = False
    """Whether what Jetti shows is known to be of this program."""


class JettiComparison(Struct, frozen=True):
    """What is not as the ledger has it, of one return."""

    unlike: tuple[Unlike, ...] = ()
    deleted: tuple[SaleReturn, ...] = ()
    """Sale returns that are gone, though they were not cancelled."""
    deleted_items: tuple[tuple[SaleReturn, Item], ...] = ()
    surplus: tuple[LiveSaleReturn, ...] = ()
    """Marked with the return and not cancelled, but unknown to the ledger."""
    has_living: bool = False
    """Whether any that the ledger knows is there and not cancelled."""
    moved_on: int = 0
    """Sale returns whose status is further than was pushed."""
    kept: int = 0
    """Fields that the ledger has kept as someone set them."""

    @property
    def differs(self) -> bool:
        """Whether anything is not as the ledger has it."""
        return bool(self.unlike or self.deleted or self.deleted_items or self.surplus)


def compare(entry: Entry, ours: Sequence[LiveSaleReturn]) -> JettiComparison:
    """Compare an entry without unanswered writes with its sale returns in Jetti: those that carry
    its marker, and those that the ledger knows by their ids.

    What equals what is wanted counts as pushed, whoever wrote it, as it does for a push. A status
    that is further than was pushed is Jetti's own life and no difference.
    """
    live = {row.id: row for row in ours}
    there = [known for known in entry.sale_returns if known.id in live]
    gone = [known for known in entry.sale_returns if known.id not in live]
    known_ids = {known.id for known in entry.sale_returns}
    found = _Found(entry, _kept_places(entry))
    for known in there:
        found.compare(known, live[known.id])
    strangers = [row for row in ours if row.id not in known_ids and row.marker == entry.id]
    # safeguard: cancelled-doubles-are-settled
    surplus = tuple(row for row in strangers if not row.is_cancelled)
    return JettiComparison(
        unlike=tuple(found.unlike),
        deleted=tuple(known for known in gone if not known.is_cancelled),
        deleted_items=tuple(found.deleted_items),
        surplus=surplus,
        has_living=any(not live[known.id].is_cancelled for known in there),
        moved_on=found.moved_on,
        kept=found.kept,
    )


class _Found:
    """Collects what is unlike, one sale return after the other."""

    def __init__(self, entry: Entry, kept: frozenset[Place]) -> None:
        self._entry = entry
        self._kept_places = kept
        self.unlike: list[Unlike] = []
        self.deleted_items: list[tuple[SaleReturn, Item]] = []
        self.moved_on = 0
        self.kept = 0

    def compare(self, known: SaleReturn, row: LiveSaleReturn) -> None:
        items = {item.id: item for item in row.items}
        gone = [item for item in known.items if item.id not in items]
        if row.is_cancelled or known.is_cancelled:
            # Nothing more is written to it: only that it ended differs, if anything.
            self._compare_end(known, row)
            return
        self.deleted_items += [(known, item) for item in gone]
        there = replace(known, items=tuple(item for item in known.items if item.id in items))
        [settled] = accept_matching_values(self._entry, (there,), {row.id: _live(row)})
        for name, pushed in settled.fields.items():
            place = Operation.UPDATE_SALE_RETURN, known.id, name
            self._compare_field(place, known, known.reference, pushed, row.fields)
        for item in settled.items:
            for name, pushed in item.fields.items():
                place = Operation.UPDATE_ITEM, item.id, name
                self._compare_field(place, known, item.order_line_id, pushed, items[item.id].fields)

    def _compare_end(self, known: SaleReturn, row: LiveSaleReturn) -> None:
        targets = {(Operation.UPDATE_SALE_RETURN, known.id)}
        targets |= {(Operation.UPDATE_ITEM, item.id) for item in known.items}
        if row.is_cancelled and any(place[:2] in targets for place in self._kept_places):
            self.kept += 1  # a push has found it cancelled and left it
        elif OwnedField.STATUS in known.fields:
            place = Operation.UPDATE_SALE_RETURN, known.id, OwnedField.STATUS
            pushed = known.fields[OwnedField.STATUS]
            self._compare_field(place, known, known.reference, pushed, row.fields)

    def _compare_field(
        self, place: Place, known: SaleReturn, of: str, pushed: Value, shown: Fields
    ) -> None:
        name = place[2]
        if name not in shown or _same(shown[name], pushed):
            return  # what Jetti does not show cannot be compared
        live = shown[name]
        if place in self._kept_places:
            self.kept += 1
        # safeguard: status-that-moved-on-is-no-difference
        elif name == OwnedField.STATUS and _is_further(live, pushed):
            self.moved_on += 1
        else:
            self.unlike.append(Unlike(place, of, known.id, pushed, live))


def split(
    unlike: Iterable[Unlike], writes: Iterable[PastWrite]
) -> tuple[tuple[Unlike, ...], tuple[Unlike, ...]]:
    """Whose it is, by the writes of the ledger: what our lost writes left, and what someone set.

    A write was lost where Jetti shows nothing, or what we had written there before. What we never
    wrote was set by someone; where it was empty as well, it is theirs alone and no difference.
    """
    history: dict[Place, list[Value]] = defaultdict(list)
    for write in writes:
        if write.outcome in _APPLIED:
            for name, value in write.fields.items():
                history[write.operation, write.target_id, name].append(value)
    lost: list[Unlike] = []
    edited: list[Unlike] = []
    for one in unlike:
        ours = history.get(one.place, [])
        if one.pushed is None and not ours:
            continue
        is_ours = any(_same(value, one.pushed) for value in ours)
        # safeguard: only-what-we-wrote-is-lost
        if is_ours and _was_there_before(one, ours):
            lost.append(replace(one, was_ours=True))
        else:
            edited.append(one)
    return tuple(lost), tuple(edited)


def without_lost(entry: Entry, lost: Sequence[Unlike]) -> tuple[SaleReturn, ...]:
    """The sale returns of the entry, with what Jetti shows as last pushed in those fields: then a
    plan finds what is to be written again, and a later edit of theirs is still seen as one."""
    shown = {one.place: one.live for one in lost}

    def of(operation: Operation, target_id: int, fields: Fields) -> Fields:
        now = {name: shown.get((operation, target_id, name), was) for name, was in fields.items()}
        source = (operation, target_id, OwnedField.SALE_RETURN_SOURCE)
        if source in shown and shown[source] is None:
            # An empty one would count as that of a sale return which someone else raised.
            del now[OwnedField.SALE_RETURN_SOURCE]
        return now

    def item_of(item: Item) -> Item:
        reason = (Operation.UPDATE_ITEM, item.id, OwnedField.ADJUSTMENT_REASON_ID)
        return replace(
            item,
            fields=of(Operation.UPDATE_ITEM, item.id, item.fields),
            reason_code=None if reason in shown else item.reason_code,
        )

    return tuple(
        replace(
            known,
            fields=of(Operation.UPDATE_SALE_RETURN, known.id, known.fields),
            items=tuple(item_of(item) for item in known.items),
        )
        for known in entry.sale_returns
    )


def _kept_places(entry: Entry) -> frozenset[Place]:
    """Fields that are wanted otherwise than they were last pushed, although all that was to be
    pushed was: someone has set them, and the push left that."""
    if not entry.sale_returns or entry.pushed_fingerprint != entry.fingerprint:
        return frozenset()
    live = {known.id: as_pushed(known) for known in entry.sale_returns}
    found = diff_of(entry, entry.sale_returns, live, ReasonCodes())
    if isinstance(found, NeedsReview):
        return frozenset()
    return frozenset(
        (write.operation, write.target_id, name) for write in found.writes for name in write.fields
    )


def _live(row: LiveSaleReturn) -> Live:
    return Live(row.fields, {item.id: item.fields for item in row.items})


def _is_further(live: Value, pushed: Value) -> bool:
    return live != "cancelled" and pushed != "cancelled" and rank(live) > rank(pushed)


def _was_there_before(one: Unlike, ours: Sequence[Value]) -> bool:
    if _is_nothing(one.live):
        return True
    if one.place[2] == OwnedField.STATUS and one.live in _FIRST_STATUSES:
        return True
    return any(_same(value, one.live) for value in ours)


def _is_nothing(value: Value) -> bool:
    """Empty; of a quantity the zero that a create leaves."""
    return value is None or value in ("", 0)


def _same(one: Value, other: Value) -> bool:
    return one == other or (_is_nothing(one) and _is_nothing(other))
