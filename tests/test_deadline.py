"""A service has only so long, whatever it does: hang, send a byte now and then, ask to wait."""

from __future__ import annotations

import time
from typing import Any

import pytest

from reconciler import deadline
from reconciler.clock import SystemClock
from reconciler.errors import SourceError
from reconciler.http import Endpoint, PerMinute, Service
from reconciler.runtime import Runtime
from reconciler.sandbox.faults.registry import Fault
from reconciler.sandbox.sandbox import LOOP_KEY, Sandbox, SandboxOptions
from reconciler.sandbox.server.serving import serving

SECONDS = 0.6
PATH = "/warehouse/return/list"


def bounded(sandbox: Sandbox, pace: float = 300, each: float = 10.0) -> Service:
    assert sandbox.urls is not None
    endpoint = Endpoint(
        name="Loop",
        base_url=sandbox.urls.loop,
        key_header=("X-Authorization", LOOP_KEY),
        key_setting="LOOP_API_KEY",
        unavailable=SourceError,
        pace=PerMinute(pace),
    )
    runtime = deadline.within(Runtime(SystemClock(), {}), SECONDS, each=each)
    assert runtime.connect is not None
    made: Service = runtime.connect(endpoint, runtime.clock)
    return made


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("silence", {}),
        ("delay", {"seconds": 30.0}),
        ("trickle", {"seconds": 0.05}),
        ("429", {"retry_after": "seconds", "seconds": 30.0}),
    ],
)
def test_whatever_a_service_does_there_is_an_end(kind: str, parameters: dict[str, Any]) -> None:
    sandbox = Sandbox(SandboxOptions(returns=3))
    with serving(sandbox):
        sandbox.faults.add(Fault("loop", kind, parameters=parameters))
        began = time.monotonic()

        each = SECONDS if kind == "trickle" else 10.0
        with bounded(sandbox, each=each) as service, pytest.raises(SourceError, match="Loop"):
            service.get(PATH, "paginate=true", lambda answer: answer.body)

    assert time.monotonic() - began < 2 * SECONDS + 1


def test_it_is_one_bound_for_all_that_is_asked() -> None:
    sandbox = Sandbox(SandboxOptions(returns=0))
    with serving(sandbox), bounded(sandbox, pace=60) as service:
        # Six leave at once, and then one a second.
        with pytest.raises(SourceError, match="could not be asked at its pace within"):
            _ask(service, 10)

        assert 6 <= service.requests.get < 10


def _ask(service: Service, times: int) -> None:
    for _ in range(times):
        service.get(PATH, "", lambda answer: answer.body)
