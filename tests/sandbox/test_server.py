"""The sandbox over real sockets: services, the clock's Date, the log, the control interface."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec
import pytest

from reconciler.sandbox.delivery import Delivery
from reconciler.sandbox.faults.registry import Fault
from reconciler.sandbox.messages import Request, Response
from reconciler.sandbox.orders import example_order
from reconciler.sandbox.sandbox import Sandbox, SandboxOptions
from reconciler.sandbox.server.control_client import Control
from reconciler.sandbox.server.listener import Listener
from reconciler.sandbox.server.serving import serving
from tests.sandbox.loop_shop import NOON

LIST = "/warehouse/return/list"
LOOP_KEY = {"x-authorization": "sandbox-loop-key"}
JETTI_TOKEN = {"authorization": "Bearer sandbox-jetti-token"}


def empty(**options):
    return Sandbox(SandboxOptions(returns=0, start=NOON, frozen=True, **options))


@pytest.fixture
def sandbox():
    return empty()


@pytest.fixture
def urls(sandbox):
    with serving(sandbox) as urls:
        yield urls


@pytest.fixture
def control(urls):
    return Control(urls.control)


def send(url, path="", method="GET", headers=LOOP_KEY, body=None):
    """Status, headers and body of one request over a connection of its own."""
    host, _, base = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=5)
    try:
        connection.request(method, f"/{base}{path}", body, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


# ------------------------------------------------------------------------------------- serving


def test_both_services_answer_on_ports_of_their_own(sandbox, urls):
    order = example_order(1042, NOON)
    sandbox.loop.store.add_return(order)
    sandbox.jetti.store.import_sale(order)

    assert len(json.loads(send(urls.loop, LIST)[2])) == 1
    assert len(json.loads(send(urls.jetti, "/sales.json", headers=JETTI_TOKEN)[2])) == 1
    assert len({urls.loop, urls.jetti, urls.control}) == 3
    for url in (urls.loop, urls.jetti, urls.control):
        assert url.startswith("http://127.0.0.1:")


def test_the_environment_leads_a_program_to_it(sandbox):
    with pytest.raises(RuntimeError):
        sandbox.environment()

    with serving(sandbox) as urls:
        assert sandbox.environment() == {
            "LOOP_API_KEY": "sandbox-loop-key",
            "JETTI_API_TOKEN": "sandbox-jetti-token",
            "LOOP_BASE_URL": urls.loop,
            "JETTI_BASE_URL": urls.jetti,
        }


def test_ports_can_be_chosen(sandbox):
    with serving(sandbox) as urls:
        ports = tuple(int(url.split(":")[2].split("/")[0]) for url in msgspec.structs.astuple(urls))

    with serving(empty(ports=ports)) as again:
        assert again == urls


def test_a_port_that_is_taken_leaves_nothing_open(sandbox):
    with serving(sandbox) as urls:
        taken = int(urls.control.split(":")[2])
        other = empty(ports=(0, 0, taken))
        before = threading.active_count()
        with pytest.raises(OSError, match="in use"), serving(other):
            pass

        assert threading.active_count() == before
        assert other.urls is None


def test_nothing_listens_after_the_block(sandbox):
    with serving(sandbox) as urls:
        pass

    with pytest.raises(ConnectionRefusedError):
        send(urls.loop, LIST)


def test_a_connection_is_kept_for_many_requests(sandbox, urls):
    connection = http.client.HTTPConnection(urls.loop.split("/")[2], timeout=5)
    sockets = set()
    for _ in range(3):
        connection.request("GET", f"/api/v1{LIST}", headers=LOOP_KEY)
        assert connection.getresponse().read() == b"[]"
        sockets.add(connection.sock.getsockname())
    connection.close()

    assert len(sockets) == 1


def test_answers_carry_the_sandbox_clocks_date(sandbox, urls):
    sandbox.clock.advance(3600)

    date = send(urls.loop, LIST)[1]["date"]

    assert parsedate_to_datetime(date) == NOON + timedelta(hours=1)


def test_the_date_can_be_left_out():
    with serving(empty(dates=False)) as urls:
        assert "date" not in send(urls.loop, LIST)[1]
        assert "date" not in send(urls.jetti, "/sales.json", headers=JETTI_TOKEN)[1]


def test_next_links_lead_back_to_the_host_that_was_asked(sandbox, urls):
    for minutes in (1, 2):
        order = example_order(1042, NOON)
        sandbox.loop.store.add_return(order, at=NOON - timedelta(minutes=minutes))

    body = json.loads(send(urls.loop, f"{LIST}?paginate=true&pageSize=1")[2])

    assert body["nextPageUrl"].startswith(f"{urls.loop}{LIST}?")


def test_a_body_reaches_jetti_whole(sandbox, urls):
    sale_id = sandbox.jetti.store.import_sale(example_order(1042, NOON))
    headers = JETTI_TOKEN | {"content-type": "application/json"}

    status, _, body = send(
        urls.jetti, f"/sales/{sale_id}.json", "PUT", headers, '{"notes":"é"}'.encode()
    )

    assert status == 200
    assert json.loads(body)["notes"] == "é"


def test_a_large_answer_arrives_whole(sandbox, urls):
    order = example_order(1042, NOON, (None,) * 6, quantity=3)
    for _ in range(750):
        sandbox.loop.store.add_return(order)

    body = send(urls.loop, f"{LIST}?paginate=true&pageSize=750")[2]

    assert len(body) > 5_000_000
    assert len(json.loads(body)["returns"]) == 750


def test_head_has_no_body(urls):
    status, headers, body = send(urls.loop, LIST, "HEAD")

    assert (status, body) == (405, b"")
    assert int(headers["content-length"]) > 0


def test_a_body_without_a_length_is_cut_off(urls):
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        send(urls.jetti, "/sales.json", "POST", JETTI_TOKEN, iter([b"x"]))


def test_many_clients_at_once_are_served_one_by_one():
    inside, overlaps = [], []

    def deliver(request):
        inside.append(request)
        overlaps.append(len(inside))
        time.sleep(0.001)
        inside.pop()
        return Response(200)

    world = empty()
    world.loop.handle = deliver
    with serving(world) as urls:
        threads = [threading.Thread(target=send, args=(urls.loop, LIST)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert overlaps == [1] * 12


def test_an_answer_that_does_not_come_keeps_nobody_else_waiting(sandbox, urls):
    sandbox.faults.add(Fault("loop", "silence", nth=1))
    waiting = http.client.HTTPConnection(urls.loop.split("/")[2], timeout=5)
    waiting.request("GET", f"/api/v1{LIST}", headers=LOOP_KEY)
    while not sandbox.request_log.all():
        time.sleep(0.001)

    assert send(urls.loop, LIST)[0] == 200
    waiting.close()


def test_serving_ends_while_a_client_still_waits_in_silence(sandbox):
    sandbox.faults.add(Fault("loop", "silence"))
    with serving(sandbox) as urls:
        connection = http.client.HTTPConnection(urls.loop.split("/")[2], timeout=5)
        connection.request("GET", f"/api/v1{LIST}")
        start = time.monotonic()

    assert time.monotonic() - start < 2
    connection.close()


def test_a_mistake_of_our_own_is_seen(capsys):
    def broken(_):
        raise ZeroDivisionError

    with Listener(0, broken) as listener, pytest.raises(http.client.RemoteDisconnected):
        send(listener.url)

    assert "ZeroDivisionError" in capsys.readouterr().err


def test_nothing_is_written_for_ordinary_requests_nor_for_clients_that_go(sandbox, capfd):
    with serving(sandbox) as urls:
        send(urls.loop, LIST)
        sandbox.faults.add(Fault("loop", "trickle", parameters={"seconds": 0.001}))
        connection = http.client.HTTPConnection(urls.loop.split("/")[2], timeout=5)
        connection.request("GET", f"/api/v1{LIST}?paginate=true", headers=LOOP_KEY)
        connection.close()
        time.sleep(0.05)

    assert capfd.readouterr() == ("", "")


def test_a_listener_tells_any_reason(urls):
    with Listener(0, lambda _: Delivery(Response(299))) as listener:
        assert send(listener.url)[0] == 299


# --------------------------------------------------------------------------- clock and options


def test_the_clock_runs_unless_it_is_frozen():
    running = Sandbox(SandboxOptions(returns=0, start=NOON))
    first = running.clock.now()
    time.sleep(0.001)

    assert NOON <= first < running.clock.now() < NOON + timedelta(minutes=1)
    assert empty().clock.now() == NOON


def test_without_a_start_it_is_now():
    sandbox = Sandbox(SandboxOptions(returns=0))

    assert abs(sandbox.clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_rate_limits_can_be_switched_off_for_both():
    limited, free = empty(), empty(rate_limits=False)
    request = Request("GET", "/api/sales.json", "", JETTI_TOKEN)

    assert 429 in {limited.exchange("jetti", request).status for _ in range(50)}
    assert {free.exchange("jetti", request).status for _ in range(50)} == {200}
    assert limited.loop.switches.requests_per_minute == 300
    assert free.loop.switches.requests_per_minute is None


def test_on_write_is_called_before_each_write_reaches_jetti():
    order, seen = example_order(1042, NOON), []

    def on_write(request):
        seen.append((request.method, request.path, len(sandbox.jetti.store.sale_returns())))

    options = SandboxOptions(returns=0, start=NOON, frozen=True, rate_limits=False)
    sandbox = Sandbox(options, on_write=on_write)
    sale_id = sandbox.jetti.store.import_sale(order)
    path = f"/api/sales/{sale_id}/cancel.json"
    sandbox.exchange("jetti", Request("GET", "/api/sales.json", "", JETTI_TOKEN))
    sandbox.exchange("loop", Request("POST", "/api/v1/x", "", LOOP_KEY))

    sandbox.exchange("jetti", Request("POST", path, "", JETTI_TOKEN, b"{}"))

    assert seen == [("POST", path, 0)]
    assert len(sandbox.jetti.store.sale_returns()) == 1


# ------------------------------------------------------------------------------------- arrivals


def test_arrivals_are_logged_with_their_fault_and_without_secrets(sandbox, urls, control):
    sandbox.faults.add(Fault("jetti", "500", nth=1))
    send(urls.loop, f"{LIST}?state=open")
    send(urls.jetti, "/sales.json?access_token=s3cret&limit=1", headers={})

    first, second = control.request_log()

    assert first == {
        "at": "2026-03-01T12:00:00Z",
        "service": "loop",
        "method": "GET",
        "path": "/api/2026-07/warehouse/return/list",
        "query": "state=open",
        "operation": "list.first",
        "fault": None,
    }
    assert (second["fault"], second["query"]) == ("500", "access_token=…&limit=1")


def test_the_log_can_be_started_anew(sandbox, urls, control):
    send(urls.loop, LIST)

    control.clear_request_log()

    assert control.request_log() == []


# -------------------------------------------------------------------------------------- control


def test_the_clock_can_be_read_and_set(sandbox, control):
    assert control.now() == NOON

    control.set_clock(NOON - timedelta(days=400))

    assert sandbox.clock.now() == NOON - timedelta(days=400)


def test_the_clock_can_be_advanced_without_anything_happening(sandbox, urls):
    body = send(urls.control, "/clock", "POST", {}, b'{"advance": 60}')[2]

    assert json.loads(body) == {"now": "2026-03-01T12:01:00Z", "speed": 1.0}


def test_the_world_can_be_played():
    sandbox = Sandbox(SandboxOptions(seed=3, returns=60, start=NOON, frozen=True))
    with serving(sandbox) as urls:
        assert Control(urls.control).play(5 * 86_400) > 0
        body = send(urls.control, "/play", "POST", {}, b'{"until": "2026-03-09T00:00:00Z"}')[2]

    assert json.loads(body)["now"] == "2026-03-09T00:00:00Z"
    assert sandbox.clock.now() == datetime(2026, 3, 9, tzinfo=UTC)


def test_faults_can_be_set_watched_and_healed(sandbox, urls, control):
    number = control.add_fault(Fault("loop", "503", operation="list.*", nth=1))
    send(urls.loop, LIST)

    (active,) = control.faults()
    assert (active["number"], active["calls"], active["hits"]) == (number, 1, 1)
    assert active["fault"]["kind"] == "503"

    send(urls.control, f"/faults/{number}", "DELETE", {})
    assert control.faults() == []
    control.add_fault(Fault("loop", "503"))
    control.heal()
    assert control.faults() == []


def test_switches_of_both_services_can_be_set_and_read(sandbox, urls, control):
    control.switch("loop", order="oldest_first", visible_after=5)
    control.switch("jetti", cancel_ids_key="items")

    assert sandbox.loop.switches.order == "oldest_first"
    assert sandbox.jetti.switches.cancel_ids_key == "items"
    shown = json.loads(send(urls.control, "/switches/loop", headers={})[2])
    assert (shown["order"], shown["visible_after"]) == ("oldest_first", 5.0)


def test_a_switch_set_over_the_control_interface_is_the_services_own(sandbox, control):
    switches = sandbox.loop.switches

    control.switch("loop", unauthorized="plain")

    assert sandbox.loop.switches is switches
    assert sandbox.exchange("loop", Request("GET", "/")).body == b'{"errors":"Unauthorized."}'


def test_both_states_can_be_dumped(sandbox, control):
    order = example_order(1042, NOON)
    sandbox.loop.store.add_return(order)
    sandbox.jetti.store.import_sale(order)

    assert control.state("loop")["returns"][0]["order_name"] == "#1042"
    assert control.state("jetti")["sales"][0]["externalId"] == order.order_id


def test_loop_can_be_changed_by_the_name_of_its_moves(sandbox, control):
    order = msgspec.to_builtins(example_order(1042, NOON, (None,), 2))
    at = "2026-03-01T11:00:00Z"

    row = control.loop("add_return", order=order, at=at, state="review", edited_at=at)
    control.loop("edit_line", return_id=row["id"], line_id=row["lines"][0]["id"], price=1)
    control.loop("edit", return_id=row["id"], lines=row["lines"][:1])
    control.loop("label", return_id=row["id"])

    (now,) = sandbox.loop.store.returns()
    assert (now.state, now.created_at) == ("review", NOON - timedelta(hours=1))
    assert (len(now.lines), len(now.labels)) == (1, 1)
    assert now.lines[0].id == row["lines"][0]["id"]


def test_jetti_can_be_changed_and_read_by_the_name_of_its_moves(sandbox, control):
    sale_id = sandbox.jetti.store.import_sale(example_order(1042, NOON))
    (item,) = control.jetti("sale_items", sale_id=sale_id)

    (number,) = control.jetti("raise_sale_return", sale_id=sale_id, quantities={item["id"]: 1})
    control.jetti("edit_sale_return", sale_return_id=number, adminNotes="by hand")

    assert sandbox.jetti.store.sale_returns()[0]["adminNotes"] == "by hand"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nowhere", None, 404),
        ("PUT", "/clock", b"{}", 404),
        ("PATCH", "/faults", b"{}", 404),
        ("POST", "/clock", b'{"set": "2026-03-01T00:00:00"}', 400),
        ("POST", "/clock", b'{"hours": 1}', 400),
        ("POST", "/clock", b"nonsense", 400),
        ("POST", "/faults", b'{"service": "loop", "kind": "explode"}', 400),
        ("POST", "/faults", b'{"service": "moon", "kind": "500"}', 400),
        ("POST", "/switches/loop", b'{"order": "sideways"}', 400),
        ("POST", "/switches/loop", b'{"colour": "red"}', 400),
        ("POST", "/switches/moon", b"{}", 404),
        ("GET", "/state/moon", None, 404),
        ("POST", "/loop/explode", b"{}", 404),
        ("POST", "/loop/_change", b"{}", 404),
        ("POST", "/loop/shop", b"{}", 404),
        ("POST", "/loop/touch", b'{"return_id": "1"}', 404),
        ("POST", "/loop/touch", b'{"return": "1"}', 400),
        ("POST", "/loop/edit", b'{"return_id": 7}', 400),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(urls, method, path, body, status):
    answer = send(urls.control, path, method, {}, body)

    assert answer[0] == status
    assert json.loads(answer[2])["error"]


def test_the_client_raises_what_was_refused(control):
    with pytest.raises(ValueError, match="no switch colour"):
        control.switch("loop", colour="red")


# -------------------------------------------------------------------------------------- weight


def test_importing_the_sandbox_loads_nothing_heavy():
    code = (
        "import sys, reconciler.sandbox.sandbox, reconciler.sandbox.server.control_client;"
        "print([name for name in ('httpx', 'sqlalchemy', 'alembic', 'apscheduler', 'click')"
        " if name in sys.modules])"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout == "[]\n"
