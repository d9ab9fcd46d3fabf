"""A server that plays scripted answers over real sockets, and a clock that does not sleep."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

from reconciler import __version__
from reconciler.errors import Interrupted, SourceError
from reconciler.http import Endpoint, PerSecond, Timeouts

KEY = "canary-key-7f3a"
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

Scripted = bytes | Callable[[socket.socket], None]


class RecordingClock:
    """Waiting takes no time but moves the clock; `stop_after` checks raises Interrupted."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.elapsed = 0.0
        self.stopped = False

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.elapsed += seconds
        self.check()

    def check(self) -> None:
        if self.stopped:
            raise Interrupted(15)


class Dice(random.Random):
    """Shows the same share of what is asked for every time: 0 the least, 1 the most."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = share

    def random(self) -> float:
        return self._share


def answer(status: int = 200, body: bytes = b"{}", **headers: str) -> bytes:
    """A complete HTTP answer; `Retry_After="1"` becomes a header."""
    lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def head_lines(request: str, port: int, *more: str) -> list[str]:
    """All lines of a request of ours before its body: these and no others, in this order."""
    return [
        f"{request} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Accept: application/json",
        "Accept-Encoding: identity",
        "Connection: close",
        f"User-Agent: returns-reconciler/{__version__}",
        f"X-Authorization: {KEY}",
        *more,
        "",
    ]


@contextmanager
def deaf_server(patience: float = 5) -> Iterator[str]:
    """The address of a server that takes connections but not a byte; in the end it hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        hanging_up = threading.Timer(patience, listener.close)
        hanging_up.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            hanging_up.cancel()
            hanging_up.join()


class Peer:
    """One scripted answer per connection, the last one again and again."""

    def __init__(self, *script: Scripted) -> None:
        self.script = list(script)
        self.requests: list[bytes] = []
        self.gone = threading.Event()
        """Set when the test is over: whoever is silent may leave."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.gone.set()
        # A blocked accept does not notice that its socket is closed: knock once.
        with closing(socket.socket()) as knock:
            knock.connect_ex(("127.0.0.1", self.port))
        self._thread.join(5)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self.gone.is_set():
                connection.close()
                return
            with connection:
                connection.settimeout(5)
                request = _request(connection)
                if not request:
                    continue  # opened for nothing
                self.requests.append(request)
                index = min(len(self.requests), len(self.script)) - 1
                self._play(connection, self.script[index])

    def _play(self, connection: socket.socket, scripted: Scripted) -> None:
        try:
            if callable(scripted):
                scripted(connection)
            else:
                connection.sendall(scripted)
        except OSError:
            pass  # the client went away, as some tests want it to


def _request(connection: socket.socket) -> bytes:
    """The whole of a request; empty if the client hangs up before."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            return b""
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-len")),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def endpoint(url: str, **changes) -> Endpoint:
    defaults = {
        "name": "Loop",
        "base_url": f"{url}/api",
        "key_header": ("X-Authorization", KEY),
        "key_setting": "LOOP_API_KEY",
        "unavailable": SourceError,
        "pace": PerSecond(reads=1000, writes=1000),
        "methods": frozenset({"GET", "PUT", "POST"}),
        "timeouts": Timeouts(connect=2, read=1, total=2),
    }
    return Endpoint(**(defaults | changes))
