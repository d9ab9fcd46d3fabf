"""Messages to people, through Apprise: mail, chats, phones.

Apprise is loaded only when there is something to send or to check: that takes half a second.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import partial

from msgspec import Struct
from msgspec.json import encode

from reconciler.clock import Clock
from reconciler.config import Secret
from reconciler.errors import ConfigError
from reconciler.log_events import Event
from reconciler.operations import sender
from reconciler.operations.background import Background, wait_for

_OFF = logging.CRITICAL + 1
_NOT_FOR_OTHERS = ("LOOP_", "JETTI_", "RECONCILER_", "CREDENTIALS_DIRECTORY")
"""How variables begin that a sender has no use for: keys, and where they are."""

_log = logging.getLogger(__name__)


class Message(Struct, frozen=True):
    """What is sent."""

    title: str
    body: str
    kind: str
    """Apprise's `warning` or `success`."""


def require_known(addresses: Sequence[Secret]) -> None:
    """Raise ConfigError for the first address that Apprise does not know."""
    logging.getLogger("apprise").setLevel(_OFF)  # it logs addresses
    import apprise

    for number, address in enumerate(addresses, 1):
        if not apprise.Apprise().add(address.reveal()):
            which = f" (number {number} of {len(addresses)})" if len(addresses) > 1 else ""
            raise ConfigError(
                f"operations.notify: (hidden){which} is no address that Apprise knows",
                "see https://github.com/caronc/apprise for the form of each service",
            )


def send(addresses: Sequence[Secret], message: Message, clock: Clock) -> bool:
    """Send to all at the same time; whether at least one has taken it. Never raises.

    Takes `sender.LONGEST` seconds at most. One that has not taken it is named in the log by its
    number.
    """
    ways = [
        Background(f"notify {number}", partial(_send, address, message))
        for number, address in enumerate(addresses, 1)
    ]
    wait_for(ways, sender.LONGEST, clock)
    for way in ways:
        if way.is_over and not way.value:
            _log.warning(
                "%s: the message was not taken", way.what, extra=Event.MESSAGE_FAILED.fields
            )
    return any(way.value for way in ways)


def _send(address: Secret, message: Message) -> bool:
    order = sender.Order(address.reveal(), message.title, message.body, message.kind)
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(_NOT_FOR_OTHERS)
    }
    # Not on the command line, which every user can read.
    done = subprocess.run(  # noqa: S603 - this program itself
        [sys.executable, "-P", "-m", sender.__name__],
        input=encode(order),
        env=environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Ctrl-C is for this process, which then waits for less long.
        start_new_session=True,
        check=False,
    )
    return done.returncode == sender.TAKEN
