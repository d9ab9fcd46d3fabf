"""The changes of a pass, one line each, with the changed fields of an update below it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from reconciler.core.model import OwnedField, Value
from reconciler.core.report import ChangeKind, OutcomeKind, Report, ReportedChange
from reconciler.core.text import safe
from reconciler.reports.wording import counted, order, sale_returns_done, value

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
_MOST = 200
"""The most changes shown of a real run; a dry run lists all, because it is for reviewing."""
_MOST_NAMES = 10


def lines(report: Report) -> Iterator[str]:
    """What changed, or would; no lines if nothing did."""
    left, rest = _sorted_out(report)
    yield from _section("would change" if report.run.dry_run else "changes", rest, report)
    stopped = [change for change in report.changes if change.stopped]
    title = f"stopped ({len(stopped)}), plan {safe(report.run.digest, 20)}"
    yield from _section(title, stopped, report)
    # Not in a list: there may be 100,000.
    skipped = (one for one in report.changes if _is_skipped(one))
    yield from _grouped("skipped", skipped)
    yield from _grouped("left pending", left)


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


def _sorted_out(report: Report) -> tuple[list[ReportedChange], ...]:
    """What was looked for and left, and the rest that is neither stopped nor skipped."""
    left: list[ReportedChange] = []
    rest: list[ReportedChange] = []
    for change in report.changes:
        if change.stopped or _is_skipped(change):
            continue  # they have sections of their own
        if change.outcome is OutcomeKind.DEFERRED and change.change is ChangeKind.ADOPT:
            left.append(change)
        else:
            rest.append(change)
    return left, rest


def _section(title: str, changes: list[ReportedChange], report: Report) -> Iterator[str]:
    shown = changes if report.run.dry_run else changes[:_MOST]
    if changes:
        yield ""
        yield title
    for change in shown:
        yield from _change(change)
    if len(changes) > len(shown):
        yield f"  … and {len(changes) - len(shown)} more; --format json lists all"


def _change(change: ReportedChange) -> Iterator[str]:
    words = [
        f"  {_SYMBOLS[change.change]} {order(change.order_name, change.order_id)}",
        f"return {safe(change.return_id, 20)}",
        _outcome(change),
    ]
    if change.sale_returns:
        words.append(", ".join(safe(found.reference, 40) for found in change.sale_returns))
    is_new = _is_all_new(change)
    if is_new:
        words.append(_created(change))
    yield "  ".join(word for word in words if word)
    for remark in change.remarks:
        yield f"      note: {safe(remark)}"
    # Of what is planned or done the outcome says it.
    until_then = "" if change.stopped or change.outcome in _SHOWN_AS_IS else "written: "
    for field in () if is_new else change.fields:
        what = f"{safe(field.field, 60)}: {value(field.before)} -> {value(field.after)}"
        yield f"      {until_then}{what}"


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


def is_only_looked_for(change: ReportedChange) -> bool:
    """Whether nobody has looked yet whether Jetti has what would be taken over."""
    return change.change is ChangeKind.ADOPT and not change.sale_returns


def _outcome(change: ReportedChange) -> str:
    verb = change.change.verb
    if is_only_looked_for(change):
        verb += " if Jetti has it"
    if change.stopped:
        return verb  # the title and the headline give the reason
    if change.outcome is OutcomeKind.PUSHED:
        word = _DONE[change.change]
        if change.change is not ChangeKind.CREATE or not _is_all_new(change):
            word += _beyond(change)
    elif change.outcome is OutcomeKind.PLANNED:
        word = verb
    else:
        word = f"{change.outcome.value} ({change.change.verb})" + _beyond(change)
    if change.reason and not change.reason.startswith(word):
        return f"{word}: {safe(change.reason)}"
    return safe(change.reason) if change.reason else word


def _beyond(change: ReportedChange) -> str:
    beyond = sale_returns_done(*beyond_the_words([change]))
    return f" ({beyond})" if beyond else ""


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


def _grouped(title: str, changes: Iterable[ReportedChange]) -> Iterator[str]:
    """Grouped by reason, because there can be many and they need no action."""
    names: dict[str, list[str]] = defaultdict(list)
    count: Counter[str] = Counter()
    for change in changes:
        reason = change.reason or "no reason given"
        count[reason] += 1
        if count[reason] <= _MOST_NAMES:
            names[reason].append(order(change.order_name, change.order_id))
    if not count:
        return
    yield ""
    yield f"{title} ({count.total()})"
    for reason, shown in sorted(names.items()):
        rest = count[reason] - len(shown)
        more = f" and {rest} more" if rest else ""
        yield f"  . {safe(reason)} ({count[reason]}): {' '.join(shown)}{more}"
