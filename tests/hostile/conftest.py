from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from story_world import World, a_world


@pytest.fixture
def world(directory: Path) -> Iterator[World]:
    with a_world(directory) as made:
        yield made
