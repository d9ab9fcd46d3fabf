"""Pushing is tested in the world of the stories: over sockets, on one frozen clock."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "stories"))

from story_world import a_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Any]:
    with a_world(tmp_path) as made:
        yield made
