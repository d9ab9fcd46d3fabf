"""What Jetti shows, turned into what the ledger knows."""

from __future__ import annotations

import pytest

from reconciler.core.matching.baseline import took_effect
from reconciler.core.model import Operation, Write
from tests.core.samples import an_entry, an_intent, as_shown, pushed, pushed_item

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
