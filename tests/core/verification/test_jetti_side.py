"""Whose edit it is: a write of ours that is lost, or what someone has set."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.core.diff import Live, ReasonCodes, as_pushed, diff_of
from reconciler.core.matching.result import NeedsReview
from reconciler.core.matching.snapshot import LiveItem, LiveSaleReturn
from reconciler.core.model import (
    Entry,
    IntentOutcome,
    Item,
    Operation,
    OwnedField,
    Purpose,
    SaleReturn,
    State,
)
from reconciler.core.owned_fields import OWNED, OWNED_OF_ITEM
from reconciler.core.records import PastWrite
from reconciler.core.verification.jetti_side import compare, split, without_lost
from tests.core.samples import (
    NOON,
    an_entry,
    as_shown,
    pushed,
    shown,
    wanted_line,
    wanted_parcel,
    wants,
)
from tests.core.strategies import entries_and_held

SALE_RETURN, ITEM = Operation.UPDATE_SALE_RETURN, Operation.UPDATE_ITEM


def put(operation: Operation, target: int, outcome=IntentOutcome.APPLIED, **fields: Any):
    named = {OwnedField(name): value for name, value in fields.items()}
    return PastWrite(NOON, operation, target, (), named, NOON, outcome)


def synced() -> tuple[Entry, list[PastWrite]]:
    """A return of two lines in a parcel, pushed to the end, and the writes that did it."""
    wanted = wants(wanted_line("A", 2), wanted_line("B", 1), parcels=(wanted_parcel("shipped"),))
    made = SaleReturn(
        21,
        "1001-21",
        10,
        None,
        dict.fromkeys(OWNED) | {OwnedField.STATUS: "requested"},
        tuple(
            Item(100 + n, n, line, dict.fromkeys(OWNED_OF_ITEM) | {OwnedField.QUANTITY: 0})
            for n, line in ((1, "A"), (2, "B"))
        ),
    )
    entry = an_entry(wanted, sale_returns=(made,), state=State.SYNCED)
    entry = replace(entry, pushed_fingerprint=entry.fingerprint)
    diff = diff_of(entry, (made,), {21: as_pushed(made)}, ReasonCodes())
    assert not isinstance(diff, NeedsReview)
    writes = [put(w.operation, w.target_id, **w.fields) for w in diff.writes]
    fields, items = dict(made.fields), {item.id: dict(item.fields) for item in made.items}
    for write in writes:
        (fields if write.operation is SALE_RETURN else items[write.target_id]).update(write.fields)
    done = replace(
        made, fields=fields, items=tuple(replace(i, fields=items[i.id]) for i in made.items)
    )
    return replace(entry, sale_returns=(done,)), writes


ENTRY, WRITES = synced()
[KNOWN] = ENTRY.sale_returns
OURS = {(w.operation, w.target_id, name) for w in WRITES for name in w.fields}
STATUS = (SALE_RETURN, 21, OwnedField.STATUS)


def in_jetti(changed: dict[Any, Any]) -> LiveSaleReturn:
    """What was pushed, but for these places."""
    row = as_shown(KNOWN, **{p[2]: v for p, v in changed.items() if p[0] is SALE_RETURN})
    return replace(
        row,
        items=tuple(
            replace(
                item,
                fields=item.fields
                | {p[2]: v for p, v in changed.items() if p[0] is ITEM and p[1] == item.id},
            )
            for item in row.items
        ),
    )


def live_of(row: LiveSaleReturn) -> dict[int, Live]:
    return {row.id: Live(row.fields, {item.id: item.fields for item in row.items})}


FATES = st.fixed_dictionaries(
    {
        place: st.sampled_from(["same", "nothing", "earlier", "edited"])
        for place in sorted(OURS - {STATUS})
    }
)


@given(fates=FATES, status=st.sampled_from(["same", "back", "further", "ended"]))
def test_every_field_is_called_what_happened_to_it_and_only_ours_is_written_again(fates, status):
    history, changed = list(WRITES), {}
    for (operation, target, name), fate in fates.items():
        is_number = name is OwnedField.QUANTITY
        if fate == "earlier":
            before = 7 if is_number else "before"
            history.insert(0, put(operation, target, **{name: before}))
            changed[operation, target, name] = before
        elif fate != "same":
            theirs = 9 if is_number else "theirs"
            nothing = 0 if is_number else None
            changed[operation, target, name] = nothing if fate == "nothing" else theirs
    shows = {"same": "shipped", "back": "requested", "further": "received", "ended": "cancelled"}
    changed[STATUS] = shows[status]
    row = in_jetti(changed)

    found = compare(ENTRY, [row])
    lost, edited = split(found.unlike, history)

    expected_lost = {p for p, fate in fates.items() if fate in ("nothing", "earlier")}
    expected_edited = {p for p, fate in fates.items() if fate == "edited"}
    if status == "ended":
        expected_lost, expected_edited = set(), {STATUS}
    elif status == "back":
        expected_lost.add(STATUS)
    assert {one.place for one in lost} == expected_lost
    assert {one.place for one in edited} == expected_edited
    assert found.moved_on == (status == "further")

    # And a repair writes just what is lost, with what was pushed; what someone has set stays.
    again = replace(ENTRY, sale_returns=without_lost(ENTRY, lost))
    diff = diff_of(again, again.sale_returns, live_of(row), ReasonCodes())
    if isinstance(diff, NeedsReview):
        assert "received" in diff.reason, "quantities are not written any more"
        return
    written = {(w.operation, w.target_id, n): v for w in diff.writes for n, v in w.fields.items()}
    assert written.keys() == expected_lost
    last = {(w.operation, w.target_id, n): v for w in WRITES for n, v in w.fields.items()}
    assert written == {place: last[place] for place in expected_lost}


@given(entries_and_held())
def test_what_jetti_shows_as_it_was_pushed_is_no_difference(drawn):
    entry, _ = drawn

    found = compare(entry, [as_shown(known) for known in entry.sale_returns])

    assert (found.unlike, found.deleted, found.deleted_items, found.surplus) == ((), (), (), ())


@given(entries_and_held())
def test_what_differs_is_neither_as_pushed_nor_as_a_push_would_leave_it(drawn):
    entry, held = drawn
    rows = [
        replace(
            as_shown(known),
            fields=held[known.id].fields,
            items=tuple(
                LiveItem(item.id, known.id, item.sale_item_id, held[known.id].items[item.id])
                for item in known.items
            ),
        )
        for known in entry.sale_returns
    ]

    found = compare(entry, rows)

    for one in found.unlike:
        assert one.pushed != one.live
        known = next(k for k in entry.sale_returns if k.id == one.sale_return_id)
        was = known.fields if one.place[0] is SALE_RETURN else _item(known, one.place[1]).fields
        assert was[one.place[2]] != one.live
    lost, edited = split(found.unlike, ())
    assert lost == (), "of what we never wrote nothing can be lost"
    assert {one.place for one in found.unlike} - {one.place for one in edited} == {
        one.place for one in found.unlike if one.pushed is None
    }


def _item(known: SaleReturn, item_id: int) -> Item:
    [item] = [item for item in known.items if item.id == item_id]
    return item


@pytest.mark.parametrize(
    ("last", "live", "whose"),
    [
        ("requested", "finalized", "moved on"),
        ("shipped", "received", "moved on"),
        ("shipped", "requested", "lost"),
        ("shipped", "draft", "lost"),
        ("shipped", "finalized", "edited"),
        ("shipped", "cancelled", "edited"),
        ("cancelled", "requested", "lost"),
        ("cancelled", "received", "edited"),
    ],
)
def test_a_status_that_differs(last, live, whose):
    wanted = wants(purpose=Purpose.CANCEL) if last == "cancelled" else wants(status=last)
    entry = an_entry(wanted, sale_returns=(pushed(status=last),), state=State.SYNCED)
    history = [put(SALE_RETURN, 21, status=last)]

    found = compare(entry, [as_shown(pushed(status=last), status=live)])
    lost, edited = split(found.unlike, history)

    assert (bool(lost), bool(edited), bool(found.moved_on)) == (
        whose == "lost",
        whose == "edited",
        whose == "moved on",
    )


@pytest.mark.parametrize("outcome", [None, IntentOutcome.NOT_SENT, IntentOutcome.NOT_TAKEN])
def test_what_never_took_effect_was_not_there_before(outcome):
    entry = an_entry(sale_returns=(pushed(trackingNumber="9400"),), state=State.SYNCED)
    history = [
        put(SALE_RETURN, 21, outcome, trackingNumber="8000"),
        put(SALE_RETURN, 21, trackingNumber="9400"),
    ]

    found = compare(entry, [as_shown(entry.sale_returns[0], trackingNumber="8000")])
    lost, edited = split(found.unlike, history)

    assert (lost, [one.live for one in edited]) == ((), ["8000"])


def test_what_a_push_has_left_as_someone_set_it_is_counted_apart():
    news = wants(parcels=(wanted_parcel("requested", tracking_number="NEW"),))
    known = pushed(
        trackingCompany="USPS", trackingNumber="OLD", trackingStatus="transit", status="requested"
    )
    entry = an_entry(news, sale_returns=(known,), state=State.SYNCED)
    row = as_shown(known, trackingNumber="MINE")

    as_left = compare(replace(entry, pushed_fingerprint=entry.fingerprint), [row])
    before = compare(entry, [row])

    assert (as_left.kept, as_left.unlike) == (1, ())
    assert (before.kept, [one.live for one in before.unlike]) == (0, ["MINE"])


def test_a_cancelled_one_that_a_push_has_left_is_counted_apart():
    news = wants(parcels=(wanted_parcel("shipped"),))
    entry = an_entry(news, sale_returns=(pushed(),), state=State.SYNCED)
    row = as_shown(pushed(), status="cancelled")

    left = compare(replace(entry, pushed_fingerprint=entry.fingerprint), [row])

    assert (left.kept, left.unlike) == (1, ())
    assert [one.live for one in compare(entry, [row]).unlike] == ["cancelled"]


def test_a_line_that_is_gone_hides_no_other_difference():
    entry = replace(ENTRY, state=State.SYNCED)
    row = in_jetti({(SALE_RETURN, 21, OwnedField.NOTES): "theirs"})
    row = replace(row, items=row.items[:1])

    found = compare(entry, [row])

    assert [item.order_line_id for _, item in found.deleted_items] == ["B"]
    assert [one.live for one in found.unlike] == ["theirs"]


def test_a_sale_return_that_is_gone_is_no_difference_once_it_was_cancelled():
    alive = an_entry(sale_returns=(pushed(),), state=State.SYNCED)
    ended = an_entry(sale_returns=(pushed(status="cancelled"),), state=State.SYNCED)

    assert [known.id for known in compare(alive, []).deleted] == [21]
    assert compare(ended, []).deleted == ()


@pytest.mark.parametrize(
    ("marker", "status", "is_surplus"),
    [("7001", "requested", True), ("7001", "cancelled", False), (None, "requested", False)],
)
def test_a_second_one_with_the_marker_is_named_while_it_lives(marker, status, is_surplus):
    entry = an_entry(sale_returns=(pushed(),), state=State.SYNCED)
    second = shown(22, {"A": 1}, marker=marker, status=status)

    found = compare(entry, [as_shown(pushed()), second])

    assert [row.id for row in found.surplus] == ([22] if is_surplus else [])
    assert found.has_living


def test_what_jetti_does_not_show_is_not_compared():
    entry = an_entry(sale_returns=(pushed(trackingNumber="9400"),), state=State.SYNCED)
    row = as_shown(entry.sale_returns[0])
    shows = {name: value for name, value in row.fields.items() if name != "trackingNumber"}

    assert compare(entry, [replace(row, fields=shows)]).unlike == ()
