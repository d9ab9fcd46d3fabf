from __future__ import annotations

import json

import pytest

from reconciler.core.model import Line, Parcel, State
from reconciler.core.settings import Mapping
from reconciler.errors import ConfigError

SCANNED = (Parcel("USPS", "9400", "in_transit"),)


@pytest.fixture
def one(shop):
    """A return of two units that is in Jetti."""
    return shop.pushed(("Acme", 3))


def described(shop, return_id):
    [row] = shop.world.in_jetti(return_id)
    return row


def test_only_the_fields_that_differ_are_written_in_one_request(shop, one):
    shop.changed(one, parcels=SCANNED)

    done = shop.push()[one]

    assert shop.written == [
        (
            "PUT /sale-returns/1.json",
            {
                "trackingCompany": "USPS",
                "trackingNumber": "9400",
                "trackingUrl": "https://tools.usps.com/go/TrackConfirmAction?tLabels=9400",
                "trackingStatus": "transit",
                "status": "shipped",
            },
        )
    ]
    assert (done.outcome, done.reason) == ("pushed", None)
    assert shop.entry(one).sale_returns[0].fields["status"] == "shipped"


def test_quantities_are_written_before_the_status(shop):
    one = shop.noted(shop.world.order(("Acme", 2), ("Acme", 1)), 2, 1, parcels=SCANNED)

    shop.push()

    assert [operation.rpartition("/")[0] for operation, _ in shop.written] == [
        "POST /sales/1",
        "PUT /sale-return-items",
        "PUT /sale-return-items",
        "PUT /sale-returns",
    ]
    assert described(shop, one)["status"] == "shipped"


def test_what_jetti_shows_already_is_not_written(shop, one):
    shop.changed(one, parcels=SCANNED)
    shop.jetti.edit_sale_return(1, trackingNumber="9400", status="shipped")

    shop.push()

    [(_, body)] = shop.written
    assert body.keys() == {"trackingCompany", "trackingUrl", "trackingStatus"}


def test_an_entry_that_jetti_already_holds_as_wanted_is_synced_without_a_write(shop, one):
    shop.changed(one, parcels=SCANNED)
    shop.jetti.edit_sale_return(
        1,
        status="shipped",
        trackingCompany="USPS",
        trackingNumber="9400",
        trackingUrl="https://tools.usps.com/go/TrackConfirmAction?tLabels=9400",
        trackingStatus="transit",
    )

    done = shop.push()[one]

    assert (done.outcome, done.reason) == ("skipped", "Jetti already holds what is wanted")
    assert (shop.written, shop.state(one)) == ([], "synced")


def test_a_value_that_a_person_set_stays_and_is_told(shop, one):
    shop.changed(one, parcels=SCANNED)
    shop.jetti.edit_sale_return(1, trackingNumber="by hand")

    done = shop.push()[one]

    assert (done.outcome, done.reason) == (
        "pushed",
        "left as someone set it: trackingNumber of 1001-01",
    )
    assert described(shop, one)["tracking"] == "by hand"
    assert shop.entry(one).reason == done.reason


# -------------------------------------------------------------------------- empty and false answers


def test_an_empty_answer_to_a_put_is_read_back(shop):
    shop.switches.put_answer = "empty"
    one = shop.noted(shop.world.order(("Acme", 2)), 2, parcels=SCANNED)

    assert shop.push()[one].outcome == "pushed"

    assert [query for query in shop.asked if "/1.json" in query] == [
        "/sale-return-items/1.json?",
        "/sale-returns/1.json?",
    ]
    assert described(shop, one)["status"] == "shipped"
    assert shop.state(one) == "synced"


@pytest.mark.parametrize("answer", ["object", "empty"])
def test_a_field_that_jetti_did_not_take_is_a_failed_try(shop, one, answer):
    shop.switches.put_answer = answer
    shop.changed(one, parcels=SCANNED)
    shop.world.breaks("PUT *", "parameters_dropped", names=["status"])

    done = shop.push()[one]

    assert (done.outcome, done.reason) == ("failed", "Jetti answered 200 but did not apply status")
    entry = shop.entry(one)
    assert (entry.state, entry.attempts, entry.intents) == (State.FAILED, 1, ())
    assert entry.next_try_at > shop.clock.now()


def test_a_quantity_that_jetti_did_not_take_is_a_failed_try(shop):
    one = shop.noted(shop.world.order(("Acme", 2)))
    shop.world.breaks("PUT /sale-return-items/*", "parameters_dropped", names=["quantity"])

    assert shop.push()[one].reason == "Jetti answered 200 but did not apply quantity"
    assert [operation for operation, _ in shop.written][1:] == ["PUT /sale-return-items/1.json"]


@pytest.mark.parametrize("fault", ["html_200", "error_200", "raw"])
def test_a_success_that_cannot_be_read_is_read_back_later(shop, one, fault):
    shop.changed(one, parcels=SCANNED)
    parameters = {"body": json.dumps({"id": 1})} if fault == "raw" else {}
    shop.world.breaks("PUT *", fault, applied=True, **parameters)

    assert shop.push()[one].outcome == "failed"

    assert (shop.entry(one).state, len(shop.entry(one).intents)) == (State.UNKNOWN, 1)
    shop.world.heals()
    shop.world.pass_time()
    shop.forget()
    assert shop.push()[one].outcome == "pushed"
    assert shop.written == []
    assert shop.state(one) == "synced"


def test_an_empty_answer_whose_read_back_fails_is_read_back_later(shop, one):
    shop.switches.put_answer = "empty"
    shop.changed(one, parcels=SCANNED)
    shop.world.breaks("GET /sale-returns/1.json", "404")

    shop.push()

    assert (shop.entry(one).state, len(shop.entry(one).intents)) == (State.UNKNOWN, 1)


def test_what_was_written_before_a_failure_is_remembered(shop):
    one = shop.noted(shop.world.order(("Acme", 2)), 2)
    shop.world.breaks("PUT /sale-returns/*", "400")

    shop.push()

    [known] = shop.entry(one).sale_returns
    assert known.items[0].fields["quantity"] == 2
    assert known.fields["externalId"] is None
    assert shop.state(one) == "dead"


# ------------------------------------------------------------------------------------------ reasons


def with_reason(shop, code):
    shop.mapping = Mapping(reasons={"Too small": code})
    order = shop.world.order(("Acme", 2), ("Acme", 1))
    lines = tuple(
        Line(f"9{place}", line.order_line_id, reason="Too small")
        for place, line in enumerate(order.lines)
    )
    return shop.noted(order, lines=lines)


def test_a_reason_is_written_by_its_id_and_looked_up_once(shop):
    with_reason(shop, "too_small")

    shop.push()

    items = [body for operation, body in shop.written if "items" in operation]
    assert [body["adjustmentReasonId"] for body in items] == [2, 2]
    assert len([query for query in shop.asked if "reasons" in query]) == 1


def test_a_reason_that_jetti_lacks_is_the_settings_fault(shop):
    with_reason(shop, "no_such_code")

    with pytest.raises(ConfigError, match="no_such_code") as refused:
        shop.push()
    assert "too_small" in refused.value.hint
