"""One service on one port: real sockets, HTTP/1.1 with keep-alive, and every way to misbehave."""

from __future__ import annotations

import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast

from reconciler.sandbox.delivery import Delivery
from reconciler.sandbox.messages import Request, Response

HOST = "127.0.0.1"
LARGEST_BODY = 10_000_000


class Listener(ThreadingHTTPServer):
    """Listens on loopback as soon as it is created; `deliver` answers each request."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        port: int,
        deliver: Callable[[Request], Delivery],
        refuses: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__((HOST, port), Connection)
        self.deliver, self.refuses = deliver, refuses
        self.stopping = threading.Event()
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://{HOST}:{self.server_address[1]}"

    def __enter__(self) -> Self:
        """Serve in background threads while the block runs."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving; connections that hang silently are ended too."""
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def connected(self) -> AbstractContextManager[Callable[[Request], Delivery]]:
        """Entered for each connection and left when it ends; answers the requests of that one."""
        return nullcontext(self.deliver)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that disconnects is no error; any other exception is a bug and must be shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Connection(BaseHTTPRequestHandler):
    """What one client sends over one connection, request by request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 0

    def handle(self) -> None:
        """Handle requests until the connection ends."""
        with cast(Listener, self.server).connected() as self._deliver:
            super().handle()

    def handle_one_request(self) -> None:
        """Handle a request, unless the connection is to be refused before anything is read."""
        listener = cast(Listener, self.server)
        if not self.rfile.peek(1):  # type: ignore[attr-defined]
            self.close_connection = True
        elif listener.refuses():
            self._reset()
        else:
            super().handle_one_request()

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Pass every method on to the service, known or not."""
        if name.startswith("do_"):
            return self._exchange
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing here: the sandbox has its own request log."""

    def _exchange(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if not 0 <= length <= LARGEST_BODY or "transfer-encoding" in self.headers:
            self._reset()
            return
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True  # the client died while it sent: there is no request
            return
        self._send(self._deliver(Request(self.command, path, query, headers, body)))

    def _send(self, delivery: Delivery) -> None:
        cast(Listener, self.server).stopping.wait(delivery.delay)
        if delivery.response is not None:
            for _ in range(delivery.copies):
                self._send_response(delivery.response, delivery)
        match delivery.ending:
            case "reset":
                self._reset()
            case "close":
                self.close_connection = True
            case "silence":
                self._hang()

    def _send_response(self, response: Response, delivery: Delivery) -> None:
        length = len(response.body)
        if delivery.declared_length is not None:
            length = delivery.declared_length
        head = head_of(response, length)
        body = response.body[: delivery.body_bytes]
        if self.command == "HEAD":
            body = b""
        if not delivery.pause:
            self.connection.sendall(head + body)
            return
        self.connection.sendall(head)
        for byte in body:
            time.sleep(delivery.pause)
            self.connection.sendall(bytes([byte]))

    def _reset(self) -> None:
        """Close with RST: data still in transit is lost."""
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # Otherwise the buffered reader keeps the socket open, and a FIN would be sent first.
        self.rfile.close()
        self.connection.close()

    def _hang(self) -> None:
        """Send nothing until the client disconnects or the sandbox stops."""
        self.close_connection = True
        stopping = cast(Listener, self.server).stopping
        while not stopping.is_set():
            readable, _, _ = select.select([self.connection], [], [], 0.05)
            if readable and not self.connection.recv(1):
                return


def head_of(response: Response, length: int) -> bytes:
    """Status line and headers."""
    lines = [f"HTTP/1.1 {response.status} {_reason(response.status)}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines.append(f"content-length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _reason(status: int) -> str:
    known = BaseHTTPRequestHandler.responses.get(cast(Any, status))
    return known[0] if known else "Unknown"
