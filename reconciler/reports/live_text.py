"""What Jetti holds now, as `show --against-jetti` prints it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import UNSET

from reconciler.core.live_order import (
    NOTHING,
    Foreseen,
    LiveOrder,
    LiveValue,
    MaybeValue,
    Owner,
    SaleNow,
    SaleReturnNow,
    ValueOf,
)
from reconciler.core.report import OutcomeKind
from reconciler.core.text import safe
from reconciler.reports.layout import Layout
from reconciler.reports.wording import moment, value

_OUTCOMES = {
    OutcomeKind.REVIEW.value: "someone would have to decide",
    OutcomeKind.WAITING.value: "it would wait",
    OutcomeKind.SKIPPED.value: "nothing would be written",
    OutcomeKind.DEFERRED.value: "nothing would be written now",
    OutcomeKind.FAILED.value: "it would fail",
}


def lines_of(
    found: LiveOrder, asked_at: datetime | None, known: Mapping[int, str], page: Layout
) -> Iterator[str]:
    """The order, its lines, and each sale return with its values. `known` says by id what the
    ledger's values of a sale return are, where they are not those last pushed."""
    yield from page.wrapped(f"in Jetti now, asked {moment(asked_at)}", 4)
    if found.failure is not None:
        yield from page.indented(f"not known: {safe(found.failure, 1000)}")
        return
    if found.problem is not None:
        yield from page.indented(safe(found.problem, 2000))
    for sale in found.sales:
        yield from page.indented(_sale(sale))
    for line in found.lines:
        which = safe(line.order_line_id, 20) if line.order_line_id else "that is not the shop's"
        yield from page.indented(
            f"sale item {line.sale_item_id} of sale {line.sale_id}, order line {which}:"
            f" {line.ordered} ordered, {line.returned} returned, {line.cancelled} cancelled,"
            f" {line.left} left; {line.wanted} wanted"
        )
    for sale_return in found.sale_returns:
        yield from _sale_return(sale_return, known.get(sale_return.id, "last pushed"), page)
    if not found.sale_returns:
        yield "  no sale return"
    for remark in found.remarks:
        yield from page.indented(f"note: {safe(remark)}")
    if found.foreseen is not None:
        yield from _foreseen(found.foreseen, page)


def _sale(sale: SaleNow) -> str:
    has_id = f"order id {safe(sale.external_id, 30)}" if sale.external_id else "no order id"
    over = ", cancelled" if sale.is_cancelled else ""
    chosen = "the order" if sale.is_order else "not taken for the order"
    return f"sale {sale.id} ({safe(sale.reference, 40)}), {has_id}{over}: {chosen}"


def _sale_return(one: SaleReturnNow, known: str, page: Layout) -> Iterator[str]:
    whose = one.owner.value
    if one.owner is Owner.ANOTHER and one.return_id is not None:
        whose = f"return {safe(one.return_id, 20)}'s"
    name = f"sale return {safe(one.reference, 40)} (id {one.id}) of sale {one.sale_id}"
    status = "" if one.status is None else f", {value(one.status)}"
    made = f", made {moment(one.created_at)}" if one.created_at else ""
    yield from page.indented(f"{name}{status}{made}")
    yield from page.indented(f"{whose}, {safe(one.why)}", 4)
    for difference in one.differences:
        yield from page.indented(safe(difference), 4)
    yield from _values(one.values, one.owner, 4, known, page)
    for item in one.items:
        line = (
            f"order line {safe(item.order_line_id, 20)}"
            if item.order_line_id
            else "an unknown line"
        )
        yield from page.indented(f"item {item.id}: {item.quantity} of {line}", 4)
        yield from _values(item.values, one.owner, 6, known, page)


def _values(
    values: Sequence[LiveValue], owner: Owner, by: int, known: str, page: Layout
) -> Iterator[str]:
    """First together what is as it should be, then each of the others."""
    plain = [one for one in values if _is_plain(one)]
    if plain:
        listed = ", ".join(f"{one.field} {_shown(one.live)}" for one in plain)
        yield from page.indented(f"as {known} and as wanted: {listed}", by)
    for one in values:
        is_empty = one.live in (UNSET, None) and (owner is not Owner.OURS or one.wanted is UNSET)
        if one not in plain and not is_empty:
            yield from _value(one, by, known, page)


def _is_plain(one: LiveValue) -> bool:
    return one.whose is ValueOf.OURS and not one.differs and one.wanted is not UNSET


def _value(found: LiveValue, by: int, known: str, page: Layout) -> Iterator[str]:
    parts = [found.whose.value]
    if found.last_pushed is not UNSET and found.last_pushed != found.live:
        parts.append(f"{known} {_shown(found.last_pushed)}")
    if found.differs:
        parts.append(f"wanted {_shown(found.wanted)}")
    elif found.wanted is UNSET:
        parts.append("nothing is wanted of it")
    elif found.live is not UNSET:
        parts.append("as wanted")
    yield from page.indented(f"{found.field}: {_shown(found.live)}; {', '.join(parts)}", by)


def _shown(of_field: MaybeValue) -> str:
    return "-" if of_field is UNSET else value(of_field)


def _foreseen(foreseen: Foreseen, page: Layout) -> Iterator[str]:
    if foreseen.outcome == NOTHING:
        yield from page.indented("by what the ledger knows, nothing is to be pushed")
        return
    said = _OUTCOMES.get(foreseen.outcome) or safe(foreseen.change or foreseen.outcome, 20)
    why = f"; {safe(foreseen.reason, 2000)}" if foreseen.reason else ""
    yield from page.indented(f"if it were pushed now: {said}{why}")
    for field in foreseen.fields:
        change = f"{safe(field.field, 60)}: {value(field.before)} -> {value(field.after)}"
        yield from page.indented(change, 4)
