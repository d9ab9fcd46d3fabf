"""Which hosts are this machine: the only ones that a key may reach in clear text."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a URL's host, an IPv6 address without its brackets, is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
