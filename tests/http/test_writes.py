"""A write is sent exactly once, and its fate is told apart: answered, lost, or never sent."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from reconciler.errors import Interrupted, KeyRefused, SourceError
from reconciler.failpoints import Failpoint, watched
from reconciler.http import NotSent, PerMinute, Response, ResponseLost
from tests.http.peers import answer, head_lines

PATH, BODY = "/sales/7/cancel.json", b'{"ids":[1]}'


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def hang_up(connection: socket.socket) -> None:
    connection.close()


def test_the_body_arrives_once_as_json(peer, service):
    server = peer(answer(201, b'{"id":5}'))
    jetti = service(server.url)

    got = jetti.write("POST", PATH, BODY)

    assert got == Response(201, {"content-length": "8"}, b'{"id":5}', None)
    assert server.requests[0].decode().split("\r\n") == [
        *head_lines(
            f"POST /api{PATH}",
            server.port,
            "Content-Type: application/json",
            f"Content-Length: {len(BODY)}",
        ),
        BODY.decode(),
    ]
    assert (jetti.requests.get, jetti.requests.write) == (0, 1)


def test_writes_and_reads_are_counted_apart(peer, service):
    jetti = service(peer(answer()).url)

    for _ in range(3):
        jetti.write("PUT", PATH, BODY)
    for _ in range(2):
        jetti.get("/sales.json", "", lambda _: None)

    assert (jetti.requests.get, jetti.requests.write) == (2, 3)


@pytest.mark.parametrize("status", [400, 404, 409, 422, 429, 500, 502, 503])
def test_any_complete_answer_is_handed_over_and_nothing_is_repeated(peer, service, status):
    server = peer(answer(status, b"<html>"))

    assert service(server.url).write("PUT", PATH, BODY).status == status
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 399])
def test_a_redirect_is_an_answer_lost_and_is_never_followed(peer, service, status):
    canary = peer()
    server = peer(answer(status, Location=f"{canary.url}/api/elsewhere"))

    with pytest.raises(ResponseLost, match=rf"redirected \({status}\)"):
        service(server.url).write("POST", PATH, BODY)

    assert len(server.requests) == 1
    assert canary.requests == []


BROKEN = "the answer broke off or was not HTTP"


@pytest.mark.parametrize(
    ("scripted", "reason"),
    [
        (reset, "connection reset"),
        (hang_up, BROKEN),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", BROKEN),
        (b"HTTP/1.1 200 OK\r\nContent-Len", BROKEN),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", BROKEN),
        (b"220 mail.example ESMTP\r\n\r\n", BROKEN),
        (answer(100), BROKEN),
        (answer(101), BROKEN),
        (answer(99), BROKEN),
        (
            answer(200, b"x", Content_Encoding="gzip"),
            "the answer is encoded although that was not asked for",
        ),
    ],
)
def test_a_broken_answer_is_lost_and_nothing_is_repeated(peer, service, scripted, reason):
    server = peer(scripted)
    jetti = service(server.url)

    with pytest.raises(ResponseLost) as caught:
        jetti.write("POST", PATH, BODY)

    assert str(caught.value) == reason
    assert len(server.requests) == jetti.requests.write == 1


def test_silence_is_an_answer_lost(peer, service):
    server = peer()
    server.script = [lambda connection: server.gone.wait(5)]

    with pytest.raises(ResponseLost) as caught:
        service(server.url).write("POST", PATH, BODY)

    server.gone.set()
    assert str(caught.value) == "timed out"
    assert len(server.requests) == 1


@pytest.mark.covers("F56")
def test_a_closed_port_means_that_nothing_was_sent(service):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    jetti = service(f"http://127.0.0.1:{port}")

    with pytest.raises(NotSent, match=r"^cannot connect \(.*refused\)$"):
        jetti.write("POST", PATH, BODY)

    assert (jetti.requests.get, jetti.requests.write) == (0, 0)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_everything(peer, service, status):
    with pytest.raises(KeyRefused):
        service(peer(answer(status)).url).write("PUT", PATH, BODY)


@pytest.mark.covers("P7")
def test_a_dry_run_cannot_write(peer, service):
    server = peer()

    with pytest.raises(RuntimeError, match="POST is not allowed"):
        service(server.url, methods=frozenset({"GET"})).write("POST", PATH, BODY)

    assert server.requests == []


def test_surplus_bytes_are_not_taken_for_the_next_answer(peer, service):
    def twice(connection):
        connection.sendall(answer(body=b"1") + answer(body=b"2"))
        while connection.recv(65536):
            pass  # open for as long as the client likes

    server = peer(twice, answer(body=b"3"))
    jetti = service(server.url)

    bodies = [jetti.write("PUT", PATH, BODY).body for _ in range(2)]

    assert bodies == [b"1", b"3"]


def test_after_429_nothing_leaves_before_the_time_asked_for(peer, service, clock):
    server = peer(answer(429, Retry_After="90"), answer())
    jetti = service(server.url)

    jetti.write("PUT", PATH, BODY)
    before = clock.elapsed
    jetti.write("PUT", PATH, BODY)

    assert clock.elapsed - before >= 90


def test_after_429_without_a_time_the_next_leaves_later(peer, service, clock):
    jetti = service(peer(answer(429), answer()).url, pace=PerMinute(60))

    jetti.write("PUT", PATH, BODY)
    jetti.write("PUT", PATH, BODY)

    assert clock.waits == [2]


def test_the_time_asked_for_may_be_a_date(peer, service, clock):
    server = peer(answer(429, Retry_After="Sun, 01 Mar 2026 12:01:30 GMT"), answer())
    jetti = service(server.url)

    jetti.write("PUT", PATH, BODY)
    jetti.write("PUT", PATH, BODY)

    assert 89 < clock.elapsed < 91


def test_a_failure_that_asks_for_no_time_holds_nothing_up(peer, service, clock):
    server = peer(answer(503), answer())
    jetti = service(server.url)

    jetti.write("PUT", PATH, BODY)
    jetti.write("PUT", PATH, BODY)

    assert clock.elapsed < 0.1


def test_after_429_with_an_endless_wait_nothing_more_is_tried(peer, service):
    server = peer(answer(429, Retry_After="301"))
    jetti = service(server.url)
    jetti.write("PUT", PATH, BODY)

    with pytest.raises(SourceError) as caught:
        jetti.write("PUT", PATH, BODY)

    assert str(caught.value) == "Loop answered 429 and asks to wait 301 s"
    assert len(server.requests) == 1


@pytest.mark.covers("F6")
def test_a_signal_does_not_cut_off_a_write_in_the_air(peer, service, clock):
    answered = threading.Event()

    def late(connection):
        clock.stopped = True
        answered.wait(0.6)
        connection.sendall(answer(200, b"done"))

    server = peer(late)
    jetti = service(server.url)

    assert jetti.write("POST", PATH, BODY).body == b"done"
    with pytest.raises(Interrupted):
        jetti.write("POST", PATH, BODY)
    assert len(server.requests) == 1


def test_the_points_of_a_write_are_its_head_its_body_and_its_end(peer, service):
    jetti = service(peer().url)
    passed = []

    with watched(passed.append):
        jetti.write("PUT", PATH, BODY)

    assert passed == [Failpoint.PART_SENT, Failpoint.PART_SENT, Failpoint.REQUEST_SENT]
