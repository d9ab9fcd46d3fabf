"""What can be done to a return in Loop, and which times it moves (loop.md#return-actions,
#remove-action)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from tests.sandbox.loop_shop import NOON

BEFORE = NOON - timedelta(minutes=10)


def test_a_new_return_is_open_without_a_label(shop):
    one = shop.submit()

    assert (one.state, one.labels, one.edited_at) == ("open", (), None)
    assert one.created_at == one.updated_at == BEFORE


@pytest.mark.parametrize("move", ["touch", "close", "process"])
def test_moves_of_the_return_bump_updated_at_alone(shop, move):
    one = shop.submit()
    moves = {
        "touch": lambda: shop.store.touch(one.id),
        "close": lambda: shop.store.set_state(one.id, "closed"),
        "process": lambda: shop.store.process(one.id),
    }

    moves[move]()

    after = shop.store.get(one.id)
    assert (after.created_at, after.updated_at, after.edited_at) == (BEFORE, NOON, None)


def edits(shop, one):
    return {
        "edit": lambda: shop.store.edit(one.id, type="warranty"),
        "edit_line": lambda: shop.store.edit_line(one.id, one.lines[0].id, sku="NEW"),
        "add_line": lambda: shop.store.add_line(one.id, shop.order().lines[0]),
        "remove_line": lambda: shop.store.remove_line(one.id, one.lines[0].id),
    }


@pytest.mark.parametrize("edit", ["edit", "edit_line", "add_line", "remove_line"])
def test_edits_bump_both_times_or_leave_updated_at_behind(shop, edit):
    one, other = shop.submit(lines=2), shop.submit(lines=2)
    edits(shop, one)[edit]()
    assert shop.store.get(one.id).updated_at == shop.store.get(one.id).edited_at == NOON

    shop.switches.edits_bump = False
    edits(shop, other)[edit]()

    assert shop.store.get(other.id).edited_at == NOON
    assert shop.store.get(other.id).updated_at == BEFORE


def test_label_changes_bump_updated_at_or_do_not(shop):
    one, other = shop.submit(), shop.submit()
    shop.store.label(one.id, at=NOON - timedelta(minutes=5))
    assert shop.store.get(one.id).updated_at == NOON - timedelta(minutes=5)
    shop.store.move_label(one.id, "in_transit")
    assert shop.store.get(one.id).updated_at == NOON

    shop.switches.label_changes_bump = False
    shop.store.label(other.id)
    shop.store.move_label(other.id, "in_transit")

    after = shop.store.get(other.id)
    assert after.updated_at == BEFORE
    assert (after.labels[0].status, after.labels[0].updated_at) == ("in_transit", NOON)


def test_labels_move_one_by_one_and_have_numbers_of_their_own(shop):
    one = shop.submit(lines=2)
    shop.store.label(one.id, line_ids=(one.lines[0].id,))
    shop.store.label(one.id, line_ids=(one.lines[1].id,))

    shop.store.move_label(one.id, "delivered", parcel=1)

    first, second = shop.store.get(one.id).labels
    assert (first.status, second.status) == ("new", "delivered")
    assert first.tracking_number != second.tracking_number
    assert first.line_ids == (one.lines[0].id,)


def test_removing_a_line_takes_it_out_of_its_parcel_and_the_last_one_cancels(shop):
    one = shop.submit(lines=2)
    shop.store.label(one.id)

    shop.store.remove_line(one.id, one.lines[0].id)

    assert shop.store.get(one.id).state == "open"
    assert shop.store.get(one.id).labels[0].line_ids == (one.lines[1].id,)
    assert shop.store.remove_line(one.id, one.lines[1].id).state == "cancelled"
    with pytest.raises(KeyError):
        shop.store.remove_line(one.id, one.lines[1].id)


def test_a_line_that_is_not_there_cannot_be_edited(shop):
    one = shop.submit()

    with pytest.raises(KeyError):
        shop.store.edit_line(one.id, "1", sku="NEW")


def test_a_return_can_name_some_units_of_some_lines(shop):
    order = shop.order(lines=3, quantity=3)

    one = shop.store.add_return(order, {order.lines[1].order_line_id: 2})

    assert [line.order_line_id for line in one.lines] == [order.lines[1].order_line_id] * 2


def test_parts_of_a_bundle_come_back_as_the_bundle(shop):
    order = shop.order(lines=3)
    part = replace(order.lines[2], bundle_of=order.lines[1].order_line_id)
    order = replace(order, lines=(*order.lines[:2], part))

    one = shop.store.add_return(order)

    assert len(one.lines) == 2


def test_ids_never_repeat_also_after_rows_from_elsewhere(shop):
    given = shop.submit(id="31000500")

    assert int(shop.submit().id) == 31_000_501
    assert given.id == "31000500"
    assert shop.submit().lines[0].id != given.lines[0].id


def test_a_removed_return_is_gone_from_list_and_details(shop):
    one = shop.submit()

    shop.store.remove(one.id)

    assert shop.list().ids == []
    assert "error" in shop.details(return_id=one.id).json


def test_a_return_may_lack_the_shops_order_id_and_more(shop):
    shop.submit(provider_order_id=None, customer=None, currency=None, outcome=None)

    row = shop.list().rows[0]

    assert row["provider_order_id"] is row["customer"] is row["currency"] is row["outcome"] is None


def test_the_state_can_be_dumped(shop):
    one = shop.submit()

    dump = shop.store.to_json()

    assert dump["shop"] == "canary-market"
    assert [row["id"] for row in dump["returns"]] == [one.id]
