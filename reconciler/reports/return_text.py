"""The answer of `show` for people: the whole story of a return."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.model import Fields, Line, Parcel, SaleReturn, WantedLine, WantedParcel
from reconciler.core.plain import plain
from reconciler.core.ports import Attempt
from reconciler.core.report import NotUnderstood
from reconciler.core.return_detail import ReturnDetail, ReturnDetails, Sent
from reconciler.reports.wording import aside, line, moment, order, value

_NOT_TOLD = "Jetti lacks whatever changed with it"
_TOLD_IN_PART = "Jetti lacks what these lines or labels say, and loses nothing for that reason"
_READ_AGAIN = "read again when it changes and by every sweep"
_WAY_OUT = f"{_READ_AGAIN}; at once by: reconciler run --return ID"


def render(stories: ReturnDetails) -> str:
    """One story after the other."""
    told = ["\n".join(_lines(story)) for story in stories.returns]
    return "\n\n".join([*told, *("\n".join(_nothing_of(row)) for row in stories.not_understood)])


def _nothing_of(row: NotUnderstood) -> Iterator[str]:
    """Of a return that Jetti cannot have been told of."""
    yield f"{aside(row)[:1].upper()}{aside(row)[1:]}"
    way_out = _WAY_OUT if row.return_id else _READ_AGAIN  # without its id nobody can ask for it
    yield line("next", "Jetti was told nothing of it; " + way_out)


def _lines(story: ReturnDetail) -> Iterator[str]:
    seen = story.seen
    why = f": {plain(story.reason)}" if story.reason else ""
    name = f"Return {plain(story.return_id, 20)} on {order(seen.order_name, seen.order_id)}"
    yield f"{name} is {plain(story.state, 20)}{why}"
    yield line("next", plain(story.next))
    for remark in story.remarks:
        yield line("note", plain(remark))
    if story.due_since:
        yield line("due since", moment(story.due_since))
    yield from _not_understood(story)
    yield ""
    yield from _seen(story)
    yield from _wanted(story)
    yield from _pushed(story)
    yield from _writes(story)
    yield from _attempts(story)


def _not_understood(story: ReturnDetail) -> Iterator[str]:
    row = story.not_understood
    if row is None:
        return
    yield ""
    since = f"since {moment(row.first_seen)}, last seen {moment(row.last_seen)}"
    newer = "a part of what Loop says" if row.is_partial else "a newer version in Loop"
    yield f"{newer} is not understood, {since}"
    yield f"  {plain(row.problem, 500)}"
    yield f"  {_TOLD_IN_PART if row.is_partial else _NOT_TOLD}; {_WAY_OUT}"
    yield "  of what was understood, Jetti still lacks" + ("" if story.lacks else " nothing")
    for field in story.lacks:
        yield f"    {plain(field.field, 60)}: {value(field.before)} -> {value(field.after)}"


def _seen(story: ReturnDetail) -> Iterator[str]:
    seen = story.seen
    outcomes = "+".join(plain(outcome, 30) for outcome in seen.outcomes) or "no outcome"
    yield "seen in Loop"
    yield f"  {plain(seen.state, 20)}, {outcomes}, order id {plain(seen.order_id or '-', 30)}"
    yield f"  created {moment(seen.created_at)}, updated {moment(seen.updated_at)}"
    for one in seen.lines:
        yield f"  line {_line(one)}"
    for parcel in seen.parcels:
        yield f"  parcel {_parcel(parcel)}"


def _line(one: Line) -> str:
    named = f"{plain(one.sku or '-', 40)} {plain(one.title or '-', 60)}"
    reason = f" ({plain(one.reason, 60)})" if one.reason else ""
    return f"{plain(one.id, 20)}: order line {plain(one.order_line_id, 20)} {named}{reason}"


def _parcel(parcel: Parcel) -> str:
    return (
        f"{plain(parcel.carrier or '-', 30)} {plain(parcel.tracking_number or '-', 60)}:"
        f" {plain(parcel.label_status or 'no label', 30)}"
        + (f", since {moment(parcel.updated_at)}" if parcel.updated_at else "")
    )


def _wanted(story: ReturnDetail) -> Iterator[str]:
    wanted = story.wanted
    changed = f", since {moment(story.changed_at)}" if story.changed_at else ""
    yield ""
    yield "wanted in Jetti" + changed
    yield f"  {wanted.purpose.value}, status {plain(wanted.status, 20)} where no parcel says more"
    for one in wanted.lines:
        yield f"  {_wanted_line(one)}"
    for parcel in wanted.parcels:
        yield f"  {_wanted_parcel(parcel)}"


def _wanted_line(one: WantedLine) -> str:
    reason = f", reason {plain(one.reason_code, 40)}" if one.reason_code else ""
    return f"order line {plain(one.order_line_id, 20)}: quantity {one.quantity}{reason}"


def _wanted_parcel(parcel: WantedParcel) -> str:
    return (
        f"parcel {plain(parcel.carrier or '-', 30)} {plain(parcel.tracking_number or '-', 60)}:"
        f" status {value(parcel.status)}, tracking {value(parcel.tracking_status)}"
    )


def _pushed(story: ReturnDetail) -> Iterator[str]:
    yield ""
    if not story.pushed:
        yield "in Jetti: nothing of ours"
        return
    upto = " (all that is wanted)" if story.pushed_fingerprint == story.fingerprint else ""
    yield f"in Jetti, as last pushed{upto}"
    for sale_return in story.pushed:
        yield from _sale_return(sale_return)


def _sale_return(sale_return: SaleReturn) -> Iterator[str]:
    name = f"sale return {plain(sale_return.reference, 40)} (id {sale_return.id})"
    yield f"  {name} of sale {sale_return.sale_id}: {_fields(sale_return.fields)}"
    for item in sale_return.items:
        yield (
            f"    item {item.id}, order line {plain(item.order_line_id, 20)}:"
            f" {_fields(item.fields)}"
        )


def _fields(fields: Fields) -> str:
    told = (f"{plain(name, 40)} {value(content)}" for name, content in sorted(fields.items()))
    return ", ".join(told) or "-"


def _writes(story: ReturnDetail) -> Iterator[str]:
    if not story.writes:
        return
    yield ""
    yield "writes announced in the ledger"
    for sent in story.writes:
        yield f"  {moment(sent.at)}  {_sent(sent)}"


def _sent(sent: Sent) -> str:
    items = (
        f" of sale items {', '.join(map(str, sent.sale_item_ids))}" if sent.sale_item_ids else ""
    )
    fields = f" {_fields(sent.fields)}" if sent.fields else ""
    outcome = plain(sent.outcome, 60) if sent.outcome else f"open, settles {moment(sent.settle_at)}"
    return f"{plain(sent.operation, 30)} {sent.target_id}{items}{fields}: {outcome}"


def _attempts(story: ReturnDetail) -> Iterator[str]:
    if not story.attempts:
        return
    yield ""
    yield "requests and answers"
    for attempt in story.attempts:
        yield f"  {moment(attempt.at)}  {_attempt(attempt)}"


def _attempt(attempt: Attempt) -> str:
    status = f" ({attempt.status})" if attempt.status is not None else ""
    detail = f": {plain(attempt.detail)}" if attempt.detail else ""
    name = f"{attempt.operation.value} {attempt.target_id}"
    return f"{name}: {plain(attempt.answer, 60)}{status}{detail}"
