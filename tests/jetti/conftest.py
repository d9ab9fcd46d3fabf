"""Pushing is tested in the world of the stories: over sockets, on one frozen clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from story_world import a_world
from workshop import Workshop


@pytest.fixture
def world(directory: Path) -> Iterator[Any]:
    with a_world(directory) as made:
        yield made


@pytest.fixture
def shop(world: Any) -> Iterator[Workshop]:
    """Jetti's parts around the world's Jetti and a ledger of their own."""
    with ExitStack() as stack:
        yield Workshop(world, stack)
