"""Whatever happens in whatever order: nothing is lost, nothing is done twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.history_machine import PART, Histories
from tests.support.fault_table import SEED
from tests.support.figures import Figures

SEEDS = tuple(range(20260301, 20260307))
"""A test each, so that several processes share the work. `--hypothesis-seed=N` adds N to them."""
SIZES = {"dev": (18, 30), "ci": (306, 40), "nightly": (600, 60)}
"""Histories altogether and steps of each, by Hypothesis' profile."""


@pytest.mark.covers("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P10", "P12", "P13")
@pytest.mark.parametrize("number", SEEDS)
def test_any_history_ends_in_agreement(
    number: int, figures: Figures, request: pytest.FixtureRequest, record_property: Any
) -> None:
    histories, steps = SIZES.get(settings.get_current_profile_name(), SIZES["dev"])
    number += int(request.config.getoption("--hypothesis-seed") or 0)
    figures.note(PART, "seeds", str(number))
    record_property(SEED, number)

    class Shard(Histories):
        pass

    Shard.figures, Shard.histories = figures, 0
    try:
        run_state_machine_as_test(
            seed(number)(Shard),
            settings=settings(
                max_examples=-(-histories // len(SEEDS)),
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except BaseException as error:
        error.add_note(f"seed {number}, {Shard.histories} histories begun")
        raise
