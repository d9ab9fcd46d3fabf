"""What Linux tells of a connection, asked of real ones."""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack

import httpcore
import pytest

from reconciler.http.tcp_state import TcpState, tcp_state

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked")


class Over(httpcore.NetworkStream):
    """A connection over this socket, if any."""

    def __init__(self, used: socket.socket | None) -> None:
        self._used = used

    def get_extra_info(self, info):
        return self._used if info == "socket" else None


@pytest.fixture
def ends():
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as stack:
        here = stack.enter_context(socket.create_connection(listener.getsockname()))
        yield here, stack.enter_context(listener.accept()[0])


def test_a_connection_is_open_until_either_side_hangs_up(ends):
    here, there = ends
    assert tcp_state(Over(here)) == tcp_state(Over(there)) == TcpState(True, 0)

    there.close()

    assert tcp_state(Over(here)) == TcpState(False, 0)


def test_bytes_that_arrive_do_not_close_it(ends):
    here, there = ends
    there.sendall(b"a ticket of TLS, say")

    assert tcp_state(Over(here)) == TcpState(True, 0)


def test_of_what_is_no_tcp_connection_nothing_is_known(ends):
    here, _ = ends
    here.close()

    with socket.socket(socket.AF_UNIX) as local:
        assert tcp_state(Over(local)) is None
    assert tcp_state(Over(here)) is None
    assert tcp_state(Over(None)) is None


def test_what_was_sent_again_is_counted():
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        listener.settimeout(10)
        callers = [stack.enter_context(socket.socket()) for _ in range(2)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        for _ in callers:  # the second is not heard at first: one fills the queue
            stack.enter_context(listener.accept()[0])

        states = [tcp_state(Over(caller)) for caller in callers]

    assert states == [TcpState(True, 0), TcpState(True, 1)]
