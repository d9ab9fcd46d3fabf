"""A pretend Loop over real HTTP, and readers of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from worlds import NOON, PatientClock, loop_endpoint

from reconciler.http import connect
from reconciler.loop import LoopReader
from reconciler.sandbox.sandbox import LOOP_KEY, Sandbox, SandboxOptions
from reconciler.sandbox.server.serving import serving


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    world = Sandbox(SandboxOptions(returns=0, start=NOON, frozen=True, rate_limits=False))
    with serving(world):
        yield world


@pytest.fixture
def reader(sandbox) -> Iterator[Callable[..., LoopReader]]:
    """Readers with small pages."""
    with ExitStack() as stack:

        def make(page_size: int = 5, key: str = LOOP_KEY, **changes) -> LoopReader:
            clock = PatientClock()
            endpoint = loop_endpoint(sandbox.urls.loop, key, **changes)
            service = stack.enter_context(connect(endpoint, clock, rng=random.Random(7)))
            return LoopReader(service, clock, page_size)

        yield make
