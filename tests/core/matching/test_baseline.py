"""What Jetti shows, turned into what the ledger knows."""

from __future__ import annotations

import pytest

from reconciler.core.matching.baseline import landed_puts, of_marked, took_effect
from reconciler.core.model import Operation, Write
from tests.core.samples import (
    ITEM_IDS,
    an_entry,
    an_intent,
    as_shown,
    pushed,
    pushed_item,
    sale_item,
    shown,
)

KNOWN = pushed(pushed_item("A", 1), pushed_item("B", 2), status="shipped", notes=None)
STATUS = Operation.UPDATE_SALE_RETURN
ITEM = Operation.UPDATE_ITEM


@pytest.mark.parametrize(
    ("puts", "effective"),
    [
        ([], True),
        ([(STATUS, 21, {"status": "shipped"})], True),
        ([(STATUS, 21, {"status": "shipped", "notes": None})], True),
        ([(STATUS, 21, KNOWN.fields)], True),
        ([(STATUS, 21, {"status": "received"})], False),
        ([(STATUS, 21, {"status": "shipped", "notes": "x"})], False),
        ([(STATUS, 22, {"status": "shipped"})], False),
        ([(STATUS, 101, {"quantity": 1})], False),
        ([(ITEM, 101, {"quantity": 1})], True),
        ([(ITEM, 101, {"quantity": 2})], False),
        ([(ITEM, 102, {"quantity": 2}), (STATUS, 21, {"status": "shipped"})], True),
        ([(ITEM, 102, {"quantity": 2}), (STATUS, 21, {"status": "received"})], False),
        ([(ITEM, 21, {"status": "shipped"})], False),
    ],
)
def test_puts_have_landed_when_jetti_shows_all_that_they_were_to_set(puts, effective):
    writes = [Write(operation, target, fields=fields) for operation, target, fields in puts]
    entry = an_entry(intents=(an_intent(), *(an_intent(write=write) for write in writes)))

    assert took_effect(entry, {21: as_shown(KNOWN)}) is effective


@pytest.mark.parametrize(
    ("put", "landed"),
    [
        ((STATUS, 21, {"status": "shipped", "notes": "x"}), {"status": "shipped"}),
        ((STATUS, 21, {"notes": None}), {"notes": None}),
        ((STATUS, 21, {"status": "received"}), None),
        ((ITEM, 102, {"quantity": 2, "externalId": "x"}), {"quantity": 2}),
        ((STATUS, 22, {"status": "shipped"}), None),
        ((ITEM, 21, {"quantity": 2}), None),
    ],
)
def test_of_an_unanswered_put_those_fields_have_landed_that_jetti_shows(put, landed):
    operation, target, fields = put
    sent = Write(operation, target, fields=fields)
    entry = an_entry(sale_returns=(KNOWN,), intents=(an_intent(), an_intent(write=sent)))

    shown = {21: as_shown(KNOWN), 22: as_shown(pushed(id=22, status="shipped"))}

    assert landed_puts(entry, shown) == (
        [] if landed is None else [Write(operation, target, fields=landed)]
    )


def test_of_a_put_to_what_jetti_does_not_show_nothing_has_landed():
    sent = Write(STATUS, 21, fields={"status": "shipped"})
    entry = an_entry(sale_returns=(KNOWN,), intents=(an_intent(write=sent),))

    assert landed_puts(entry, {}) == []


def test_what_is_taken_over_names_the_vendors_of_its_goods_once_each():
    row = shown(30, {"A": 1, "B": 2, "C": 1})
    whose = {"A": 8, "B": 3, "C": 8}
    items = {ITEM_IDS[line]: sale_item(line, vendor_id=id_) for line, id_ in whose.items()}

    assert of_marked(row, items).vendors == (3, 8)
    in_house = {ITEM_IDS["A"]: sale_item("A", vendor_id=None)}
    assert of_marked(row, in_house).vendors == of_marked(row, {}).vendors == ()
