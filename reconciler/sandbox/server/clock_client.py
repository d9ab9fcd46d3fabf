"""A client that follows the sandbox's clock, for a program that is to live in its time."""

from __future__ import annotations

import http.client
import select
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

LOOK_EVERY = 0.05
"""Seconds between two looks whether a wait is to end early."""


class Waited(msgspec.Struct, frozen=True):
    """How long a wait was, by the sandbox's clock."""

    now: datetime
    waited: float
    """Seconds."""


class ClockClient:
    """A connection to `control_api`. From the first wait until it is closed, the time between two
    waits passes at the machine's pace."""

    def __init__(self, url: str, check: Callable[[], None]) -> None:
        """`check` is called every now and then during a wait, and may raise."""
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        self._check = check

    def wait(self, seconds: float) -> Waited:
        """Wait until `seconds` have passed by the sandbox's clock.

        Raises what `check` raises, and OSError or ValueError if the sandbox does not answer as one
        does. In each case the clock is followed no longer.
        """
        try:
            self._connection.request(
                "POST", "/clock/wait", msgspec.json.encode({"seconds": seconds})
            )
            while not select.select([self._connection.sock], [], [], LOOK_EVERY)[0]:
                self._check()
            content = self._connection.getresponse().read()
            return msgspec.json.decode(content, type=Waited)
        except http.client.HTTPException as error:
            self.close()
            raise ValueError("this is no HTTP") from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Follow the clock no longer."""
        self._connection.close()
