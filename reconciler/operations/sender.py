"""Sends one message through Apprise, as a process of its own: `python -m
reconciler.operations.sender`, with `Order` as JSON on stdin.

Of its own, because Apprise sends in threads that Python waits for at its end, however long a
listener takes; a process can be ended. Nothing that a library prints or logs leaves it.
"""

from __future__ import annotations

import os
import signal
import sys

from msgspec import Struct
from msgspec.json import decode

TAKEN, NOT_TAKEN = 0, 1
LONGEST = 10
"""Seconds after which the process ends itself, whatever it waits for."""


class Order(Struct, frozen=True):
    """What to send, and where to."""

    address: str
    title: str
    body: str
    kind: str
    """Apprise's `warning` or `success`."""


def main() -> None:
    # Also when nobody is left to end it; SIGALRM does so whatever Python is doing.
    signal.alarm(LONGEST)
    order = decode(sys.stdin.buffer.read(), type=Order)
    import apprise

    channel = apprise.Apprise(asset=apprise.AppriseAsset(app_id="reconciler"))
    is_known = channel.add(order.address)
    for service in channel:
        if "overflow_mode" not in vars(service):  # the address itself does not say it
            # A service that takes less would refuse all of it, each time.
            service.overflow_mode = apprise.OverflowMode.TRUNCATE
    is_taken = is_known and channel.notify(
        title=order.title,
        body=order.body,
        notify_type=order.kind,
        body_format=apprise.NotifyFormat.TEXT,
    )
    os._exit(TAKEN if is_taken else NOT_TAKEN)


if __name__ == "__main__":
    main()
