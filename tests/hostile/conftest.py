from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from story_world import World, a_world

_MEMORY = Path("/dev/shm")


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """Where the ledger lives: in memory if possible, because every commit is synced to disk."""
    if not _MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=_MEMORY, prefix="hostile-") as made:
        yield Path(made)


@pytest.fixture
def world(directory: Path) -> Iterator[World]:
    with a_world(directory) as made:
        yield made
