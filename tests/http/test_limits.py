"""Nothing that a server does holds us for long, fills our memory or leads us elsewhere."""

from __future__ import annotations

import gzip
import socket
import time

import pytest

from reconciler.errors import Interrupted, SourceError
from reconciler.http import ResponseLost, Timeouts
from tests.http.peers import Peer, answer, deaf_server

SHORT = Timeouts(connect=1, read=0.25, total=0.5)


def body_of(got):
    return got.body


def trickle(sent: bytes, server: Peer):
    def play(connection: socket.socket) -> None:
        for byte in sent:
            connection.sendall(bytes([byte]))
            if server.gone.wait(0.05):
                return

    return play


@pytest.mark.covers("F14")
@pytest.mark.parametrize("headers_first", [False, True])
def test_a_trickling_answer_ends_at_the_deadline_of_the_request(peer, service, headers_first):
    server = peer()
    whole = answer(body=b"x" * 500)
    head = whole[:-500] if headers_first else b""
    slow = trickle(whole[len(head) :], server)
    server.script = [lambda connection: (connection.sendall(head), slow(connection))]
    begun = time.monotonic()

    with pytest.raises(ResponseLost, match="timed out"):
        service(server.url, timeouts=SHORT).write("PUT", "/x", b"{}")

    # Each byte came in time for the read timeout; only the deadline ends this.
    assert 0.4 < time.monotonic() - begun < 2


@pytest.mark.covers("F14")
def test_the_deadline_also_ends_a_silence_that_began_in_time(peer, service):
    server = peer()
    server.script = [lambda connection: server.gone.wait(5)]
    begun = time.monotonic()

    with pytest.raises(ResponseLost, match="timed out"):
        service(server.url, timeouts=Timeouts(read=30, total=0.3)).write("PUT", "/x", b"{}")

    assert time.monotonic() - begun < 3


def test_silence_ends_a_request_long_before_its_deadline(peer, service):
    server = peer()
    server.script = [lambda connection: server.gone.wait(5)]
    begun = time.monotonic()

    with pytest.raises(ResponseLost, match="timed out"):
        service(server.url, timeouts=Timeouts(read=0.2, total=9)).write("PUT", "/x", b"{}")

    assert time.monotonic() - begun < 4


def test_a_server_that_takes_no_more_bytes_ends_a_write_as_silence_does(service):
    with deaf_server() as address:
        jetti = service(f"http://{address}", timeouts=Timeouts(read=0.2, total=9))
        begun = time.monotonic()

        with pytest.raises(ResponseLost, match="timed out"):
            jetti.write("PUT", "/x", b"x" * 2**25)

    assert time.monotonic() - begun < 4


def test_silence_ends_a_read_after_four_tries(peer, service):
    server = peer()
    server.script = [lambda connection: server.gone.wait(0.6)]
    loop = service(server.url, timeouts=SHORT)
    begun = time.monotonic()

    with pytest.raises(SourceError, match="timed out"):
        loop.get("/x", "", body_of)

    assert loop.requests.get == 4
    assert time.monotonic() - begun < 5


def test_a_signal_ends_a_silent_read_long_before_its_timeout(peer, service, clock):
    server = peer()

    def silent(connection):
        clock.stopped = True
        server.gone.wait(5)

    server.script = [silent]
    begun = time.monotonic()

    with pytest.raises(Interrupted):
        service(server.url, timeouts=Timeouts(read=30, total=60)).get("/x", "", body_of)

    assert time.monotonic() - begun < 3


def test_a_body_up_to_the_cap_is_taken_and_one_byte_more_is_not(peer, service):
    exact, over = peer(answer(body=b"x" * 1000)), peer(answer(body=b"x" * 1001))

    assert len(service(exact.url, body_cap=1000).get("/x", "", body_of)) == 1000
    with pytest.raises(SourceError) as caught:
        service(over.url, body_cap=1000).get("/x", "", body_of)

    assert str(caught.value) == "Loop: the answer is larger than 1000 bytes (GET /x)"

    assert len(over.requests) == 1


def test_a_body_that_comes_in_pieces_is_put_together(peer, service):
    body = bytes(range(256)) * 2000

    assert service(peer(answer(body=body)).url).get("/x", "", body_of) == body


@pytest.mark.covers("F100")
def test_a_body_without_end_is_cut_at_the_cap(peer, service):
    def pour(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with pytest.raises(SourceError, match="larger than"):
        service(peer(pour).url, body_cap=10**6).get("/x", "", body_of)


@pytest.mark.covers("F105")
def test_a_compressed_body_is_refused_unopened(peer, service):
    bomb = gzip.compress(b"0" * 10_000_000)

    with pytest.raises(SourceError) as caught:
        service(peer(answer(body=bomb, Content_Encoding="gzip")).url).get("/x", "", body_of)

    what = "the answer is encoded although that was not asked for"
    assert str(caught.value) == f"Loop: {what} (GET /x)"


@pytest.mark.parametrize("encoding", ["Identity", " identity ", ""])
def test_identity_spelled_out_is_no_encoding(peer, service, encoding):
    server = peer(answer(body=b"1", Content_Encoding=encoding))

    assert service(server.url).get("/x", "", body_of) == b"1"


@pytest.mark.covers("F26", "P16")
@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_a_redirected_read_fails_and_the_key_stays_home(peer, service, status):
    canary = peer()
    server = peer(answer(status, Location=f"{canary.url}/api/x"))

    with pytest.raises(SourceError, match=f"answered {status}"):
        service(server.url).get("/x", "", body_of)

    assert len(server.requests) == 1
    assert canary.requests == []


@pytest.mark.covers("F93")
def test_the_environment_names_no_proxy_and_no_credentials(peer, service, monkeypatch, tmp_path):
    canary, server = peer(), peer(answer(body=b"1"))
    netrc = tmp_path / "netrc"
    netrc.write_text("default login canary-login password canary-password\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, canary.url)

    assert service(server.url).get("/x", "", body_of) == b"1"

    assert canary.requests == []
    assert b"\r\nAuthorization:" not in server.requests[0]


def test_a_cookie_is_not_sent_back(peer, service):
    server = peer(answer(Set_Cookie="session=canary"))
    loop = service(server.url)

    loop.get("/x", "", body_of)
    loop.get("/x", "", body_of)

    assert b"Cookie" not in server.requests[1]
