"""The changes of a pass as rows of a table: compact, because a plan may have thousands."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from msgspec import Struct

from reconciler.core.field_changes import FieldChange
from reconciler.core.report import ChangeKind, OutcomeKind, ReportedChange
from reconciler.core.text import safe
from reconciler.reports import html_fields
from reconciler.reports.html_fields import Alike, Changed
from reconciler.reports.wording import counted, order

VERBS = {
    ChangeKind.CREATE: "create",
    ChangeKind.UPDATE: "update",
    ChangeKind.CANCEL: "cancel",
    ChangeKind.ADOPT: "take over",
}
DONE = {
    ChangeKind.CREATE: "created",
    ChangeKind.UPDATE: "updated",
    ChangeKind.CANCEL: "cancelled",
    ChangeKind.ADOPT: "taken over",
}
OUTCOMES = {
    OutcomeKind.PLANNED: "planned",
    OutcomeKind.PUSHED: "done",
    OutcomeKind.WAITING: "waiting",
    OutcomeKind.FAILED: "failed",
    OutcomeKind.REVIEW: "in review",
    OutcomeKind.SKIPPED: "skipped",
    OutcomeKind.DEFERRED: "deferred",
}
STOPPED = "stopped"

_MOST_GOODS = 20
_MOST_VENDORS = 10
_MOST_REMARKS = 20

_NEEDS_SOMEONE = frozenset({OutcomeKind.FAILED, OutcomeKind.REVIEW})
_MOST_GROUPS = 50
_MOST_NAMES = 20
"""Orders that are named of each group."""

_RANK = (
    OutcomeKind.FAILED,
    OutcomeKind.REVIEW,
    OutcomeKind.WAITING,
    OutcomeKind.PUSHED,
    OutcomeKind.PLANNED,
    OutcomeKind.DEFERRED,
    OutcomeKind.SKIPPED,
)


class Goods(Struct, frozen=True):
    """What comes back of one product, and why."""

    what: str
    more: str


class Row(Struct, frozen=True):
    """One change."""

    needs_someone: bool
    order: str
    return_id: str
    before_go_live: bool
    change: str
    outcome: str
    goods: tuple[Goods, ...]
    vendors: str
    is_written_all_the_same: bool
    """Whether the fields were written although the change was not carried out."""
    new: tuple[str, ...]
    """What a new sale return holds, one line each."""
    sale_returns: str
    """Those in Jetti that it is about, where nothing else names them."""
    changed: tuple[Changed, ...]
    reason: str
    remarks: tuple[str, ...]


def ranked(changes: Iterable[ReportedChange]) -> list[ReportedChange]:
    """What needs someone before what went well, else in their order."""
    places = {kind: place for place, kind in enumerate(_RANK)}
    return sorted(changes, key=lambda one: -1 if one.stopped else places[one.outcome])


def rows(changes: Iterable[ReportedChange], common: Alike) -> Iterator[Row]:
    """One after the other, so that there is only ever one in memory."""
    for change in changes:
        fields = list(change.fields)
        lines = html_fields.order_lines(fields)
        is_shown_as_is = change.stopped or change.outcome in (
            OutcomeKind.PLANNED,
            OutcomeKind.PUSHED,
        )
        is_new = html_fields.is_all_new(change, fields)
        yield Row(
            needs_someone=change.outcome in _NEEDS_SOMEONE,
            order=order(change.order_name, change.order_id),
            return_id=safe(change.return_id, 20),
            before_go_live=change.before_go_live,
            change=_change(change),
            outcome=outcome(change),
            goods=tuple(_goods(change)),
            vendors=_vendors(change),
            is_written_all_the_same=not is_shown_as_is and bool(fields),
            new=tuple(html_fields.new_lines(change, fields, common)) if is_new else (),
            sale_returns=_sale_returns(change, fields),
            changed=()
            if is_new
            else tuple(
                html_fields.changed(one.field, one.before, one.after, lines) for one in fields
            ),
            # Of what is stopped the headline gives the reason.
            reason="" if change.stopped or not change.reason else safe(change.reason),
            remarks=tuple(safe(remark) for remark in change.remarks[:_MOST_REMARKS]),
        )


def outcome(change: ReportedChange) -> str:
    """What became of it, in a word or two."""
    return STOPPED if change.stopped else OUTCOMES[change.outcome]


def _change(change: ReportedChange) -> str:
    if change.outcome is OutcomeKind.PUSHED:
        return DONE[change.change]
    verb = VERBS[change.change]
    if change.change is ChangeKind.ADOPT and not change.sale_returns:
        return f"{verb} if Jetti has it"
    return verb


def _goods(change: ReportedChange) -> Iterator[Goods]:
    lines = list(change.lines)
    for line in lines[:_MOST_GOODS]:
        name = safe(line.product or line.sku or "a product without a name", 80)
        what = name if line.quantity == 1 else f"{line.quantity} × {name}"
        more = [safe(line.sku, 40)] if line.sku and line.product else []
        if line.reason:
            more.append(safe(line.reason, 80))
        yield Goods(what, " · ".join(more))
    if len(lines) > _MOST_GOODS:
        yield Goods(f"and {len(lines) - _MOST_GOODS} more", "")


def _sale_returns(change: ReportedChange, fields: list[FieldChange]) -> str:
    if not change.sale_returns:
        return ""
    named = {html_fields.place_of(field.field) for field in fields}
    unnamed = [found.reference for found in change.sale_returns if found.reference not in named]
    shown = ", ".join(safe(reference, 40) for reference in unnamed[:_MOST_VENDORS])
    rest = len(unnamed) - _MOST_VENDORS
    return f"{shown} and {rest} more" if rest > 0 else shown


def vendor(name: str) -> str:
    """A vendor by name or, where only the id is known, as `vendor 41`."""
    return f"vendor {name}" if name.isdecimal() else name


def _vendors(change: ReportedChange) -> str:
    named = ", ".join(safe(vendor(name), 60) for name in change.vendors[:_MOST_VENDORS])
    rest = len(change.vendors) - _MOST_VENDORS
    return f"{named} and {rest} more" if rest > 0 else named


# --------------------------------------------------------------------------------------- by reason


class Group(Struct, frozen=True):
    """Changes that have the same reason."""

    outcome: str
    reason: str
    count: int
    orders: tuple[str, ...]
    advice: str = ""

    @property
    def rest(self) -> int:
        """How many orders are not named."""
        return self.count - len(self.orders)


def grouped(changes: Iterable[ReportedChange]) -> Iterator[Group]:
    """By outcome and reason, the most frequent first. There may be 100,000 changes, so they are not
    kept."""
    count: Counter[tuple[str, str]] = Counter()
    orders: dict[tuple[str, str], list[str]] = defaultdict(list)
    for change in changes:
        which = outcome(change), _reason(change)
        count[which] += 1
        if count[which] <= _MOST_NAMES:
            orders[which].append(order(change.order_name, change.order_id))
    frequent = count.most_common()
    for which, number in frequent[:_MOST_GROUPS]:
        yield Group(which[0], safe(which[1]), number, tuple(orders[which]))
    if rest := frequent[_MOST_GROUPS:]:
        others = counted(len(rest), "other reason")
        yield Group("", others, sum(number for _, number in rest), ())


def _reason(change: ReportedChange) -> str:
    """The same for all whose own order is all that makes a difference."""
    reason = change.reason or "no reason given"
    name = change.order_name
    return reason.replace(f"order {name} ", "the order ") if name else reason
