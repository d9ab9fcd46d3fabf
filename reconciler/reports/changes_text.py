"""The changes of a pass in groups, with the changed fields of an update below it."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from reconciler.core.instants import iso
from reconciler.core.model import OwnedField, State, Value
from reconciler.core.report import ChangeKind, OutcomeKind, Report, ReportedChange
from reconciler.core.text import safe
from reconciler.reports.change_groups import SHOWN, Group, grouped
from reconciler.reports.layout import Layout
from reconciler.reports.wording import counted, order, sale_returns_done, state, value, values

_OF_THE_PARCEL = (
    OwnedField.TRACKING_COMPANY,
    OwnedField.TRACKING_NUMBER,
    OwnedField.TRACKING_STATUS,
)
_SYMBOLS = {
    ChangeKind.CREATE: "+",
    ChangeKind.UPDATE: "~",
    ChangeKind.CANCEL: "-",
    ChangeKind.ADOPT: "=",
}
_DONE = {
    ChangeKind.CREATE: "created",
    ChangeKind.UPDATE: "updated",
    ChangeKind.CANCEL: "cancelled",
    ChangeKind.ADOPT: "taken over",
}
_QUANTITY = f"{OwnedField.QUANTITY}["
_SHOWN_AS_IS = (OutcomeKind.PLANNED, OutcomeKind.PUSHED)
_AS_A_PAGE = ("--format", "html", "--output", "plan.html")
_STILL_DUE = (OutcomeKind.WAITING, OutcomeKind.FAILED, OutcomeKind.REVIEW, OutcomeKind.DEFERRED)
"""After which a return may have been due for longer than the run took."""
_STATES_AFTER: dict[OutcomeKind, tuple[State, ...]] = {
    OutcomeKind.PUSHED: (State.SYNCED,),
    OutcomeKind.WAITING: (State.WAITING,),
    OutcomeKind.FAILED: (State.FAILED, State.DEAD, State.UNKNOWN),
    OutcomeKind.REVIEW: (State.REVIEW,),
    OutcomeKind.DEFERRED: (State.PENDING, State.WAITING, State.FAILED),
}
"""The states in which returns are after a change with that outcome."""
_ABOVE = "its reason is above"
_FEW_FIELDS = 2
"""The most fields shown of a change that is one of many."""
_MOST_GOODS = 3
_LONGEST_NAME = 60


def lines(report: Report, page: Layout, reasons_told: Mapping[str, str | None]) -> Iterator[str]:
    """What changed, or would, in groups of which each shows a few; no lines if nothing did.
    `reasons_told`: by return id the reason that is above already, and is not said a second time."""
    left, rest = _sorted_out(report)
    for group in grouped(_without_what_was_told(change, reasons_told) for change in rest):
        yield ""
        yield from page.wrapped(_title(group, report), 2)
        left_out = group.count - len(group.shown)
        for change in group.shown:
            own_reason = "" if group.stopped or group.reason else safe(change.reason or "")
            yield from _change(change, own_reason, page, is_short=left_out > 0)
        if left_out:
            more = _how_to_see_more(group, report)
            yield from page.wrapped(f"and {left_out} more{more}", 4, first=2)
    # Not in a list: there may be 100,000.
    skipped = (one for one in report.changes if _is_skipped(one))
    yield from _named("skipped", skipped, page)
    yield from _named("left as they were", left, page)


def _without_what_was_told(
    change: ReportedChange, told: Mapping[str, str | None]
) -> ReportedChange:
    if change.reason is None:
        return change
    if change.outcome is OutcomeKind.PUSHED and change.reason == _DONE[change.change]:
        return replace(change, reason=None)  # the title says it
    return replace(change, reason=_ABOVE) if told.get(change.return_id) == change.reason else change


def _how_to_see_more(group: Group, report: Report) -> str:
    """What to type to see all of a group."""
    run, following = report.run, report.next
    if run.dry_run and "--dry-run" not in following:
        return f": {shlex.join(_AS_A_PAGE)}"  # with the command that made this report
    is_kept_back = group.stopped or run.dry_run
    if is_kept_back and following[:2] == ("reconciler", "run"):
        dry = () if "--dry-run" in following else ("--dry-run",)
        words = (*following, *dry, *_AS_A_PAGE)
    else:
        # The run is over: the same command would be another one.
        since = () if group.outcome in _STILL_DUE else ("--since", iso(run.started_at))
        states = _STATES_AFTER[group.outcome]
        if group.kind is ChangeKind.ADOPT:
            states += (State.PENDING,)  # for what a later pass brings up to date
        named = [word for one in states for word in ("--state", one.value)]
        words = ("reconciler", "list", *named, *since)
    return f": `{safe(shlex.join(words), 300)}`"


def _title(group: Group, report: Report) -> str:
    """What these changes have in common, and how many there are."""
    number, verb = f"({group.count})", group.kind.verb
    if group.is_only_looked_for:
        verb += " if Jetti has it"
    if group.stopped:
        return f"stopped {number}, to {verb}: plan {safe(report.run.digest, 20)}"
    if group.outcome is OutcomeKind.PUSHED:
        title = f"{_DONE[group.kind]} {number}"
    elif group.outcome is OutcomeKind.PLANNED:
        title = f"would {verb} {number}"
    else:
        title = f"{state(group.outcome.value)} {number}, to {verb}"
    if not group.reason:
        return title
    # Said of each, because a reason speaks of one return.
    each = "each" if group.reason.startswith("would ") else "each:"
    return f"{title}; {each} {safe(group.reason)}"


def beyond_the_words(changes: Iterable[ReportedChange]) -> tuple[int, int]:
    """Sale returns that these changes made and cancelled (in a dry run: would), of each all, or 0
    where "created" and "cancelled" say as much already: one for each return."""
    made = cancelled = 0
    made_beyond = cancelled_beyond = False
    for change in changes:
        if change.stopped:
            continue
        is_done = change.outcome in _SHOWN_AS_IS
        made += change.sale_returns_made
        cancelled += change.sale_returns_cancelled
        said = is_done and change.change is ChangeKind.CREATE
        made_beyond |= change.sale_returns_made > said
        said = is_done and change.change is ChangeKind.CANCEL
        cancelled_beyond |= change.sale_returns_cancelled > said
    return made if made_beyond else 0, cancelled if cancelled_beyond else 0


def _is_skipped(change: ReportedChange) -> bool:
    return change.outcome is OutcomeKind.SKIPPED and not change.stopped


def _sorted_out(report: Report) -> tuple[list[ReportedChange], list[ReportedChange]]:
    """What was looked for and left, and all else that is not skipped."""
    left: list[ReportedChange] = []
    rest: list[ReportedChange] = []
    for change in report.changes:
        if _is_skipped(change):
            continue  # they have a section of their own
        is_left = change.outcome is OutcomeKind.DEFERRED and change.change is ChangeKind.ADOPT
        (left if is_left and not change.stopped else rest).append(change)
    return left, rest


def _change(
    change: ReportedChange, own_reason: str, page: Layout, *, is_short: bool
) -> Iterator[str]:
    """One change: its order, what Jetti shows of it, its goods; below it remarks and fields.
    `is_short`: it is one example of many, so its fields share a line."""
    is_new, goods = _is_all_new(change), _goods(change)
    fields_in_short = "" if is_short and goods else _created(change)
    words = (
        order(change.order_name, change.order_id),
        f"return {safe(change.return_id, 20)}",
        ", ".join(safe(found.reference, 40) for found in change.sale_returns),
        fields_in_short if is_new else _beyond(change),
        goods,
        own_reason,
    )
    yield from page.item(_SYMBOLS[change.change], "  ".join(word for word in words if word))
    for remark in change.remarks:
        yield from page.below(f"note: {safe(remark)}")
    if is_new:
        return
    # Of what is planned or done the title says it.
    until_then = "" if change.stopped or change.outcome in _SHOWN_AS_IS else "written: "
    fields = [
        f"{safe(field.field, 60)}: {' -> '.join(values(field.before, field.after))}"
        for field in change.fields
    ]
    if is_short and fields:
        more = f"; {len(fields) - _FEW_FIELDS} more" if len(fields) > _FEW_FIELDS else ""
        yield from page.below(f"{until_then}{'; '.join(fields[:_FEW_FIELDS])}{more}")
        return
    for field in fields:
        yield from page.below(f"{until_then}{field}")


def _goods(change: ReportedChange) -> str:
    """`2 x Linen shirt (Too small); Linen trousers`: the products with the merchant's wording of
    the reason for each."""
    found = list(change.lines)
    named = []
    for one in found[:_MOST_GOODS]:
        what = safe(one.product or one.sku or "a product without a name", _LONGEST_NAME)
        units = f"{one.quantity} x " if one.quantity != 1 else ""
        why = f" ({safe(one.reason, _LONGEST_NAME)})" if one.reason else ""
        named.append(f"{units}{what}{why}")
    if len(found) > _MOST_GOODS:
        named.append(f"{len(found) - _MOST_GOODS} more")
    return "; ".join(named)


def _is_all_new(change: ReportedChange) -> bool:
    """Whether it is about new sale returns alone, so that a summary tells of all fields."""
    if change.change is not ChangeKind.CREATE:
        return False
    if change.outcome is OutcomeKind.PUSHED:
        new = {field.field for field in change.fields if field.before is None}
        names = [f"{OwnedField.STATUS}[{found.reference}]" for found in change.sale_returns]
        return bool(names) and new.issuperset(names)
    if change.outcome is not OutcomeKind.PLANNED and not change.stopped:
        return False
    # What is named after a sale return is set in one that is there.
    named = tuple(f"{name}[" for name in OwnedField if name is not OwnedField.QUANTITY)
    return not any(field.field.startswith(named) for field in change.fields)


def _beyond(change: ReportedChange) -> str:
    beyond = sale_returns_done(*beyond_the_words([change]))
    return f"({beyond})" if beyond else ""


def _created(change: ReportedChange) -> str:
    """A summary of new sale returns, since all of their fields are new."""
    units, found = 0, dict[str, dict[str, Value]]()
    for one in change.fields:
        name, _, place = one.field.partition("[")
        found.setdefault(place, {})[name] = one.after
        if one.field.startswith(_QUANTITY) and isinstance(one.after, int):
            units += one.after
    statuses = [value(of[OwnedField.STATUS]) for of in found.values() if OwnedField.STATUS in of]
    parcels = [
        " ".join(value(of[name]) for name in _OF_THE_PARCEL if of.get(name) is not None)
        for of in found.values()
    ]
    parts = (counted(units, "unit"), *dict.fromkeys(statuses), *dict.fromkeys(parcels))
    return f"[{', '.join(part for part in parts if part)}]" if found else ""


def _named(title: str, changes: Iterable[ReportedChange], page: Layout) -> Iterator[str]:
    """By their orders' names alone, because there can be many and they need no action."""
    names: dict[str, list[str]] = defaultdict(list)
    count: Counter[str] = Counter()
    for change in changes:
        reason = change.reason or "no reason given"
        count[reason] += 1
        if count[reason] <= SHOWN:
            names[reason].append(order(change.order_name, change.order_id))
    if not count:
        return
    yield ""
    yield f"{title} ({count.total()})"
    for reason, shown in sorted(names.items()):
        rest = count[reason] - len(shown)
        more = f" and {rest} more" if rest else ""
        yield from page.item(".", f"{safe(reason)} ({count[reason]}): {' '.join(shown)}{more}")
