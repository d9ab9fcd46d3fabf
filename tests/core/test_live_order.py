"""Whose each value and each sale return is, and what does not fit; judged beside what a push would
write, which decides in another way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from msgspec import UNSET
from msgspec.structs import replace

from reconciler.core.diff import Diff, Live, ReasonCodes, diff_of
from reconciler.core.live_order import (
    LiveOrder,
    LiveValue,
    Neighbours,
    Owner,
    SaleReturnNow,
    ValueOf,
    live_order,
)
from reconciler.core.matching.result import Matched, MatchResult
from reconciler.core.matching.snapshot import Disputed, LiveItem, LiveSaleReturn, OrderSnapshot
from reconciler.core.model import Entry, Operation, OwnedField, SaleReturn, State, Write
from tests.core import samples
from tests.core.strategies import entries_and_held

NOBODY = Neighbours((), frozenset())


def looked(
    entry: Entry,
    *rows: LiveSaleReturn,
    neighbours: Neighbours = NOBODY,
    result: MatchResult | None = None,
    **more: Any,
) -> LiveOrder:
    known = {one.id for one in entry.sale_returns}
    ours = tuple(row for row in rows if row.id in known or row.marker == entry.id)
    snapshot: OrderSnapshot = samples.a_snapshot(*rows, **({"ours": ours} | more))
    return live_order(entry, snapshot, result or Matched((), {}), neighbours, ReasonCodes())


def only(found: LiveOrder) -> SaleReturnNow:
    [one] = found.sale_returns
    return one


def value(found: SaleReturnNow, field: str) -> LiveValue:
    [one] = [one for one in found.values if one.field == field]
    return one


def synced(**fields: Any) -> Entry:
    return samples.an_entry(state=State.SYNCED, sale_returns=(samples.pushed(**fields),))


# -------------------------------------------------------------------------------- whose a value is


@given(entries_and_held())
def test_what_a_push_would_write_differs_and_what_it_would_leave_is_someone_s(
    drawn: tuple[Entry, dict[int, Live]],
) -> None:
    entry, held = drawn
    rows = [_row(known, held[known.id]) for known in entry.sale_returns]
    found = diff_of(entry, entry.sale_returns, held, ReasonCodes())
    if not isinstance(found, Diff):
        return

    shown = looked(entry, *rows)

    values = {
        (Operation.UPDATE_SALE_RETURN, one.id, each.field): each
        for one in shown.sale_returns
        for each in one.values
    } | {
        (Operation.UPDATE_ITEM, item.id, each.field): each
        for one in shown.sale_returns
        for item in one.items
        for each in item.values
    }
    for write in found.writes:
        for name, wanted in write.fields.items():
            each = values[write.operation, write.target_id, name]
            assert each.wanted == wanted
            assert each.differs or each.whose is ValueOf.NOT_SHOWN
    for edit in found.kept:
        edited = [
            each
            for (operation, id_, field), each in values.items()
            if field == edit.field and _reference(entry, operation, id_) == edit.reference
        ]
        assert any(each.whose is ValueOf.SOMEONE and each.differs for each in edited)


def _row(known: SaleReturn, live: Live) -> LiveSaleReturn:
    row = samples.as_shown(known)
    items = tuple(
        LiveItem(item.id, known.id, item.sale_item_id, live.items[item.id]) for item in known.items
    )
    return replace(row, fields=live.fields, items=items)


def _reference(entry: Entry, operation: Operation, id_: int) -> str | None:
    for known in entry.sale_returns:
        ids = [known.id] if operation is Operation.UPDATE_SALE_RETURN else [
            item.id for item in known.items
        ]  # fmt: skip
        if id_ in ids:
            return known.reference
    return None


@pytest.mark.parametrize(
    ("live", "sent", "whose", "differs"),
    [
        ("requested", None, ValueOf.OURS, False),
        ("received", None, ValueOf.SOMEONE, True),
        ("shipped", "shipped", ValueOf.OURS_UNANSWERED, True),
        ("received", "shipped", ValueOf.SOMEONE, True),
        ("requested", "shipped", ValueOf.OURS, False),
    ],
)
def test_whose_a_value_is(live: str, sent: str | None, whose: ValueOf, differs: bool) -> None:
    entry = synced()
    if sent is not None:
        put = Write(Operation.UPDATE_SALE_RETURN, 21, (), {OwnedField.STATUS: sent})
        entry = replace(entry, intents=(replace(samples.an_intent(), write=put),))

    status = value(only(looked(entry, samples.as_shown(samples.pushed(), status=live))), "status")

    assert (status.whose, status.differs) == (whose, differs)
    assert (status.live, status.last_pushed, status.wanted) == (live, "requested", "requested")


def test_a_field_that_jetti_does_not_show_is_nobody_s() -> None:
    row = samples.as_shown(samples.pushed())
    fields = {name: each for name, each in row.fields.items() if name != "notes"}

    notes = value(only(looked(synced(), replace(row, fields=fields))), "notes")

    assert (notes.whose, notes.live, notes.differs) == (ValueOf.NOT_SHOWN, UNSET, False)


def test_what_is_ours_by_its_marker_alone_was_pushed_by_nobody_that_is_known() -> None:
    row = samples.as_shown(samples.pushed())

    one = only(looked(samples.an_entry(), row))

    assert one.owner is Owner.OURS
    assert "the ledger does not know it" in one.why
    assert {each.whose for each in one.values} == {ValueOf.UNKNOWN}
    assert all(each.last_pushed is UNSET for each in one.values)


@pytest.mark.parametrize(
    ("field", "live", "is_withheld"),
    [
        ("notes", "Mrs Smith", True),
        ("notes", "Loop return 7001", False),
        ("notes", None, False),
        ("trackingUrl", "https://x.test/?mail=smith", True),
        ("externalId", "smith@x.test", True),
        ("externalId", "8802", False),
        ("trackingNumber", "1Z999", False),
    ],
)
def test_texts_of_people_are_withheld(field: str, live: str | None, is_withheld: bool) -> None:
    found = value(
        only(looked(synced(), samples.as_shown(samples.pushed(), **{field: live}))), field
    )

    assert found.is_withheld is is_withheld
    assert found.live == (f"a text of {len(live or '')} characters" if is_withheld else live)


# -------------------------------------------------------------------------- whose a sale return is


def known_as(other_id: str, *sale_returns: SaleReturn) -> Entry:
    return samples.an_entry(seen=samples.a_return(id=other_id), sale_returns=sale_returns)


def test_an_unmarked_one_that_the_ledger_knows_is_its_owner_s() -> None:
    other = known_as("7002", samples.pushed(id=30))
    row = samples.shown(30, {"A": 1})

    one = only(looked(samples.an_entry(), row, neighbours=Neighbours((other,), frozenset())))

    assert (one.owner, one.return_id) == (Owner.ANOTHER, "7002")
    assert one.values == ()


@pytest.mark.parametrize("is_known", [True, False])
def test_a_marker_of_another_return_is_named_and_whether_it_is_known(is_known: bool) -> None:
    known = frozenset({"7002"} if is_known else ())

    one = only(
        looked(
            samples.an_entry(),
            samples.shown(30, {"A": 1}, marker="7002"),
            neighbours=Neighbours((), known),
        )
    )

    assert (one.owner, one.return_id) == (Owner.ANOTHER, "7002")
    assert ("does not know" in one.why) is not is_known


def test_a_marker_and_the_ledger_may_disagree() -> None:
    other = known_as("7002", samples.pushed(id=30))
    row = samples.shown(30, {"A": 1}, marker="7003")

    one = only(looked(samples.an_entry(), row, neighbours=Neighbours((other,), frozenset())))

    assert (one.owner, one.return_id) == (Owner.ANOTHER, "7002")
    assert "return 7003" in one.why


def test_an_external_id_that_is_no_return_s_is_not_repeated() -> None:
    one = only(looked(samples.an_entry(), samples.shown(30, {"A": 1}, marker="smith@x.test")))

    assert (one.owner, one.return_id) == (Owner.ANOTHER, None)
    assert "smith" not in one.why


def test_one_that_somebody_decided_is_not_ours_is_not() -> None:
    entry = samples.an_entry(not_ours=(30,))

    one = only(looked(entry, samples.shown(30, {"A": 1}), ours=()))

    assert (one.owner, one.values) == (Owner.NOT_OURS, ())


def test_what_a_push_would_take_over_is_still_unmarked() -> None:
    row = samples.shown(30, {"A": 1})

    one = only(looked(samples.an_entry(), row, result=Matched((), {30: row}, adopted=(30,))))

    assert one.owner is Owner.UNMARKED
    assert "take it over" in one.why


# ------------------------------------------------------------------------------ what does not fit


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"A": 1}, ()),
        ({"A": 2}, ("holds 2 of order line A, of which this return wants 1",)),
        ({"A": 1, "B": 3}, ("holds 3 of order line B, of which this return wants none",)),
        ({"C": 1}, ()),
    ],
)
def test_units_that_do_not_fit_are_named(held: dict[str, int], said: tuple[str, ...]) -> None:
    one = only(looked(samples.an_entry(), samples.shown(30, held)))

    assert len(one.differences) == len(said)
    assert all(text in differs for text, differs in zip(said, one.differences, strict=True))


def test_lines_that_it_lacks_its_age_and_its_end_are_named() -> None:
    entry = samples.an_entry(samples.wants(samples.wanted_line("A"), samples.wanted_line("B")))
    row = replace(
        samples.shown(30, {"A": 1}, status="cancelled"),
        created_at=entry.seen.created_at - samples.DAY,
    )

    lacks, older, over = only(looked(entry, row)).differences

    assert "does not hold order line B" in lacks
    assert "before the return" in older
    assert "is cancelled" in over


def test_another_s_is_compared_by_the_units_that_both_want() -> None:
    row = samples.shown(30, {"A": 1, "B": 1}, marker="7002")

    [said] = only(looked(samples.an_entry(), row)).differences

    assert said == "it holds 1 of order line A, of which this return wants 1"


def test_the_lines_of_the_sale_show_what_is_left() -> None:
    items = (samples.sale_item("A", 5, returned=2, cancelled=1), samples.sale_item("B"))

    found = looked(samples.an_entry(samples.wants(samples.wanted_line("A", 3))), sale_items=items)

    assert [(line.order_line_id, line.left, line.wanted) for line in found.lines] == [
        ("A", 2, 3),
        ("B", 1, 0),
    ]


@pytest.mark.parametrize("is_disputed", [True, False])
def test_why_no_sale_is_the_order_is_told(is_disputed: bool) -> None:
    more: dict[str, Any] = {"order": Disputed("two sales")} if is_disputed else {"sales": ()}

    found = looked(samples.an_entry(), **more)

    assert found.problem == ("two sales" if is_disputed else "order #1001 is not in Jetti")
    assert not any(sale.is_order for sale in found.sales)
