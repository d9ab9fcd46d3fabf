"""The text output of `show`: everything about a return."""

from __future__ import annotations

from collections.abc import Iterator

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
from reconciler.core.records import Attempt, PastWrite, SetAside
from reconciler.core.return_detail import ReturnDetail, ReturnDetails
from reconciler.core.text import safe
from reconciler.reports.wording import describe_malformed, line, moment, order, state, value

_NOT_TOLD = "Jetti lacks whatever changed with it"
_TOLD_IN_PART = "Jetti lacks what these lines or labels say, and loses nothing because of it"
_READ_AGAIN = "it is read again when it changes and by every sweep"
_HAS: dict[str, str] = {State.FAILED: "has failed", State.UNKNOWN: "has an unanswered write"}
_PURPOSES = {
    Purpose.EXIST: "to be there",
    Purpose.HOLD: "to be held",
    Purpose.CANCEL: "to be cancelled",
}
_WAY_OUT = f"{_READ_AGAIN}; read it at once with: reconciler run --return ID"


def render(details: ReturnDetails) -> str:
    """All returns, separated by blank lines."""
    known = ["\n".join(_lines(detail)) for detail in details.returns]
    return "\n\n".join([*known, *("\n".join(_nothing_of(row)) for row in details.not_understood)])


def _nothing_of(row: SetAside) -> Iterator[str]:
    """A row that was never understood, so nothing of it was pushed."""
    yield f"{describe_malformed(row)[:1].upper()}{describe_malformed(row)[1:]}"
    way_out = _WAY_OUT if row.return_id else _READ_AGAIN  # without its id it cannot be named
    yield line("next", "nothing of it was sent to Jetti; " + way_out)


def _lines(detail: ReturnDetail) -> Iterator[str]:
    seen = detail.seen
    why = f": {safe(detail.reason)}" if detail.reason else ""
    name = f"Return {safe(detail.return_id, 20)} on {order(seen.order_name, seen.order_id)}"
    yield f"{name} {_HAS.get(detail.state) or f'is {state(detail.state)}'}{why}"
    yield line("next", safe(detail.next))
    for remark in detail.remarks:
        yield line("note", safe(remark))
    if detail.due_since:
        yield line("due since", moment(detail.due_since))
    yield from _not_understood(detail)
    yield ""
    yield from _seen(detail)
    yield from _wanted(detail)
    yield from _pushed(detail)
    yield from _writes(detail)
    yield from _attempts(detail)


def _not_understood(detail: ReturnDetail) -> Iterator[str]:
    row = detail.not_understood
    if row is None:
        return
    yield ""
    since = f"since {moment(row.first_seen)}, last seen {moment(row.last_seen)}"
    newer = "a part of what Loop says" if row.is_partial else "a newer version in Loop"
    yield f"{newer} is not understood, {since}"
    yield f"  {safe(row.problem, 500)}"
    yield f"  {_TOLD_IN_PART if row.is_partial else _NOT_TOLD}; {_WAY_OUT}"
    yield "  of what was understood, Jetti still lacks" + ("" if detail.lacks else " nothing")
    for field in detail.lacks:
        yield f"    {safe(field.field, 60)}: {value(field.before)} -> {value(field.after)}"


def _seen(detail: ReturnDetail) -> Iterator[str]:
    seen = detail.seen
    outcomes = "+".join(safe(outcome, 30) for outcome in seen.outcomes) or "no outcome"
    yield "seen in Loop"
    yield f"  {safe(seen.state, 20)}, {outcomes}, order id {safe(seen.order_id or '-', 30)}"
    yield f"  created {moment(seen.created_at)}, updated {moment(seen.updated_at)}"
    for one in seen.lines:
        yield f"  line {_line(one)}"
    for parcel in seen.parcels:
        yield f"  parcel {_parcel(parcel)}"


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


def _wanted(detail: ReturnDetail) -> Iterator[str]:
    wanted = detail.wanted
    changed = f", since {moment(detail.changed_at)}" if detail.changed_at else ""
    yield ""
    yield "wanted in Jetti" + changed
    status = f"status {safe(wanted.status, 20)} unless a parcel is further along"
    yield f"  {_PURPOSES[wanted.purpose]}, {status}"
    for one in wanted.lines:
        yield f"  {_wanted_line(one)}"
    for parcel in wanted.parcels:
        yield f"  {_wanted_parcel(parcel)}"


def _wanted_line(one: WantedLine) -> str:
    reason = f", reason {safe(one.reason_code, 40)}" if one.reason_code else ""
    return f"order line {safe(one.order_line_id, 20)}: quantity {one.quantity}{reason}"


def _wanted_parcel(parcel: WantedParcel) -> str:
    return (
        f"parcel {safe(parcel.carrier or '-', 30)} {safe(parcel.tracking_number or '-', 60)}:"
        f" status {value(parcel.status)}, tracking {value(parcel.tracking_status)}"
    )


def _pushed(detail: ReturnDetail) -> Iterator[str]:
    yield ""
    if not detail.pushed:
        yield "in Jetti: nothing of ours"
        return
    left = detail.left
    upto = "" if detail.pushed_fingerprint != detail.fingerprint else " (all that is wanted)"
    if left.fields or left.reasons:
        upto = " (all that is wanted but what was left)"
    yield f"in Jetti, as last pushed{upto}"
    for sale_return in detail.pushed:
        yield from _sale_return(sale_return)
    if left.fields or left.reasons:
        yield ""
        yield "left by the last push: last pushed -> wanted"
    for field in left.fields:
        yield f"  {safe(field.field, 60)}: {value(field.before)} -> {value(field.after)}"
    for reason in left.reasons:
        yield f"  {safe(reason)}"


def _sale_return(sale_return: SaleReturn) -> Iterator[str]:
    name = f"sale return {safe(sale_return.reference, 40)} (id {sale_return.id})"
    yield f"  {name} of sale {sale_return.sale_id}: {_fields(sale_return.fields)}"
    for item in sale_return.items:
        yield (
            f"    item {item.id}, order line {safe(item.order_line_id, 20)}: {_fields(item.fields)}"
        )


def _fields(fields: Fields) -> str:
    shown = (f"{safe(name, 40)} {value(content)}" for name, content in sorted(fields.items()))
    return ", ".join(shown) or "-"


def _writes(detail: ReturnDetail) -> Iterator[str]:
    if not detail.writes:
        return
    yield ""
    yield "writes, each recorded before it was sent"
    for sent in detail.writes:
        yield f"  {moment(sent.at)}  {_sent(sent)}"


def _sent(sent: PastWrite) -> str:
    items = (
        f" of sale items {', '.join(map(str, sent.sale_item_ids))}" if sent.sale_item_ids else ""
    )
    fields = f" {_fields(sent.fields)}" if sent.fields else ""
    outcome = safe(sent.outcome, 60) if sent.outcome else f"open, settles {moment(sent.settle_at)}"
    return f"{safe(sent.operation, 30)} {sent.target_id}{items}{fields}: {outcome}"


def _attempts(detail: ReturnDetail) -> Iterator[str]:
    if not detail.attempts:
        return
    yield ""
    yield "requests and answers"
    for attempt in detail.attempts:
        yield f"  {moment(attempt.at)}  {_attempt(attempt)}"


def _attempt(attempt: Attempt) -> str:
    status = f" ({attempt.status})" if attempt.status is not None else ""
    detail = f": {safe(attempt.detail)}" if attempt.detail else ""
    name = f"{attempt.operation.value} {attempt.target_id}"
    return f"{name}: {safe(attempt.answer, 60)}{status}{detail}"
