"""Connections go where they are told to, and nothing opens one for longer than it may take."""

from __future__ import annotations

import select
import socket
import sys
from contextlib import ExitStack, closing

import httpcore
import pytest

from reconciler.http import NotSent, PerMinute, Timeouts
from reconciler.http.network import RequestWatch, WatchedNetwork
from reconciler.http.rate_limit import Pacer
from tests.http.peers import answer

HERE = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"
"""An address of this machine that is not taken by itself; elsewhere there is but one."""


class Elsewhere(httpcore.SyncBackend):
    """Leads to another port of this machine, for whoever waits a second for it."""

    def __init__(self, port: int) -> None:
        self._port = port

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        if host != "127.0.0.1":
            raise httpcore.ConnectError("no such host here")
        if timeout is not None and timeout < 1:
            raise httpcore.ConnectTimeout
        return super().connect_tcp(host, self._port, timeout, local_address, socket_options)


def test_a_network_in_place_of_the_machines_is_used(peer, service):
    server = peer(answer(body=b"1"))
    loop = service("http://127.0.0.1:1", network=Elsewhere(server.port))

    assert loop.get("/x", "", lambda got: got.body) == b"1"


@pytest.mark.parametrize("limits", [Timeouts(connect=0.5), Timeouts(connect=9, total=0.5)])
def test_connecting_takes_no_longer_than_its_own_time_and_the_deadline(peer, service, limits):
    server = peer()
    jetti = service("http://127.0.0.1:1", network=Elsewhere(server.port), timeouts=limits)

    with pytest.raises(NotSent) as caught:
        jetti.write("PUT", "/x", b"{}")

    assert str(caught.value) == "timed out"
    assert server.requests == []


def test_a_watched_connection_is_the_one_that_was_asked_for(clock):
    network = WatchedNetwork()
    pacer = Pacer("Loop", PerMinute(300), clock)
    network.watch = RequestWatch(clock, pacer, 5, write=False)
    keep_alive = (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        there = listener.getsockname()
        stream = network.connect_tcp(
            *there, timeout=2, local_address=HERE, socket_options=[keep_alive]
        )
        accepted, (here, _) = listener.accept()

    with accepted, closing(stream):
        assert here == HERE
        assert stream.get_extra_info("server_addr") == there
        assert stream.get_extra_info("socket").getsockopt(*keep_alive[:2]) == 1
        stream.write(b"asked")
        assert accepted.recv(100) == b"asked"
        accepted.sendall(b"answered")
        assert stream.read(100) == b"answered"


def test_connections_that_are_expected_are_opened_together_and_closed_if_not_used(clock):
    network = WatchedNetwork()
    network.watch = RequestWatch(clock, Pacer("Loop", PerMinute(300), clock), 5, write=False)
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        network.expect(4, None)
        used = [network.connect_tcp(*listener.getsockname(), timeout=2) for _ in range(2)]
        accepted = [stack.enter_context(listener.accept()[0]) for _ in range(4)]

        network.expect_no_more()
        another = network.connect_tcp(*listener.getsockname(), timeout=2)
        accepted.append(stack.enter_context(listener.accept()[0]))

        hung_up, _, _ = select.select(accepted, [], [], 1)
        assert [one.recv(1) for one in hung_up] == [b"", b""]
        for one in (*used, another):
            one.close()


def test_what_keeps_an_expected_connection_from_opening_is_raised_when_it_is_needed(clock):
    network = WatchedNetwork()
    network.watch = RequestWatch(clock, Pacer("Loop", PerMinute(300), clock), 5, write=False)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        there = closed.getsockname()
    network.expect(2, None)

    for _ in range(2):
        with pytest.raises(httpcore.ConnectError):
            network.connect_tcp(*there, timeout=2)
    network.expect_no_more()
