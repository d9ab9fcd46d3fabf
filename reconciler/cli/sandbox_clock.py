"""The clock of a sandbox in place of the machine's: to live through a week in a minute.

Imported only where it is asked for. Never outside this machine: a real service has another clock.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.clock import Clock
from reconciler.core.loopback import is_loopback
from reconciler.core.sandbox_clock import VARIABLE
from reconciler.errors import ConfigError
from reconciler.runtime import Runtime
from reconciler.sandbox.server.clock_client import ClockClient

if TYPE_CHECKING:
    from reconciler.config import Settings

_HOW = "start `reconciler sandbox --play` and use the settings that it prints"


class FollowedClock:
    """The sandbox's clock as the program's `Clock`, for one thread.

    Between two waits time passes as it does on this machine; a wait passes as fast as the sandbox
    has it. The sandbox is asked for the time when that is needed first, and at each wait.
    """

    def __init__(self, url: str, machine: Clock) -> None:
        self._url, self.machine = url, machine
        self._client = ClockClient(url, machine.check)
        self._told: tuple[datetime, float] | None = None
        """The time in the sandbox's last answer, and the machine's clock then; together, because
        lines of the log are dated in other threads, too."""
        self._elapsed = 0.0
        """Seconds from the start to the end of the last wait."""
        self._at = machine.monotonic()
        """When that was, by the machine's clock."""

    def now(self) -> datetime:
        told, at = self._told or self._ask(0.0)
        return told + timedelta(seconds=self.machine.monotonic() - at)

    def monotonic(self) -> float:
        return self._elapsed + self._since()

    def wait(self, seconds: float) -> None:
        """Wait. Raises Interrupted as the machine's clock does, and ConfigError if the sandbox no
        longer answers."""
        self.machine.check()
        self._ask(max(0.0, seconds))

    def check(self) -> None:
        self.machine.check()

    @contextmanager
    def of_another_thread(self) -> Iterator[FollowedClock]:
        """The same clock, for work that goes on beside."""
        other = FollowedClock(self._url, self.machine)
        try:
            yield other
        finally:
            other.close()

    def close(self) -> None:
        """Follow the sandbox no longer."""
        self._client.close()

    def _ask(self, seconds: float) -> tuple[datetime, float]:
        self._elapsed += self._since()
        self._at = self.machine.monotonic()
        try:
            answer = self._client.wait(seconds)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{VARIABLE}: no sandbox answers there", _HOW) from error
        self._elapsed += answer.waited
        self._at = self.machine.monotonic()
        self._told = answer.now, self._at
        return self._told

    def _since(self) -> float:
        return self.machine.monotonic() - self._at


def follow(runtime: Runtime, url: str) -> Runtime:
    """The same in the time of the sandbox at `url`. Raises ConfigError if that is not here."""
    # safeguard: sandbox-clock-on-this-machine
    if not _is_here(url):
        raise ConfigError(f"{VARIABLE}: is not the address of a sandbox on this machine", _HOW)
    before = runtime.clock
    machine = before.machine if isinstance(before, FollowedClock) else before
    clock = FollowedClock(url, machine)
    return dataclasses.replace(runtime, clock=clock, clock_of_a_thread=clock.of_another_thread)


def require_sandbox(settings: Settings) -> None:
    """Raises ConfigError unless both services are on this machine."""
    addresses = {"LOOP_BASE_URL": settings.loop.base_url, "JETTI_BASE_URL": settings.jetti.base_url}
    for name, url in addresses.items():
        # safeguard: sandbox-time-for-sandboxes-only
        if not _is_here(url):
            raise ConfigError(
                f"{VARIABLE}: {url} is not on this machine, and a sandbox's clock is for sandboxes",
                f"unset {VARIABLE}, or set {name} as `reconciler sandbox --play` prints it",
            )


def _is_here(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and is_loopback(parts.hostname or "")
    except ValueError:
        return False
