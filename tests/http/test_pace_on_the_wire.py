"""The pace by the log of who is asked: real sockets, on a clock that only waits and ways move.

Connecting, the way there and the way back take their time as a hypothesis says; the sandbox notes
when each request arrives, and refuses what comes too early.
"""

from __future__ import annotations

import random
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpcore
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.errors import Interrupted
from reconciler.http import NotSent, PerSecond, Service, Timeouts, connect
from reconciler.http.rate_limit import MARGIN
from reconciler.sandbox.faults.registry import Fault
from reconciler.sandbox.sandbox import JETTI_TOKEN, Sandbox, SandboxOptions
from reconciler.sandbox.server.serving import serving
from tests.http.peers import NOON, RecordingClock, answer, endpoint
from tests.support.world import FrozenClock

JETTI = PerSecond(reads=2, writes=1)
COST = {"GET": 0.5, "PUT": 1.0}
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what was lost")


class Way(httpcore.SyncBackend):
    """The way to a sandbox: `journey` says how long connecting and both ways take, in seconds."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.journey = (0.0, 0.0, 0.0)

    def connect_tcp(self, *where, **how):
        stream = super().connect_tcp(*where, **how)
        self.sandbox.advance(self.journey[0])
        return _Travelling(stream, self)


class _Travelling(httpcore.NetworkStream):
    """What is written arrives when an answer is waited for."""

    def __init__(self, stream: httpcore.NetworkStream, way: Way) -> None:
        self._stream, self._way = stream, way
        self._on_its_way = b""

    def write(self, buffer, timeout=None):
        self._on_its_way += buffer

    def read(self, max_bytes, timeout=None):
        if not self._on_its_way:
            return self._stream.read(max_bytes, timeout)
        self._way.sandbox.advance(self._way.journey[1])
        self._stream.write(self._on_its_way, timeout)
        self._on_its_way = b""
        got = self._stream.read(max_bytes, timeout)
        self._way.sandbox.advance(self._way.journey[2])
        return got

    def close(self):
        self._stream.close()

    def get_extra_info(self, info):
        return self._stream.get_extra_info(info)


@contextmanager
def jetti(pace: PerSecond = JETTI) -> Iterator[tuple[Service, Way]]:
    """A service of a sandbox that limits the rate, and the way to it."""
    sandbox = Sandbox(SandboxOptions(returns=0, start=NOON, frozen=True))
    with serving(sandbox) as urls:
        way = Way(sandbox)
        described = endpoint(
            "",
            name="Jetti",
            base_url=urls.jetti,
            key_header=("Authorization", f"Bearer {JETTI_TOKEN}"),
            pace=pace,
        )
        with connect(described, FrozenClock(sandbox), rng=random.Random(7), network=way) as service:
            yield service, way


def send(service: Service, method: str) -> int:
    """The status of the answer."""
    if method == "GET":
        return service.get("/sales.json", "limit=1", lambda got: got.status)
    return service.write("PUT", "/sale-returns/7.json", b"{}").status


def arrivals(way: Way) -> list[tuple[float, float]]:
    return [
        (one.at.timestamp(), COST[one.method])
        for one in way.sandbox.request_log.all()
        if one.service == "jetti"
    ]


journeys = st.tuples(
    st.floats(0, 3),  # to connect: a lost SYN costs a second
    st.floats(0, 0.5 * MARGIN),  # there, beyond what every way takes
    st.floats(0, 3),  # until an answer is back
)


@pytest.mark.covers("P12")
@settings(max_examples=30, deadline=None)
@given(
    st.floats(0, 0.4),
    st.lists(
        st.tuples(st.sampled_from(["GET", "PUT"]), st.floats(0, 1.5), journeys, st.booleans()),
        max_size=15,
    ),
)
@example(0.075, [("PUT", 0, (0, 0.01, 0.2), True), ("PUT", 0, (0, 0, 0.2), False)])
def test_jetti_never_refuses_and_gets_no_more_than_it_allows_in_any_second(there, wanted):
    with jetti() as (service, way):
        for method, thought, (connecting, more, back), refused in wanted:
            if refused:
                way.sandbox.faults.add(Fault("jetti", "429", "*", last=1))
            way.sandbox.advance(thought)
            way.journey = (connecting, there + more, back + there)
            status = send(service, method)
            assert (status == 429) == (refused and method == "PUT")
            way.sandbox.faults.clear()
        log = arrivals(way)

    for first, (begun, _) in enumerate(log):
        assert sum(cost for moment, cost in log[first:] if moment < begun + 1) <= 1


@pytest.mark.parametrize("answering", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_at_150_ms_97_hundredths_of_the_rate_arrive(method, answering):
    with jetti() as (service, way):
        connecting = 0.15 if method == "GET" else 0.3
        answering = answering if method == "PUT" else answering / 4
        way.journey = (connecting, 0.075, 0.075 + answering)
        for _ in range(12):
            send(service, method)
        log = arrivals(way)

    assert 11 * COST[method] >= 0.97 * (log[-1][0] - log[0][0])


class Beside(httpcore.SyncBackend):
    """A server in this thread: it has answered before it is asked, and can hang up any time."""

    def __init__(self, clock: RecordingClock) -> None:
        self.clock = clock
        self.to_connect = 0.3
        self.answers = True
        self.accepted: list[socket.socket] = []

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            there = listener.getsockname()[1]
            stream = super().connect_tcp("127.0.0.1", there, timeout, None, socket_options)
            self.accepted.append(listener.accept()[0])
        if self.answers:
            self.accepted[-1].sendall(answer())
        self.clock.elapsed += self.to_connect
        return stream


class WaitingClock(RecordingClock):
    """Something happens while it is waited for the turn."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], object] = lambda: None

    def wait(self, seconds: float) -> None:
        self.meanwhile()
        super().wait(seconds)


@pytest.fixture
def clock() -> WaitingClock:
    return WaitingClock()


@pytest.fixture
def beside(clock) -> Iterator[Beside]:
    made = Beside(clock)
    yield made
    for one in made.accepted:
        one.close()


def waiting_on_an_open_connection(service, beside, *, write=True, **changes):
    """A service that expects connecting to take long: the next time it does not."""
    made = service("http://127.0.0.1:1", pace=JETTI, network=beside, **changes)
    if write:
        made.write("PUT", "/x", b"{}")
    else:
        made.get("/x", "", lambda _: None)
    beside.to_connect = 0.0
    return made


def test_a_request_waits_for_its_turn_on_an_open_connection(service, beside, clock):
    jetti = waiting_on_an_open_connection(service, beside)
    connections = []
    clock.meanwhile = lambda: connections.append(len(beside.accepted))
    clock.waits.clear()

    jetti.write("PUT", "/x", b"{}")

    assert connections == [1, 2]
    assert clock.waits == [pytest.approx(0.701), pytest.approx(0.3)]


def test_if_the_server_hangs_up_before_the_turn_nothing_was_sent(service, beside, clock):
    jetti = waiting_on_an_open_connection(service, beside)
    clock.meanwhile = lambda: beside.accepted[-1].close()

    with pytest.raises(NotSent, match="the server hung up before anything was sent"):
        jetti.write("PUT", "/x", b"{}")

    assert jetti.requests.write == 1


def test_a_read_to_which_that_happens_is_tried_again(service, beside, clock):
    jetti = waiting_on_an_open_connection(service, beside, write=False)
    clock.meanwhile = lambda: len(beside.accepted) == 2 and beside.accepted[-1].close()

    assert jetti.get("/x", "", lambda got: got.body) == b"{}"
    assert (jetti.requests.get, len(beside.accepted)) == (2, 3)


def sends_nothing(jetti, beside):
    """The write is interrupted, and not a byte of it has left."""
    with pytest.raises(Interrupted):
        jetti.write("PUT", "/x", b"{}")
    assert jetti.requests.write == 1
    assert len(beside.accepted) == 2
    return beside.accepted[-1].recv(1) == b""


def test_a_signal_while_a_write_waits_for_its_turn_leaves_nothing_sent(service, beside, clock):
    jetti = waiting_on_an_open_connection(service, beside)
    beside.answers = False

    def signal():
        clock.stopped = len(beside.accepted) == 2

    clock.meanwhile = signal

    assert sends_nothing(jetti, beside)


def test_a_signal_while_a_write_connects_leaves_nothing_sent(service, beside, clock):
    jetti = waiting_on_an_open_connection(service, beside)
    beside.answers = False
    clock.elapsed += 5
    connected = beside.connect_tcp

    def connect_tcp(*where):
        clock.stopped = True
        return connected(*where)

    beside.connect_tcp = connect_tcp

    assert sends_nothing(jetti, beside)


class Lossy:
    """A socket of which the system says, each time it is asked, that one more was sent again."""

    def __init__(self, of: socket.socket) -> None:
        self._of, self._lost = of, 0

    def getsockopt(self, *which):
        told = bytearray(self._of.getsockopt(*which))
        told[100] = self._lost  # tcpi_total_retrans
        self._lost += 1
        return bytes(told)


class Far(httpcore.NetworkStream):
    """Four seconds from a request to its answer, and perhaps something was lost."""

    def __init__(self, stream: httpcore.NetworkStream, clock: RecordingClock, lost: bool) -> None:
        self._stream, self._clock = stream, clock
        told = stream.get_extra_info("socket")
        self._told = Lossy(told) if lost else told

    def write(self, buffer, timeout=None):
        self._stream.write(buffer, timeout)

    def read(self, max_bytes, timeout=None):
        self._clock.elapsed += 4
        return self._stream.read(max_bytes, timeout)

    def close(self):
        self._stream.close()

    def get_extra_info(self, info):
        return self._told if info == "socket" else self._stream.get_extra_info(info)


@pytest.mark.parametrize(("lost", "apart"), [(False, 4), (True, 5.001)])
def test_a_request_of_which_a_part_was_lost_counts_from_its_answer(
    service, beside, clock, lost, apart
):
    connected, beside.to_connect = beside.connect_tcp, 0.0
    beside.connect_tcp = lambda *where: Far(connected(*where), clock, lost)
    jetti = service("http://127.0.0.1:1", pace=JETTI, network=beside)
    answered = []

    for _ in range(2):
        jetti.write("PUT", "/x", b"{}")
        answered.append(clock.elapsed)

    assert answered[1] - answered[0] == pytest.approx(apart)


def test_the_wait_for_the_turn_does_not_count_for_the_deadline(service, beside, clock):
    limits = Timeouts(total=0.3)
    jetti = waiting_on_an_open_connection(service, beside, timeouts=limits)
    clock.meanwhile = lambda: threading.Event().wait(0.4)

    assert jetti.write("PUT", "/x", b"{}").status == 200
