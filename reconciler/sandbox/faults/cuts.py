"""Responses that come late, in pieces, or never.

`applied` says whether the service handles the request although no response arrives.
"""

from __future__ import annotations

from reconciler.sandbox.delivery import Delivery, Ending
from reconciler.sandbox.faults.call import Call


def delay(call: Call, /, *, seconds: float = 1.0) -> Delivery:
    """The response is late."""
    return Delivery(call.apply(), delay=seconds)


def trickle(call: Call, /, *, seconds: float = 1.0) -> Delivery:
    """The body arrives byte by byte."""
    return Delivery(call.apply(), pause=seconds)


def refuse(call: Call, /) -> Delivery:
    """Cut before a byte of the request is read; the server checks for it before reading."""
    raise AssertionError(f"refuse is no answer to {call.request.path}")


def reset_before_headers(call: Call, /, *, applied: bool = False) -> Delivery:
    """Cut when the request is complete."""
    if applied:
        call.apply()
    return Delivery(None, ending="reset")


def reset_after_headers(call: Call, /) -> Delivery:
    """Cut between head and body."""
    return Delivery(call.apply(), body_bytes=0, ending="reset")


def reset_mid_body(call: Call, /, *, share: float = 0.5) -> Delivery:
    """Cut after a share of the body."""
    response = call.apply()
    return Delivery(response, body_bytes=int(len(response.body) * share), ending="reset")


def silence(call: Call, /, *, applied: bool = False) -> Delivery:
    """No answer, and the connection stays open."""
    if applied:
        call.apply()
    return Delivery(None, ending="silence")


def applied_then_lost(call: Call, /, *, ending: Ending = "reset") -> Delivery:
    """The service handles the request, but its response is lost."""
    call.apply()
    return Delivery(None, ending=ending)


def not_applied_then_lost(call: Call, /, *, ending: Ending = "reset") -> Delivery:
    """The service never sees the request; to the client this looks the same."""
    return Delivery(None, ending=ending)


def applied_later(call: Call, /, *, seconds: float, ending: Ending = "reset") -> Delivery:
    """The service handles the request `seconds` of sandbox time after the connection was cut."""
    call.postpone(seconds)
    return Delivery(None, ending=ending)
