"""A pretend Loop, asked over real HTTP without sockets, and readers of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from reconciler.http import connect
from reconciler.loop import LoopReader
from reconciler.sandbox.sandbox import LOOP_KEY, Sandbox, SandboxOptions
from tests.loop.samples import NOON, loop_endpoint
from tests.support.in_process import Network, in_process
from tests.support.patient_clock import PatientClock


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(SandboxOptions(returns=0, start=NOON, frozen=True, rate_limits=False))


@pytest.fixture
def network(sandbox: Sandbox) -> Iterator[Network]:
    with in_process(sandbox) as made:
        yield made


@pytest.fixture
def reader(sandbox: Sandbox, network: Network) -> Iterator[Callable[..., LoopReader]]:
    """Readers with small pages."""
    with ExitStack() as stack:

        def make(page_size: int = 5, key: str = LOOP_KEY, **changes) -> LoopReader:
            clock = PatientClock(NOON)
            endpoint = loop_endpoint(sandbox.urls.loop, key, **changes)
            service = stack.enter_context(
                connect(endpoint, clock, rng=random.Random(7), network=network)
            )
            return LoopReader(service, clock, page_size)

        yield make
