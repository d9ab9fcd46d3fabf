"""The text output of `show`: everything about a return, in the order in which it happens."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from reconciler.core.field_changes import FieldChange
from reconciler.core.model import (
    Fields,
    Line,
    Parcel,
    Purpose,
    SaleReturn,
    State,
    WantedLine,
    WantedParcel,
)
from reconciler.core.records import SetAside
from reconciler.core.return_detail import ReturnDetail, ReturnDetails, RowDetail, SettlingCommand
from reconciler.core.text import safe
from reconciler.reports import live_text
from reconciler.reports.layout import USUAL, Layout
from reconciler.reports.wording import (
    describe_malformed,
    failure,
    moment,
    order,
    state,
    value,
)

_NOT_TOLD = "Jetti lacks whatever changed with it"
_TOLD_IN_PART = "Jetti lacks what these lines or labels say, and loses nothing because of it"
_READ_AGAIN = "it is read again when it changes and by every sweep"
_HAS: dict[str, str] = {State.FAILED: "has failed", State.UNKNOWN: "has an unanswered write"}
_PURPOSES = {
    Purpose.EXIST: "to be there",
    Purpose.HOLD: "to be held",
    Purpose.CANCEL: "to be cancelled",
}
_MOMENT = 24  # columns of an indented moment and two spaces


def render(details: ReturnDetails, width: int = USUAL) -> str:
    """All returns, separated by blank lines; last what concerns all of them."""
    page = Layout(width)
    blocks = ["\n".join(_lines(detail, details, page)) for detail in details.returns]
    rows = {row.key: row for row in details.rows}
    for row in details.not_understood:
        blocks.append("\n".join(_nothing_of(row, rows.get(row.key), page)))
    last = "\n".join(_of_all(details, page))
    return "\n\n".join([*blocks, last] if last else blocks)


def _of_all(details: ReturnDetails, page: Layout) -> Iterator[str]:
    if details.is_beside_a_run:
        yield from page.wrapped("A run is going on: what it writes just now may be missing here.")
    for problem in details.failures:
        yield from page.wrapped(f"Jetti could not be read: {safe(problem.message, 1000)}", 4)
        for text in failure(problem, problem.message):
            yield from page.indented(text.strip())
    if details.returns and details.jetti_asked_at is None:
        yield from page.wrapped(
            "Jetti was not asked: it may hold something else by now. To see it:", 4
        )
        named = safe(shlex.quote(details.asked_for), 200)
        yield from page.typed(f"reconciler show {named} --against-jetti", by=2)


def _nothing_of(row: SetAside, detail: RowDetail | None, page: Layout) -> Iterator[str]:
    """A row that was never understood, so nothing of it was pushed."""
    described = describe_malformed(row)
    yield from page.wrapped(f"{described[:1].upper()}{described[1:]}", 4)
    yield from page.labelled("next", f"nothing of it was sent to Jetti; {_READ_AGAIN}")
    if detail is not None:
        yield from page.labelled("version", safe(detail.version, 20))
        yield from _commands(detail.commands, page)


def _lines(detail: ReturnDetail, details: ReturnDetails, page: Layout) -> Iterator[str]:
    seen = detail.seen
    why = f": {safe(detail.reason, 2000)}" if detail.reason else ""
    name = f"Return {safe(detail.return_id, 20)} on {order(seen.order_name, seen.order_id)}"
    is_so = f"{name} {_HAS.get(detail.state) or f'is {state(detail.state)}'}"
    is_so += f" (version {safe(detail.version, 20)})"
    yield from page.wrapped(f"{is_so}{why}", 4)
    yield from page.labelled("next", safe(detail.next, 2000))
    for remark in detail.remarks:
        yield from page.labelled("note", safe(remark))
    if detail.due_since:
        yield from page.labelled("due since", moment(detail.due_since))
    yield from _not_understood(detail, page)
    yield ""
    yield from _seen(detail, page)
    yield from _wanted(detail, page)
    yield from _pushed(detail, page)
    if detail.live is not None:
        yield ""
        found = dict.fromkeys(detail.never_pushed, _known(detail))
        yield from live_text.lines_of(detail.live, details.jetti_asked_at, found, page)
    yield from _timeline(detail, page)
    yield from _commands(detail.commands, page)


def _not_understood(detail: ReturnDetail, page: Layout) -> Iterator[str]:
    row = detail.not_understood
    if row is None:
        return
    yield ""
    since = f"since {moment(row.first_seen)}, last seen {moment(row.last_seen)}"
    newer = "a part of what Loop says" if row.is_partial else "a newer version in Loop"
    yield from page.wrapped(f"{newer} is not understood, {since}", 4)
    yield from page.indented(safe(row.problem, 500))
    yield from page.indented(f"{_TOLD_IN_PART if row.is_partial else _NOT_TOLD}; {_READ_AGAIN}")
    nothing = "" if detail.lacks else " nothing"
    yield from page.indented(f"of what was understood, Jetti still lacks{nothing}")
    for field in detail.lacks:
        yield from page.indented(_difference(field), 4)


def _seen(detail: ReturnDetail, page: Layout) -> Iterator[str]:
    seen = detail.seen
    outcomes = "+".join(safe(outcome, 30) for outcome in seen.outcomes) or "no outcome"
    yield "seen in Loop"
    yield from page.indented(
        f"{safe(seen.state, 20)}, {outcomes}, order id {safe(seen.order_id or '-', 30)}"
    )
    yield from page.indented(
        f"created {moment(seen.created_at)}, last changed {moment(seen.updated_at)}"
    )
    since = f"in the ledger since {moment(detail.known_since)} or earlier"
    later = f"; no later change up to {moment(detail.read_up_to)}" if detail.read_up_to else ""
    yield from page.indented(f"{since}{later}")
    for one in seen.lines:
        yield from page.indented(f"line {_line(one)}")
    for parcel in seen.parcels:
        yield from page.indented(f"parcel {_parcel(parcel)}")


def _line(one: Line) -> str:
    named = f"{safe(one.sku or '-', 40)} {safe(one.title or '-', 60)}"
    reason = f" ({safe(one.reason, 60)})" if one.reason else ""
    return f"{safe(one.id, 20)}: order line {safe(one.order_line_id, 20)} {named}{reason}"


def _parcel(parcel: Parcel) -> str:
    return (
        f"{safe(parcel.carrier or '-', 30)} {safe(parcel.tracking_number or '-', 60)}:"
        f" {safe(parcel.label_status or 'no label', 30)}"
        + (f", since {moment(parcel.updated_at)}" if parcel.updated_at else "")
    )


def _wanted(detail: ReturnDetail, page: Layout) -> Iterator[str]:
    wanted = detail.wanted
    changed = f", since {moment(detail.changed_at)}" if detail.changed_at else ""
    yield ""
    yield from page.wrapped(f"wanted in Jetti{changed}", 4)
    status = f"status {safe(wanted.status, 20)} unless a parcel is further along"
    yield from page.indented(f"{_PURPOSES[wanted.purpose]}, {status}")
    for one in wanted.lines:
        yield from page.indented(_wanted_line(one))
    for parcel in wanted.parcels:
        yield from page.indented(_wanted_parcel(parcel))


def _wanted_line(one: WantedLine) -> str:
    reason = f", reason {safe(one.reason_code, 40)}" if one.reason_code else ""
    return f"order line {safe(one.order_line_id, 20)}: quantity {one.quantity}{reason}"


def _wanted_parcel(parcel: WantedParcel) -> str:
    return (
        f"parcel {safe(parcel.carrier or '-', 30)} {safe(parcel.tracking_number or '-', 60)}:"
        f" status {value(parcel.status)}, tracking {value(parcel.tracking_status)}"
    )


def _pushed(detail: ReturnDetail, page: Layout) -> Iterator[str]:
    yield ""
    if not detail.pushed:
        yield "in Jetti, as last pushed: nothing of ours"
        return
    left = detail.left
    upto = "" if detail.pushed_fingerprint != detail.fingerprint else " (all that is wanted)"
    if left.fields or left.reasons:
        upto = " (all that is wanted but what was left)"
    adopted = len(detail.never_pushed) == len(detail.pushed)
    how = _as_found(detail) if adopted else "as last pushed"
    yield from page.wrapped(f"in Jetti, {how}{upto}", 4)
    for sale_return in detail.pushed:
        if not adopted and sale_return.id in detail.never_pushed:
            yield from page.indented(f"{_as_found(detail)}:")
        yield from _sale_return(sale_return, page)
    if left.fields or left.reasons:
        yield ""
        when, known = "by the last push", "last pushed"
        if adopted:
            when = (
                "when it was adopted"
                if detail.is_history_whole
                else f"{when}, or when it was adopted"
            )
            known = _known(detail)
        yield from page.wrapped(f"left {when}: {known} -> wanted", 4)
    for field in left.fields:
        yield from page.indented(_difference(field))
    for reason in left.reasons:
        yield from page.indented(safe(reason, 2000))


def _difference(field: FieldChange) -> str:
    return f"{safe(field.field, 60)}: {value(field.before)} -> {value(field.after)}"


def _known(detail: ReturnDetail) -> str:
    """What the ledger knows of a sale return to which no push is recorded."""
    return "found" if detail.is_history_whole else "last pushed or found"


def _as_found(detail: ReturnDetail) -> str:
    """What a sale return is to which no push is recorded."""
    if detail.is_history_whole:
        return "as found when it was adopted, and never pushed"
    return "as last pushed or, if it was adopted, as found then"


def _sale_return(sale_return: SaleReturn, page: Layout) -> Iterator[str]:
    name = f"sale return {safe(sale_return.reference, 40)} (id {sale_return.id})"
    yield from page.indented(f"{name} of sale {sale_return.sale_id}: {_fields(sale_return.fields)}")
    for item in sale_return.items:
        which = f"item {item.id}, order line {safe(item.order_line_id, 20)}"
        yield from page.indented(f"{which}: {_fields(item.fields)}", 4)


def _fields(fields: Fields) -> str:
    shown = (f"{safe(name, 40)} {value(content)}" for name, content in sorted(fields.items()))
    return ", ".join(shown) or "-"


def _timeline(detail: ReturnDetail, page: Layout) -> Iterator[str]:
    yield ""
    yield "what happened, oldest first"
    hang = _MOMENT if page.width >= 2 * _MOMENT else 6
    for event in detail.timeline:
        yield from page.columns((moment(event.at),), safe(event.text, 1000), hang, first=2)


def _commands(commands: Sequence[SettlingCommand], page: Layout) -> Iterator[str]:
    if not commands:
        return
    yield ""
    yield "what could settle it"
    for one in commands:
        yield from page.typed(safe(one.command, 200), by=2)
        if one.does is not None:
            yield from page.indented(safe(one.does), 6)
