"""What the system knows of a TCP connection. Only Linux is asked; elsewhere nothing is known."""

from __future__ import annotations

import socket
import struct
import sys

import httpcore
from msgspec import Struct

# struct tcp_info of linux/tcp.h, as far as it is read: eight bytes, of which the first is the
# state, then words of four bytes, of which the 24th counts the segments sent again.
_INFO = struct.Struct("=B99xI")
_ESTABLISHED = 1


class TcpState(Struct, frozen=True):
    """A connection at one moment."""

    is_open: bool
    """Whether neither side has hung up."""
    sent_again: int
    """Segments that were sent more than once, those that opened the connection included."""


def tcp_state(connection: httpcore.NetworkStream) -> TcpState | None:
    """The state of a connection, or None if there is no socket or no telling."""
    of = connection.get_extra_info("socket")
    if of is None or sys.platform != "linux":
        return None
    try:
        told = of.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
    except OSError:
        return None
    if len(told) < _INFO.size:
        return None
    state, sent_again = _INFO.unpack(told)
    return TcpState(state == _ESTABLISHED, sent_again)
