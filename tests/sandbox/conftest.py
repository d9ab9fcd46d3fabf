"""Worlds for the tests of the sandbox."""

from __future__ import annotations

import pytest

from tests.sandbox.loop_shop import LoopShop


@pytest.fixture
def shop() -> LoopShop:
    return LoopShop()
