"""A service's address, key, limits and timeouts."""

from __future__ import annotations

import re

import httpx
from msgspec import Struct

from reconciler.core.loopback import is_loopback
from reconciler.errors import ConfigError, ReconcilerError
from reconciler.http.rate_limit import PerMinute, PerSecond

MIB = 1024 * 1024

# httpx refuses other characters in a header value, with an error that quotes the value.
_KEY_GRAMMAR = re.compile(r"[!-~]+( [!-~]+)*", re.ASCII)


class Timeouts(Struct, frozen=True):
    """Seconds that one attempt may take."""

    connect: float = 10.0
    read: float = 30.0
    """Between two bytes."""
    total: float = 60.0
    """For the whole attempt, even if bytes keep trickling in."""


class Endpoint(Struct, frozen=True):
    """One service as the settings describe it. Its `repr` hides the key."""

    name: str
    """For messages: "Loop", "Jetti"."""
    base_url: str
    key_header: tuple[str, str]
    """Name and value."""
    key_setting: str
    """The setting to correct when the key is refused: `LOOP_API_KEY`."""
    unavailable: type[ReconcilerError]
    """Raised when the service cannot be reached or its answers are invalid."""
    pace: PerMinute | PerSecond
    methods: frozenset[str] = frozenset({"GET"})
    """No other method can be sent; a dry run is limited to GET."""
    body_cap: int = 32 * MIB
    timeouts: Timeouts = Timeouts()

    def __repr__(self) -> str:
        return f"<Endpoint {self.name}>"


def pinned_url(endpoint: Endpoint) -> httpx.URL:
    """The base URL without a trailing slash. Raises ConfigError if it or the key is unusable.

    https, or http to this machine only: a key never crosses a network unencrypted.
    """
    try:
        url = httpx.URL(endpoint.base_url.rstrip("/"))
    except (httpx.InvalidURL, ValueError):
        raise ConfigError(f"{endpoint.name}: the base URL cannot be read") from None
    odd_port = url.port is not None and not 0 < url.port < 65536
    if url.scheme not in ("http", "https") or not url.host or odd_port:
        raise ConfigError(f"{endpoint.name}: the base URL must begin with https:// and a host")
    # safeguard: https
    if url.scheme == "http" and not is_loopback(url.host):
        raise ConfigError(f"{endpoint.name}: plain http is accepted for this machine only")
    if url.userinfo or url.query or url.fragment:
        raise ConfigError(f"{endpoint.name}: the base URL may hold a host and a path only")
    if not _KEY_GRAMMAR.fullmatch(endpoint.key_header[1]):
        raise ConfigError(
            f"{endpoint.name}: the key is empty or has characters that a key cannot have",
            hint=f"check {endpoint.key_setting}",
        )
    return url
