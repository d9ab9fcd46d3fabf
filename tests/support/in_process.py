"""A network of one process: real HTTP bytes to the sandbox's own logic, without sockets or threads.

Everything of `reconciler.http` stays in the path. What takes time takes the sandbox's, so that a
story is a function of its seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import h11
import httpcore

from reconciler.sandbox.delivery import Delivery
from reconciler.sandbox.faults.registry import ServiceName
from reconciler.sandbox.messages import Request
from reconciler.sandbox.sandbox import Sandbox, Urls
from reconciler.sandbox.server.listener import head_of

PORTS: dict[int, ServiceName] = {8001: "loop", 8002: "jetti"}
URLS = Urls(
    loop="http://127.0.0.1:8001/api/2026-07",
    jetti="http://127.0.0.1:8002/api",
    control="http://127.0.0.1:8003",
)
PATIENCE = 30.0
"""Seconds of silence after which the program's transport gives up (`http.Timeouts.read`)."""
LONGEST = 60.0
"""Seconds after which it does so however the bytes trickle (`http.Timeouts.total`)."""


class Silence(httpcore.TimeoutException):
    """The other side says nothing for too long.

    Not a `ReadTimeout`: upon that one the program looks up for a signal and listens on, by the
    machine's clock.
    """


class Network(httpcore.NetworkBackend):
    """Leads to a sandbox that does not serve."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.is_down = False
        """The process is dying: nothing leaves any more."""
        self.broken_promise: AssertionError | None = None
        """What somebody who watches objected to."""
        self.before: Callable[[ServiceName, Request], None] = _nothing
        """Called with each complete request before the sandbox sees it."""
        self.after: Callable[[ServiceName, Request, Delivery], None] = _nothing
        """Called when the sandbox has dealt with it, before a byte of the answer is read."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        service = PORTS[port]
        if self.is_down or self.sandbox.faults.on_connection(service) is not None:
            raise httpcore.ConnectError("refused")
        return _Connection(self, service)

    @property
    def is_unwatched(self) -> bool:
        return not self.is_down and self.before == self.after == _nothing

    def carry(self, service: ServiceName, request: Request) -> Delivery:
        """One request to the sandbox, with everybody who watches."""
        try:
            self.before(service, request)
            delivery = self.sandbox.deliver(service, request)
            self.after(service, request, delivery)
        except AssertionError as error:
            # The program takes it for a bug of its own and ends with 1.
            self.broken_promise = error
            raise
        return delivery


class _Connection(httpcore.NetworkStream):
    """One request and what comes back of its answer."""

    def __init__(self, network: Network, service: ServiceName) -> None:
        self._network, self._service = network, service
        self._parser = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = b""
        self._coming: list[bytes] = []
        self._ending = "silence"

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._network.is_down:
            raise httpcore.WriteError("the machine is gone")
        if not buffer:
            return  # to h11 the end of the connection
        self._parser.receive_data(buffer)
        while (event := self._parser.next_event()) is not h11.NEED_DATA:
            match event:
                case h11.Request():
                    self._head = event
                case h11.Data():
                    self._body += bytes(event.data)
                case h11.EndOfMessage():
                    # The program uses a connection once.
                    self._answer()
                    return

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._network.is_down:
            raise httpcore.ReadError("the machine is gone")
        if self._coming:
            return self._coming.pop(0)
        if self._ending == "close":
            return b""
        if self._ending == "reset":
            raise httpcore.ReadError("reset")
        self._network.sandbox.advance(PATIENCE)
        raise Silence("silence")

    def close(self) -> None:
        """Nothing is held."""

    def get_extra_info(self, info: str) -> Any:
        return None

    def _answer(self) -> None:
        assert self._head is not None
        path, _, query = self._head.target.decode("ascii").partition("?")
        headers = {name.decode(): value.decode("latin-1") for name, value in self._head.headers}
        request = Request(self._head.method.decode(), path, query, headers, self._body)
        delivery = self._network.carry(self._service, request)
        self._ending = "silence" if delivery.ending == "open" else delivery.ending
        self._take(delivery)

    def _take(self, delivery: Delivery) -> None:
        """Lay out the bytes, and let pass the time that they take."""
        response = delivery.response
        body = response.body[: delivery.body_bytes] if response else b""
        spent = delivery.delay + delivery.pause * len(body)
        if delivery.delay > PATIENCE or delivery.pause > PATIENCE or spent > LONGEST:
            self._ending = "silence"
            self._network.sandbox.advance(min(spent, LONGEST) - PATIENCE)
            return
        if spent:
            self._network.sandbox.advance(spent)
        if response is None:
            return
        declared = delivery.declared_length
        head = head_of(response, len(response.body) if declared is None else declared)
        self._coming += [head, body] * delivery.copies if body else [head] * delivery.copies


@contextmanager
def in_process(sandbox: Sandbox) -> Iterator[Network]:
    """The sandbox answers whoever is given this network, while the block runs."""
    sandbox.urls = URLS
    try:
        yield Network(sandbox)
    finally:
        sandbox.urls = None


def _nothing(*_: object) -> None:
    """Nobody watches."""
