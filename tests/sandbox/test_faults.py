"""Every fault of the catalogue strikes as it says, over real sockets where sockets matter."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest

from reconciler.sandbox.delivery import Lost
from reconciler.sandbox.faults.kinds import KINDS
from reconciler.sandbox.faults.registry import Fault, operation_of
from reconciler.sandbox.messages import Request
from reconciler.sandbox.orders import example_order
from reconciler.sandbox.sandbox import Sandbox, SandboxOptions
from reconciler.sandbox.server.serving import serving
from tests.sandbox.loop_shop import NOON, loop_time

LIST = "/api/2026-07/warehouse/return/list"
KEYS = {"x-authorization": "sandbox-loop-key", "authorization": "Bearer sandbox-jetti-token"}


class World(Sandbox):
    """One order in Jetti, three returns in Loop."""

    def __init__(self):
        super().__init__(SandboxOptions(returns=0, start=NOON, frozen=True, rate_limits=False))
        order = example_order(1042, NOON - timedelta(days=9), (None, "Alder Goods"))
        self.sale_id = self.jetti.store.import_sale(order)
        self.item_ids = [row["id"] for row in self.jetti.store.sale_items(self.sale_id)]
        for minutes in (1, 2, 3):
            self.loop.store.add_return(order, at=NOON - timedelta(minutes=minutes))

    def fault(self, kind, service="loop", **settings):
        names = ("operation", "nth", "first", "last")
        chosen = {name: settings.pop(name) for name in names if name in settings}
        return self.faults.add(Fault(service, kind, parameters=settings, **chosen))

    def list(self, **parameters):
        query = urlencode({"paginate": "true"} | parameters)
        return self.exchange("loop", Request("GET", LIST, query, KEYS))

    def ids(self, **parameters):
        return [row["id"] for row in json.loads(self.list(**parameters).body)["returns"]]

    def cancel(self, **body):
        path = f"/api/sales/{self.sale_id}/cancel.json"
        content = {"ids": self.item_ids[:1], "skipQuantities": True} | body
        headers = KEYS | {"content-type": "application/json"}
        return self.exchange(
            "jetti", Request("POST", path, "", headers, json.dumps(content).encode())
        )

    def sale_returns(self):
        """As a client reads them."""
        query = f"where[saleId]={self.sale_id}"
        answer = self.exchange("jetti", Request("GET", "/api/sale-returns.json", query, KEYS))
        return json.loads(answer.body)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def wire(world):
    """Send one list request over a socket: status, headers and body, or the exception."""
    with serving(world) as urls:
        host = urls.loop.split("/")[2]

        def send(connection=None, timeout=5.0):
            own = connection or http.client.HTTPConnection(host, timeout=timeout)
            try:
                own.request("GET", LIST + "?paginate=true", headers=KEYS)
                answer = own.getresponse()
                return answer.status, dict(answer.getheaders()), answer.read()
            finally:
                if connection is None:
                    own.close()

        send.host = host
        yield send


# -------------------------------------------------------------------------- which calls are hit


def test_a_fault_strikes_the_nth_call_only(world):
    world.fault("500", nth=2)

    assert [world.list().status for _ in range(4)] == [200, 500, 200, 200]


def test_a_fault_strikes_from_first_to_last(world):
    world.fault("500", first=2, last=3)

    assert [world.list().status for _ in range(5)] == [200, 500, 500, 200, 200]


def test_a_fault_strikes_until_it_is_healed(world):
    number = world.fault("500")
    assert [world.list().status for _ in range(3)] == [500] * 3

    world.faults.remove(number)

    assert world.list().status == 200


def test_clearing_heals_everything(world):
    world.fault("500")
    world.fault("500", service="jetti")

    world.faults.clear()

    assert world.faults.active() == []
    assert world.list().status == world.cancel().status == 200


def test_a_fault_strikes_its_own_service_and_operation(world):
    world.fault("500", operation="list.next")
    cursor = json.loads(world.list(pageSize=1).body)["nextPageUrl"].partition("cursor=")[2]

    assert world.list(pageSize=1).status == 200
    assert world.list(pageSize=1, cursor=cursor).status == 500
    assert world.cancel().status == 200


def test_a_fault_of_jetti_is_chosen_by_method_and_path(world):
    world.fault("503", service="jetti", operation="POST /sales/*/cancel.json")

    assert world.cancel().status == 503
    assert world.sale_returns() == []


def test_calls_and_hits_are_counted_for_the_operation_alone(world):
    world.fault("500", operation="list.*", nth=2)
    world.fault("500", operation="details")
    for _ in range(3):
        world.list()

    assert [(one.calls, one.hits) for one in world.faults.active()] == [(3, 1), (0, 0)]


def test_of_two_faults_the_first_one_strikes(world):
    world.fault("503")
    world.fault("500")

    assert world.list().status == 503


@pytest.mark.parametrize(
    ("path", "parameters", "operation"),
    [
        ("list", {}, "list.first"),
        ("list", {"from": loop_time(NOON), "to": "2026-03-02"}, "list.first"),
        ("list", {"from": "2026-03-01 12:00:00", "to": "2026-03-01 12:00:02"}, "list.probe"),
        ("list", {"from": "2026-03-01T12:00:00.000Z", "to": "nonsense"}, "list.first"),
        ("list", {"cursor": "abc", "from": loop_time(NOON), "to": loop_time(NOON)}, "list.next"),
        ("details", {"return_id": "1"}, "details"),
    ],
)
def test_calls_to_loop_are_told_apart(path, parameters, operation):
    request = Request("GET", f"/api/v1/warehouse/return/{path}", urlencode(parameters))

    assert operation_of("loop", request) == operation


def test_calls_to_jetti_are_told_apart_by_method_and_path():
    request = Request("PUT", "/api/sale-returns/7.json", "x=1")

    assert operation_of("jetti", request) == "PUT /sale-returns/7.json"


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("explode", {}),
        ("delay", {"hours": 1}),
        ("truncated", {}),
        ("refuse", {"operation": "list.first"}),
    ],
)
def test_a_fault_that_means_nothing_cannot_be_set(world, kind, settings):
    with pytest.raises(ValueError, match=kind):
        world.fault(kind, **settings)


# ------------------------------------------------------------------------ refusals and nonsense

FORMS = {
    "400": (b"Bad Request", b"api.sandbox.bad_request"),
    "401": (b"GEN-UNAUTHORIZED", b"api.sandbox.unauthorized"),
    "403": (b'"errors"', b"api.sandbox.forbidden"),
    "404": (b"NOT_FOUND", b"api.sandbox.not_found"),
    "409": (b"Conflict", b"api.sandbox.conflict"),
    "422": (b'"errors"', b"api.sandbox.unprocessable_content"),
    "429": (b"Too Many Attempts.", b"api.sandbox.too_many_requests"),
    "500": (b"Server Error", b"api.sandbox.internal_server_error"),
    "502": (b"<html>", b"<html>"),
    "503": (b"<html>", b"<html>"),
    "504": (b"<html>", b"<html>"),
}


@pytest.mark.parametrize("kind", FORMS)
def test_each_service_refuses_in_its_own_form(world, kind):
    world.fault(kind)
    world.fault(kind, service="jetti", operation="POST *")

    for answer, mark in zip((world.list(), world.cancel()), FORMS[kind], strict=True):
        assert answer.status == int(kind)
        assert mark in answer.body
        assert ("html" in answer.headers["content-type"]) == (mark == b"<html>")
    assert world.sale_returns() == []


@pytest.mark.parametrize("kind", ["429", "500"])
def test_a_refusal_can_have_an_html_body(world, kind):
    world.fault(kind, as_html=True)

    assert b"<html>" in world.list().body


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("429", {}),
        ("500", {}),
        ("502", {}),
        ("html_200", {}),
        ("empty_200", {}),
        ("error_200", {}),
        ("redirect", {}),
        ("raw", {"body": "[]"}),
        ("gzip_bomb", {"megabytes": 1}),
    ],
)
@pytest.mark.parametrize("applied", [True, False])
def test_a_write_answered_otherwise_took_effect_or_did_not(world, kind, settings, applied):
    world.fault(kind, service="jetti", operation="POST *", applied=applied, **settings)
    world.cancel()

    assert len(world.sale_returns()) == applied


def test_a_429_says_how_long_to_wait_in_five_forms_or_not_at_all(world):
    def value(**settings):
        world.faults.clear()
        world.fault("429", **settings)
        return world.list().headers.get("retry-after")

    assert value() is None
    assert value(retry_after="seconds", seconds=7) == "7"
    assert parsedate_to_datetime(value(retry_after="date", seconds=7)) == NOON + timedelta(
        seconds=7
    )
    assert int(value(retry_after="negative")) < 0
    assert int(value(retry_after="ten_years")) > 300_000_000
    assert value(retry_after="text") == "soon"


def test_a_redirect_leads_elsewhere_on_the_host_or_to_another(world):
    world.fault("redirect", code=307, nth=1)
    world.fault("redirect", to="https://evil.test/x")

    here, there = world.list(), world.list()

    assert (here.status, here.headers["location"]) == (307, "http://127.0.0.1/elsewhere")
    assert (there.status, there.headers["location"]) == (302, "https://evil.test/x")


def test_nonsense_comes_with_status_200(world):
    bodies = {}
    for kind in ("html_200", "empty_200", "error_200"):
        world.faults.clear()
        world.fault(kind)
        answer = world.list()
        assert answer.status == 200
        bodies[kind] = answer.body

    assert bodies["html_200"].startswith(b"<html>")
    assert bodies["empty_200"] == b""
    assert json.loads(bodies["error_200"]) == {"error": {"message": "Something went wrong."}}


def test_any_body_can_be_served(world):
    world.fault("raw", body='[NaN, "\udcff"]', code=207, content_type="text/plain")

    answer = world.list()

    assert (answer.status, answer.body) == (207, b'[NaN, "\xff"]')
    assert answer.headers["content-type"] == "text/plain"


def test_a_gzip_bomb_is_small_until_it_is_unpacked(world):
    world.fault("gzip_bomb", megabytes=3)

    answer = world.list()

    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < 10_000
    assert len(gzip.decompress(answer.body)) == 3_000_000


# ------------------------------------------------------------------------------- mangled answers


def test_a_truncated_body_is_framed_as_if_it_were_whole(wire, world):
    world.fault("truncated", at=9)

    status, headers, body = wire()

    assert (status, headers["content-length"], body) == (200, "9", b'{"returns')


def test_a_short_page_is_well_formed_and_lacks_rows(world):
    world.fault("short_page", rows=2)
    assert len(world.ids()) == 1
    bare = world.exchange("loop", Request("GET", LIST, "", KEYS))
    assert len(json.loads(bare.body)) == 1

    world.faults.clear()
    world.fault("short_page", rows=99)

    assert world.ids() == []


def test_filters_can_be_ignored(world):
    world.loop.store.set_state("31000001", "closed")
    other = world.jetti.store.import_sale(example_order(7, NOON))
    item = world.jetti.store.sale_items(other)[0]["id"]
    world.jetti.store.raise_sale_return(other, {item: 1})
    assert (world.ids(state="closed"), world.sale_returns()) == (["31000001"], [])

    world.fault("filter_ignored")
    world.fault("filter_ignored", service="jetti")

    assert len(world.ids(state="closed")) == 3
    assert len(world.sale_returns()) == 1


def test_parameters_of_query_and_body_can_get_lost(world):
    world.loop.store.set_state("31000001", "closed")
    world.fault("parameters_dropped", names=["state"])
    world.fault("parameters_dropped", service="jetti", operation="POST *", names=["ids"])

    assert len(world.ids(state="closed", pageSize=5)) == 3
    world.cancel()
    items = [world.jetti.store.items_of(row["id"]) for row in world.sale_returns()]
    assert sorted(item["saleItemId"] for group in items for item in group) == world.item_ids


def test_a_stale_read_shows_what_the_same_request_was_answered_before(world):
    world.fault("stale_read", service="jetti", operation="GET *", first=2, seconds=20)
    assert world.sale_returns() == []
    world.cancel()

    assert world.sale_returns() == []
    world.clock.advance(21)
    assert len(world.sale_returns()) == 1


def test_stale_answers_are_not_kept_over_a_healing(world):
    world.fault("stale_read", service="jetti", operation="GET *")
    world.sale_returns()
    world.faults.clear()
    world.cancel()
    assert len(world.sale_returns()) == 1

    world.fault("stale_read", service="jetti", operation="GET *")

    assert len(world.sale_returns()) == 1


# --------------------------------------------------------------------------------- lost answers


@pytest.mark.parametrize(
    ("kind", "settings", "applied"),
    [
        ("applied_then_lost", {}, 1),
        ("applied_then_lost", {"ending": "silence"}, 1),
        ("not_applied_then_lost", {}, 0),
        ("not_applied_then_lost", {"ending": "close"}, 0),
        ("reset_before_headers", {}, 0),
        ("reset_before_headers", {"applied": True}, 1),
        ("reset_after_headers", {}, 1),
        ("reset_mid_body", {}, 1),
        ("silence", {}, 0),
        ("silence", {"applied": True}, 1),
        ("wrong_length", {}, 1),
    ],
)
def test_a_write_whose_answer_is_lost_took_effect_or_did_not(world, kind, settings, applied):
    world.fault(kind, service="jetti", operation="POST *", nth=1, **settings)

    with pytest.raises(Lost):
        world.cancel()

    assert len(world.sale_returns()) == applied


def test_a_late_write_takes_effect_at_its_time_and_not_before(world):
    world.fault("applied_later", service="jetti", operation="POST *", seconds=90)
    with pytest.raises(Lost, match="reset"):
        world.cancel()

    world.clock.advance(89)
    assert world.sale_returns() == []
    world.clock.advance(100)

    (row,) = world.sale_returns()
    assert row["createdAt"] == "2026-03-01T12:01:30.000Z"
    assert world.clock.now() == NOON + timedelta(seconds=189)


def test_no_rate_limit_stops_a_late_write(world):
    world.jetti.switches.rate_limit = "or"
    world.fault("applied_later", service="jetti", operation="POST *", seconds=0.25)
    with pytest.raises(Lost):
        world.cancel()
    world.sale_returns()
    world.sale_returns()
    world.clock.advance(0.25)

    world.exchange("jetti", Request("GET", "/api/sales.json", "", KEYS))

    assert len(world.jetti.store.sale_returns()) == 1
    assert world.jetti.switches.rate_limit == "or"


def test_playing_the_world_lets_late_writes_take_effect_too(world):
    world.fault("applied_later", service="jetti", operation="POST *", seconds=90)
    with pytest.raises(Lost):
        world.cancel()

    world.advance(200)

    assert world.jetti.store.sale_returns()[0]["createdAt"] == "2026-03-01T12:01:30.000Z"
    assert world.clock.now() == NOON + timedelta(seconds=200)


def test_without_sockets_delays_pass_on_the_sandbox_clock(world):
    world.fault("delay", seconds=30, nth=1)
    world.fault("trickle", seconds=0.5, nth=2)

    world.list()
    assert world.clock.now() == NOON + timedelta(seconds=30)
    body = world.list().body
    assert world.clock.now() == NOON + timedelta(seconds=30 + len(body) / 2)


def test_without_sockets_a_refused_connection_is_lost_before_it_arrives(world):
    world.fault("refuse")

    with pytest.raises(Lost, match="refused"):
        world.list()

    assert world.request_log.all() == []


# --------------------------------------------------------------------------------- over sockets


def test_a_delay_holds_the_answer_back(wire, world):
    world.fault("delay", seconds=0.05)
    start = time.monotonic()

    assert wire()[0] == 200

    assert time.monotonic() - start >= 0.05


def test_a_trickle_sends_byte_by_byte(wire, world):
    world.loop.store.remove("31000001")
    world.loop.store.remove("31000002")
    world.loop.store.edit("31000003", lines=())
    whole = wire()[2]
    world.fault("trickle", seconds=0.00001)
    start = time.monotonic()

    assert wire()[2] == whole

    assert time.monotonic() - start >= 0.00001 * len(whole)


@pytest.mark.parametrize(
    "kind", ["refuse", "reset_before_headers", "reset_after_headers", "reset_mid_body"]
)
def test_a_cut_connection_is_reset(wire, world, kind):
    world.fault(kind, nth=1)

    with pytest.raises(ConnectionResetError):
        wire()

    assert wire()[0] == 200


def test_a_refused_connection_is_cut_before_a_byte_is_read(wire, world):
    world.fault("refuse")

    with pytest.raises(ConnectionResetError):
        wire()

    assert world.request_log.all() == []


def test_an_idle_connection_can_be_refused_at_its_next_request(wire, world):
    connection = http.client.HTTPConnection(wire.host, timeout=5)
    assert wire(connection)[0] == 200
    world.fault("refuse")

    with pytest.raises(ConnectionResetError):
        wire(connection)
    connection.close()


def test_silence_lasts_until_the_client_gives_up(wire, world):
    world.fault("silence")

    with pytest.raises(TimeoutError):
        wire(timeout=0.05)


@pytest.mark.parametrize(("by", "error"), [(10, http.client.IncompleteRead), (-5, None)])
def test_a_wrong_length_promises_too_much_or_too_little(wire, world, by, error):
    _, _, whole = wire()
    world.fault("wrong_length", by=by)

    if error:
        with pytest.raises(error):
            wire()
    else:
        assert wire()[2] == whole[:by]


def test_a_duplicate_answer_is_left_over_on_the_connection(wire, world):
    world.fault("duplicate_answer")
    host, port = wire.host.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        head = f"GET {LIST} HTTP/1.1\r\nhost: x\r\nx-authorization: sandbox-loop-key\r\n"
        connection.sendall((head + "connection: close\r\n\r\n").encode())
        received = b"".join(iter(lambda: connection.recv(65536), b""))

    assert received.count(b"HTTP/1.1 200 OK") == 2


def test_no_kind_is_without_a_test():
    text = Path(__file__).read_text()

    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []
