"""Reads that are sent together: all are in flight before the first is answered, and each comes to
what it would have come to by itself."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import httpcore
import msgspec
import pytest

from reconciler.errors import Interrupted, KeyRefused, SourceError
from reconciler.http import PerMinute, PerSecond, Timeouts
from tests.http.peers import NOON, answer

FIVE = [f"n={number}" for number in range(5)]
FAST = PerMinute(60_000)
DATE = "Sun, 01 Mar 2026 12:00:{:02} GMT"


class Crowd:
    """Takes so many requests before it answers any of them, in an order of its own."""

    def __init__(self, many: int, reply: Callable[[bytes], bytes]) -> None:
        self._many, self._reply = many, reply
        self.in_flight: list[bytes] = []
        """The requests that had come before the first answer went out."""
        self.later: list[bytes] = []
        self._held: queue.Queue[socket.socket] = queue.Queue()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self._listener.close()

    def hung_up_on(self, many: int) -> bool:
        """Whether the other side has closed the first connections, of so many."""
        held = [self._held.get(timeout=5) for _ in range(many)]
        return all(one.recv(1) == b"" for one in held)

    def _serve(self) -> None:
        with ExitStack() as connections:
            waiting = []
            while not self._over.is_set():
                try:
                    connection = connections.enter_context(self._listener.accept()[0])
                except TimeoutError:
                    continue
                connection.settimeout(5)
                target = connection.recv(65536).split()[1]
                if len(self.in_flight) == self._many:
                    self.later.append(target)
                    connection.sendall(self._reply(target))
                    continue
                self.in_flight.append(target)
                waiting.append(connection)
                self._held.put(connection)
                if len(waiting) == self._many:
                    for number in reversed(range(self._many)):
                        waiting[number].sendall(self._reply(self.in_flight[number]))


@pytest.fixture
def service(service):
    """Against a peer that plays a script, connections are opened in the order of the requests."""

    def make(url, *, in_order=False, **changes):
        network = httpcore.SyncBackend() if in_order else None
        return service(url, network=network, **({"pace": FAST} | changes))

    return make


@pytest.fixture
def crowd() -> Iterator[Callable[..., Crowd]]:
    with ExitStack() as stack:

        def make(many: int, reply: Callable[[bytes], bytes]) -> Crowd:
            made = Crowd(many, reply)
            stack.callback(made.close)
            return made

        yield make


def numbered(target: bytes) -> bytes:
    number = target[-1:]
    return answer(body=number, Date=DATE.format(10 + int(number)))


def decoded(got):
    return msgspec.json.decode(got.body)


def get_all(loop):
    return [loop.get("/x", query, decoded) for query in FIVE]


def test_all_are_in_flight_before_the_first_is_answered(crowd, service):
    server = crowd(5, numbered)
    loop = service(server.url)

    times = loop.ask_ahead("/x", FIVE)

    assert sorted(server.in_flight) == [f"/api/x?{query}".encode() for query in FIVE]
    assert times == [NOON + timedelta(seconds=10 + number) for number in range(5)]
    assert loop.requests.get == 5


def test_each_answer_is_that_to_its_question_and_is_used_once(crowd, service):
    server = crowd(5, numbered)
    loop = service(server.url)
    loop.ask_ahead("/x", FIVE)

    assert get_all(loop) == [0, 1, 2, 3, 4]
    assert server.later == []
    assert get_all(loop) == [0, 1, 2, 3, 4]
    assert len(server.later) == 5
    assert loop.requests.get == 10


def test_what_was_asked_ahead_before_is_forgotten(crowd, service):
    server = crowd(5, numbered)
    loop = service(server.url)
    loop.ask_ahead("/x", FIVE)

    loop.ask_ahead("/x", FIVE[:1])
    get_all(loop)

    assert len(server.later) == 1 + 4


def test_what_was_sent_ahead_is_not_sent_again(crowd, service):
    server = crowd(5, numbered)
    loop = service(server.url)

    loop.send_ahead("/x", FIVE)
    times = loop.ask_ahead("/x", FIVE)

    assert times == [NOON + timedelta(seconds=10 + number) for number in range(5)]
    assert get_all(loop) == [0, 1, 2, 3, 4]
    assert server.later == []
    assert loop.requests.get == 5


def test_what_was_sent_ahead_in_vain_is_given_up(crowd, service):
    server = crowd(5, numbered)
    loop = service(server.url)
    loop.send_ahead("/x", FIVE)

    loop.ask_ahead("/x", ["n=7"])

    assert loop.get("/x", "n=7", decoded) == 7
    assert get_all(loop) == [0, 1, 2, 3, 4]
    assert len(server.later) == 1 + 5


def test_nothing_stays_open_of_what_was_sent_ahead(crowd, service):
    server = crowd(6, numbered)  # waits for one more, so it answers none of these
    loop = service(server.url)

    loop.send_ahead("/x", FIVE)
    loop.close()

    assert server.hung_up_on(5)


def test_answers_larger_than_a_socket_holds_are_whole(crowd, service):
    large = b'"' + b"x" * 3_000_000 + b'"'
    loop = service(crowd(5, lambda _: answer(body=large)).url)

    loop.ask_ahead("/x", FIVE)

    assert [len(one) for one in get_all(loop)] == [3_000_000] * 5


def test_a_failure_is_the_first_attempt_of_its_question(peer, service):
    server = peer(answer(503), answer(body=b"<html>"), answer(body=b"2"), answer(body=b"9"))
    loop = service(server.url, in_order=True)
    loop.ask_ahead("/x", FIVE[:3])

    assert [loop.get("/x", query, decoded) for query in FIVE[:3]] == [9, 9, 2]
    assert len(server.requests) == 5


def test_with_it_four_attempts_are_all(peer, service):
    server = peer(answer(503))
    loop = service(server.url, in_order=True)
    loop.ask_ahead("/x", FIVE[:1])

    with pytest.raises(SourceError, match=r"^Loop answered 503 .*after 4 tries"):
        loop.get("/x", FIVE[0], decoded)

    assert len(server.requests) == loop.requests.get == 4


@pytest.mark.parametrize(
    ("first", "error", "message"),
    [
        (answer(401), KeyRefused, "Loop refused the key"),
        (answer(302), SourceError, "answered 302"),
        (answer(body=b"x" * 2000), SourceError, "larger than 1000 bytes"),
        (answer(body=b"x", Content_Encoding="gzip"), SourceError, "encoded"),
    ],
)
def test_what_no_retry_would_change_ends_the_question_when_it_is_asked(
    peer, service, first, error, message
):
    server = peer(first, answer(body=b"1"))
    loop = service(server.url, in_order=True, body_cap=1000)
    loop.ask_ahead("/x", FIVE[:2])

    assert loop.get("/x", FIVE[1], decoded) == 1
    with pytest.raises(error, match=message):
        loop.get("/x", FIVE[0], decoded)

    assert len(server.requests) == 2


def test_a_wait_that_was_asked_for_counts_from_the_answer(peer, service, clock):
    server = peer(answer(429, Retry_After="30"), answer(429, Retry_After="30"), answer(body=b"1"))
    loop = service(server.url, in_order=True)
    loop.ask_ahead("/x", FIVE[:2])

    for query in FIVE[:2]:
        loop.get("/x", query, decoded)

    assert 30 <= clock.elapsed < 33


def test_after_one_that_cannot_be_sent_the_others_are_not_tried(service):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    loop = service(f"http://127.0.0.1:{port}")

    assert loop.ask_ahead("/x", FIVE) == []
    with pytest.raises(SourceError, match="cannot connect"):
        loop.get("/x", FIVE[0], decoded)

    assert loop.requests.get == 0


def test_no_more_are_sent_than_need_not_wait_long_for_their_turns(peer, service, clock):
    server = peer(answer(body=b"1"))
    loop = service(server.url, in_order=True, pace=PerMinute(20))

    loop.ask_ahead("/x", FIVE)

    assert (len(server.requests), clock.waits) == (2, [])
    assert get_all(loop) == [1] * 5
    assert len(server.requests) == 5


def test_nothing_overlaps_where_requests_are_kept_apart(peer, service):
    server = peer(answer(body=b"1"))
    loop = service(server.url, pace=PerSecond(reads=1000, writes=1000))

    assert loop.ask_ahead("/x", FIVE) == []
    assert server.requests == []


def test_a_service_that_fails_is_not_asked_ahead(peer, service, clock):
    server = peer(answer(503))
    loop = service(server.url, in_order=True)
    for _ in range(5):
        with pytest.raises(SourceError):
            loop.get("/x", "", decoded)
    before = len(server.requests)

    assert loop.ask_ahead("/x", FIVE) == []
    clock.elapsed += 90  # now one read may try
    assert loop.ask_ahead("/x", FIVE) == []

    assert len(server.requests) == before


def test_a_signal_ends_it_and_closes_every_connection(crowd, service, clock):
    ended = []

    def silent(target: bytes) -> bytes:
        clock.stopped = True
        ended.append(target)
        return b""

    loop = service(crowd(5, silent).url, timeouts=Timeouts(read=30, total=60))
    begun = time.monotonic()

    with pytest.raises(Interrupted):
        loop.ask_ahead("/x", FIVE)

    assert time.monotonic() - begun < 3
    assert len(ended) == 5


def test_silence_is_waited_for_once_by_all(crowd, service):
    loop = service(crowd(5, lambda _: b"").url, timeouts=Timeouts(read=0.5))
    begun = time.monotonic()

    assert loop.ask_ahead("/x", FIVE) == []

    assert time.monotonic() - begun < 1.5


def test_an_answer_that_came_while_others_were_silent_is_taken(crowd, service):
    def reply(target: bytes) -> bytes:
        return b"" if target.endswith((b"0", b"1")) else numbered(target)

    loop = service(crowd(5, reply).url, timeouts=Timeouts(read=0.3, total=0.4))

    assert len(loop.ask_ahead("/x", FIVE)) == 3


def test_only_what_may_be_read_is_asked_ahead(service):
    loop = service("http://127.0.0.1:1")

    with pytest.raises(ValueError, match="not a path and query"):
        loop.ask_ahead("/x", ["a b"])
