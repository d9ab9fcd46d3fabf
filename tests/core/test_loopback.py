"""Which hosts are this machine."""

from __future__ import annotations

import pytest

from reconciler.core.loopback import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1"])
def test_this_machine_is_known_by_name_and_by_address(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "10.0.0.1", "0.0.0.0", "::", "127.1", "LOCALHOST", "localhost.", "localhost.example.com",
     "127.0.0.1.example.com", "[::1]"],
)  # fmt: skip
def test_whatever_else_only_looks_like_it(host: str) -> None:
    assert not is_loopback(host)
