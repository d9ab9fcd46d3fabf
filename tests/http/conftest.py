"""Servers that play scripted answers, and services that ask them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from reconciler.http import Service, connect
from tests.http.peers import Peer, RecordingClock, Scripted, answer, endpoint


@pytest.fixture
def clock() -> RecordingClock:
    return RecordingClock()


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    with ExitStack() as stack:

        def make(*script: Scripted) -> Peer:
            made = Peer(*(script or (answer(),)))
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def service(clock) -> Iterator[Callable[..., Service]]:
    with ExitStack() as stack:

        def make(url: str, tls=None, rng=None, network=None, **changes) -> Service:
            dice = rng or random.Random(7)
            made = connect(endpoint(url, **changes), clock, rng=dice, tls=tls, network=network)
            return stack.enter_context(made)

        yield make
