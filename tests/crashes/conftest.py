from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crashes.mortal_world import MortalWorld, mortal_world
from tests.crashes.zygote import Zygote


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """With everything compiled and cached that a first run costs."""
    with Zygote() as running:
        with mortal_world(running) as world:
            world.go_live()
            world.returned()
            world.pass_time()
            world.lives("run", forks=False)
            world.loop.label(world.seen("31000001").id, status="in_transit")
            world.pass_time()
            assert world.lives("run", forks=False).code == 0
        yield running


@pytest.fixture
def world(zygote: Zygote) -> Iterator[MortalWorld]:
    with mortal_world(zygote) as made:
        yield made
