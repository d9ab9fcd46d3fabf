"""Pushing is tested in the world of the stories: over sockets, on one frozen clock."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from story_world import a_world
from workshop import Workshop

_MEMORY = Path("/dev/shm")


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """Where the ledger lives: in memory if possible, because every commit is synced to disk."""
    if not _MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=_MEMORY, prefix="jetti-") as made:
        yield Path(made)


@pytest.fixture
def world(directory: Path) -> Iterator[Any]:
    with a_world(directory) as made:
        yield made


@pytest.fixture
def shop(world: Any) -> Iterator[Workshop]:
    """Jetti's parts around the world's Jetti and a ledger of their own."""
    with ExitStack() as stack:
        yield Workshop(world, stack)
