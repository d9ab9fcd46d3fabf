"""An answer together with what happens to it on its way over the wire."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from reconciler.sandbox.messages import Response

Ending = Literal["open", "reset", "close", "silence"]
"""What becomes of the connection: kept, cut with RST, ended with FIN, or left hanging."""


class Delivery(Struct, frozen=True):
    """By default a response that arrives whole and at once."""

    response: Response | None
    """None: not one byte of an answer."""
    delay: float = 0.0
    """Seconds before the first byte."""
    pause: float = 0.0
    """Seconds between the single bytes of the body."""
    body_bytes: int | None = None
    """How much of the body is sent; None: all of it, 0: only the head."""
    declared_length: int | None = None
    """What Content-Length says; None: the truth."""
    copies: int = 1
    ending: Ending = "open"


class Lost(Exception):
    """What a caller without sockets gets in place of an answer that does not arrive whole."""

    def __init__(self, how: Literal["refused", "reset", "close", "silence"]) -> None:
        super().__init__(f"no whole answer: {how}")
        self.how = how


def received(delivery: Delivery) -> Response:
    """What a careful HTTP client would make of it. Raises `Lost`."""
    response = delivery.response
    if delivery.ending != "open":
        raise Lost(delivery.ending)
    if response is None:
        raise Lost("close")
    if delivery.declared_length not in (None, len(response.body)):
        raise Lost("close")
    return response


def seconds(delivery: Delivery) -> float:
    """How long it takes."""
    body = delivery.response.body if delivery.response else b""
    return delivery.delay + delivery.pause * len(body[: delivery.body_bytes])
