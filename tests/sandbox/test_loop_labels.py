"""What may become of labels: regenerated, voided, untied, numbered late
(loop.md#label-regeneration, #labels-per-return)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.sandbox.loop_shop import NOON


def labelled(shop, lines=1, **how):
    one = shop.submit(lines=lines)
    return shop.store.label(one.id, at=NOON - timedelta(minutes=5), **how)


def labels(shop, one):
    return shop.store.get(one.id).labels


def shown(shop, one):
    """The labels as the list shows them."""
    return next(row["labels"] for row in shop.page(750).rows if row["id"] == one.id)


@pytest.mark.covers("R2")
@pytest.mark.parametrize("status", ["new", "pre_transit"])
def test_a_regenerated_label_stays_as_it_was(shop, status):
    one = labelled(shop, status=status)
    old = one.labels[0]

    shop.store.regenerate_label(one.id)

    kept, new = labels(shop, one)
    assert kept == old
    assert (new.status, new.updated_at, new.line_ids) == ("new", NOON, old.line_ids)
    assert new.tracking_number != old.tracking_number


def test_or_stays_voided(shop):
    shop.switches.regenerated_label_status = "cancelled"
    one = labelled(shop)

    shop.store.regenerate_label(one.id)

    assert [label.status for label in labels(shop, one)] == ["cancelled", "new"]
    assert labels(shop, one)[0].updated_at == NOON


def test_or_goes(shop):
    shop.switches.regenerated_label = "goes"
    one = labelled(shop)

    shop.store.regenerate_label(one.id)

    assert [label.status for label in labels(shop, one)] == ["new"]
    assert labels(shop, one)[0].tracking_number != one.labels[0].tracking_number


@pytest.mark.parametrize("old_one", ["stays", "goes"])
def test_no_number_is_given_twice(shop, old_one):
    shop.switches.regenerated_label = old_one
    one = labelled(shop, numbered=False)
    numbers = set()

    for _ in range(3):
        shop.store.number_label(one.id)
        numbers.add(labels(shop, one)[0].tracking_number)
        shop.store.regenerate_label(one.id)
        numbers.add(labels(shop, one)[-1].tracking_number)

    assert len(numbers) == 6


@pytest.mark.parametrize("status", ["in_transit", "delivered", "cancelled"])
def test_a_label_that_was_used_or_voided_cannot_be_regenerated(shop, status):
    one = labelled(shop, status=status)

    with pytest.raises(ValueError, match=status):
        shop.store.regenerate_label(one.id)


def test_regenerating_bumps_updated_at_or_does_not(shop):
    one, other = labelled(shop), labelled(shop)
    assert shop.store.regenerate_label(one.id).updated_at == NOON

    shop.switches.label_changes_bump = False

    assert shop.store.regenerate_label(other.id).updated_at == NOON - timedelta(minutes=5)
    assert shop.store.number_label(other.id).updated_at == NOON - timedelta(minutes=5)


def test_there_may_be_more_labels_than_lines(shop):
    one = labelled(shop)
    shop.store.label(one.id)
    shop.store.label(one.id, carrier="UPS")

    found = shown(shop, one)

    assert len({label["tracking_number"] for label in found}) == 3
    assert len({tuple(label["line_items"]) for label in found}) == 1


@pytest.mark.parametrize(("form", "expected"), [("empty", []), ("null", None)])
def test_a_label_may_be_tied_to_no_line(shop, form, expected):
    one = labelled(shop, line_ids=())
    tied = labelled(shop)
    shown(shop, one)

    shop.switches.untied_label = form

    assert shown(shop, one)[0]["line_items"] == expected
    assert shown(shop, tied)[0]["line_items"] == [int(tied.lines[0].id)]


def test_a_number_may_arrive_later_and_until_then_nothing_is_spelled_in_three_ways(shop):
    found = [labelled(shop, numbered=False) for _ in range(3)]
    spelled = [shown(shop, one)[0]["tracking_number"] for one in found]
    assert sorted(spelled, key=str) == ["", "N/A", None]

    shop.store.number_label(found[0].id)
    shop.store.number_label(found[1].id, "PREPRINTED-1")

    assert shown(shop, found[0])[0]["tracking_number"].isdecimal()
    assert shown(shop, found[1])[0]["tracking_number"] == "PREPRINTED-1"
    assert labels(shop, found[1])[0].updated_at == NOON


def test_the_returns_own_number_is_n_a_until_the_labels_arrives(shop):
    one = labelled(shop, numbered=False)
    own = {row["id"]: row["tracking_number"] for row in shop.page(750).rows}

    assert own[one.id] == "N/A"
    assert "canary" in shown(shop, one)[0]["url"]


@pytest.mark.parametrize("word", ["cancelled", "return_to_sender", "Lost in the post"])
def test_a_label_takes_any_word(shop, word):
    one = labelled(shop)

    shop.store.move_label(one.id, word)

    assert shown(shop, one)[0]["status"] == word


def test_an_expired_return_may_be_scanned_late(shop):
    one = labelled(shop)
    shop.store.set_state(one.id, "expired")

    shop.store.move_label(one.id, "in_transit")

    after = shop.store.get(one.id)
    assert (after.state, after.labels[0].status) == ("expired", "in_transit")
