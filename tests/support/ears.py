"""Somebody who is told: a listener on loopback that hears what is posted and answers, or not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.leaks import found_in


@dataclass
class Heard:
    """One request."""

    path: str
    query: str
    body: str

    @property
    def message(self) -> dict[str, Any]:
        """What Apprise posts to `json://`."""
        return dict(json.loads(self.body))


@dataclass
class Ears:
    """What was heard, and how it is answered."""

    port: int = 0
    heard: list[Heard] = field(default_factory=list)
    status: int = 200
    statuses: dict[str, int] = field(default_factory=dict)
    """By the end of the path, where it is not the one above."""
    elsewhere: str = ""
    """Where every request is redirected to."""
    is_silent: bool = False
    """Whether nothing is answered until the end."""
    lets_go: threading.Event | None = None
    """Before which nothing is answered."""
    trickles: bool = False
    """Whether the answer comes byte by byte."""
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def ping_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/canary-ping-5d21"

    @property
    def apprise_url(self) -> str:
        return f"json://user:canary-password-77aa@127.0.0.1:{self.port}/canary-hook-90ce"

    @property
    def paths(self) -> list[str]:
        """What was pinged, without the address itself."""
        return [one.path.removeprefix("/canary-ping-5d21") for one in self.heard]

    @property
    def messages(self) -> list[str]:
        """Title and text of each message."""
        sent = [one.message for one in self.heard]
        return [f"{one['title']}\n{one['message']}" for one in sent]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        path, _, query = handler.path.partition("?")
        self.heard.append(Heard(path, query, handler.rfile.read(length).decode()))
        if self.is_silent:
            self.over.wait(60)
            return
        if self.lets_go is not None:
            self.lets_go.wait(60)
        if self.trickles:
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000:
                if self.over.wait(0.2):
                    return
                handler.wfile.write(bytes([byte]))
        ending = next((s for end, s in self.statuses.items() if path.endswith(end)), self.status)
        handler.send_response(302 if self.elsewhere else ending)
        if self.elsewhere:
            handler.send_header("Location", self.elsewhere)
        handler.send_header("Content-Length", "0")
        handler.end_headers()


@contextmanager
def listening() -> Iterator[Ears]:
    """Somebody who listens while the block runs."""
    ears = Ears()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            ears.answer(self)

        do_GET = do_POST  # noqa: N815 - so the library has it

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # the program hung up
    ears.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield ears
    finally:
        ears.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
    leaks = {leak for one in ears.heard for leak in found_in(one.body + one.path)}
    assert not leaks, f"somebody was told {leaks}"
