"""A response together with what happens to it on the network."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from reconciler.sandbox.messages import Response

Ending = Literal["open", "reset", "close", "silence"]
"""What happens to the connection: kept open, cut with RST, ended with FIN, or left hanging."""


class Delivery(Struct, frozen=True):
    """By default a response that arrives complete and at once."""

    response: Response | None
    """None: no answer at all."""
    delay: float = 0.0
    """Seconds before the first byte."""
    pause: float = 0.0
    """Seconds between two bytes of the body."""
    body_bytes: int | None = None
    """Bytes of the body that are sent; None: all, 0: only the head."""
    declared_length: int | None = None
    """The value of Content-Length; None: the true one."""
    copies: int = 1
    ending: Ending = "open"


class Lost(Exception):
    """Raised to a caller without sockets if no complete answer would arrive."""

    def __init__(self, how: Literal["refused", "reset", "close", "silence"]) -> None:
        super().__init__(f"no whole answer: {how}")
        self.how = how


def received(delivery: Delivery) -> Response:
    """The response that a careful HTTP client would receive. Raises `Lost`."""
    response = delivery.response
    if delivery.ending != "open":
        raise Lost(delivery.ending)
    if response is None:
        raise Lost("close")
    if delivery.declared_length not in (None, len(response.body)):
        raise Lost("close")
    return response


def seconds(delivery: Delivery) -> float:
    """How long the delivery takes."""
    body = delivery.response.body if delivery.response else b""
    return delivery.delay + delivery.pause * len(body[: delivery.body_bytes])
