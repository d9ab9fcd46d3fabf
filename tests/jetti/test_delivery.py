from __future__ import annotations

import signal
import socket
from contextlib import ExitStack
from datetime import timedelta

import msgspec
import pytest

from reconciler.core.model import Operation, State, Write
from reconciler.core.records import Attempt
from reconciler.errors import Interrupted, KeyRefused, LedgerError, SafetyStop, TargetUnavailable
from reconciler.jetti.delivery import Delivered, Delivery
from reconciler.jetti.responses import Classified, Meaning
from tests.jetti.workshop import SETTLE, Workshop
from tests.support.world import NOON

CREATE = Write(Operation.CREATE, 1, sale_item_ids=(1, 2))
PUT = Write(Operation.UPDATE_SALE_RETURN, 1, fields={"status": "shipped", "notes": None})
PUT_ITEM = Write(Operation.UPDATE_ITEM, 1, fields={"quantity": 2})
WRITES = [CREATE, PUT, PUT_ITEM]


@pytest.fixture
def entry(shop):
    """Order 1 has a sale return 1 that nobody marked, and a return waits to be pushed."""
    order = shop.world.order(("Acme", 2), (None, 1))
    shop.jetti.raise_sale_return(shop.world.sale_id(order), {1: 0})
    return shop.entry(shop.noted(order))


@pytest.fixture
def delivery(shop):
    return on(shop)


def on(shop):
    return Delivery(shop.service, shop.ledger.journal, shop.clock, SETTLE, "ids")


def kept(shop, entry):
    """State, reason and next try of an entry, how its writes were closed, and its attempts."""
    found = shop.in_file(entry.id)
    closed = [past.outcome for past in shop.ledger.journal.writes_of(entry.id)]
    attempts = shop.ledger.journal.attempts_of(entry.id)
    return found.state, found.reason, found.next_try_at, closed, attempts


def outcome_in_file(shop, entry):
    """State, and what is outstanding."""
    found = shop.in_file(entry.id)
    return found.state, [intent.write for intent in found.intents]


# ------------------------------------------------------------------------------- before it is sent


@pytest.mark.covers("P5")
@pytest.mark.parametrize("write", WRITES)
def test_the_intent_is_in_the_ledger_s_file_before_the_request_arrives(
    shop, entry, delivery, write
):
    found = []
    shop.world.sandbox.on_write = lambda _: found.append(shop.in_file(entry.id))

    delivery.deliver(entry, write, sent_at=NOON - timedelta(seconds=3), before=(8, 7))

    [at_arrival] = found
    [intent] = at_arrival.intents
    assert (at_arrival.state, intent.write) == (State.IN_FLIGHT, write)
    assert (intent.before, intent.fingerprint) == ((7, 8), entry.fingerprint)
    assert intent.sent_at == NOON - timedelta(seconds=3)
    assert timedelta(0) <= intent.settle_at - (NOON + SETTLE) <= timedelta(seconds=1)


@pytest.mark.covers("F73")
def test_a_create_without_items_would_return_the_whole_sale_and_is_never_sent(
    shop, entry, delivery
):
    with pytest.raises(ValueError, match="whole sale"):
        delivery.deliver(entry, Write(Operation.CREATE, 1), sent_at=NOON)

    assert shop.sent == []
    assert outcome_in_file(shop, entry) == (State.PENDING, [])


@pytest.mark.covers("P6")
def test_a_second_write_is_never_sent_while_the_first_is_without_answer(shop, entry, delivery):
    shop.world.breaks("PUT *", "reset_before_headers")
    delivery.deliver(entry, PUT, sent_at=NOON)
    shop.forget()

    with pytest.raises(LedgerError):
        delivery.deliver(shop.entry(entry.id), PUT_ITEM, sent_at=NOON)
    assert shop.sent == []


def test_nothing_is_created_while_creation_is_stopped(shop, entry, delivery):
    shop.ledger.meta.stop_creation("7", "whole sale")

    with pytest.raises(SafetyStop):
        delivery.deliver(entry, CREATE, sent_at=NOON)
    assert shop.sent == []


def test_a_signal_comes_before_the_intent(shop, entry, delivery):
    shop.clock.stop_with = signal.SIGTERM

    with pytest.raises(Interrupted):
        delivery.deliver(entry, PUT, sent_at=NOON)
    assert shop.sent == []
    assert outcome_in_file(shop, entry) == (State.PENDING, [])


# ------------------------------------------------------------------------------------- what is sent


def test_a_create_names_its_items_skips_quantities_and_carries_the_marker(shop, entry, delivery):
    delivery.deliver(entry, CREATE, sent_at=NOON)

    assert shop.written == [
        (
            "POST /sales/1/cancel.json",
            {"ids": [1, 2], "skipQuantities": True, "externalId": entry.id},
        )
    ]
    assert shop.sent[0].headers["content-type"] == "application/json"
    assert shop.sent[0].query == ""


def test_the_name_of_the_id_list_is_the_settings_to_say(shop, entry):
    delivery = Delivery(shop.service, shop.ledger.journal, shop.clock, SETTLE, "saleItemIds")

    delivery.deliver(entry, CREATE, sent_at=NOON)

    [(_, body)] = shop.written
    assert body.keys() == {"saleItemIds", "skipQuantities", "externalId"}


@pytest.mark.parametrize(
    ("write", "operation"),
    [(PUT, "PUT /sale-returns/1.json"), (PUT_ITEM, "PUT /sale-return-items/1.json")],
)
def test_a_put_carries_the_changed_fields_and_nothing_else(shop, entry, delivery, write, operation):
    delivery.deliver(entry, write, sent_at=NOON)

    assert shop.written == [(operation, write.fields)]


# --------------------------------------------------------------------------------- what comes back


def test_a_success_is_handed_on_and_the_entry_stays_in_flight_until_it_is_verified(
    shop, entry, delivery
):
    answered = delivery.deliver(entry, PUT, sent_at=NOON)

    assert isinstance(answered, Delivered)
    assert answered.at == shop.clock.now()
    assert msgspec.json.decode(answered.answer.body)["status"] == "shipped"
    assert outcome_in_file(shop, entry) == (State.IN_FLIGHT, [PUT])


BAD_ANSWERS = [
    # fault, what it means, state, is the intent left open
    ("400", Meaning.REFUSED, State.DEAD, False),
    ("422", Meaning.REFUSED, State.DEAD, False),
    ("404", Meaning.LOST, State.UNKNOWN, True),
    ("409", Meaning.LOST, State.UNKNOWN, True),
    ("500", Meaning.LOST, State.UNKNOWN, True),
    ("502", Meaning.LOST, State.UNKNOWN, True),
    ("503", Meaning.LOST, State.UNKNOWN, True),
    ("504", Meaning.LOST, State.UNKNOWN, True),
    ("redirect", Meaning.LOST, State.UNKNOWN, True),
    ("reset_before_headers", Meaning.LOST, State.UNKNOWN, True),
    ("reset_after_headers", Meaning.LOST, State.UNKNOWN, True),
    ("reset_mid_body", Meaning.LOST, State.UNKNOWN, True),
    ("applied_then_lost", Meaning.LOST, State.UNKNOWN, True),
    ("not_applied_then_lost", Meaning.LOST, State.UNKNOWN, True),
]


@pytest.mark.parametrize("write", WRITES, ids=["create", "put", "put item"])
@pytest.mark.parametrize(("fault", "meaning", "state", "stays_open"), BAD_ANSWERS)
def test_each_bad_answer_has_its_meaning_and_the_request_is_never_repeated(
    shop, entry, delivery, write, fault, meaning, state, stays_open
):
    shop.world.breaks("*", fault)

    answered = delivery.deliver(entry, write, sent_at=NOON)

    assert isinstance(answered, Classified)
    assert answered.meaning is meaning
    assert outcome_in_file(shop, entry) == (state, [write] if stays_open else [])
    assert len(shop.sent) == 1


def test_a_lost_answer_is_read_back_when_the_write_has_settled(shop, entry, delivery):
    shop.world.breaks("*", "reset_before_headers")

    delivery.deliver(entry, CREATE, sent_at=NOON)

    found = shop.in_file(entry.id)
    assert found.next_try_at == shop.clock.now() + SETTLE
    assert found.reason == "Jetti: connection reset"


@pytest.mark.parametrize("write", WRITES, ids=["create", "put", "put item"])
def test_slow_down_is_pending_and_must_be_looked_for(shop, entry, delivery, write):
    shop.world.breaks("*", "429")

    assert delivery.deliver(entry, write, sent_at=NOON).meaning is Meaning.SLOW_DOWN
    assert outcome_in_file(shop, entry) == (State.PENDING, [write])
    assert len(shop.sent) == 1


@pytest.mark.covers("F56")
@pytest.mark.sockets
def test_what_never_left_is_pending_with_nothing_outstanding(world):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with ExitStack() as stack:
        shop = Workshop(world, stack, base_url=f"http://127.0.0.1:{port}")
        entry = shop.entry(shop.noted(world.order(("Acme", 1))))

        answered = on(shop).deliver(entry, PUT, sent_at=NOON)

        assert (answered.meaning, answered.status) == (Meaning.NOT_SENT, None)
        assert "cannot connect" in answered.detail
        assert kept(shop, entry) == (
            State.PENDING,
            f"Jetti: {answered.detail}",
            None,
            ["not sent"],
            [Attempt(shop.clock.now(), PUT.operation, 1, "not sent", None, answered.detail)],
        )


@pytest.mark.parametrize(
    ("fault", "state", "waits", "closed_as", "answer", "reason"),
    [
        (
            "422",
            State.DEAD,
            None,
            "refused",
            "refused",
            "Jetti answered 422: api.sandbox.unprocessable_content",
        ),
        (
            "429",
            State.PENDING,
            None,
            None,
            "slow down",
            "Jetti answered 429: api.sandbox.too_many_requests",
        ),
        (
            "500",
            State.UNKNOWN,
            SETTLE,
            None,
            "lost",
            "Jetti answered 500: api.sandbox.internal_server_error",
        ),
    ],
)
def test_an_answer_that_is_no_success_is_kept_for_who_reads_the_entry(
    shop, entry, delivery, fault, state, waits, closed_as, answer, reason
):
    shop.world.breaks("*", fault)

    delivery.deliver(entry, PUT_ITEM, sent_at=NOON)

    now, title = shop.clock.now(), reason.rpartition(": ")[2]
    assert kept(shop, entry) == (
        state,
        reason,
        now + waits if waits else None,
        [closed_as],
        [Attempt(now, Operation.UPDATE_ITEM, 1, answer, int(fault), title)],
    )


@pytest.mark.parametrize("status", ["401", "403"])
@pytest.mark.parametrize("write", WRITES)
def test_a_refused_key_ends_the_run_and_leaves_nothing_outstanding(
    shop, entry, delivery, write, status
):
    shop.world.breaks("*", status)

    with pytest.raises(KeyRefused):
        delivery.deliver(entry, write, sent_at=NOON)
    assert kept(shop, entry) == (State.PENDING, None, None, ["not applied"], [])


def test_a_service_that_failed_too_often_is_not_written_to(shop, entry, delivery):
    shop.world.breaks("GET *", "reset_before_headers")
    for _ in range(5):
        with pytest.raises(TargetUnavailable):
            shop.reader.reasons()

    with pytest.raises(TargetUnavailable):
        delivery.deliver(entry, CREATE, sent_at=NOON)
    assert shop.sent == []
    assert outcome_in_file(shop, entry) == (State.PENDING, [])
