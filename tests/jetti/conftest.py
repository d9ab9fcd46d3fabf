"""Pushing is tested in the world of the stories: in process, on one frozen clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.jetti.workshop import Workshop


@pytest.fixture
def shop(world: Any) -> Iterator[Workshop]:
    """Jetti's parts around the world's Jetti and a ledger of their own."""
    with ExitStack() as stack:
        yield Workshop(world, stack)
