"""Jetti's wire format as recorded (tests/cassettes/README.md says where), without a network."""

from __future__ import annotations

import random
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.core.model import Line, Operation, Parcel, Return, State, Window, Write
from reconciler.core.owned_fields import of_sale_return
from reconciler.core.plan import CreationRules
from reconciler.core.records import By, DrainedWindow
from reconciler.core.settings import Mapping, Policy
from reconciler.errors import KeyRefused, TargetUnavailable
from reconciler.http import Endpoint, PerSecond, Refused, ResponseLost, connect
from reconciler.ingest import Projection
from reconciler.jetti.client import JettiClient
from reconciler.jetti.responses import Meaning, classify
from reconciler.jetti.targets import build
from reconciler.ledger import opening
from reconciler.ledger.schema import InitialState
from reconciler.sandbox.faults.registry import Fault
from reconciler.sandbox.orders import example_order
from reconciler.sandbox.sandbox import JETTI_TOKEN, Sandbox, SandboxOptions
from reconciler.sandbox.server.serving import serving
from tests.jetti.scrubbing import JETTI, scrub
from tests.jetti.workshop import Settings
from tests.support.cassettes import CASSETTES, vcr_settings
from tests.support.patient_clock import PatientClock
from tests.support.planning import make_plan

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
ORDER = example_order(1001, NOW - timedelta(days=9), vendors=("Acme", "Bolt", None))
SALE_ID = 1


@pytest.fixture(scope="module")
def vcr_cassette_dir():
    return str(CASSETTES / "test_jetti")


@pytest.fixture(scope="module")
def vcr_config():
    return vcr_settings(JETTI, "Authorization", scrub)


@pytest.fixture
def sandbox(record_mode):
    """One order of two vendors and our own stock; only there while something is recorded."""
    if record_mode == "none":
        yield None
        return
    options = SandboxOptions(returns=0, start=NOW, frozen=True, rate_limits=False)
    world = Sandbox(options)
    world.jetti.store.import_sale(ORDER)
    with serving(world):
        yield world


@pytest.fixture
def clock():
    return PatientClock(NOW)


@pytest.fixture
def service(sandbox, clock):
    def make(key: str = JETTI_TOKEN):
        endpoint = Endpoint(
            name="Jetti",
            base_url=sandbox.urls.jetti if sandbox else f"https://{JETTI}/api",
            key_header=("Authorization", f"Bearer {key}"),
            key_setting="JETTI_API_TOKEN",
            unavailable=TargetUnavailable,
            pace=PerSecond(1000, 1000),
            methods=frozenset({"GET", "POST", "PUT"}),
        )
        return stack.enter_context(connect(endpoint, clock, rng=random.Random(7)))

    with ExitStack() as stack:
        yield make


@pytest.fixture
def ledger(tmp_path, clock):
    """Holds one return of all three lines."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    projection = Projection(Mapping(), ("review",))
    opening.create(url, InitialState(NOW - timedelta(days=30), NOW, projection.version), clock)
    lines = tuple(Line(f"50{n}", line.order_line_id) for n, line in enumerate(ORDER.lines))
    seen = Return(
        id="7001",
        state="open",
        created_at=NOW - timedelta(days=1),
        updated_at=NOW,
        order_id=ORDER.order_id,
        order_name=ORDER.name,
        lines=lines,
        parcels=(Parcel("USPS", "9400", "in_transit"),),
    )
    with opening.open_ledger(url, clock) as opened:
        observed = (projection.observe(seen, b"content"),)
        window = Window(NOW, NOW)
        opened.windows.record(
            DrainedWindow(window, By.UPDATED, 1, projection.version, observed), NOW
        )
        yield opened


# ------------------------------------------------------------------------------------------ reading


@pytest.mark.vcr
def test_a_recorded_order_is_found_with_its_lines(service, clock):
    reader = JettiClient(service(), clock)

    [sale] = reader.sales([ORDER.order_id])
    items = reader.sale_items([sale.id])

    assert (sale.external_id, sale.reference, sale.is_clone) == (ORDER.order_id, "1001", False)
    assert sale.account == "41"
    assert [item.order_line_id for item in items] == [line.order_line_id for line in ORDER.lines]
    assert [item.vendor_id for item in items] == [1, 2, None]
    assert reader.now() == NOW


@pytest.mark.vcr
def test_a_recorded_order_is_found_by_either_spelling_of_its_name(service, clock):
    [sale] = JettiClient(service(), clock).sales_named([ORDER.name])

    assert sale.id == SALE_ID


@pytest.mark.vcr
def test_recorded_reasons_have_codes(service, clock):
    assert JettiClient(service(), clock).reasons()["too_small"] == 2


@pytest.mark.vcr
def test_what_is_recorded_as_nothing_is_nothing(service, clock):
    reader = JettiClient(service(), clock)

    assert reader.marked(["7001", "7002"]) == []
    assert reader.on_sales([SALE_ID]) == []


# ------------------------------------------------------------------------------------------ writing


@pytest.mark.vcr
def test_a_recorded_create_is_split_per_vendor_verified_and_brought_up_to_date(
    service, ledger, clock
):
    """Look up, create, mark, set quantities, tell status and tracking: the whole way."""
    rules = CreationRules(Policy(), NOW - timedelta(days=30), asked_for=False)
    pusher = build(Settings(), service(), ledger, rules, clock).pusher()

    [done] = pusher.push(make_plan(ledger.entries.due(NOW), rules, NOW).changes)

    assert (done.outcome, done.reason) == ("pushed", None)
    assert [one.reference for one in done.sale_returns] == ["1001-01", "1001-02", "1001-03"]
    [entry] = ledger.entries.get(["7001"])
    assert entry.state is State.SYNCED
    for known in entry.sale_returns:
        assert [item.fields["quantity"] for item in known.items] == [1]
        wanted = of_sale_return(entry.wanted, "7001", [known.items[0].order_line_id])
        assert known.fields.items() >= wanted.items()
        assert known.fields["status"] == "shipped"


# --------------------------------------------------------------------------- refusals and hurry


@pytest.mark.vcr
def test_a_recorded_refusal_of_the_key_is_one(service, clock):
    with pytest.raises(KeyRefused):
        JettiClient(service("no-such-token"), clock).reasons()


@pytest.mark.vcr
def test_a_recorded_not_found_is_refused_with_its_code(service, clock):
    with pytest.raises(Refused, match=r"404: api\.sale_returns\.get\.not_found"):
        JettiClient(service(), clock).sale_return(99)


@pytest.mark.vcr
def test_a_recorded_refusal_of_a_value_is_a_500_to_be_read_back_or_a_422(service, sandbox):
    """Jetti's default status is 500 even for the caller's faults (jetti.md#error-statuses)."""
    talking, answers = service(), []
    for status in (500, 422):
        if sandbox:
            sandbox.jetti.store.raise_sale_return(SALE_ID, {1: 0})
            sandbox.jetti.switches.validation_status = status
        answer = talking.write("PUT", "/sale-returns/1.json", b'{"status":"no such status"}')
        answers.append(classify(answer))

    assert [(a.meaning, a.status) for a in answers] == [(Meaning.LOST, 500), (Meaning.REFUSED, 422)]
    assert all((answer.detail or "").startswith("api.sale_returns.") for answer in answers)


@pytest.mark.vcr
def test_a_recorded_slow_down_is_told_from_every_other_answer(service, sandbox, clock):
    if sandbox:
        sandbox.jetti.switches.rate_limit = "or"
    talking = service()
    put = Write(Operation.UPDATE_SALE_RETURN, 99, fields={"status": "shipped"})
    path = f"/sale-returns/{put.target_id}.json"

    first, second = (talking.write("PUT", path, b'{"status":"shipped"}') for _ in range(2))

    assert [classify(first).meaning, classify(second).meaning] == [Meaning.LOST, Meaning.SLOW_DOWN]
    assert classify(second).reason == "Jetti answered 429: api.errors.too_many_requests"


@pytest.mark.vcr
def test_a_recorded_redirect_is_no_answer(service, sandbox):
    if sandbox:
        sandbox.faults.add(Fault("jetti", "redirect", parameters={"to": "https://example.test/"}))
    with pytest.raises(ResponseLost, match="302"):
        service().write("PUT", "/sale-returns/1.json", b"{}")


# ---------------------------------------------------------------------------------------- scrubbing


def test_texts_that_nobody_vouches_for_are_taken_out_and_the_shape_stays():
    row = {
        "id": 1,
        "shippingName": "A Person",
        "notes": "Call me",
        "properties": [{"name": "Engraving", "value": "For Mum"}],
        "status": "requested",
        "total": 12.5,
        "customerReference": None,
    }

    assert scrub(row) == {
        "id": 1,
        "shippingName": "scrubbed",
        "notes": "scrubbed",
        "properties": [{"name": "scrubbed", "value": "scrubbed"}],
        "status": "requested",
        "total": 12.5,
        "customerReference": None,
    }
    assert scrub({"notes": "Loop return 7001"}) == {"notes": "Loop return 7001"}
