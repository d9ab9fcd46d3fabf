"""One seed, one history: plan, order, requests, reports and ledger come out the same."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.history_machine import Histories


@pytest.mark.covers("P19")
def test_the_same_history_comes_out_the_same_twice() -> None:
    first, second = _traces(), _traces()

    assert len(first) >= 3
    assert first == second


def _traces() -> list[tuple[object, ...]]:
    class Traced(Histories):
        traces: ClassVar[list[tuple[object, ...]]] = []

        def teardown(self) -> None:
            history = self.history
            if self.begun:
                self.traces.append(
                    (
                        tuple(history.told),
                        tuple(history.sandbox.request_log.all()),
                        repr(history.sandbox.jetti.store.to_json()),
                        tuple(sorted(history.states().items())),
                    )
                )
            super().teardown()

    run_state_machine_as_test(
        seed(7)(Traced),
        settings=settings(
            max_examples=4,
            stateful_step_count=30,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    return Traced.traces
